/**
 * The limiter of one process. Its accounts lie in memory: a process that is started again begins with an empty minute.
 */
import { type LimitAccount, minute, newAccount, park } from './account.ts'
import { acquire, commit, release, withdraw } from './arithmetic.ts'
import { KeyedLimiter, unlimited } from './keyed-limiter.ts'
import type { Acquired, AcquireRequest, Limit, RateLimiter } from './limiter.ts'

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

class LocalLimiter extends KeyedLimiter<LocalLimiterOptions['clock']> {
  #nextSweep = Number.NEGATIVE_INFINITY

  async acquire(request: AcquireRequest): Promise<Acquired> {
    const { key } = request
    const now = this.clock.now()
    this.#sweepNowAndThen(now)
    const account = this.isLimited(key) ? this.#account(key, now) : this.accounts.get(key)
    if (account === undefined) return { granted: true, reservation: unlimited }
    const decision = acquire(account, this.limitOf(key), request, now)
    if (!decision.granted) {
      this.#callReady(key, account)
      return decision
    }
    const settleBy = (settle: (now: number) => void) => {
      settle(this.clock.now())
      this.#callReady(key, account)
    }
    return {
      granted: true,
      reservation: {
        commit: cost => settleBy(at => commit(account, decision.hold, cost, at)),
        release: () => settleBy(at => release(account, decision.hold, at)),
      },
    }
  }

  async withdraw(key: string, ticket: string): Promise<void> {
    const account = this.accounts.get(key)
    if (account === undefined) return
    withdraw(account, ticket, this.clock.now())
    this.#callReady(key, account)
  }

  async park(key: string, until: number): Promise<void> {
    const now = this.clock.now()
    this.#sweepNowAndThen(now)
    park(this.#account(key, now), until, now)
  }

  #account(key: string, now: number): LimitAccount {
    const account = this.accounts.get(key) ?? newAccount(now)
    this.accounts.set(key, account)
    return account
  }

  #callReady(key: string, account: LimitAccount): void {
    for (const ticket of this.readyIn(key, account)) this.call(key, ticket)
  }

  #sweepNowAndThen(now: number): void {
    if (now < this.#nextSweep && now >= this.#nextSweep - minute) return
    this.#nextSweep = now + minute
    this.sweep(now)
  }
}
