/**
 * The limiter of one process. Its accounts lie in memory. Where it is given a place for them, it keeps there once a second what has been used and
 * which keys are parked, so that a process that is started again grants no second minute. Who waits is not kept: the tasks themselves say so.
 */
import type { Clock } from '../runtime/clock.ts'
import type { SharedTexts } from '../runtime/shared-account.ts'
import { QuillworkError } from '../task/errors.ts'
import { isParked, type LimitAccount, limitCodec, minute, newAccount, park, reset } from './account.ts'
import { acquire, commit, keepPlace, release, replanQueue, withdraw } from './arithmetic.ts'
import { type GivenLimits, KeyedLimiter, unlimited } from './keyed-limiter.ts'
import type { Acquired, AcquireRequest, RateLimiter } from './limiter.ts'
import { emptyQueue } from './queue.ts'

/** What the limiter is made from. */
export interface LocalLimiterOptions {
  /** By key. */
  limits: GivenLimits
  /** Epoch milliseconds. A clock that is set forward by hand frees the minute early. */
  clock: { now(): number }
  /** Where the accounts are kept, and what times that; absent, a process that is started again begins with an empty minute. */
  kept?: { states: SharedTexts; clock: Pick<Clock, 'after'> }
}

/** Makes a limiter for one process. Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
export function createLocalLimiter(options: LocalLimiterOptions): RateLimiter {
  return new LocalLimiter(options)
}

class LocalLimiter extends KeyedLimiter<LocalLimiterOptions['clock']> {
  readonly #kept: KeptAccounts | undefined
  #nextSweep = Number.NEGATIVE_INFINITY

  constructor(options: LocalLimiterOptions) {
    super(options)
    if (options.kept !== undefined) this.#kept = new KeptAccounts(options.kept, this.accounts)
  }

  async acquire(request: AcquireRequest): Promise<Acquired> {
    const { key } = request
    if (this.isLimited(key) && this.#kept?.isRead(key) === false) await this.#kept.read(key, this.clock.now())
    const now = this.clock.now()
    this.#sweepNowAndThen(now)
    const account = this.isLimited(key) ? this.#account(key, now) : this.accounts.get(key)
    if (account === undefined) return { granted: true, reservation: unlimited }
    const decision = acquire(account, this.limitOf(key), request, now)
    if (!decision.granted) {
      this.callReady(key, account)
      return decision
    }
    this.#kept?.changed(key)
    const settleBy = (settle: (now: number) => void) => {
      settle(this.clock.now())
      this.#kept?.changed(key)
      this.callReady(key, account)
    }
    return {
      granted: true,
      reservation: {
        commit: (cost, isAnswered) => settleBy(at => commit(account, decision.hold, cost, at, isAnswered)),
        release: () => settleBy(at => release(account, decision.hold, at)),
      },
    }
  }

  async keepPlace(request: AcquireRequest): Promise<number> {
    const { key } = request
    if (this.#kept?.isRead(key) === false) await this.#kept.read(key, this.clock.now())
    const now = this.clock.now()
    const known = this.accounts.get(key)
    if (!this.isLimited(key) && (known === undefined || !isParked(known))) return now
    return keepPlace(this.#account(key, now), this.limitOf(key), request, now).until
  }

  async withdraw(key: string, ticket: string): Promise<void> {
    const account = this.accounts.get(key)
    if (account === undefined) return
    withdraw(account, ticket, this.clock.now())
    this.callReady(key, account)
  }

  async park(key: string, until: number): Promise<void> {
    const now = this.clock.now()
    this.#sweepNowAndThen(now)
    park(this.#account(key, now), until, now)
    this.#kept?.changed(key)
  }

  async reset(key: string): Promise<void> {
    const now = this.clock.now()
    if (this.#kept?.isRead(key) === false) await this.#kept.read(key, now)
    if (this.#kept?.isRead(key) === false)
      throw new QuillworkError(
        'STORE_FAILED',
        `What is kept of the limit ${key} could not be read: try again.`,
      )
    const account = this.accounts.get(key)
    if (account === undefined) return
    reset(account, this.clock.now())
    this.#kept?.changed(key)
  }

  protected override async replan(key: string): Promise<void> {
    const account = this.accounts.get(key)
    if (account === undefined) return
    replanQueue(account, this.limitOf(key), this.clock.now())
    this.callReady(key, account)
  }

  async refresh(): Promise<void> {
    const unread = this.keys.filter(key => this.#kept?.isRead(key) === false)
    await Promise.all(unread.map(key => this.#kept?.read(key, this.clock.now())))
  }

  override async stop(): Promise<void> {
    await this.#kept?.stop()
  }

  #account(key: string, now: number): LimitAccount {
    const account = this.accounts.get(key) ?? newAccount(now)
    this.accounts.set(key, account)
    return account
  }

  protected override callReady(key: string, account: LimitAccount): void {
    for (const ticket of this.readyIn(key, account)) this.call(key, ticket)
  }

  #sweepNowAndThen(now: number): void {
    if (now < this.#nextSweep && now >= this.#nextSweep - minute) return
    this.#nextSweep = now + minute
    this.sweep(now)
  }
}

/** Milliseconds between two writes of the accounts that have changed. */
const keepEveryMs = 1_000

