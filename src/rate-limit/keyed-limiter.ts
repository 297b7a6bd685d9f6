/** What every limiter has: its limits, the accounts that it knows, and those who listen for capacity that came early. */
import { createEmitter } from '../runtime/emitter.ts'
import { QuillworkError } from '../task/errors.ts'
import { type LimitAccount, newAccount, probesLeft, sweep } from './account.ts'
import { takeReady, usedNow } from './arithmetic.ts'
import type {
  Acquired,
  AcquireRequest,
  Limit,
  LimitSource,
  LimitUse,
  RateLimiter,
  Reservation,
} from './limiter.ts'

/** Settles nothing: for keys without an account. */
export const unlimited: Reservation = { commit() {}, release() {} }

/** Limits by key, or where they are read. */
export type GivenLimits = Readonly<Record<string, Limit>> | LimitSource

/** A limiter, without what it decides where its accounts lie. */
export abstract class KeyedLimiter<C extends { now(): number }> implements RateLimiter {
  protected readonly clock: C
  readonly #limits: LimitSource
  /** A listener that throws must not fail the call whose end freed the capacity: the ticket still has its promised time. */
  readonly #capacity = createEmitter<[key: string, ticket: string]>()
  /** By key, as far as is known: of keys with limits once they are used, of others while they are parked. */
  protected readonly accounts = new Map<string, LimitAccount>()

  /** Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
  constructor({ limits, clock }: { limits: GivenLimits; clock: C }) {
    this.#limits = isSource(limits) ? limits : new Map(Object.entries(limits))
    for (const key of this.#limits.keys()) requireValid(key, this.limitOf(key))
    this.clock = clock
  }

  abstract acquire(request: AcquireRequest): Promise<Acquired>
  abstract keepPlace(request: AcquireRequest): Promise<number>
  abstract withdraw(key: string, ticket: string): Promise<void>
  abstract park(key: string, until: number): Promise<void>
  abstract reset(key: string): Promise<void>

  async stop(): Promise<void> {}

  onCapacity(listener: (key: string, ticket: string) => void): () => void {
    return this.#capacity.on(listener)
  }

  describe(key?: string): readonly LimitUse[] {
    const now = this.clock.now()
    if (key !== undefined) return this.#describeOne(key, now)
    this.sweep(now)
    const limited = [...this.#limits.keys()].filter(key => this.isLimited(key))
    const keys = new Set([...limited, ...this.accounts.keys()])
    return [...keys].map(key => useOf(key, this.limitOf(key), this.accounts.get(key) ?? newAccount(now)))
  }

  #describeOne(key: string, now: number): readonly LimitUse[] {
    const account = this.accounts.get(key)
    const isUsed = account !== undefined && sweep(account, now)
    return isUsed || this.isLimited(key) ? [useOf(key, this.limitOf(key), account ?? newAccount(now))] : []
  }

  /** Keeps memory to what still counts. An account with open holds stays: its reservations point to it. */
  protected sweep(now: number): void {
    // A key that is listed no more may still have its limit, for attempts that began with it.
    const listed = new Set(this.#limits.keys())
    for (const [key, account] of this.accounts)
      if (!sweep(account, now) && !(listed.has(key) && this.isLimited(key))) this.accounts.delete(key)
  }

  /** All configured keys, and others while they are parked. */
  protected get keys(): readonly string[] {
    return [...new Set([...this.#limits.keys(), ...this.accounts.keys()])]
  }

  isKnown(key: string): boolean {
    return this.#limits.get(key) !== undefined
  }

  protected isLimited(key: string): boolean {
    return Object.values(this.limitOf(key)).some(value => value !== undefined)
  }

  protected limitOf(key: string): Limit {
    return this.#limits.get(key) ?? {}
  }

  /** Whether anybody listens. */
  protected get isListenedTo(): boolean {
    return this.#capacity.size > 0
  }

  /** The tickets to call: none while nobody listens. */
  protected readyIn(key: string, account: LimitAccount): string[] {
    return this.isListenedTo ? takeReady(account, this.limitOf(key), this.clock.now()) : []
  }

  protected call(key: string, ticket: string): void {
    this.#capacity.emit(key, ticket)
  }
}

function isSource(limits: GivenLimits): limits is LimitSource {
  return typeof limits['get'] === 'function'
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
    ...(account.probe === undefined ? {} : { isProbed: true as const }),
    ...(probesLeft(account) > 0 ? {} : { isProbing: true as const }),
  }
}
