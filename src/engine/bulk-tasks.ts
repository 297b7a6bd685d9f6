/** What a bulk action does to other tasks, one batch at a time: so that one that is killed goes on, and does nothing twice. */
import { QuillworkError } from '../task/errors.ts'
import type { PageRequest } from '../task/page.ts'
import { hasEnded, liveStatuses } from '../task/status.ts'
import { isCancelRequested, type TaskRecord } from '../task/task.ts'
import { isA, messageOf } from '../task/thrown.ts'
import type { Attempt } from './attempt.ts'
import {
  type BulkSelection,
  countSelected,
  hasWaitingFirst,
  listOf,
  selectedPage,
  tagChangeOf,
} from './bulk-selection.ts'
import { cancelTask } from './cancel.ts'
import type { Core } from './core.ts'
import { discard } from './dead-letter.ts'
import { moveTask, tagTask } from './relabel.ts'
import { retryTask, runTaskNow } from './retry.ts'
import { requireLane } from './submit.ts'

/** A task as it was when it was chosen. What has run or ended since then is another matter. */
export interface BulkItem {
  id: string
  attempt: number
  round: number
  /** When it ended, else when it was to run next; 0 where neither is known. */
  at: number
  /** It is a sub-task: what is done to it may change its parent, and so its siblings. */
  isBelow?: true
}

/** The tasks that are next, and where the listing goes on; without a place it ends. */
export interface BulkBatch {
  items: readonly BulkItem[]
  next?: string
}

/** What could not be done to one task, and why. */
export interface BulkFailure {
  taskId: string
  code: string
  message: string
}

/** What became of some tasks. */
export interface BulkActed {
  done: number
  /** Had changed, or were done already, when their turn came. */
  skipped: number
  failures: readonly BulkFailure[]
}

/** What became of tasks that run again. */
export interface BulkEnds {
  completed: number
  failedAgain: number
  /** Have not ended. */
  live: number
}

/** Records read at a time. */
const perRead = 100
/** Tasks acted on at a time: their writes share commits. */
const atATime = 10
/** Begins the place in the listing of the waiting tasks, where that comes first. No token of a page begins so. */
const waitingPrefix = 'waiting '
/** Codes that say that a task moved on by itself. */
const overCodes = ['TASK_ALREADY_ENDED', 'TASK_NOT_FOUND', 'TASK_NOT_WAITING']
/** Tries to act on a task that changes meanwhile, but not in what matters. */
const mostTries = 5

/** What an attempt of a bulk action does to the tasks of its selection. */
export class BulkTasks {
  readonly #core: Core
  readonly #attempt: Attempt
  readonly #selection: BulkSelection

  constructor(core: Core, attempt: Attempt, selection: BulkSelection) {
    this.#core = core
    this.#attempt = attempt
    this.#selection = selection
  }

