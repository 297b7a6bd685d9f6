import type { LimitName } from './ledger.ts'

/** What the scripted server really allows per key and model. Absent = not limited. */
export interface RealLimit {
  readonly requests?: number
  /** In and out together. */
  readonly tokens?: number
  readonly concurrency?: number
  /** The window of requests and tokens, in milliseconds; default 60,000. */
  readonly windowMs?: number
}

/** A refusal: which limit, and when to come again. */
export interface Overrun {
  readonly limit: LimitName
  readonly retryAfterMs: number
}

/** Counts the calls of one key and model in a window that slides. */
export class Account {
  readonly #limit: RealLimit
  readonly #windowMs: number
  readonly #counted: { at: number; tokens: number }[] = []
  #open = 0

  constructor(limit: RealLimit) {
    this.#limit = limit
    this.#windowMs = limit.windowMs ?? 60_000
  }

  /** Counts a call that may be made; answers what is overrun by one that may not. */
  begin(at: number, tokens: number): Overrun | undefined {
    const { requests = Infinity, tokens: mostTokens = Infinity, concurrency = Infinity } = this.#limit
    while (this.#counted[0] !== undefined && this.#counted[0].at <= at - this.#windowMs) this.#counted.shift()
    const retryAfterMs = Math.max(1, (this.#counted[0]?.at ?? at) + this.#windowMs - at)
    const used = this.#counted.reduce((sum, call) => sum + call.tokens, 0)
    if (this.#open >= concurrency) return { limit: 'concurrency', retryAfterMs: 1_000 }
    if (this.#counted.length >= requests) return { limit: 'requests', retryAfterMs }
    if (used + tokens > mostTokens) return { limit: 'tokens', retryAfterMs }
    this.#counted.push({ at, tokens })
    this.#open += 1
    return undefined
  }

  end(): void {
    this.#open -= 1
  }
}
