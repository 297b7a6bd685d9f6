/**
 * The limiter of several processes. The account of a key lies in a place that they share, and every change of it is guarded by its version:
 * the same arithmetic as in one process, on the same account. Clocks of the processes should agree to within a minute; times that are
 * promised are by the asker's own clock.
 */
import { extendHolds } from '../runtime/account.ts'
import { atMost } from '../runtime/at-most.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Change, type Outcome, SharedAccount, type SharedTexts } from '../runtime/shared-account.ts'
import { QuillworkError } from '../task/errors.ts'
import { advance, isParked, type LimitAccount, limitCodec, park, reset } from './account.ts'
import {
  acquire,
  commit,
  type Decision,
  expectedToAsk,
  giveBack,
  keepPlace,
  release,
  replanQueue,
  wholeCost,
  withdraw,
} from './arithmetic.ts'
import { type GivenLimits, KeyedLimiter, unlimited } from './keyed-limiter.ts'
import type { Acquired, AcquireRequest, LimitUse, RateLimiter, Reservation } from './limiter.ts'

/** What the limiter is made from. */
export interface SharedLimiterOptions {
  /** By key. Should be the same in every process: each decides by its own. */
  limits: GivenLimits
  /** Where the accounts are kept, such as the `states` of a store that processes share. */
  states: SharedTexts
  clock: Pick<Clock, 'now' | 'after'>
  /**
   * A process that dies gives its places back after this time, in milliseconds; one that lives extends them at every third of it. Default
   * 60,000. Less than a store may be away lets more calls run at once than the limit says.
   */
  leaseMs?: number
}

/** Milliseconds between two reads of the keys that somebody here waits for: others may have freed capacity. */
const readEvery = 250
/** What `describe` returns may be this old, in milliseconds, before the accounts are read again for the next time. */
const freshFor = 1_000
/** An asker that finds an account too busy is sent away for at most this long, in milliseconds. */
const busyWait = 500

/** Returns a limiter for several processes, as the `limits` of each of their engines. Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
export function createSharedLimiter(options: SharedLimiterOptions): RateLimiter {
  return new SharedLimiter(options)
}

type Refused = Extract<Acquired, { granted: false }>

/** What has become of an ask. */
interface Asked {
  /** What the last try decided; it holds when the try was the last and its outcome is done. */
  decision: Decision | undefined
  /** The asker waits for the answer no longer. */
  isGivenUp: boolean
}

/** What this process has of a key. */
interface Share {
  account: SharedAccount<LimitAccount>
  /** Holds that are not settled yet. */
  held: Set<number>
  /** Tickets that wait, and whether the listeners were called since the last ask of each. */
  waiting: Map<string, { called: boolean }>
}

class SharedLimiter extends KeyedLimiter<SharedLimiterOptions['clock']> {
  readonly isShared = true
  readonly #states: SharedTexts
  readonly #leaseMs: number
  readonly #shares = new Map<string, Share>()
  /** What is on its way into the accounts. */
  readonly #pending = new Set<Promise<unknown>>()
  #isExtending = false
  #isReading = false
  /** By key, and of all together. */
  readonly #freshUntil = new Map<string | undefined, number>()

  constructor(options: SharedLimiterOptions) {
    super(options)
    this.#states = options.states
    this.#leaseMs = options.leaseMs ?? 60_000
  }

