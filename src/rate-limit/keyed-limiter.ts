/** What every limiter has: its limits, the accounts that it knows, and those who listen for capacity that came early. */
import { QuillworkError } from '../task/errors.ts'
import { type LimitAccount, newAccount, sweep } from './account.ts'
import { takeReady, usedNow } from './arithmetic.ts'
import type { Acquired, AcquireRequest, Limit, LimitUse, RateLimiter, Reservation } from './limiter.ts'

/** Settles nothing: for keys without an account. */
export const unlimited: Reservation = { commit() {}, release() {} }

type Listener = (key: string, ticket: string) => void

/** A limiter, without what it decides where its accounts lie. */
export abstract class KeyedLimiter implements RateLimiter {
  readonly #limits: ReadonlyMap<string, Limit>
  readonly #now: () => number
  readonly #listeners = new Set<Listener>()
  /** By key, as far as is known: of configured keys once they are used, of others while they are parked. */
  protected readonly accounts = new Map<string, LimitAccount>()

  /** Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
  constructor(limits: Readonly<Record<string, Limit>>, clock: { now(): number }) {
    for (const [key, limit] of Object.entries(limits)) requireValid(key, limit)
    this.#limits = new Map(Object.entries(limits))
    this.#now = () => clock.now()
  }

  abstract acquire(request: AcquireRequest): Promise<Acquired>
  abstract withdraw(key: string, ticket: string): Promise<void>
  abstract park(key: string, until: number): Promise<void>

  onCapacity(listener: Listener): () => void {
    // A function of its own per call, so that a listener added twice is two, each with its own end.
    const own: Listener = (key, ticket) => listener(key, ticket)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  describe(): readonly LimitUse[] {
    const now = this.#now()
    this.sweep(now)
    const keys = new Set([...this.#limits.keys(), ...this.accounts.keys()])
    return [...keys].map(key => useOf(key, this.limitOf(key), this.accounts.get(key) ?? newAccount(now)))
  }

  /** Keeps memory to what still counts. An account with open holds stays: its reservations point to it. */
  protected sweep(now: number): void {
    for (const [key, account] of this.accounts)
      if (!sweep(account, now) && !this.isLimited(key)) this.accounts.delete(key)
  }

  protected isLimited(key: string): boolean {
    return this.#limits.has(key)
  }

  protected limitOf(key: string): Limit {
    return this.#limits.get(key) ?? {}
  }

  /** Whether anybody listens. */
  protected get isListenedTo(): boolean {
    return this.#listeners.size > 0
  }

  /** The tickets to call: none while nobody listens. */
  protected readyIn(key: string, account: LimitAccount): string[] {
    return this.isListenedTo ? takeReady(account, this.limitOf(key), this.#now()) : []
  }

  /** A listener that throws must not fail the call whose end freed the capacity: the ticket still has its promised time. */
  protected call(key: string, ticket: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(key, ticket)
      } catch {
        // Best effort by contract.
      }
    }
  }
}

function requireValid(key: string, limit: Limit): void {
  for (const name of ['requestsPerMinute', 'tokensPerMinute', 'concurrency'] as const) {
    const value = limit[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue
    const message = `The limit ${name} of ${key} must be a whole number of at least 1, not ${value}.`
    throw new QuillworkError('OPTION_INVALID', message, { details: { key, name } })
  }
}

function useOf(key: string, limit: Limit, account: LimitAccount): LimitUse {
  return {
    key,
    limit,
    inFlight: account.holds.size,
    waiting: account.queue.order.length,
    ...usedNow(account),
    ...(account.parkedUntil > account.now ? { parkedUntil: account.parkedUntil } : {}),
  }
}
