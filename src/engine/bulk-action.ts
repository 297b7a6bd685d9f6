/**
 * The task that does something to many tasks: in batches that are checkpoints, so that it goes on where it was, and does nothing twice. What a batch
 * left is one checkpoint, before which the others are deleted: so one on a million tasks keeps no more than one on a hundred.
 */
import { defined } from '../task/defined.ts'
import { defineTask, type Schema, type TaskContext } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { type BulkActionParameters, bulkParametersSchema } from './bulk-parameters.ts'
import { type BulkPreview, type BulkSelection, bulkActionType, countSelected } from './bulk-selection.ts'
import type { BulkActed, BulkEnds, BulkFailure, BulkItem, BulkTasks } from './bulk-tasks.ts'
import { AttemptContext } from './context.ts'
import type { Core } from './core.ts'
import type { Steps } from './steps.ts'
import { requireLane } from './submit.ts'
import { sleepStep } from './wait.ts'

/** How far a bulk action is. */
export interface BulkProgress {
  done: number
  failed: number
  skipped: number
  /** All of these together. */
  processed: number
  /** How many it found when it began; absent where there were too many to count. */
  total?: number
  /** The wave that is retried, from 1. */
  wave?: number
  /** Of those that it retried and waited for: how many failed again. */
  failedAgain?: number
}

/** What became of a bulk action. */
export interface BulkActionResult extends BulkProgress {
  /** Nothing was done: `done` is how many it would have acted on. */
  dryRun?: true
  /** Why it ended before its end; absent where it came to it. */
  stopped?: 'failing-again' | 'too-many'
  /** Of those that it retried and waited for: how many completed, and how many had not ended when the wait was over. */
  completedAgain?: number
  stillLive?: number
  /** What could not be done and why, the first 100. */
  failures: readonly BulkFailure[]
}

/** What an engine says of a bulk action before it is submitted. */
export interface Bulk {
  /** Returns how many tasks a selection finds now, counted to `most`, default 1,000, among the first ten times as many, and the first ten. Throws LANE_UNKNOWN. */
  preview(selection: BulkSelection, options?: { most?: number }): Promise<BulkPreview>
}

/** Tasks that a preview counts. */
const usuallyCounted = 1_000
/** Records that a preview reads at most for each that it counts: a person waits, and of a million that wait maybe none waits for a time. */
const readPerCounted = 10

/** Returns the previews of an engine. */
export function bulkOf(core: Core): Bulk {
  return {
    async preview(selection, { most = usuallyCounted } = {}) {
      if (selection.lane !== undefined) requireLane(core, selection.lane)
      const scope = { until: core.store.tasks.now() }
      return countSelected(core, selection, scope, { most, mostRead: readPerCounted * most })
    },
  }
}

/** Tasks that a bulk action counts before it begins. */
const mostCounted = 10_000
/** Tasks of a batch, where it does not retry in waves. */
const batchSize = 100
/** Tasks of a wave, where it may stop and no size is given. */
const usualWave = 100
const usualWaitSeconds = 600
/** Milliseconds for which a wave is waited for in the slot; then the slot is given back between two looks, for longer each time up to a minute. */
const inSlotMs = 2_000
const firstSleepMs = 5_000
const longestSleepMs = 60_000
/** Tasks that have ended again before it is judged whether they fail. */
const judgedOf = 10
/** Failures that are kept. */
const mostFailures = 100

/** Returns a schema that takes what only the engine makes. */
function made<T>(): Schema<T> {
  return { '~standard': { version: 1, vendor: 'quillwork', validate: value => ({ value: value as T }) } }
}

/**
 * Cancels, retries, runs now, purges, tags or moves to another lane all tasks that a filter finds: those that were there when it was submitted. It
 * has a lane of its own, so that it starts while the tasks that it is to cancel fill theirs. Give it to
 * `createEngine({ tasks: [...yours, bulkAction] })`, and to operators alone: it acts on the tasks of all users.
 */
export const bulkAction = defineTask({
  type: bulkActionType,
  lane: 'bulk',
  attemptTimeout: '7d',
  parameters: bulkParametersSchema,
  result: made<BulkActionResult>(),
  progress: made<BulkProgress>(),
  execute: ctx => new BulkRun(ctx, ctx.parameters).run(),
})