/** The accounts of one process in a place that outlives it. Best effort: what cannot be read or written costs at most a second minute. */
class KeptAccounts {
  readonly #place: NonNullable<LocalLimiterOptions['kept']>
  readonly #accounts: Map<string, LimitAccount>
  readonly #reading = new Map<string, Promise<void>>()
  /** Of the keys that were read. */
  readonly #versions = new Map<string, number>()
  readonly #changed = new Set<string>()
  #cancelTimer: (() => void) | undefined
  #writing = Promise.resolve()
  #isStopped = false

  constructor(place: NonNullable<LocalLimiterOptions['kept']>, accounts: Map<string, LimitAccount>) {
    this.#place = place
    this.#accounts = accounts
  }

  isRead(key: string): boolean {
    return this.#versions.has(key)
  }

  /** Reads what an earlier process has used of a key. */
  read(key: string, now: number): Promise<void> {
    const reading = this.#reading.get(key) ?? this.#readOnce(key, now)
    this.#reading.set(key, reading)
    return reading
  }

  async #readOnce(key: string, now: number): Promise<void> {
    try {
      const [kept] = await this.#place.states.load([key])
      const known = this.#accounts.get(key)
      // An account that calls use stays: their permits point to it. One that was only parked meanwhile stays parked.
      const isUsed = known !== undefined && known.used.length + known.holds.size > 0
      if (kept !== undefined && kept.version > 0 && !isUsed) {
        const { state } = limitCodec.read(kept.state, now)
        const parkedUntil = Math.max(state.parkedUntil, known?.parkedUntil ?? state.parkedUntil)
        this.#accounts.set(key, { ...state, parkedUntil })
      }
      this.#versions.set(key, kept?.version ?? 0)
    } catch {
      // It is read with the next question.
    }
    this.#reading.delete(key)
  }

  changed(key: string): void {
    this.#changed.add(key)
    if (this.#isStopped) return
    this.#cancelTimer ??= this.#place.clock.after(keepEveryMs, () => void this.#write())
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await this.#write()
  }

  /** One write at a time. What fails is written with the next one. */
  #write(): Promise<void> {
    this.#cancelTimer = undefined
    this.#writing = this.#writing.then(async () => {
      const keys = [...this.#changed]
      this.#changed.clear()
      await Promise.all(keys.map(key => this.#writeOne(key).catch(() => this.changed(key))))
    })
    return this.#writing
  }

  async #writeOne(key: string): Promise<void> {
    const account = this.#accounts.get(key)
    if (account === undefined) return
    // A key that nobody configured may have been parked before it was read.
    const version = this.#versions.get(key) ?? (await this.#versionOf(key))
    // Calls that run die with the process, and count as they were estimated.
    const state = { ...account, holds: new Map(), queue: emptyQueue(), planned: [] }
    const text = limitCodec.write({ state, writes: [] }, '')
    const isSaved = await this.#place.states.save({ key, state: text, version })
    this.#versions.set(key, isSaved ? version + 1 : await this.#versionOf(key))
    if (!isSaved) this.changed(key)
  }

  async #versionOf(key: string): Promise<number> {
    const [kept] = await this.#place.states.load([key])
    return kept?.version ?? 0
  }
}