  async acquire(request: AcquireRequest): Promise<Acquired> {
    const { key, within } = request
    const asked: Asked = { decision: undefined, isGivenUp: false }
    const asking = this.#ask(request, asked)
    const late = () => {
      asked.isGivenUp = true
    }
    const outcome = await (within === undefined ? asking : atMost(within, asking, late, this.clock))
    if (outcome === undefined) return this.#giveUp(request, asking, asked)
    if (!outcome.done) {
      if (outcome.error !== undefined) throw outcome.error
      return this.#busy()
    }
    const { decision } = asked
    if (decision === undefined) return { granted: true, reservation: unlimited }
    if (decision.granted) return { granted: true, reservation: this.#reservation(key, decision.hold) }
    this.#readNowAndThen()
    return decision
  }

  async keepPlace(request: AcquireRequest): Promise<number> {
    const { key, ticket } = request
    const share = this.#share(key)
    let until = this.clock.now()
    await this.#persist(key, (account, now) => {
      advance(account, now)
      until = now
      if (!this.isLimited(key) && !isParked(account)) return false
      share.waiting.set(ticket, { called: false })
      const kept = keepPlace(account, this.limitOf(key), request, now)
      until = refusedUntil(kept.until, account, now).until
      return kept.hasChanged
    })
    this.#readNowAndThen()
    return until
  }

  async withdraw(key: string, ticket: string): Promise<void> {
    this.#share(key).waiting.delete(ticket)
    await this.#persist(key, (account, now) => {
      if (!account.queue.byName.has(ticket)) return false
      withdraw(account, ticket, now)
      return true
    })
  }

  async park(key: string, until: number): Promise<void> {
    await this.#persist(key, (account, now) => {
      advance(account, now)
      // The time is by this process's clock, the account's may be ahead.
      const end = until + (account.now - now)
      const isNew = !(end <= Math.max(account.now, account.parkedUntil))
      if (isNew) park(account, end, now)
      return isNew
    })
  }

  async reset(key: string): Promise<void> {
    const outcome = await this.#share(key).account.change((account, now) => {
      reset(account, now)
      return true
    })
    if (outcome.done) return
    const message = `The limit ${key} was not reset, because others change it at the same time: try again.`
    throw outcome.error ?? new QuillworkError('STORE_FAILED', message)
  }

  protected override async replan(key: string): Promise<void> {
    await this.#persist(key, (account, now) => replanQueue(account, this.limitOf(key), now))
  }

  override onCapacity(listener: (key: string, ticket: string) => void): () => void {
    const stop = super.onCapacity(listener)
    this.#readNowAndThen()
    return stop
  }

  override describe(key?: string): readonly LimitUse[] {
    const uses = super.describe(key)
    const now = this.clock.now()
    if (now >= (this.#freshUntil.get(key) ?? now)) {
      this.#freshUntil.set(key, now + freshFor)
      void this.#read(uses.map(({ key }) => key))
    }
    return uses
  }

  async refresh(): Promise<void> {
    await this.#load(this.keys)
  }

  /** Resolves when what was settled is written: else its places stay taken until their leases end. */
  override async stop(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #track(work: Promise<unknown>): void {
    const ended = () => this.#pending.delete(work)
    this.#pending.add(work)
    work.then(ended, ended)
  }

  /** Decides on the account as it is at each try. For an asker that has given up, a try only keeps its place. */
  #ask(request: AcquireRequest, asked: Asked): Promise<Outcome> {
    const { key, ticket } = request
    const limit = this.limitOf(key)
    const share = this.#share(key)
    return share.account.change((account, now) => {
      advance(account, now)
      asked.decision = undefined
      const isHeldBack = isParked(account) || account.probe !== undefined || account.queue.order.length > 0
      if (!this.isLimited(key) && !isHeldBack) return false
      if (asked.isGivenUp) return keepPlace(account, limit, request, now).hasChanged
      const leaseEnd = account.now + this.#leaseMs
      const decision = acquire(account, limit, { ...request, leaseEnd }, now)
      asked.decision = decision.granted ? decision : refusedUntil(decision.until, account, now)
      if (decision.granted) share.waiting.delete(ticket)
      else share.waiting.set(ticket, { called: false })
      return true
    })
  }

  /** The try that is under way may still be granted: that is given back, with the asker's place in the queue. */
  #giveUp(request: AcquireRequest, asking: Promise<Outcome>, asked: Asked): Acquired {
    const { key } = request
    const undo = ({ done }: Outcome) => {
      const { decision } = asked
      if (!done || decision?.granted !== true) return undefined
      return this.#persist(key, (account, now) => {
        giveBack(account, this.limitOf(key), decision.hold, request, now)
        return true
      })
    }
    // What the ask itself throws, its next try throws again.
    this.#track(asking.then(undo, () => undefined))
    if (asked.decision?.granted === false) return asked.decision
    const seen = this.accounts.get(key)
    // What is about to be granted is the first in the queue soon; one that is not decided on is best not asked again before its expected time.
    if (asked.decision?.granted === true || seen === undefined) return this.#busy()
    const now = this.clock.now()
    return refusedUntil(expectedToAsk(seen, this.limitOf(key), request, now), seen, now)
  }

  /** The expected time is not known: soon again, and not all at once. */
  #busy(): Refused {
    return { granted: false, until: this.clock.now() + Math.ceil(busyWait * (0.5 + Math.random() / 2)) }
  }

  #share(key: string): Share {
    const known = this.#shares.get(key)
    if (known !== undefined) return known
    const account = new SharedAccount({
      key,
      states: this.#states,
      codec: limitCodec,
      clock: this.clock,
      onSeen: (seen: LimitAccount) => this.#see(key, seen),
    })
    const share: Share = { account, held: new Set(), waiting: new Map() }
    this.#shares.set(key, share)
    return share
  }

  #reservation(key: string, hold: number): Reservation {
    const { held } = this.#share(key)
    held.add(hold)
    this.#extendLater()
    const settle = (change: (account: LimitAccount, now: number) => void) => {
      if (!held.delete(hold)) return
      const settled = this.#persist(key, (account, now) => {
        change(account, now)
        return true
      })
      this.#track(settled)
    }
    return {
      commit: (cost, isAnswered) => {
        if (cost !== undefined) wholeCost(cost)
        settle((account, now) => commit(account, hold, cost, now, isAnswered))
      },
      release: () => settle((account, now) => release(account, hold, now)),
    }
  }

  /** Tries until it is done, or a lease has passed: then the account says the same without it. */
  async #persist(key: string, change: Change<LimitAccount>): Promise<void> {
    await this.#share(key).account.changeSurely(change, this.#leaseMs)
  }

  /** While places are held, their leases are moved on. */
  #extendLater(): void {
    if (this.#isExtending) return
    this.#isExtending = true
    this.clock.after(this.#leaseMs / 3, () => {
      this.#isExtending = false
      const holding = [...this.#shares.values()].filter(({ held }) => held.size > 0)
      for (const { account: shared, held } of holding) {
        void shared.change((account, now) => {
          advance(account, now)
          extendHolds(account, held, account.now + this.#leaseMs)
          return true
        })
      }
      if (holding.length > 0) this.#extendLater()
    })
  }

  /** While somebody here waits and listens, the accounts are read now and then. In an engine that was stopped nobody listens. */
  #readNowAndThen(): void {
    if (this.#isReading || !this.isListenedTo || this.#awaited().length === 0) return
    this.#isReading = true
    this.clock.after(readEvery, async () => {
      await this.#read(this.#awaited())
      this.#isReading = false
      this.#readNowAndThen()
    })
  }

  /** The keys that somebody here waits for. */
  #awaited(): string[] {
    return [...this.#shares].filter(([, { waiting }]) => waiting.size > 0).map(([key]) => key)
  }

  /** Best effort: what cannot be read is read with the next ask, which throws. */
  async #read(keys: readonly string[]): Promise<void> {
    try {
      await this.#load(keys)
    } catch {
      // The next ask throws it.
    }
  }

  async #load(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    for (const loaded of await this.#states.load(keys)) this.#share(loaded.key).account.saw(loaded)
  }

  #see(key: string, account: LimitAccount): void {
    this.accounts.set(key, account)
    this.callReady(key, account)
  }

  protected override callReady(key: string, account: LimitAccount): void {
    const { waiting } = this.#share(key)
    if (waiting.size === 0) return
    // A place that is gone was granted elsewhere, or lost.
    for (const ticket of waiting.keys()) if (!account.queue.byName.has(ticket)) waiting.delete(ticket)
    for (const ticket of this.readyIn(key, account)) {
      const place = waiting.get(ticket)
      if (place === undefined || place.called) continue
      place.called = true
      // After the asker that was just sent away has begun to listen.
      setImmediate(() => this.call(key, ticket))
    }
  }
}

/** By the asker's clock; the account's may be ahead. */
function refusedUntil(until: number, account: LimitAccount, now: number): Refused {
  return { granted: false, until: until - (account.now - now) }
}