/** What the batches so far have left: all that the next one needs to know of them. */
interface Standing {
  /** How many batches there were. */
  number: number
  /** Where the listing goes on; absent at its end. */
  place?: string
  sums: Omit<BulkActed, 'failures'> & { failed: number }
  /** What became of the tasks that it waited for. */
  again: BulkEnds
  /** Those that have ended again since it was judged last whether they fail. */
  judged: { ended: number; failedAgain: number }
  /** The first of them. */
  failures: readonly BulkFailure[]
  isFailingAgain?: true
}

/** Begins the keys of the steps of a batch; its number follows. The step `after` has what all batches up to it left. */
const batchSteps = ['batch', 'acted', 'wait', 'wave'] as const

/** One attempt of a bulk action. */
class BulkRun {
  readonly #ctx: TaskContext<Schema<BulkActionParameters>, Schema<BulkProgress>>
  readonly #parameters: BulkActionParameters
  readonly #tasks: BulkTasks
  readonly #steps: Steps
  #total: number | undefined
  /** Looks at the wave that was waited for last. */
  #looks = 0

  constructor(
    ctx: TaskContext<Schema<BulkActionParameters>, Schema<BulkProgress>>,
    parameters: BulkActionParameters,
  ) {
    const own: unknown = ctx
    if (!(own instanceof AttemptContext))
      throw new QuillworkError('OPTION_INVALID', `${bulkActionType} runs in an engine alone.`)
    this.#ctx = ctx
    this.#parameters = parameters
    this.#tasks = own.bulk(parameters)
    this.#steps = own.steps
  }

  async run(): Promise<BulkActionResult> {
    const { atMost } = this.#parameters
    this.#tasks.requireLane()
    const most = Math.max(mostCounted, (atMost ?? 0) + 1)
    const found = await this.#ctx.checkpoint('count', () => this.#tasks.count(most))
    if (!found.isMore) this.#total = found.count
    let standing = await this.#standing()
    if (atMost !== undefined && found.count > atMost) {
      this.#ctx.logInfo(`It found more than the ${atMost} tasks that it may act on, so it did nothing.`)
      return this.#result(standing, 'too-many')
    }
    while (standing.place !== undefined && standing.isFailingAgain !== true) {
      const before = standing
      standing = await this.#next(before)
      this.#report(standing)
      await this.#forget(before.number, standing.number)
    }
    return this.#result(standing, standing.isFailingAgain === true ? 'failing-again' : undefined)
  }

  /** Returns what the batches of earlier attempts left, and deletes the steps that led to it. */
  async #standing(): Promise<Standing> {
    const keys = await this.#steps.storedKeys()
    const last = Math.max(0, ...keys.filter(key => key.startsWith('after ')).map(numberIn))
    if (last > 0) {
      const surplus = keys.filter(key => numberIn(key) <= last && key !== `after ${last}`)
      if (surplus.length > 0) await this.#steps.forget(surplus)
      return (await this.#steps.storedValue(`after ${last}`)) as Standing
    }
    return {
      number: 0,
      // What is not cancelled would be found once more, among all.
      place: this.#tasks.firstPlace({ isOfAll: this.#parameters.dryRun === true }),
      sums: { done: 0, skipped: 0, failed: 0 },
      again: { completed: 0, failedAgain: 0, live: 0 },
      judged: { ended: 0, failedAgain: 0 },
      failures: [],
    }
  }

