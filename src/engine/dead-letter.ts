import type { DeadMessage } from '../broker/broker.ts'
import type { DeadLetterFilter, DeadLetterGroup, Page, PageRequest } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import { everyItem } from '../task/page.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { discarded } from '../task/transition.ts'
import { isWider } from './bulk-selection.ts'
import type { Core } from './core.ts'
import { requireVersion } from './read-task.ts'
import { type RetryTaskOptions, retryTask } from './retry.ts'

/** The outcome of a bulk operation. */
export interface BulkOutcome {
  done: number
  /** The first 100. */
  failed: readonly { taskId: string; code: string; message: string }[]
  /** The limit was reached before the last that match. */
  more?: true
}

/** How far an operation on many goes. */
export interface BulkLimit {
  /** Dead letters that it acts on at most; default all. */
  limit?: number
}

/**
 * The tasks that need a person. A dead letter is opened in the record by the transition that ends the task (`task/transition.ts`), so no queue
 * is asked.
 */
export interface DeadLetters {
  list(filter: DeadLetterFilter, page: PageRequest): Promise<Page<TaskRecord>>
  /** Equal failures as one line, the most frequent first, at most 200. */
  groups(filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>
  /** Throws DEAD_LETTER_NOT_FOUND. */
  get(taskId: string): Promise<TaskRecord>
  /** Retries one; see `retryTask`. Throws DEAD_LETTER_NOT_FOUND. */
  retry(taskId: string, options?: RetryTaskOptions): Promise<number>
  /**
   * Retries all that were open when it began and match, a page at a time. A parent whose dead letter is closed by the retry of a sub-task is
   * not counted. One call for few: for many there is `bulkAction`, which survives its process.
   */
  retryAll(filter: DeadLetterFilter, options?: BulkLimit): Promise<BulkOutcome>
  /**
   * Takes one out of the list, with history; the task stays as it ended. Throws DEAD_LETTER_NOT_FOUND; TASK_CHANGED when it no longer has
   * the version that was given, or changes meanwhile.
   */
  purge(taskId: string, options?: { ifVersion?: number }): Promise<void>
  /** Takes all that match out of the list, a page at a time. */
  purgeAll(filter: DeadLetterFilter, options?: BulkLimit): Promise<BulkOutcome>
}

const perPage = 200
/** Errors of a bulk operation that are reported one by one. */
const mostErrors = 100

/** Returns the error for a task without an open dead letter. */
export function noDeadLetter(taskId: string): QuillworkError {
  return new QuillworkError('DEAD_LETTER_NOT_FOUND', `Task ${taskId} has no open dead letter.`)
}

/** Returns the dead letters of an engine. */
export function deadLettersOf(core: Core): DeadLetters {
  const { queries } = core.store

  async function get(taskId: string): Promise<TaskRecord> {
    const [record] = await queries.get([taskId])
    if (record?.deadLetter !== undefined) return record
    throw noDeadLetter(taskId)
  }

  return {
    list: (filter, page) => queries.deadLetters(filter, page),
    groups: filter => queries.deadLetterGroups(filter),
    get,
    async retry(taskId, options) {
      await get(taskId)
      return retryTask(core, taskId, options)
    },
    retryAll: (filter, options) =>
      forEach(core, filter, options, record => {
        if (!isWider(record, filter)) return retryTask(core, record.id)
        throw new QuillworkError(
          'FORBIDDEN',
          `Task ${record.id} acts on other users too; retry it by its id.`,
        )
      }),
    async purge(taskId, { ifVersion } = {}) {
      const record = await get(taskId)
      requireVersion(record, ifVersion)
      await discard(core, record)
    },
    purgeAll: (filter, options) => forEach(core, filter, options, record => discard(core, record)),
  }
}

/** Runs `act` on each match that is open since before the reading began. One that fails does not keep the others. */
async function forEach(
  { store }: Core,
  filter: DeadLetterFilter,
  { limit = Number.POSITIVE_INFINITY }: BulkLimit = {},
  act: (record: TaskRecord) => Promise<unknown>,
): Promise<BulkOutcome> {
  const openedBefore = Math.min(filter.openedBefore ?? Number.POSITIVE_INFINITY, store.tasks.now() + 1)
  const openNow = everyItem(perPage, page => store.queries.deadLetters({ ...filter, openedBefore }, page))
  const failed: BulkOutcome['failed'][number][] = []
  let done = 0
  let acted = 0
  for await (const listed of openNow) {
    if (acted >= limit) return { done, failed, more: true }
    acted += 1
    try {
      // The retry of a sub-task closes the dead letter of its parent, which may fail anew before its turn in the page comes.
      const [record] = await store.queries.get([listed.id])
      if (record === undefined || !isSameDeadLetter(record, listed)) continue
      await act(record)
      done += 1
    } catch (error) {
      const code = error instanceof QuillworkError ? error.code : 'INTERNAL'
      if (failed.length < mostErrors) failed.push({ taskId: listed.id, code, message: messageOf(error) })
    }
  }
  return { done, failed }
}

/** Returns whether the task has the dead letter that it had when it was listed. */
function isSameDeadLetter(record: TaskRecord, listed: TaskRecord): boolean {
  const [now, before] = [record.deadLetter, listed.deadLetter]
  // A parent that is reopened gets no new attempt, but a new round.
  const isSameRun = now?.attempt === before?.attempt && record.round === listed.round
  return now !== undefined && isSameRun && now.openedAt === before?.openedAt
}

/** Takes the dead letter of a record out of the list. Throws TASK_CHANGED. */
export async function discard(core: Core, record: TaskRecord): Promise<void> {
  const [applied] = await core.store.tasks.apply([discarded(record, core.store.tasks.now())])
  if (applied !== 'applied')
    throw new QuillworkError('TASK_CHANGED', `Task ${record.id} changed meanwhile; look at it again.`)
}

/**
 * Consumes the dead letter queue. The record of a task is the truth: its dead letter was opened by the write that ended it, and the message
 * only adds how it came there. A message that names no task is filed with its text; one that names a live task fails nothing, and the task
 * is sent again. A message that could not be handled stays with the broker, which tries again. Returns an unsubscribe function.
 */
export function consumeDeadLetters(core: Core): () => void {
  return core.broker.remote?.consumeDeadLetters(message => receive(core, message)) ?? (() => undefined)
}

async function receive(core: Core, message: DeadMessage): Promise<void> {
  const { taskId, malformed } = message
  if (malformed !== undefined || taskId === undefined)
    return file(core, message, malformed ?? 'The message names no task.')
  const [record] = await core.store.queries.get([taskId])
  if (record === undefined) return file(core, message, `There is no task ${taskId}.`)
  const { attempt, story } = message
  if (!hasEnded(record.status)) {
    // Of an earlier attempt: the task was retried, and sent again, while the message was on its way.
    if (attempt !== undefined && attempt < record.attempt) return
    await file(core, message, `Task ${taskId} is ${record.status}; it was sent again.`)
    // Durable before the message is acknowledged, where the store offers it.
    if (core.store.outbox.defer === undefined) core.store.outbox.requeue([taskId])
    else await core.store.outbox.defer([taskId], 0)
    return core.wakeRelay()
  }
  if (record.deadLetter === undefined) return
  if (attempt !== undefined && attempt < record.deadLetter.attempt - 1) return
  await core.store.outbox.notified?.([{ taskId, attempt: record.deadLetter.attempt, story }])
}

async function file(core: Core, { id, content, story }: DeadMessage, reason: string): Promise<void> {
  core.log.warn({ messageId: id, reason }, 'unparsable message filed')
  const at = core.store.tasks.now()
  await core.store.unparsable.file([{ id, at, reason: `${reason} ${story}`.trim(), content }])
}
