import { type GatheredCalls, gatherCalls } from '../runtime/gather.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { LogLine } from '../store/store.ts'
import { encode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import type { Awaitable, ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { eventOf } from '../task/events.ts'
import { parseWith } from '../task/schema.ts'
import { readTraceparent } from '../task/trace-context.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { foundStale, retryOf } from './settle.ts'

/** Milliseconds between two writes. */
const reportEveryMs = 250
/** Milliseconds that an attempt which is done waits for its progress to be stored: its result is worth more. */
const finishMs = 60_000
/** Longest message of a log line, in characters. */
const longestMessage = 2_000

/** Returns the progress of a task through its schema. Throws PROGRESS_INVALID, also where there is no schema. */
export function parseProgress(
  { type, progress: schema }: ResolvedTask,
  progress: unknown,
): Awaitable<unknown> {
  if (schema !== undefined)
    return parseWith(schema, progress, 'PROGRESS_INVALID', `The progress of ${type} is not valid`)
  const message = `${type} has no progress schema; define one to report progress.`
  throw new QuillworkError('PROGRESS_INVALID', message)
}

/** Writes the progress and the log lines of an attempt, at most four times a second; the last progress and every line before it is settled. */
export class Reports {
  readonly #core: Core
  readonly #attempt: Attempt
  #progress: { value: unknown } | undefined
  #lines: LogLine[] = []
  readonly #calls: GatheredCalls
  #writing: Promise<void> = Promise.resolve()
  /** By the monotonic clock; set when the attempt is done. */
  #giveUpAt = Number.POSITIVE_INFINITY

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
    this.#giveUpAt = this.#core.clock.monotonic() + finishMs
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
    const writes = [
      ...(lines.length > 0 ? [this.#core.store.attempts.log(this.#attempt.record.id, lines)] : []),
      ...(progress === undefined ? [] : [this.#writeProgress(progress.value)]),
    ]
    for (const written of await Promise.allSettled(writes))
      if (written.status === 'rejected') this.#failed(written.reason)
  }

  /** Until it is stored, or a newer one has come. */
  async #writeProgress(value: unknown): Promise<void> {
    const { record } = this.#attempt
    const write = { taskId: record.id, attempt: record.attempt, progress: encode(value) }
    const retry = retryOf(this.#core, this.#attempt)
    const mayGoOn = () => this.#progress === undefined && this.#core.clock.monotonic() < this.#giveUpAt
    const again = (error: unknown, waitMs: number) => mayGoOn() && retry.again(error, waitMs)
    const [applied] = await retryUntilStored(() => this.#core.store.attempts.progress([write]), {
      ...retry,
      again,
    })
    if (applied !== 'applied') foundStale(this.#core, this.#attempt)
    else if (this.#core.bus.wants('progress')) {
      this.#core.bus.emit({ ...eventOf('progress', record, this.#core.store.tasks.now()), progress: value })
    }
  }

  /** Log lines are best effort: a store that is away costs some, not the attempt. */
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
