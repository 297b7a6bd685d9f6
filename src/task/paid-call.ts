/** What handlers say of paid calls, and what they get for them. */

/** Tokens and cost of one call of a model, as the provider reported them. */
export interface Usage {
  /** Provider and model, such as `openai/gpt-5-mini`. */
  model: string
  inputTokens: number
  /** Of these, what the provider read from its cache. Default 0. */
  cachedInputTokens?: number
  outputTokens: number
  /** Cost in the currency of the price list; absent when no price is known. */
  cost?: number
  /** What the call was for, such as the id of a novel: usage can be summed by it. At most 100 characters. */
  subject?: string
  /** Names the call within the task, at most 200 characters: usage that is recorded a second time for it is dropped. */
  call?: string
  /**
   * The tokens are an estimate: nobody heard how the call ended, because an earlier attempt was killed in it, or its provider reported numbers
   * that cannot be right. What an earlier attempt reserved for the call is settled by these tokens.
   */
  isEstimated?: true
}

/** What a call may cost, or has cost: tokens in and out together, and money where a price is known. */
export interface Spending {
  tokens: number
  cost?: number
}

/** A reservation under the budget of a tree. */
export interface BudgetHold {
  /** The call was made; absent, the estimate stands. */
  commit(spent?: Spending): Promise<void>
  /** The call was not made. */
  release(): Promise<void>
}

/** A reservation under a limit; `commit` the real cost when it is known, `release` it when nothing was used. */
export interface Permit {
  /**
   * Settles the reservation with the real cost; without it the estimate stands. `isAnswered` false: the provider gave no answer, so that where a
   * call probes whether it takes calls again, the next call does. Default true.
   */
  commit(cost?: number, isAnswered?: boolean): void
  /** Gives the reservation back. */
  release(): void
  /**
   * The provider refused the call and takes none for `retryAfterMs` milliseconds: the key is parked for every process, as by an error with
   * status 429 and `retryAfterMs` that ends the attempt. For a handler that goes on another way; where the attempt ends with such an error after
   * all, that parks no other key. Settle the reservation as ever. Never shortens a wait. Throws OPTION_INVALID for less than 0 or more than a year.
   */
  refused(retryAfterMs: number): void
}

/** What a call of a model may use at most, and the limit that it is made under. */
export interface ExpectedCall {
  limit: string
  /** Tokens in and out together. */
  tokens: number
  /** In the currency of the price list. */
  cost?: number
  /** Names the call within the task, as in `reserve`; a new name for each call that begins. */
  name?: string
  /** The subject of its usage: 1 to 100 characters. */
  subject?: string
}

/** A call that is allowed, while it is made. */
export interface AllowedCall {
  /**
   * Says what the call has used so far, or in all; undefined for nothing. What was said last counts. Where its numbers cannot be right, such as more
   * than ten million tokens, the estimate counts, with `isEstimated`. `isAnswered`: as in `Permit.commit`; default whether the call returns.
   */
  used(usage: Usage | undefined, isAnswered?: boolean): void
  /** See `Permit.refused`. */
  refused(retryAfterMs: number): void
}
