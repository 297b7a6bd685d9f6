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
import { fieldOf, isA, messageOf, numberIn, textIn, textOf } from './thrown.ts'

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
    at = fieldOf(at, 'cause')
  }
  return chain
}

function keptMessage(error: unknown): string {
  return messageOf(error).slice(0, longestMessage)
}

/**
 * Returns the delay that a provider asked for, in milliseconds: what the headers of its answer say, the `retryAfterMs` of an error, or the
 * time of a snooze. Undefined when the error says nothing readable.
 */
export function retryAfterOf(error: unknown, now: number): number | undefined {
  if (isA(error, SnoozeError)) return usable(Math.max(0, (numberIn(error, 'until') ?? Number.NaN) - now))
  const ownMs = numberIn(error, 'retryAfterMs')
  if (ownMs !== undefined) return usable(ownMs)
  const ms = requestedWaitMs({ headers: headersOf(error) }, now)
  return ms === undefined ? undefined : usable(ms)
}

function usable(ms: number): number | undefined {
  return ms >= 0 && ms <= longestDelay ? Math.ceil(ms) : undefined
}

/** The headers by their names in lower case. When a limit is reset is said with every answer; it is a wait only where the call was refused for it. */
function headersOf(error: unknown): Record<string, string> {
  const isRefused = statusOf(error) === 429
  return Object.fromEntries(
    entriesOf(fieldOf(error, 'responseHeaders') ?? fieldOf(error, 'headers')).flatMap(([header, value]) => {
      const name = header.toLowerCase()
      return isRefused || name.startsWith('retry-after') ? [[name, value]] : []
    }),
  )
}

function isTexts(entry: unknown): entry is readonly [string, string] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string'
}

/** Returns those headers that are texts. */
function entriesOf(headers: unknown): readonly (readonly [string, string])[] {
  if (typeof headers !== 'object' || headers === null) return []
  try {
    const entries: readonly unknown[] = headers instanceof Headers ? [...headers] : Object.entries(headers)
    return entries.filter(isTexts)
  } catch {
    return []
  }
}

function statusOf(error: unknown): number | undefined {
  return numberIn(error, 'statusCode') ?? numberIn(error, 'status')
}

/** HTTP statuses that say the request itself is wrong; 408, 425 and 429 are not among them. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429
}

function classOf(error: unknown): ErrorClass | undefined {
  if (isA(error, SnoozeError)) return 'rate-limited'
  if (isA(error, PermanentError)) return 'permanent'
  if (isA(error, QuillworkError)) return classOfCode(textIn(error, 'code') ?? '')
  if (isA(error, Error) && fieldOf(error, 'name') === 'TimeoutError') return 'timeout'
  const status = statusOf(error)
  if (status === 429) return 'rate-limited'
  if (status !== undefined && isRefusal(status)) return 'permanent'
  return undefined
}

function classOfCode(code: string): ErrorClass | undefined {
  if (!Object.hasOwn(errorCatalogue, code)) return undefined
  const entry = errorCatalogue[code as ErrorCode]
  if ('errorClass' in entry) return entry.errorClass
  return entry.retryable ? 'retryable' : 'permanent'
}

function codeOf(error: unknown): string {
  return textIn(error, 'code')?.slice(0, 100) || 'HANDLER_FAILED'
}

/** What a snooze waits for. */
function waitOf(snooze: SnoozeError): Pick<ErrorInfo, 'limit' | 'limitCost' | 'need' | 'since'> {
  const budget = fieldOf(snooze, 'budget')
  const need = fieldOf(budget, 'need')
  const [tokens, cost] = [numberIn(need, 'tokens'), numberIn(need, 'cost')]
  return defined({
    limit: textIn(snooze, 'limit'),
    limitCost: numberIn(snooze, 'limitCost'),
    need: tokens === undefined ? undefined : { tokens, ...defined({ cost }) },
    since: numberIn(budget, 'since'),
  })
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
  const isSnooze = isA(decisive, SnoozeError)
  if (isSnooze) Object.assign(info, waitOf(decisive))
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
  if (isA(error, Error)) {
    const name = fieldOf(error, 'name')
    const stack = textIn(error, 'stack')
    if (name !== undefined) info.name = textOf(name).slice(0, longestName)
    if (stack !== undefined) info.stack = framesOf(stack)
  }
  if (extra.causes !== undefined && extra.causes.length > 0) info.causes = extra.causes
  return info
}
