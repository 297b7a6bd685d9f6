import type { Logger } from '../../runtime/log.ts'
import { QuillworkError } from '../../task/errors.ts'
import { messageOf as wholeMessageOf } from '../../task/thrown.ts'
import type { SignedMessage } from '../broker.ts'

/** Codes that the broker closes a channel with. */
export const notFound = 404
const preconditionFailed = 406

/** Codes with which the broker refuses a login or a vhost: what it asks for is a person, not another try. */
const refusals = new Set([403, 530])

/** The AMQP code of a driver's error, if it carries one. */
export function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}

/** Whether something is there with other arguments than ours. */
export function isDifferent(error: unknown): boolean {
  return codeOf(error) === preconditionFailed
}

/** Whether the broker answered and does not let us in. */
export function isRefusal(error: unknown): boolean {
  if (refusals.has(codeOf(error) ?? 0)) return true
  return error instanceof Error && /ACCESS.REFUSED|NOT.ALLOWED/.test(error.message)
}

/** What an error says, without the driver's words around it. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(part => messageOf(part)).join('; ')
  const text = wholeMessageOf(error)
  // The driver keeps the broker's reason to itself. Most often it is a vhost that is not there, or not there yet.
  if (text.includes('got <ConnectionClose'))
    return 'the broker closed the connection as it was opened: see that the vhost exists and that the user may use it'
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text
}

/** The broker has something that the promises cannot be kept with. */
export function unsuitable(message: string, cause?: unknown): QuillworkError {
  return new QuillworkError('BROKER_UNSUITABLE', message, { cause })
}

/** Whether an error is the one that `unsuitable` makes. */
export function isUnsuitable(error: unknown): error is QuillworkError {
  return error instanceof QuillworkError && error.code === 'BROKER_UNSUITABLE'
}

/** The broker does not answer. */
export function unreachable(message: string): QuillworkError {
  return new QuillworkError('BROKER_UNREACHABLE', message)
}

/** Milliseconds between two log lines about messages that were dropped for one reason. */
const logRejectionsMs = 60_000

/** What is wrong now at one broker, and how often what went wrong. Each problem has a key under which it is logged once and resolved. */
export class Health {
  reconnects = 0
  returned = 0
  unconfirmed = 0
  readonly rejected: Record<SignedMessage, number> = { delivery: 0, control: 0, event: 0 }
  readonly #rejectionsLoggedAt = new Map<string, number>()
  readonly #problems = new Map<string, string>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  get problems(): readonly string[] {
    return [...this.#problems.values()]
  }

  /** Notes a problem and logs it, unless it is known already. `text` says what to do. */
  problem(key: string, text: string): void {
    if (this.#problems.get(key) === text) return
    this.#problems.set(key, text)
    this.#log.warn({ broker: 'rabbitmq', problem: key }, text)
  }

  /** Counts a message that is dropped, because it has no valid signature or for the reason given, and logs that there are some of its kind. */
  reject(what: SignedMessage, unreadable?: string): void {
    this.rejected[what] += 1
    const now = performance.now()
    const text =
      unreadable === undefined
        ? 'messages without a valid signature dropped'
        : 'message could not be read; dropped'
    if (now - (this.#rejectionsLoggedAt.get(text) ?? Number.NEGATIVE_INFINITY) < logRejectionsMs) return
    this.#rejectionsLoggedAt.set(text, now)
    this.#log.warn({ broker: 'rabbitmq', what, reason: unreadable }, text)
  }

  /** The problem is over. */
  solved(key: string): void {
    if (this.#problems.delete(key)) this.#log.info({ broker: 'rabbitmq', problem: key }, 'problem solved')
  }
}
