import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'
import { checkHost, checkOrigin } from './auth.ts'
import type { Authenticator } from './authenticate.ts'
import { refuseSocket } from './errors.ts'
import { type Identity, type Need, needOf, requireRight, requireSeesAll } from './identity.ts'
import type { Pages } from './pages/pages.ts'
import { limitRequests } from './request-rate.ts'
import type { HttpSettings } from './settings.ts'
import { limitConnections } from './sockets.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token, because the response holds no data of users. */
    open?: boolean
    /** What the route needs of who asks; default `read` for GET and HEAD, else `write`. */
    needs?: Need
    /** Shows what all users have, without a filter: for those alone who see all. */
    showsAll?: boolean
    /** The body is a stream with limits of its own. */
    streams?: boolean
    /**
     * Whether the audit trail has what the route did by itself, or only refusals and what the handler says: for what comes so often that a second write
     * for each would slow it, and is kept anyway. Without it the trail has all that the route did, unless it only reads; with `all`, reading too.
     */
    audits?: 'all' | 'said'
    /** Whether it sends a stream of events: always, or where the request asks for one. */
    events?: 'always' | 'asked' | undefined
    /** Query parameters that may be repeated. */
    repeated?: readonly string[]
  }
  interface FastifyRequest {
    /** Who sends the request; null for a route that is open to everybody. */
    identity: Identity | null
  }
}

/** Adds the checks that every request must pass before a route or the pages handle it. */
export function addGuards(
  app: FastifyInstance,
  { settings, authenticator }: { settings: HttpSettings; authenticator: Authenticator },
  pages: Pages | undefined,
): void {
  app.decorateRequest('identity', null)
  const connections = limitConnections(app.server, settings)
  const count = limitRequests(settings.requestsPerMinute)
  app.addHook('preClose', async () => connections.closeSilent())
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(safeHeaders)
    checkHost(settings, request.headers, authenticator.isClosed)
    checkOrigin(settings, request.method, request.headers)
    if (answersOrigin(settings, request, reply)) return reply
    const isOpen = request.is404
      ? pages?.answersFor(request.url) === true
      : request.routeOptions.config.open === true
    if (!isOpen) {
      request.identity = await authenticator.identify(request)
      connections.authenticated(request.raw.socket)
      count(request.identity, request, reply)
      if (!request.is404) await checkRights(authenticator, request, request.identity)
    }
    checkEncoding(request)
    limitBodyTime(request, settings)
  })
  app.addHook('onRoute', route => {
    const query: unknown = route.schema?.querystring
    if (query instanceof z.ZodObject) route.config = { ...route.config, repeated: listsOf(query) }
  })
  app.addHook('preValidation', async request => {
    bodyTimers.get(request.raw)?.()
    const { repeated = [] } = request.routeOptions.config
    const query = request.query as Record<string, unknown>
    for (const name of repeated) if (query[name] !== undefined) query[name] = valuesOf(query[name])
  })
  readJson(app, settings)
}

/** Throws FORBIDDEN where the role does not allow what the route does, or the program does not. */
async function checkRights(
  authenticator: Authenticator,
  { method, params, routeOptions: { config, url = '' } }: FastifyRequest,
  identity: Identity,
): Promise<void> {
  const action = config.needs ?? needOf(method)
  requireRight(identity, action)
  if (config.showsAll === true) requireSeesAll(identity)
  await authenticator.authorize(identity, {
    action,
    method,
    route: url,
    params: params as Record<string, string>,
  })
}

/** Responses are data: a browser may not run, frame, sniff or cache them. */
const safeHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Methods of the API, request headers that it reads, and response headers of its own, for pages of other origins. */
const shared = {
  methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
  requestHeaders:
    'accept, accept-language, authorization, content-type, idempotency-key, if-match, if-none-match, if-range, last-event-id, prefer, range, traceparent, tracestate',
  responseHeaders:
    'accept-ranges, allow, content-disposition, content-range, etag, idempotency-replayed, link, location, preference-applied, ratelimit, ratelimit-policy, retry-after, traceparent',
} as const

/** How long a browser may keep what a preflight answered, seconds. */
const preflightAge = 600

