/**
 * The limiter of one process. Its account lives in memory: a process that is started again begins with an empty minute.
 */
import { emptyState, type KeyState, park, sweep } from './account.ts'
import { acquire, commit, release, takeReady, withdraw } from './arithmetic.ts'
import type { Acquired, AcquireRequest, Limit, LimitUse, RateLimiter, Reservation } from './limiter.ts'
import { TurnListeners } from './turn-listeners.ts'
import { unlimited, useOf, validLimits } from './use.ts'
import { minute } from './window.ts'

/** What the limiter is made from. */
export interface LocalLimiterOptions {
  /** By key. A key that is not here is not limited. */
  limits: Readonly<Record<string, Limit>>
  /** Epoch milliseconds. A clock that is set forward by hand frees the minute early. */
  clock: { now(): number }
}

/** Makes a limiter for one process. Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
export function createLocalLimiter(options: LocalLimiterOptions): RateLimiter {
  return new LocalLimiter(options)
}

class LocalLimiter implements RateLimiter {
  readonly #limits: ReadonlyMap<string, Limit>
  readonly #clock: { now(): number }
  /** Accounts by key, of configured keys once they are used and of others while they are parked. */
  readonly #states = new Map<string, KeyState>()
  readonly #listeners = new TurnListeners()
  #nextSweep = Number.NEGATIVE_INFINITY

  constructor(options: LocalLimiterOptions) {
    this.#limits = validLimits(options.limits)
    this.#clock = options.clock
  }

  async acquire(request: AcquireRequest): Promise<Acquired> {
    const now = this.#clock.now()
    this.#sweepNowAndThen(now)
    const limit = this.#limits.get(request.key)
    const state = limit === undefined ? this.#states.get(request.key) : this.#state(request.key, now)
    if (state === undefined) return { granted: true, reservation: unlimited }
    const decision = acquire(state, limit ?? {}, request, now)
    if (!decision.granted) {
      this.#callReady(request.key, state)
      return decision
    }
    return { granted: true, reservation: this.#reservation(request.key, state, decision.hold) }
  }

  async withdraw(key: string, ticket: string): Promise<void> {
    const state = this.#states.get(key)
    if (state === undefined) return
    withdraw(state, ticket, this.#clock.now())
    this.#callReady(key, state)
  }

  async park(key: string, until: number): Promise<void> {
    const now = this.#clock.now()
    this.#sweepNowAndThen(now)
    park(this.#state(key, now), until, now)
  }

  onTurn(listener: (key: string, ticket: string) => void): () => void {
    return this.#listeners.add(listener)
  }

  describe(): readonly LimitUse[] {
    const now = this.#clock.now()
    this.#sweep(now)
    const keys = new Set([...this.#limits.keys(), ...this.#states.keys()])
    return [...keys].map(key =>
      useOf(key, this.#limits.get(key) ?? {}, this.#states.get(key) ?? emptyState(now)),
    )
  }

  #state(key: string, now: number): KeyState {
    const state = this.#states.get(key) ?? emptyState(now)
    this.#states.set(key, state)
    return state
  }

  #reservation(key: string, state: KeyState, hold: number): Reservation {
    return {
      commit: cost => {
        commit(state, hold, cost, this.#clock.now())
        this.#callReady(key, state)
      },
      release: () => {
        release(state, hold, this.#clock.now())
        this.#callReady(key, state)
      },
    }
  }

  #callReady(key: string, state: KeyState): void {
    if (!this.#listeners.any) return
    for (const ticket of takeReady(state, this.#limits.get(key) ?? {}, this.#clock.now()))
      this.#listeners.call(key, ticket)
  }

  #sweepNowAndThen(now: number): void {
    if (now >= this.#nextSweep || now < this.#nextSweep - minute) this.#sweep(now)
  }

  /** Keeps memory to what still counts, whichever keys are asked for. A state with open holds stays: its reservations point to it. */
  #sweep(now: number): void {
    this.#nextSweep = now + minute
    for (const [key, state] of this.#states) {
      if (!sweep(state, now) && !this.#limits.has(key)) this.#states.delete(key)
    }
  }
}
