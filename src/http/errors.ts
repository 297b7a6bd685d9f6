import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../runtime/log.ts'
import { type ErrorCode, errorCatalogue, QuillworkError } from '../task/errors.ts'
import type { SchemaIssue } from '../task/schema.ts'
import { fieldOf, isA, messageOf, numberIn, textIn } from '../task/thrown.ts'
import { endsOfKeys } from './api-keys.ts'
import { roles } from './identity.ts'
import type { Problem } from './schemas/problem.ts'

type Issue = NonNullable<Problem['errors']>[number]

const problemType = 'application/problem+json; charset=utf-8'

/** The codes of the catalogue for errors of Fastify and of the system. */
const codes: Record<string, ErrorCode> = {
  FST_ERR_VALIDATION: 'REQUEST_INVALID',
  FST_ERR_CTP_BODY_TOO_LARGE: 'REQUEST_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_BAD_URL: 'REQUEST_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'REQUEST_INVALID',
  ENOSPC: 'STORE_FULL',
}

/** Returns an error as a problem. An error without a code is INTERNAL, and its message stays in the log. */
function problemOf(error: unknown, at: { path: string; traceId: string }): Problem {
  const code = codeOf(error)
  const { retryable, status, meaning } = errorCatalogue[code]
  const errors = issuesOf(error)
  const version = detailIn(error, 'version')
  return {
    type: `urn:quillwork:error:${code}`,
    title: meaning,
    status,
    detail: detailOf(error, code, errors),
    instance: at.path,
    code,
    retryable,
    errors: errors.length === 0 ? undefined : errors,
    version: typeof version === 'number' ? version : undefined,
    neededRole: roles.find(role => role === detailIn(error, 'neededRole')),
    ended: endsOfKeys.find(end => end === detailIn(error, 'ended')),
    traceId: at.traceId,
  }
}

function codeOf(error: unknown): ErrorCode {
  const own = textIn(error, 'code') ?? ''
  if (isA(error, QuillworkError) && Object.hasOwn(errorCatalogue, own)) return own as ErrorCode
  const known = Object.hasOwn(codes, own) ? codes[own] : undefined
  if (known !== undefined) return known
  const isOfRequest = numberIn(error, 'statusCode') === 400 || isA(error, URIError)
  return isOfRequest ? 'REQUEST_INVALID' : 'INTERNAL'
}

/** Returns one of the details of an error of the catalogue. */
function detailIn(error: unknown, name: string): unknown {
  return isA(error, QuillworkError) ? fieldOf(fieldOf(error, 'details'), name) : undefined
}

function detailOf(error: unknown, code: ErrorCode, issues: readonly Issue[]): string {
  const isOwn = isA(error, QuillworkError)
  if (code === 'INTERNAL' && !isOwn)
    return 'An unexpected error occurred. The log of the server has it under the trace id.'
  const [first] = issues
  if (isOwn || first === undefined) return isA(error, Error) ? messageOf(error) : errorCatalogue[code].meaning
  const more = issues.length > 1 ? ` And ${issues.length - 1} more.` : ''
  return `${first.in} ${first.pointer === '' ? '' : `${first.pointer}: `}${first.detail}${more}`
}

const places = { body: 'body', querystring: 'query', params: 'path', headers: 'header' } as const

/** Returns what a schema refused: the schema of a route, or that of the parameters of a task type. */
function issuesOf(error: unknown): Issue[] {
  if (isA(error, QuillworkError)) return ownIssues(error)
  const refused = fieldOf(error, 'validation')
  if (!Array.isArray(refused)) return []
  const where = places[textIn(error, 'validationContext') as keyof typeof places] ?? 'body'
  return refused.slice(0, 20).map((issue: { instancePath?: string; keyword?: string; message?: string }) => ({
    in: where,
    pointer: issue.instancePath === '/' ? '' : (issue.instancePath ?? ''),
    code: issue.keyword,
    detail: issue.message ?? 'This value is invalid.',
  }))
}

function ownIssues(error: QuillworkError): Issue[] {
  const issues = detailIn(error, 'issues')
  if (!Array.isArray(issues)) return []
  return issues.slice(0, 20).map(({ pointer, detail }: SchemaIssue) => ({
    in: 'body',
    pointer: codeOf(error) === 'PARAMETERS_INVALID' ? `/parameters${pointer}` : pointer,
    detail,
  }))
}

/** What a handler may have set before it failed. */
const headersOfSuccess = ['location', 'etag', 'link', 'idempotency-replayed', 'preference-applied']

/** What the log has once for many requests, from where it is noticed: anybody can send one that fails by it. */
const saidElsewhere: ReadonlySet<string> = new Set<ErrorCode>(['IDENTITY_PROVIDER_UNAVAILABLE'])

/** Responds with an error, unless the client has disconnected. */
export function sendProblem(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (request.raw.socket.destroyed) return
  const problem = problemOf(error, { path: pathOf(request.url), traceId: request.id })
  if (problem.status >= 500 && !saidElsewhere.has(problem.code))
    log.error(
      { err: error, traceId: request.id, method: request.method, path: problem.instance },
      'request failed',
    )
  for (const name of headersOfSuccess) reply.removeHeader(name)
  const allow = detailIn(error, 'allow')
  if (typeof allow === 'string') reply.header('allow', allow)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="quillwork"')
  if (problem.status === 429 || problem.status === 503)
    reply.header('retry-after', String(detailIn(error, 'retryAfter') ?? 1))
  reply.code(problem.status).header('cache-control', 'no-store').type(problemType).send(problem)
}

/** Returns the error for an address that nothing answers. */
export function routeNotFound(): QuillworkError {
  return new QuillworkError(
    'ROUTE_NOT_FOUND',
    'This address does not exist; see /v1/openapi.json for all addresses.',
  )
}

/** Returns the error for a method that an address does not take. The response names those that it takes, `allow`. */
export function methodNotAllowed(allow: string): QuillworkError {
  return new QuillworkError('METHOD_NOT_ALLOWED', `This address takes ${allow}.`, { details: { allow } })
}

/** Returns the path of a request without its query, which may hold what a log or a response must not repeat. */
function pathOf(url: string): string {
  return url.replace(/\?.*$/s, '').slice(0, 500)
}

const socketCodes: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** Responds on a socket from which no request could be read, and closes it. */
export function refuseSocket(error: { code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code = socketCodes[error.code ?? ''] ?? 'REQUEST_INVALID'
  const body = JSON.stringify(
    problemOf(new QuillworkError(code, errorCatalogue[code].meaning), { path: '', traceId: '' }),
  )
  const { status } = errorCatalogue[code]
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: ${problemType}\r\n` +
      `x-content-type-options: nosniff\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  socket.destroySoon()
}
