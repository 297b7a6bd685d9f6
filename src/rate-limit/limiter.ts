/** The port of rate limits: how the engine asks, whoever keeps the account. */

/** What one key allows. Absent = not limited. */
export interface Limit {
  /** Calls that start within any minute. */
  requestsPerMinute?: number
  /** Tokens (units of cost) that are reserved within any minute. */
  tokensPerMinute?: number
  /** Calls that run at the same time. */
  concurrency?: number
}

/** A reservation. `commit` settles the real cost, `release` gives all of it back; either one frees the place for concurrency. */
export interface Reservation {
  commit(cost?: number): void
  release(): void
}

/** Granted now, or not before `until` (epoch milliseconds), with the caller's place kept. */
export type Acquired = { granted: true; reservation: Reservation } | { granted: false; until: number }

/** Who asks: a ticket keeps its place in the key's schedule while the task is away. */
export interface AcquireRequest {
  key: string
  /** Estimated units of cost; default 1. */
  cost: number
  /** Identifies the asker over several asks, such as the task id. */
  ticket: string
}

/** Shares out what a provider allows. Keys that nobody configured are not limited. */
export interface RateLimiter {
  /** Asks once, never waits. */
  acquire(request: AcquireRequest): Promise<Acquired>
  /** The provider said: nothing for this key before `until`. Holds for everybody. */
  park(key: string, until: number): Promise<void>
  /** What is configured and how much of it is in use, for `doctor` and the API. */
  describe(): readonly { key: string; limit: Limit; inFlight: number; parkedUntil?: number }[]
}
