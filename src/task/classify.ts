import { defined } from './defined.ts'
import {
  type ErrorClass,
  type ErrorCode,
  type ErrorInfo,
  errorCatalogue,
  PermanentError,
  plainError,
  QuillworkError,
  SnoozeError,
} from './errors.ts'
import { requestedWaitMs } from './retry-after.ts'

/** An error that escaped a handler: its class, what to keep of it, and when to try again if it said so. */
export interface ClassifiedError {
  errorClass: ErrorClass
  info: ErrorInfo
  /** Epoch milliseconds: not before this time. From a snooze or a Retry-After. */
  notBefore?: number
  /** The time came from a provider that refused the call: it holds for every caller. */
  refusedByProvider?: boolean
}

const longestMessage = 2_000
const deepestCause = 5
/** A year in milliseconds: a request for a longer wait is a mistake, and ignored. */
export const longestDelay = 31_536_000_000

/** Walks the chain of causes, outermost first; a cycle or a very long chain ends after five. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (
    let at = error;
    at !== undefined && at !== null && chain.length < deepestCause && !chain.includes(at);
  ) {
    chain.push(at)
    at = typeof at === 'object' && 'cause' in at ? at.cause : undefined
  }
  return chain
}

function keptMessage(error: unknown): string {
  const said: unknown = error instanceof Error ? error.message : error
  const text = typeof said === 'string' ? said : said === null || said === undefined ? '' : describe(said)
  return (text || 'The error has no message.').slice(0, longestMessage)
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return typeof value === 'bigint' ? `${value}` : 'The error cannot be read.'
  }
}

/**
 * Returns the delay that a provider asked for, in milliseconds: what the headers of its answer say, the `retryAfterMs` of an error, or the
 * time of a snooze. Undefined when the error says nothing readable.
 */
export function retryAfterOf(error: unknown, now: number): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if (error instanceof SnoozeError) return usable(Math.max(0, error.until - now))
  if ('retryAfterMs' in error && typeof error.retryAfterMs === 'number') return usable(error.retryAfterMs)
  const ms = requestedWaitMs({ headers: headersOf(error) }, now)
  return ms === undefined ? undefined : usable(ms)
}

function usable(ms: number): number | undefined {
  return ms >= 0 && ms <= longestDelay ? Math.ceil(ms) : undefined
}

/** The headers by their names in lower case. When a limit is reset is said with every answer; it is a wait only where the call was refused for it. */
function headersOf(error: object): Record<string, string> {
  const headers: unknown =
    'responseHeaders' in error ? error.responseHeaders : 'headers' in error ? error.headers : undefined
  if (typeof headers !== 'object' || headers === null) return {}
  const isRefused = statusOf(error) === 429
  const entries: readonly (readonly [string, unknown])[] =
    headers instanceof Headers ? [...headers] : Object.entries(headers)
  return Object.fromEntries(
    entries.flatMap(([header, value]) => {
      const name = header.toLowerCase()
      return typeof value === 'string' && (isRefused || name.startsWith('retry-after')) ? [[name, value]] : []
    }),
  )
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode
  return 'status' in error && typeof error.status === 'number' ? error.status : undefined
}

/** HTTP statuses that say the request itself is wrong; 408, 425 and 429 are not among them. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429
}

function classOf(error: unknown): ErrorClass | undefined {
  if (error instanceof SnoozeError) return 'rate-limited'
  if (error instanceof PermanentError) return 'permanent'
  if (error instanceof QuillworkError) return classOfCode(error.code)
  if (error instanceof Error && error.name === 'TimeoutError') return 'timeout'
  const status = statusOf(error)
  if (status === 429) return 'rate-limited'
  if (status !== undefined && isRefusal(status)) return 'permanent'
  return undefined
}

function classOfCode(code: ErrorCode): ErrorClass {
  const entry = errorCatalogue[code]
  if ('errorClass' in entry) return entry.errorClass
  return entry.retryable ? 'retryable' : 'permanent'
}

function codeOf(error: unknown): string {
  const own = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof own === 'string' && own.length > 0 ? own.slice(0, 100) : 'HANDLER_FAILED'
}

/**
 * Classifies what a handler threw. The first error of the cause chain that has a class decides; an error without a class is
 * retryable. A 429 without a readable Retry-After is retryable: only a named time makes a wait that spends no retry.
 *
 * @param now Epoch milliseconds, for Retry-After dates.
 */
export function classifyError(error: unknown, now: number): ClassifiedError {
  const chain = chainOf(error)
  const decisive = chain.find(link => classOf(link) !== undefined) ?? error
  let errorClass = classOf(decisive) ?? 'retryable'
  const delay = chain.map(link => retryAfterOf(link, now)).find(ms => ms !== undefined)
  const notBefore = delay === undefined ? undefined : now + delay
  if (errorClass === 'rate-limited' && notBefore === undefined) errorClass = 'retryable'
  const causes = chain.slice(1).map(keptMessage)
  const info = errorInfo(error, errorClass, { code: codeOf(decisive), causes })
  const isSnooze = decisive instanceof SnoozeError
  if (isSnooze)
    Object.assign(info, defined({ limit: decisive.limit, limitCost: decisive.limitCost }), decisive.budget)
  const refusedByProvider = errorClass === 'rate-limited' && !isSnooze ? true : undefined
  return defined({ errorClass, info, notBefore, refusedByProvider })
}

/** Characters of an error's name, and of its stack, that a record keeps. */
const longestName = 100
const longestStack = 4_000
/** Frames of a stack that a record keeps. */
const mostFrames = 10

/** The frames alone: a stack begins with the message, which may be a whole answer of a model. */
function framesOf(stack: string): string {
  const frames = stack.split('\n').filter(line => /^\s+at /.test(line))
  return frames.slice(0, mostFrames).join('\n').slice(0, longestStack)
}

/** Returns the plain data that a record keeps of an error. */
export function errorInfo(
  error: unknown,
  errorClass: ErrorClass,
  extra: { code: string; causes?: readonly string[] },
): ErrorInfo {
  const info = plainError(extra.code, keptMessage(error), errorClass)
  if (error instanceof Error) {
    info.name = `${error.name}`.slice(0, longestName)
    if (typeof error.stack === 'string') info.stack = framesOf(error.stack)
  }
  if (extra.causes !== undefined && extra.causes.length > 0) info.causes = extra.causes
  return info
}
