import { type GatheredCalls, gatherCalls } from '../runtime/gather.ts'
import type { LogLine } from '../store/store.ts'
import { encode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import { eventOf } from '../task/events.ts'
import { readTraceparent } from '../task/trace-context.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { foundStale } from './settle.ts'

/** Milliseconds between two writes. */
const reportEveryMs = 250
/** Longest message of a log line, in characters. */
const longestMessage = 2_000

/** Writes the progress and the log lines of an attempt, at most four times a second; the last progress and every line before it is settled. */
export class Reports {
  readonly #core: Core
  readonly #attempt: Attempt
  #progress: { value: unknown } | undefined
  #lines: LogLine[] = []
  readonly #calls: GatheredCalls
  #writing: Promise<void> = Promise.resolve()

  constructor(core: Core, attempt: Attempt) {
    this.#core = core
    this.#attempt = attempt
    this.#calls = gatherCalls(core.clock, reportEveryMs, () => this.#write())
  }

  progress(value: unknown): void {
    this.#progress = { value }
    this.#calls.soon()
  }

  log(level: LogLine['level'], message: string, fields: object | undefined): void {
    const { record } = this.#attempt
    this.#core.log[level](
      {
        ...fields,
        taskId: record.id,
        taskType: record.taskType,
        attempt: record.attempt,
        ...traceOf(this.#attempt),
      },
      message,
    )
    const line: LogLine = {
      at: this.#core.store.tasks.now(),
      attempt: record.attempt,
      level,
      message: message.slice(0, longestMessage),
    }
    const text = fields === undefined ? undefined : jsonOf(fields)
    this.#lines.push(text === undefined ? line : { ...line, fields: text })
    this.#calls.soon()
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    this.#calls.cancel()
    this.#write()
    await this.#writing
  }

  #write(): void {
    if (this.#progress === undefined && this.#lines.length === 0) return
    this.#writing = this.#writing.then(() => this.#writeNow()).catch(error => this.#failed(error))
  }

  async #writeNow(): Promise<void> {
    const progress = this.#progress
    const lines = this.#lines
    this.#progress = undefined
    this.#lines = []
    if (lines.length > 0) await this.#core.store.attempts.log(this.#attempt.record.id, lines)
    if (progress !== undefined) await this.#writeProgress(progress.value)
  }

  async #writeProgress(value: unknown): Promise<void> {
    const { record } = this.#attempt
    const write = { taskId: record.id, attempt: record.attempt, progress: encode(value) }
    const [applied] = await this.#core.store.attempts.progress([write])
    if (applied !== 'applied') foundStale(this.#core, this.#attempt)
    else if (this.#core.bus.wants('progress')) {
      this.#core.bus.emit({ ...eventOf('progress', record, this.#core.store.tasks.now()), progress: value })
    }
  }

  /** Reports are best effort: a store that is away costs a line of the log, not the attempt. */
  #failed(error: unknown): void {
    this.#core.log.warn({ err: error, taskId: this.#attempt.record.id }, 'attempt report failed')
  }
}

function traceOf({ traceparent }: Attempt): { traceId?: string; spanId?: string } {
  const trace = readTraceparent(traceparent)
  return defined({ traceId: trace?.traceId, spanId: trace?.spanId })
}

function jsonOf(fields: object): string | undefined {
  try {
    return JSON.stringify(fields).slice(0, 4_000)
  } catch {
    return undefined
  }
}