/** Lets the pages of the allowed origins read the response (CORS). Returns whether the request was the question whether they may, and is answered. */
function answersOrigin(
  { allowedOrigins }: HttpSettings,
  { headers, is404, method }: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
  // What is no route is a file of the pages, which other origins have no use for.
  if (allowedOrigins.length === 0 || (is404 && !isPreflight)) return false
  reply.header('vary', 'origin')
  const { origin } = headers
  if (origin === undefined || !allowedOrigins.includes(origin)) return false
  reply.header('access-control-allow-origin', origin)
  if (!isPreflight) {
    reply.header('access-control-expose-headers', shared.responseHeaders)
    return false
  }
  reply.headers({
    'access-control-allow-methods': shared.methods,
    'access-control-allow-headers': shared.requestHeaders,
    'access-control-max-age': preflightAge,
  })
  reply.code(204).send()
  return true
}

/** Returns the values of a repeated parameter, each once and sorted, so that equal filters have equal page tokens. */
function valuesOf(given: unknown): unknown[] {
  return [...new Set(Array.isArray(given) ? given : [given])].sort()
}

/** Returns the names of a query that take several values. */
function listsOf(query: z.ZodObject): string[] {
  return Object.entries(query.shape)
    .filter(
      ([, schema]) => (schema instanceof z.ZodOptional ? schema.unwrap() : schema) instanceof z.ZodArray,
    )
    .map(([name]) => name)
}

/** Throws MEDIA_TYPE_UNSUPPORTED for compressed bodies: a small one can hold a very large text. */
function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === '' || encoding === 'identity') return
  throw new QuillworkError('MEDIA_TYPE_UNSUPPORTED', 'Send the body without a content encoding.')
}

const bodyTimers = new WeakMap<object, () => void>()

/** Responds on the socket when a body does not arrive in time: the parser that waits for it would never respond. */
function limitBodyTime(request: FastifyRequest, { bodyTimeoutMs }: HttpSettings): void {
  const { headers, raw } = request
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  if (!hasBody || request.routeOptions.config.streams === true) return
  const timer = setTimeout(
    () => refuseSocket({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, raw.socket),
    bodyTimeoutMs,
  )
  const stop = () => clearTimeout(timer)
  bodyTimers.set(raw, stop)
  raw.once('close', stop)
}

/** Parses JSON and nothing else. A missing body stays undefined. `__proto__` and `constructor.prototype` are refused as keys. */
function readJson(app: FastifyInstance, { bodyDepth }: HttpSettings): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString()
    if (text === '') return done(null, undefined)
    try {
      checkJsonText(text, bodyDepth)
    } catch (error) {
      return done(error as Error)
    }
    return parse(request, text, done)
  })
}

const quote = 0x22
const backslash = 0x5c
const minus = 0x2d
const numberForm = /-?\d[\d.eE+-]*/y

/**
 * Scans JSON text before it is parsed. Throws REQUEST_INVALID for text nested deeper than `deepest`, which could overflow a reader, and for
 * a number that would be read as another one.
 */
export function checkJsonText(text: string, deepest: number): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > deepest) throw refused(`The body is nested deeper than ${deepest} levels.`)
    } else if (code === 0x7d || code === 0x5d) depth -= 1
    else if (code === minus || (code >= 0x30 && code <= 0x39)) at += checkNumber(text, at) - 1
  }
}

/** Returns the position of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at += 1
  }
  return text.length
}

/** Returns the length of the number at that place, at least 1. */
function checkNumber(text: string, at: number): number {
  numberForm.lastIndex = at
  const [number = ''] = numberForm.exec(text) ?? []
  const value = Number(number)
  const shown = number.length > 40 ? `${number.slice(0, 40)}...` : number
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw refused(`The number ${shown} is too large; send it as text.`)
  if (/^-?\d+$/.test(number) && Math.abs(value) > Number.MAX_SAFE_INTEGER && !isExact(number, value))
    throw refused(`The number ${shown} cannot be stored exactly; send it as text.`)
  return Math.max(1, number.length)
}

/** Returns whether the number is read exactly, or is how JavaScript writes the one that is read. */
function isExact(number: string, value: number): boolean {
  return String(value) === number || BigInt(value) === BigInt(number)
}

function refused(message: string): QuillworkError {
  return new QuillworkError('REQUEST_INVALID', message)
}
