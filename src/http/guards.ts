import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'
import { checkHost, checkOrigin, checkToken } from './auth.ts'
import { refuseSocket } from './errors.ts'
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

/**
 * What JSON text may hold beyond being JSON: nesting that no reader overflows on, and numbers that come back as they were sent.
 * A scan of the text, before anything is built from it.
 */

const quote = 0x22
const backslash = 0x5c
const minus = 0x2d
const numberForm = /-?\d[\d.eE+-]*/y

/** Throws REQUEST_INVALID for text nested deeper than `deepest`, or with a number that would be read as another one. */
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

/** The place of the closing quote, or the end of the text. */
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
    throw refused(`The number ${shown} would not be kept exactly; send it as text.`)
  return Math.max(1, number.length)
}

/** Whether it is the number that will be read, or how JavaScript writes that one. */
function isExact(number: string, value: number): boolean {
  return String(value) === number || BigInt(value) === BigInt(number)
}

function refused(message: string): QuillworkError {
  return new QuillworkError('REQUEST_INVALID', message)
}
