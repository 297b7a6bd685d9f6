/** What the scripted model server can be told to answer. Plain data, so that a server in a process of its own takes it as JSON. */

/** How fast an answer comes. */
export interface Pace {
  /** Milliseconds until the first byte; default 0. */
  readonly firstMs?: number
  /** Milliseconds before each further stretch; default 0. */
  readonly chunkMs?: number
  /** Stretches of a streamed text before each of which it waits for `Script.release()`; default none. */
  readonly heldAt?: readonly number[]
}

/** One answer. Texts default to one that is derived from the prompt. */
export type Answer = Pace &
  (
    | {
        readonly is: 'text'
        readonly text?: string
        readonly finish?: string
        /** Whether tokens are told; default true. A number: this many of the prompt. */
        readonly usage?: boolean | number
        /** Tokens of the prompt that it says were read from its cache: as OpenAI, or as DeepSeek once did. */
        readonly cached?: { readonly tokens: number; readonly as?: 'hit' }
        /** Cuts the bytes of the stream anywhere, also within a character. */
        readonly torn?: boolean
      }
    /** A 429. Seconds, or a date as in HTTP; without it nothing is said. `headers` as `x-ratelimit-reset-tokens`. */
    | {
        readonly is: 'rate-limited'
        readonly retryAfter?: number | string
        readonly headers?: Readonly<Record<string, string>>
      }
    | { readonly is: 'quota-gone' }
    /** An error of the server itself, as a page of HTML. */
    | { readonly is: 'failed'; readonly status?: number }
    | { readonly is: 'wrong-key' }
    | { readonly is: 'unknown-model' }
    /** Names `limit`, default 100, as the longest context. */
    | { readonly is: 'context-exceeded'; readonly limit?: number }
    | { readonly is: 'bad-request' }
    | { readonly is: 'empty' }
    /** Withheld by content rules, after `text` if any. */
    | { readonly is: 'filtered'; readonly text?: string }
    | { readonly is: 'refused' }
    /** Ended by its greatest length. */
    | { readonly is: 'truncated'; readonly text?: string }
    | { readonly is: 'garbage' }
    | { readonly is: 'half-json' }
    /** A stream that ends in order without saying why. */
    | { readonly is: 'no-finish' }
    /** An error within the stream. */
    | { readonly is: 'error-event' }
    /** Says nothing more after so many stretches (default 2); 0: not even headers. */
    | { readonly is: 'stalled'; readonly after?: number }
    /** Breaks the connection after so many stretches (default 2). */
    | { readonly is: 'cut'; readonly after?: number }
    | { readonly is: 'redirect'; readonly to: string }
    /** So many bytes of text (default 10 MB). */
    | { readonly is: 'huge'; readonly bytes?: number }
  )

/** What is known of a request when its answer is chosen. */
export interface Asked {
  readonly key: string
  readonly model: string
  readonly prompt: string
  readonly promptHash: string
  readonly streamed: boolean
  /** How often this prompt was asked before. */
  readonly before: number
}

/** What is answered to whom: the first rule that applies. Where none does, the answer is a text derived from the prompt. */
export interface Rule {
  readonly answer: Answer
  /** A regular expression on the prompt. */
  readonly prompt?: string
  readonly key?: string
  readonly model?: string
  /** How often the rule applies; default without end. */
  readonly times?: number
  /** How often it applies to one prompt: with 1, the first call of every prompt. */
  readonly timesPerPrompt?: number
}

/** Answers the requests by rules, which are used up as they say. */
export class Script {
  readonly #rules: { rule: Rule; used: number; prompts: Map<string, number> }[] = []
  readonly #held = new Set<() => void>()

  add(...rules: readonly Rule[]): void {
    for (const rule of rules) this.#rules.push({ rule, used: 0, prompts: new Map() })
  }

  clear(): void {
    this.#rules.length = 0
    this.release()
  }

  /** Lets the texts go on that wait now. */
  release(): void {
    for (const goOn of this.#held) goOn()
    this.#held.clear()
  }

  /** Resolves at the next release. */
  released(): Promise<void> {
    return new Promise(resolve => this.#held.add(resolve))
  }

  answerTo(asked: Asked): Answer {
    for (const state of this.#rules) {
      const { rule, used, prompts } = state
      const ofPrompt = prompts.get(asked.promptHash) ?? 0
      if (used >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
      if (ofPrompt >= (rule.timesPerPrompt ?? Number.POSITIVE_INFINITY)) continue
      if (!applies(rule, asked)) continue
      state.used += 1
      prompts.set(asked.promptHash, ofPrompt + 1)
      return rule.answer
    }
    return { is: 'text' }
  }
}

function applies({ prompt, key, model }: Rule, asked: Asked): boolean {
  if (key !== undefined && key !== asked.key) return false
  if (model !== undefined && model !== asked.model) return false
  return prompt === undefined || new RegExp(prompt, 'u').test(asked.prompt)
}
