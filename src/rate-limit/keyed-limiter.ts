/** What every limiter has: its limits, the accounts that it knows, and those who listen for capacity that came early. */
import { createEmitter } from '../runtime/emitter.ts'
import { type LimitAccount, newAccount, probesLeft, sweep } from './account.ts'
import { mostAsked, takeReady, usedNow, whoWaits } from './arithmetic.ts'
import {
  type Acquired,
  type AcquireRequest,
  type Limit,
  type LimitOverrides,
  type LimitSource,
  type LimitUse,
  limitParts,
  type RateLimiter,
  type Reservation,
  requireLimit,
} from './limiter.ts'

/** Settles nothing: for keys without an account. */
export const unlimited: Reservation = { commit() {}, release() {} }

/** Limits by key, or where they are read. */
export type GivenLimits = Readonly<Record<string, Limit>> | LimitSource

/** A limiter, without what it decides where its accounts lie. */
export abstract class KeyedLimiter<C extends { now(): number }> implements RateLimiter {
  protected readonly clock: C
  readonly overrides: LimitOverrides
  readonly #limits: LimitSource
  #set: ReadonlyMap<string, Limit> = new Map()
  /** A listener that throws must not fail the call whose end freed the capacity: the ticket still has its promised time. */
  readonly #capacity = createEmitter<[key: string, ticket: string]>()
  /** By key, as far as is known: of keys with limits once they are used, of others while they are parked. */
  protected readonly accounts = new Map<string, LimitAccount>()

  /** Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
  constructor({ limits, clock }: { limits: GivenLimits; clock: C }) {
    this.#limits = isSource(limits) ? limits : new Map(Object.entries(limits))
    for (const key of this.#limits.keys()) requireLimit(key, this.limitOf(key))
    this.clock = clock
    this.overrides = {
      use: set => this.#useSet(set),
      configured: key => this.#limits.get(key),
      setOf: key => this.#set.get(key),
      mostAsked: key => {
        const account = this.accounts.get(key)
        return (account && mostAsked(account)) ?? 0
      },
      replan: key => this.replan(key),
    }
  }

  abstract acquire(request: AcquireRequest): Promise<Acquired>
  abstract keepPlace(request: AcquireRequest): Promise<number>
  abstract withdraw(key: string, ticket: string): Promise<void>
  abstract park(key: string, until: number): Promise<void>
  abstract reset(key: string): Promise<void>
  protected abstract replan(key: string): Promise<void>
  /** Calls those in this process who may be granted now. */
  protected abstract callReady(key: string, account: LimitAccount): void

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
    return [...keys].map(key => this.#useOf(key, this.accounts.get(key) ?? newAccount(now)))
  }

  #describeOne(key: string, now: number): readonly LimitUse[] {
    const account = this.accounts.get(key)
    const isUsed = account !== undefined && sweep(account, now)
    return isUsed || this.isLimited(key) ? [this.#useOf(key, account ?? newAccount(now))] : []
  }

  #useOf(key: string, account: LimitAccount): LimitUse {
    const [configured, setLimit] = [this.#limits.get(key), this.#set.get(key)]
    const isSet = configured !== undefined && setLimit !== undefined
    return { ...useOf(key, this.limitOf(key), account), ...(isSet && { setLimit, configured }) }
  }

  #useSet(set: ReadonlyMap<string, Limit>): void {
    const before = new Map([...this.accounts.keys()].map(key => [key, this.limitOf(key)]))
    this.#set = set
    for (const [key, limit] of before) {
      const account = this.accounts.get(key)
      if (account !== undefined && !isEqual(limit, this.limitOf(key))) this.callReady(key, account)
    }
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
    const configured = this.#limits.get(key)
    const set = this.#set.get(key)
    if (configured === undefined || set === undefined) return configured ?? {}
    return { ...configured, ...set }
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

function isEqual(one: Limit, other: Limit): boolean {
  return limitParts.every(part => one[part] === other[part])
}

function useOf(key: string, limit: Limit, account: LimitAccount): LimitUse {
  return {
    key,
    limit,
    inFlight: account.holds.size,
    ...whoWaits(account),
    ...usedNow(account),
    ...(account.parkedUntil > account.now ? { parkedUntil: account.parkedUntil } : {}),
    ...(account.probe === undefined ? {} : { isProbed: true as const }),
    ...(probesLeft(account) > 0 ? {} : { isProbing: true as const }),
  }
}