  get #scope() {
    const { createdAt, rootTaskId } = this.#attempt.record
    return { until: createdAt, rootTaskId }
  }

  /** Throws LANE_UNKNOWN where the selection names a lane that is not there. */
  requireLane(): void {
    if (this.#selection.lane !== undefined) requireLane(this.#core, this.#selection.lane)
  }

  /** Counts the tasks, at most so many. */
  async count(most: number): Promise<{ count: number; isMore: boolean }> {
    const { count, isMore } = await countSelected(this.#core, this.#selection, this.#scope, { most })
    return { count, isMore }
  }

  /** Returns the place that the first batch begins at. Each task is found once from the first of all on. */
  firstPlace({ isOfAll }: { isOfAll: boolean }): string {
    return !isOfAll && hasWaitingFirst(this.#selection) ? waitingPrefix : ''
  }

  /** Returns the tasks from a place on, at most so many. */
  async next(place: string, size: number): Promise<BulkBatch> {
    const items: BulkItem[] = []
    let next: string | undefined = place
    do {
      this.#attempt.signal.throwIfAborted()
      const isWaitingOnly: boolean = next.startsWith(waitingPrefix)
      const prefix: string = isWaitingOnly ? waitingPrefix : ''
      const request: PageRequest = { pageSize: Math.min(perRead, size - items.length) }
      if (next !== prefix) request.pageToken = next.slice(prefix.length)
      const scope = { ...this.#scope, isWaitingOnly }
      const page = await selectedPage(this.#core, this.#selection, scope, request)
      items.push(...page.items.map(itemOf))
      // After the waiting ones come all.
      if (page.nextPageToken !== undefined) next = prefix + page.nextPageToken
      else next = isWaitingOnly ? '' : undefined
      // A batch ends with the waiting ones: read again now, they would be in it twice.
      if (isWaitingOnly && next === '' && items.length > 0) break
    } while (next !== undefined && items.length < size)
    return next === undefined ? { items } : { items, next }
  }

  /**
   * Acts on tasks, a few at a time; sub-tasks one after the other. One that fails does not keep the others. Throws the reason of the signal, and
   * the error of a store that fails: what was done is found done when the same batch is acted on again.
   *
   * @param options `perSecond`: how many at most. `isResumed`: the batch was begun before, so what has changed since it was chosen counts as done.
   */
  async act(
    items: readonly BulkItem[],
    options: { perSecond?: number | undefined; isResumed: boolean; onActed: (soFar: BulkActed) => void },
  ): Promise<BulkActed> {
    const { perSecond = Number.POSITIVE_INFINITY, isResumed, onActed } = options
    const { clock } = this.#core
    const sums = { done: 0, skipped: 0, failures: [] as BulkFailure[] }
    const startedAt = clock.monotonic()
    const perStep = Math.max(1, Math.min(atATime, Math.floor(perSecond / 2)))
    for (let from = 0; from < items.length; from += perStep) {
      this.#attempt.signal.throwIfAborted()
      const some = items.slice(from, from + perStep)
      const one = async (item: BulkItem) => {
        const became = await this.#tryOne(item, isResumed)
        if (typeof became === 'object') sums.failures.push(became)
        else sums[became] += 1
      }
      await Promise.all(some.filter(({ isBelow }) => isBelow !== true).map(one))
      for (const item of some) if (item.isBelow === true) await one(item)
      onActed(sums)
      const dueAt = startedAt + ((from + some.length) / perSecond) * 1_000
      if (dueAt > clock.monotonic()) await this.#pause(dueAt - clock.monotonic())
    }
    return sums
  }

  async #tryOne(item: BulkItem, isResumed: boolean): Promise<'done' | 'skipped' | BulkFailure> {
    try {
      return (await this.#actOn(item)) ? 'done' : isResumed ? 'done' : 'skipped'
    } catch (error) {
      const code = isA(error, QuillworkError) ? error.code : 'INTERNAL'
      // It is not the task that fails: the whole batch is tried again.
      if (code.startsWith('STORE_')) throw error
      // It ended, began to run or was deleted between two reads: there was nothing to do any more.
      const isOver = this.#selection.filter.taskIds === undefined && overCodes.includes(code)
      if (isOver) return isResumed ? 'done' : 'skipped'
      return { taskId: item.id, code, message: messageOf(error) }
    }
  }

  /** Returns whether it did anything: false for a task that is no longer as it was chosen. */
  async #actOn(item: BulkItem): Promise<boolean> {
    const { action, filter, lane = '' } = this.#selection
    const isNamed = filter.taskIds !== undefined
    for (let tries = 1; ; tries++) {
      const [record] = await this.#core.store.queries.get([item.id])
      if (record === undefined) return false
      if (action === 'cancel') {
        if (
          isCancelRequested(record) ||
          (hasEnded(record.status) && (!isNamed || record.status === 'CANCELLED'))
        )
          return false
        await cancelTask(this.#core, item.id)
        return true
      }
      if (action === 'addTags' || action === 'removeTags')
        return tagTask(this.#core, item.id, tagChangeOf(this.#selection))
      if (action === 'move') return moveTask(this.#core, item.id, lane)
      if (!this.#isAsChosen(record, item)) return false
      try {
        await this.#actAsSeen(record)
        return true
      } catch (error) {
        const isChanged = isA(error, QuillworkError) && error.code === 'TASK_CHANGED'
        if (!isChanged || tries === mostTries) throw error
      }
    }
  }

  async #actAsSeen(record: TaskRecord): Promise<unknown> {
    const { action } = this.#selection
    const { id, version: ifVersion } = record
    if (action === 'purge') return discard(this.#core, record)
    if (action === 'retry') return retryTask(this.#core, id, { ifVersion })
    return runTaskNow(this.#core, id, ifVersion)
  }

  /** Returns whether a task has not run, ended or been taken off the list since it was chosen. */
  #isAsChosen(record: TaskRecord, item: BulkItem): boolean {
    const now = itemOf(record)
    const isSame = now.attempt === item.attempt && now.round === item.round && now.at === item.at
    return isSame && (listOf(this.#selection) === 'tasks' || record.deadLetter !== undefined)
  }

  /** The time by the clock of the store, epoch milliseconds: of the attempts of a task each has a clock of its own. */
  now(): number {
    return this.#core.store.tasks.now()
  }

  /** Returns how many tasks that were retried have not ended. Waits for them in the slot first, at most so long. */
  async live(items: readonly BulkItem[], mostMs: number): Promise<number> {
    const { clock } = this.#core
    const until = clock.monotonic() + mostMs
    let live = items.map(({ id }) => id)
    for (let waitMs = firstWaitMs; ; waitMs *= 2) {
      live = (await this.#read(live, liveStatuses)).map(({ id }) => id)
      const leftMs = until - clock.monotonic()
      if (live.length === 0 || leftMs <= 0) return live.length
      await this.#pause(Math.min(waitMs, leftMs))
    }
  }

  /** Returns what became of tasks that were retried. */
  async ends(items: readonly BulkItem[]): Promise<BulkEnds> {
    const live = await this.#read(
      items.map(({ id }) => id),
      liveStatuses,
    )
    const ran = await this.#read(items.map(({ id }) => id))
    const chosen = new Map(items.map(item => [item.id, item]))
    const ended = ran.filter(record => {
      const item = chosen.get(record.id)
      return item !== undefined && hasEnded(record.status) && !this.#isSameRun(record, item)
    })
    const failedAgain = ended.filter(({ status }) => status === 'FAILED' || status === 'DEAD_LETTER').length
    const completed = ended.filter(({ status }) => status.startsWith('COMPLETED')).length
    return { completed, failedAgain, live: live.length }
  }

  #isSameRun(record: TaskRecord, item: BulkItem): boolean {
    return record.attempt === item.attempt && record.round === item.round
  }

  async #read(ids: readonly string[], status?: typeof liveStatuses): Promise<TaskRecord[]> {
    const found: TaskRecord[] = []
    for (let from = 0; from < ids.length; from += perRead) {
      this.#attempt.signal.throwIfAborted()
      const records = await this.#core.store.queries.get(ids.slice(from, from + perRead), status)
      found.push(...records.filter(record => record !== undefined))
    }
    return found
  }

  /** Waits in the attempt's own slot. Throws the reason of the signal. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#attempt
    return new Promise((resolve, reject) => {
      const abort = () => {
        cancel()
        reject(signal.reason)
      }
      const cancel = this.#core.clock.after(ms, () => {
        signal.removeEventListener('abort', abort)
        resolve()
      })
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
  }
}

/** Milliseconds until the second look at tasks that run; each later one takes twice as long. */
const firstWaitMs = 250

function itemOf(record: TaskRecord): BulkItem {
  const { id, attempt, round, completedAt, nextAttemptTimestamp, parentTaskId } = record
  const at = completedAt ?? nextAttemptTimestamp ?? 0
  return { id, attempt, round, at, ...(parentTaskId !== undefined && { isBelow: true }) }
}
