/** What the scripted model server remembers of every request, and what the tests ask of it. Plain data: it also travels as JSON. */

/** One request and its answer. Times in epoch milliseconds of the server. */
export interface Call {
  readonly id: number
  readonly route: 'chat' | 'embeddings'
  readonly startedAt: number
  /** When the last byte was handed over, or the connection ended. Absent while it is open. */
  endedAt?: number
  /** The bearer token. */
  readonly key: string
  readonly model: string
  /** Everything that was asked, joined. */
  readonly prompt: string
  readonly promptHash: string
  readonly streamed: boolean
  readonly inputTokens: number
  /** Tokens that were sent until the end, whole answer or not. */
  outputTokens: number
  /** What the script answered. */
  readonly answered: string
  status: number
  /** The text that was sent, as far as it was sent. */
  text: string
  /** The whole answer was handed over: whoever asked has to pay for it. */
  whole: boolean
  /** The client went away before the end. */
  closedByClient: boolean
  /** How long the caller was told to stay away, in milliseconds. */
  readonly retryAfterMs?: number
  /** Which of the server's real limits this call overran. */
  readonly violation?: LimitName
}

/** What a real limit counts. */
export type LimitName = 'requests' | 'tokens' | 'concurrency'

/** Which calls are meant; default all. */
export interface Which {
  readonly key?: string
  readonly model?: string
  /** Default: those that were not refused with a status of 400 or more. */
  readonly refused?: boolean
}

/** The requests of one server, in the order of their arrival. */
export class Ledger {
  readonly calls: readonly Call[]

  constructor(calls: readonly Call[]) {
    this.calls = calls
  }

  /** Calls that were not refused, unless refused ones are asked for too. */
  of({ key, model, refused = false }: Which = {}): readonly Call[] {
    return this.calls.filter(
      call =>
        (key === undefined || call.key === key) &&
        (model === undefined || call.model === model) &&
        (refused || call.status < 400),
    )
  }

  /** Calls by the hash of their prompt. */
  byPrompt(which?: Which): ReadonlyMap<string, readonly Call[]> {
    const found = new Map<string, Call[]>()
    for (const call of this.of(which)) {
      const same = found.get(call.promptHash)
      if (same === undefined) found.set(call.promptHash, [call])
      else same.push(call)
    }
    return found
  }

  /** Whole answers of prompts that were answered wholly more than once: each was paid twice. */
  paidTwice(which?: Which): readonly (readonly Call[])[] {
    return [...this.byPrompt(which).values()]
      .map(calls => calls.filter(call => call.whole))
      .filter(calls => calls.length > 1)
  }

  /** The most calls that were open at one time. */
  mostAtOnce(which?: Which): number {
    const steps = this.of(which).flatMap(({ startedAt, endedAt = Number.POSITIVE_INFINITY }) => [
      { at: startedAt, by: 1 },
      { at: endedAt, by: -1 },
    ])
    // One that ends in the millisecond in which another begins had ended before.
    steps.sort((a, b) => a.at - b.at || a.by - b.by)
    let open = 0
    let most = 0
    for (const { by } of steps) {
      open += by
      most = Math.max(most, open)
    }
    return most
  }

  /** The most that began within any window of so many milliseconds, in calls or in tokens in and out. */
  fullest(ms: number, amount: 'calls' | 'tokens', which?: Which): number {
    const calls = [...this.of(which)].sort((a, b) => a.startedAt - b.startedAt)
    let first = 0
    let sum = 0
    let fullest = 0
    for (const call of calls) {
      sum += amountOf(call, amount)
      for (let oldest = calls[first]; oldest !== undefined; oldest = calls[++first]) {
        if (call.startedAt - oldest.startedAt < ms) break
        sum -= amountOf(oldest, amount)
      }
      fullest = Math.max(fullest, sum)
    }
    return fullest
  }

  /** What began from one time until before another. */
  between(from: number, to: number, amount: 'calls' | 'tokens', which?: Which): number {
    return this.of(which)
      .filter(({ startedAt }) => startedAt >= from && startedAt < to)
      .reduce((sum, call) => sum + amountOf(call, amount), 0)
  }

  /** Calls that came although an earlier refusal of their key and model had told them to stay away, by more than `slackMs`. */
  tooEarly(slackMs = 0): readonly Call[] {
    const until = new Map<string, number>()
    return [...this.calls]
      .sort((a, b) => a.startedAt - b.startedAt)
      .filter(({ key, model, startedAt, endedAt = startedAt, retryAfterMs }) => {
        const account = `${key} ${model}`
        const early = startedAt < (until.get(account) ?? 0) - slackMs
        if (retryAfterMs !== undefined)
          until.set(account, Math.max(until.get(account) ?? 0, endedAt + retryAfterMs))
        return early
      })
  }

  violations(): readonly Call[] {
    return this.calls.filter(({ violation }) => violation !== undefined)
  }

  /** Tokens in and out of the calls, as the server counted them. */
  tokens(which?: Which): { inputTokens: number; outputTokens: number } {
    const calls = this.of(which)
    return {
      inputTokens: calls.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
      outputTokens: calls.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    }
  }
}

function amountOf({ inputTokens, outputTokens }: Call, amount: 'calls' | 'tokens'): number {
  return amount === 'calls' ? 1 : inputTokens + outputTokens
}
