import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'
import { checkHost, checkOrigin, checkToken } from './auth.ts'
import { refuseSocket } from './errors.ts'
import { checkJsonText } from './json-body.ts'
import type { Pages } from './pages/pages.ts'
import type { HttpSettings } from './settings.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token: says nothing of anybody's work. */
    open?: boolean
    /** The body is a stream with limits of its own. */
    streams?: boolean
    /** Query parameters that may be repeated. */
    repeated?: readonly string[]
  }
}

/** What every request must pass before a route sees it, or the pages do. */
export function addGuards(app: FastifyInstance, settings: HttpSettings, pages: Pages | undefined): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(safeHeaders)
    checkHost(settings, request.headers)
    checkOrigin(settings, request.method, request.headers)
    const isOpen = request.is404
      ? pages?.answersFor(request.url) === true
      : request.routeOptions.config.open === true
    if (!isOpen) checkToken(settings.token, request.headers)
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

/** Responses are data: nothing of them may run, be framed, be guessed at or be kept. */
const safeHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Given once or several times: each value once, in one order, so that the same filter in other words is the same filter. */
function valuesOf(given: unknown): unknown[] {
  return [...new Set(Array.isArray(given) ? given : [given])].sort()
}

/** Names of a query that take several values. */
function listsOf(query: z.ZodObject): string[] {
  return Object.entries(query.shape)
    .filter(
      ([, schema]) => (schema instanceof z.ZodOptional ? schema.unwrap() : schema) instanceof z.ZodArray,
    )
    .map(([name]) => name)
}

/** Compressed bodies are refused: a small one can hold a very large text. */
function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === '' || encoding === 'identity') return
  throw new QuillworkError('MEDIA_TYPE_UNSUPPORTED', 'Send the body without a content encoding.')
}

const bodyTimers = new WeakMap<object, () => void>()

/** A body that does not arrive in time is answered on the socket: the parser that waits for it answers nothing. */
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

/** JSON alone is parsed; a missing body stays undefined. `__proto__` and `constructor.prototype` are refused as keys. */
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
