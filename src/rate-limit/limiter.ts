/** The port of rate limits: how the engine asks, wherever the account lies. */
import { QuillworkError } from '../task/errors.ts'
import type { Priority } from '../task/task.ts'

/** A ticket that does not come back within this time after its promised time loses its place; milliseconds. */
export const grace = 30_000

/**
 * A key is parked for at most this long, however much longer its provider asks to wait; milliseconds. Then one call asks whether the provider takes
 * calls again, and the others wait for what becomes of it.
 */
export const longestPark = 900_000

/** What one key allows, each a whole number of at least 1. Absent = not limited, so that `{}` only makes the key known. A minute is any 60 seconds, not the clock's minute. */
export interface Limit {
  /** Calls that start within any minute. */
  requestsPerMinute?: number
  /** Tokens (units of cost) that are reserved within any minute. */
  tokensPerMinute?: number
  /** Calls that run at the same time. */
  concurrency?: number
}

/** The parts of a limit. */
export const limitParts = ['requestsPerMinute', 'tokensPerMinute', 'concurrency'] as const

/** Throws OPTION_INVALID for a limit of which a part is not a whole number of at least 1. */
export function requireLimit(key: string, limit: Limit): void {
  for (const name of limitParts) {
    const value = limit[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue
    const message = `The limit ${name} of ${key} must be a whole number of at least 1, not ${value}.`
    throw new QuillworkError('OPTION_INVALID', message, { details: { key, name } })
  }
}

/** Limits that may change while they are in use, such as those of a Map: every ask reads them. The changes of several processes should be the same. */
export interface LimitSource {
  get(key: string): Limit | undefined
  keys(): Iterable<string>
}

/**
 * A reservation. `commit` settles the real cost, `release` gives all of it back; either one frees the place for concurrency.
 * The first of them counts, later ones do nothing. One of them must be called, or the place for concurrency is never free again.
 */
export interface Reservation {
  /**
   * The call was made and cost this much; absent, the estimate stands. A lower cost frees capacity at once, a higher one delays those who come later.
   * `isAnswered` false: the call got no answer, and says nothing of whether the provider takes calls again; default true. Throws OPTION_INVALID for
   * a cost that is negative or not finite.
   */
  commit(cost?: number, isAnswered?: boolean): void
  /** The call never reached the provider. A call that failed there was counted there: commit it instead. */
  release(): void
}

/** Granted now, or not before `until` (epoch milliseconds), with the caller's place kept until 30 seconds past `until`. */
export type Acquired = { granted: true; reservation: Reservation } | { granted: false; until: number }

/** Who asks: a ticket keeps its place in the key's schedule while the task is away. */
export interface AcquireRequest {
  /** Names the limit, such as provider, account and model joined. */
  key: string
  /** Who the call is for, such as lane and user: flows are served one ticket each, so that one with many tickets does not hold up the others. Default one for all. */
  flow?: string
  /** Those of priority `high` are served before all of priority `normal`, which is the default. */
  priority?: Priority
  /** Estimated units of cost, zero or more; rounded up to a whole number. */
  cost: number
  /**
   * Identifies the asker over several asks, such as the task id. Asks of one task that wait for one key at the same time need
   * a ticket each. A granted ticket is used up: the next ask with the same name queues anew.
   */
  ticket: string
  /**
   * Milliseconds that the asker waits for the answer; absent, as long as it takes. One that has no answer by then is refused with a time to ask
   * again, keeps the place that it has, and is granted nothing by this ask.
   */
  within?: number
}

/** A ticket that waits for a grant. Times are epoch milliseconds. */
export interface Waiter {
  ticket: string
  /** When it got its place in the queue: its first ask, or the last restart or reset since. */
  since: number
  /** When it will probably be granted. */
  expectedAt: number
}

/** Who waits for a key. */
export interface WhoWaits {
  /** Tickets that wait for a grant. */
  waiting: number
  /** The first of them, in the order of service; at most five. Absent from a limiter that does not tell. */
  next?: readonly Waiter[]
  /** The one that has waited for the longest; absent where none waits. */
  longestWaiting?: Waiter
}

/** What a key allows and how much of it is in use. */
export interface LimitUse extends WhoWaits {
  key: string
  limit: Limit
  /** What operators set of it; absent for nothing. */
  setLimit?: Limit
  /** What is configured for the key, where operators set something else. */
  configured?: Limit
  /** Reservations that are neither committed nor released. */
  inFlight: number
  /** Calls and tokens that count against the minute that ends now. */
  requests: number
  tokens: number
  /** Set while the key is parked; epoch milliseconds. */
  parkedUntil?: number
  /** Set from the time that a key is parked for less than its provider asked until a call was answered: only one runs at a time. */
  isProbed?: true
  /** Set while that one runs: nobody else is granted a call. */
  isProbing?: true
}

/** What operators set in place of what is configured, while the limiter is in use. */
export interface LimitOverrides {
  /**
   * Takes these into use, by key, in place of those before: what is absent is as configured, and so is a key that is not configured. Holds for new calls, and
   * calls those who may be granted now; what runs is left alone.
   */
  use(limits: ReadonlyMap<string, Limit>): void
  /** Returns what is configured for a key; undefined where it is not. */
  configured(key: string): Limit | undefined
  /** Returns what operators set of a key; undefined for nothing. */
  setOf(key: string): Limit | undefined
  /** Returns the most tokens that a waiting call of the key asks for, as far as is known; 0 where none waits. */
  mostAsked(key: string): number
  /**
   * Plans anew when those who wait for a key should ask, under the limit that holds now: `keepPlace` returns the new times. The plan made before stays where
   * the account cannot be changed within a minute.
   */
  replan(key: string): Promise<void>
}

/** Shares out what a provider allows. */
export interface RateLimiter {
  /** Absent where limits cannot be set while it is in use. */
  readonly overrides?: LimitOverrides
  /** Processes share the account: what one of them changes holds for all of them without a message. */
  readonly isShared?: boolean
  /** Returns whether the key is configured, be it without any limit. The engine refuses handlers a key that is not. */
  isKnown(key: string): boolean
  /**
   * Asks once, never waits. Tickets of a key are served by priority, then one of each flow after the other, and within a flow in the order of
   * their first ask; free capacity that is enough for everybody ahead and the asker too is granted at once. Throws OPTION_INVALID for a cost that the limit can never grant.
   */
  acquire(request: AcquireRequest): Promise<Acquired>
  /**
   * Gives a ticket a place in the queue of its key, unless it has one, and grants nothing: for who was told to wait by a process that is gone. Returns
   * when it should ask, epoch milliseconds; the listeners are called when there is capacity for it before.
   */
  keepPlace(request: AcquireRequest): Promise<number>
  /** The asker will not come back (cancelled, ended): its place goes to those behind it at once, not 30 seconds after its promised time. */
  withdraw(key: string, ticket: string): Promise<void>
  /**
   * The provider said: nothing for this key before `until` (epoch milliseconds). Holds for everybody and keeps their order. Never shortens. After
   * 15 minutes one call is granted all the same, and the others once it was answered.
   */
  park(key: string, until: number): Promise<void>
  /**
   * Forgets that a key is parked, what counts against its minute, and who waits for it: those ask again, or are given their places again with
   * `keepPlace`. Calls that run keep counting. Throws when nothing was changed, such as while the store is away.
   */
  reset(key: string): Promise<void>
  /**
   * Calls the listener when a ticket may be granted earlier than it was promised, because others freed capacity; or when it did not come
   * although it may. Once per ask. Best effort: a listener that throws is ignored, and a ticket that is not called still has its promised time.
   * Returns an unsubscribe function.
   */
  onCapacity(listener: (key: string, ticket: string) => void): () => void
  /** Writes down what is still to be kept; nothing is asked any more. */
  stop(): Promise<void>
  /** Reads what other processes, or earlier ones, have made of the configured keys, for the next `describe`. Throws while the store is away. */
  refresh?(): Promise<void>
  /**
   * What is limited or parked and how much of it is in use, for `doctor` and the API. Keys with limits first. With a key, at least that one: handlers
   * ask before each call, and there may be a key for each user.
   */
  describe(key?: string): readonly LimitUse[]
}
