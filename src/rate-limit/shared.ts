/**
 * The limiter of several processes. The account of a key lies in a place that they share, and every change of it is guarded by its version:
 * the same arithmetic as in one process, on the same account. Clocks of the processes should agree to within a minute; times that are told
 * are by the asker's own clock.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import {
  type AccountCodec,
  type Change,
  type Outcome,
  SharedAccount,
  type SharedTexts,
} from '../runtime/shared-account.ts'
import { advance, emptyState, extendHolds, isParked, type KeyState, park, sweep } from './account.ts'
import { accountOf, textOf } from './account-text.ts'
import {
  acquire,
  commit,
  type Decision,
  expectedTurn,
  giveBack,
  keepPlace,
  release,
  takeReady,
  wholeCost,
  withdraw,
} from './arithmetic.ts'
import type { Acquired, AcquireRequest, Limit, LimitUse, RateLimiter, Reservation } from './limiter.ts'
import { TurnListeners } from './turn-listeners.ts'
import { unlimited, useOf, validLimits } from './use.ts'

const codec: AccountCodec<KeyState> = { read: accountOf, write: textOf }

/** What the limiter is made from. */
export interface SharedLimiterOptions {
  /** By key. A key that is not here is not limited. Should be the same in every process: each decides by its own. */
  limits: Readonly<Record<string, Limit>>
  /** Where the accounts are kept, such as the `states` of a store that processes share. */
  states: SharedTexts
  clock: Pick<Clock, 'now' | 'after'>
  /**
   * A process that dies gives its places back after this time, in milliseconds; one that lives extends them at every third of it. Default
   * 60,000. Less than a store may be away lets more calls run at once than the limit says.
   */
  leaseMs?: number
}

/** Milliseconds between two looks at the keys that somebody here waits for: others may have given room back. */
const lookEvery = 250
/** What `describe` answers from may be this old, in milliseconds, before the accounts are read again for the next time. */
const freshFor = 1_000
/** Milliseconds until a change that could not be made is tried again. */
const tryAgainAfter = 1_000
/** Whoever finds an account too busy is told to ask again within this time, in milliseconds. */
const busyWait = 500

/** Makes a limiter for several processes. Throws OPTION_INVALID for a limit that is not a whole number of at least 1. */
export function createSharedLimiter(options: SharedLimiterOptions): RateLimiter {
  return new SharedLimiter(options)
}

type Refused = Extract<Acquired, { granted: false }>

/** By the asker's clock; the account's may be ahead. */
function told(until: number, state: KeyState, now: number): Refused {
  return { granted: false, until: until - (state.now - now) }
}

/** What has become of an ask. */
interface Asked {
  /** What the last try decided; it holds when the try was the last and its outcome is done. */
  decision: Decision | undefined
  /** The asker waits for the answer no longer. */
  isGivenUp: boolean
}

/** A place in a queue that somebody here waits for. */
interface Place {
  /** Whether the listeners were called since its last ask. */
  called: boolean
}

class SharedLimiter implements RateLimiter {
  readonly #options: SharedLimiterOptions
  readonly #limits: ReadonlyMap<string, Limit>
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #leaseMs: number
  readonly #accounts = new Map<string, SharedAccount<KeyState>>()
  /** The last state seen of each key. */
  readonly isShared = true
  readonly #seen = new Map<string, KeyState>()
  /** By key: holds that are not settled yet, and tickets that were told to wait. */
  readonly #held = new Map<string, Set<number>>()
  readonly #waiting = new Map<string, Map<string, Place>>()
  readonly #listeners = new TurnListeners()
  readonly #process = randomBytes(9).toString('base64url')
  #writes = 0
  #extends = false
  #looks = false
  #freshUntil = Number.NEGATIVE_INFINITY

  constructor(options: SharedLimiterOptions) {
    this.#options = options
    this.#limits = validLimits(options.limits)
    this.#clock = options.clock
    this.#leaseMs = options.leaseMs ?? 60_000
  }