  /** How many are retried before it waits for them; undefined where it does not. */
  get #waveSize(): number | undefined {
    const { dryRun, wave, stopWhen } = this.#parameters
    if (dryRun === true) return undefined
    return wave?.size ?? (stopWhen === undefined ? undefined : usualWave)
  }

  /** Does the next batch, and returns what is left after it. */
  async #next(before: Standing): Promise<Standing> {
    const { place = '' } = before
    const number = before.number + 1
    let isResumed = true
    const { items, next } = await this.#ctx.checkpoint(`batch ${number}`, () => {
      isResumed = false
      return this.#tasks.next(place, this.#waveSize ?? batchSize)
    })
    const acted = await this.#ctx.checkpoint(`acted ${number}`, () => {
      if (this.#parameters.dryRun === true) return { done: items.length, skipped: 0, failures: [] }
      const { rate: perSecond } = this.#parameters
      const onActed = (soFar: BulkActed) => this.#report(withActed({ ...before, number }, soFar))
      return this.#tasks.act(items, { perSecond, isResumed, onActed })
    })
    const { place: _, ...rest } = withActed({ ...before, number }, acted)
    const after = { ...rest, ...defined({ place: next }) }
    const isAwaited = this.#waveSize !== undefined && acted.done > 0
    if (isAwaited) this.#report(after)
    const ends = isAwaited ? await this.#waveEnds(number, items) : undefined
    const judged = ends === undefined ? after : this.#judge(after, ends)
    return this.#ctx.checkpoint(`after ${number}`, () => judged)
  }

  /** Returns what became of a wave, when all of it has ended or the wait is over. The slot is given back meanwhile. */
  async #waveEnds(number: number, items: readonly BulkItem[]): Promise<BulkEnds> {
    const { waitSeconds = usualWaitSeconds } = this.#parameters.wave ?? {}
    const until = await this.#ctx.checkpoint(`wait ${number}`, () => this.#tasks.now() + waitSeconds * 1_000)
    let sleepMs = firstSleepMs
    for (let look = 1; ; look++) {
      this.#looks = look
      const leftMs = await this.#ctx.checkpoint(lookStep(number, look), async () => {
        const inSlot = look === 1 ? Math.min(inSlotMs, until - this.#tasks.now()) : 0
        const live = await this.#tasks.live(items, inSlot)
        return live === 0 ? 0 : until - this.#tasks.now()
      })
      if (leftMs <= 0) break
      await this.#ctx.sleep(Math.min(sleepMs, leftMs), { key: lookStep(number, look) })
      sleepMs = Math.min(sleepMs * 2, longestSleepMs)
    }
    return this.#ctx.checkpoint(`wave ${number}`, () => this.#tasks.ends(items))
  }

  /** Adds what became of a wave, and judges whether too many failed again. */
  #judge(standing: Standing, { completed, failedAgain, live }: BulkEnds): Standing {
    const { number, again, judged } = standing
    const after: Standing = {
      ...standing,
      again: {
        completed: again.completed + completed,
        failedAgain: again.failedAgain + failedAgain,
        live: again.live + live,
      },
    }
    const { stopWhen } = this.#parameters
    if (stopWhen === undefined) return after
    const ended = judged.ended + completed + failedAgain
    const failed = judged.failedAgain + failedAgain
    if (ended < (stopWhen.of ?? judgedOf)) return { ...after, judged: { ended, failedAgain: failed } }
    const isFailingAgain = failed / ended >= stopWhen.failedAgainShare
    if (isFailingAgain)
      this.#ctx.logInfo(`It stopped after wave ${number}: ${failed} of ${ended} failed again.`)
    return {
      ...after,
      judged: { ended: 0, failedAgain: 0 },
      ...(isFailingAgain && { isFailingAgain }),
    }
  }

  /** Deletes the steps that led to what is left after a batch. */
  #forget(before: number, number: number): Promise<void> {
    const looks = Array.from({ length: this.#looks }, (_, index) => lookStep(number, index + 1))
    const steps = batchSteps.map(name => `${name} ${number}`)
    const earlier = before > 0 ? [`after ${before}`] : []
    return this.#steps.forget([...steps, ...looks, ...looks.map(sleepStep), ...earlier])
  }

  #progress({ number, sums, again }: Standing): BulkProgress {
    const { done, skipped, failed } = sums
    const isWave = this.#waveSize !== undefined && number > 0
    return {
      ...{ done, failed, skipped, processed: done + failed + skipped },
      ...defined({ total: this.#total }),
      ...(isWave && { wave: number, failedAgain: again.failedAgain }),
    }
  }

  #report(standing: Standing): void {
    this.#ctx.updateProgress(this.#progress(standing))
  }

  #result(standing: Standing, stopped?: 'failing-again' | 'too-many'): BulkActionResult {
    const { number, again, failures } = standing
    const isWave = this.#waveSize !== undefined && number > 0
    return {
      ...this.#progress(standing),
      ...(this.#parameters.dryRun === true && { dryRun: true }),
      ...defined({ stopped }),
      ...(isWave && { completedAgain: again.completed, stillLive: again.live }),
      failures,
    }
  }
}

/** Returns the number of the batch that a step is of; NaN for a step of none. */
function numberIn(key: string): number {
  return Number(/\d+/.exec(key)?.[0])
}

/** Returns the name of a look at a wave that runs: of the step that has what it saw, and of the sleep after it. */
function lookStep(number: number, look: number): string {
  return `wave ${number}, look ${look}`
}

function withActed(standing: Standing, { done, skipped, failures }: BulkActed): Standing {
  const { sums } = standing
  return {
    ...standing,
    sums: {
      done: sums.done + done,
      skipped: sums.skipped + skipped,
      failed: sums.failed + failures.length,
    },
    failures: [...standing.failures, ...failures].slice(0, mostFailures),
  }
}