  async acquire(request: AcquireRequest): Promise<Acquired> {
    const { key, within } = request
    const asked: Asked = { decision: undefined, isGivenUp: false }
    const asking = this.#ask(request, asked)
    const outcome = within === undefined ? await asking : await this.#inTime(within, asking, asked)
    if (outcome === undefined) return this.#giveUp(request, asking, asked)
    if (!outcome.done) {
      if (outcome.error !== undefined) throw outcome.error
      return this.#busy()
    }
    const { decision } = asked
    if (decision === undefined) return { granted: true, reservation: unlimited }
    if (decision.granted) return { granted: true, reservation: this.#reservation(key, decision.hold) }
    this.#look()
    return decision
  }

  async withdraw(key: string, ticket: string): Promise<void> {
    this.#forget(key, ticket)
    await this.#persist(key, (state, now) => {
      if (!state.queue.byName.has(ticket)) return false
      withdraw(state, ticket, now)
      return true
    })
  }

  async park(key: string, until: number): Promise<void> {
    await this.#persist(key, (state, now) => {
      advance(state, now)
      // The time is by this process's clock, the account's may be ahead.
      const end = until + (state.now - now)
      const isNew = !(end <= Math.max(state.now, state.parkedUntil))
      if (isNew) park(state, end, now)
      return isNew
    })
  }

  onTurn(listener: (key: string, ticket: string) => void): () => void {
    const stop = this.#listeners.add(listener)
    this.#look()
    return stop
  }

  describe(): readonly LimitUse[] {
    const now = this.#clock.now()
    for (const [key, state] of this.#seen)
      if (!sweep(state, now) && !this.#limits.has(key)) this.#seen.delete(key)
    const keys = [...new Set([...this.#limits.keys(), ...this.#seen.keys()])]
    if (now >= this.#freshUntil) {
      this.#freshUntil = now + freshFor
      void this.#read(keys)
    }
    return keys.map(key => useOf(key, this.#limits.get(key) ?? {}, this.#seen.get(key) ?? emptyState(now)))
  }

  /** Decides on the account as it is at each try. For an asker that has given up, a try only keeps its place. */
  #ask(request: AcquireRequest, asked: Asked): Promise<Outcome> {
    const { key, ticket } = request
    const limit = this.#limits.get(key)
    return this.#account(key).change((state, now) => {
      advance(state, now)
      asked.decision = undefined
      if (limit === undefined && !isParked(state) && state.queue.order.length === 0) return false
      if (asked.isGivenUp) return keepPlace(state, limit ?? {}, request, now)
      const leaseEnd = state.now + this.#leaseMs
      const decision = acquire(state, limit ?? {}, { ...request, leaseEnd }, now)
      asked.decision = decision.granted ? decision : told(decision.until, state, now)
      if (decision.granted) this.#forget(key, ticket)
      else this.#waitsFor(key).set(ticket, { called: false })
      return true
    })
  }

  /** The outcome, or undefined when it takes longer than so many milliseconds: then no later try grants anything. */
  #inTime(ms: number, asking: Promise<Outcome>, asked: Asked): Promise<Outcome | undefined> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(ms, () => {
        asked.isGivenUp = true
        resolve(undefined)
      })
      asking.then(resolve, reject).finally(cancelTimer)
    })
  }

  /** The try that is under way may still be granted: that is given back, with the asker's place in the queue. */
  #giveUp(request: AcquireRequest, asking: Promise<Outcome>, asked: Asked): Acquired {
    const { key } = request
    const settle = ({ done }: Outcome) => {
      const { decision } = asked
      if (!done || decision?.granted !== true) return
      void this.#persist(key, (state, now) => {
        giveBack(state, this.#limits.get(key) ?? {}, decision.hold, request, now)
        return true
      })
    }
    // What the ask itself throws is told to its next try.
    asking.then(settle, () => undefined)
    if (asked.decision?.granted === false) return asked.decision
    const seen = this.#seen.get(key)
    // What is about to be granted is the first in the queue soon; what nobody has decided on is best not asked again before its turn.
    if (asked.decision?.granted === true || seen === undefined) return this.#busy()
    const now = this.#clock.now()
    return told(expectedTurn(seen, this.#limits.get(key) ?? {}, request, now), seen, now)
  }

  /** Nobody knows when it is the asker's turn: soon again, and not all at once. */
  #busy(): Refused {
    return { granted: false, until: this.#clock.now() + Math.ceil(busyWait * (0.5 + Math.random() / 2)) }
  }

  #account(key: string): SharedAccount<KeyState> {
    let account = this.#accounts.get(key)
    if (account === undefined) {
      const { states, clock } = this.#options
      const nextName = () => `${this.#process}${(this.#writes++).toString(36)}`
      const onSeen = (state: KeyState) => this.#see(key, state)
      account = new SharedAccount({ key, states, codec, clock, nextName, onSeen })
      this.#accounts.set(key, account)
    }
    return account
  }

  #waitsFor(key: string): Map<string, Place> {
    const places = this.#waiting.get(key) ?? new Map<string, Place>()
    this.#waiting.set(key, places)
    return places
  }

  #forget(key: string, ticket: string): void {
    const places = this.#waiting.get(key)
    places?.delete(ticket)
    if (places?.size === 0) this.#waiting.delete(key)
  }

  #reservation(key: string, hold: number): Reservation {
    const held = this.#held.get(key) ?? new Set<number>()
    this.#held.set(key, held.add(hold))
    this.#extendLater()
    const settle = (change: Change<KeyState>) => {
      if (!held.delete(hold)) return
      if (held.size === 0 && this.#held.get(key) === held) this.#held.delete(key)
      void this.#persist(key, change)
    }
    return {
      commit: cost => {
        if (cost !== undefined) wholeCost(cost)
        settle((state, now) => {
          commit(state, hold, cost, now)
          return true
        })
      },
      release: () =>
        settle((state, now) => {
          release(state, hold, now)
          return true
        }),
    }
  }

  /** Tries until it is done, or a lease has passed: then the account says the same without it. */
  async #persist(key: string, change: Change<KeyState>): Promise<void> {
    for (let waited = 0; ; waited += tryAgainAfter) {
      const { done } = await this.#account(key).change(change)
      if (done || waited >= this.#leaseMs) return
      await new Promise<void>(resolve => this.#clock.after(tryAgainAfter, resolve))
    }
  }

  /** While places are held, their leases are moved on. */
  #extendLater(): void {
    if (this.#extends) return
    this.#extends = true
    this.#clock.after(this.#leaseMs / 3, () => {
      this.#extends = false
      for (const [key, held] of this.#held) {
        void this.#account(key).change((state, now) => {
          advance(state, now)
          extendHolds(state, held, state.now + this.#leaseMs)
          return true
        })
      }
      if (this.#held.size > 0) this.#extendLater()
    })
  }

  /** While somebody here waits, the accounts are read now and then. */
  #look(): void {
    // Nobody wants to know in an engine that was stopped.
    if (this.#looks || this.#waiting.size === 0 || !this.#listeners.any) return
    this.#looks = true
    this.#clock.after(lookEvery, async () => {
      await this.#read([...this.#waiting.keys()])
      this.#looks = false
      this.#look()
    })
  }

  /** Best effort: what cannot be read is read with the next ask. */
  async #read(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    try {
      for (const loaded of await this.#options.states.load(keys)) this.#account(loaded.key).saw(loaded)
    } catch {
      // Told to whoever asks next.
    }
  }

  #see(key: string, state: KeyState): void {
    this.#seen.set(key, state)
    const places = this.#waiting.get(key)
    if (places === undefined) return
    // A place that is gone was granted elsewhere, or lost.
    for (const ticket of places.keys()) if (!state.queue.byName.has(ticket)) this.#forget(key, ticket)
    if (!this.#listeners.any) return
    const ready = takeReady(state, this.#limits.get(key) ?? {}, this.#clock.now())
    for (const ticket of ready) this.#call(key, ticket, places.get(ticket))
  }

  /** In a turn of its own: who was just told to wait has begun to listen by then. */
  #call(key: string, ticket: string, place: Place | undefined): void {
    if (place === undefined || place.called) return
    place.called = true
    setImmediate(() => this.#listeners.call(key, ticket))
  }
}
