import type { DeadLetterFilter, DeadLetterGroup, Page, PageRequest } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { discarded } from '../task/transition.ts'
import { changed } from './cancel.ts'
import type { Core } from './core.ts'
import { type RetryTaskOptions, retryTask } from './retry.ts'

/** What became of a bulk operation. */
export interface BulkOutcome {
  done: number
  failed: readonly { taskId: string; code: string; message: string }[]
}

/** The tasks that need a person. A dead letter is opened in the record by the write that ends the task, so no queue is asked. */
export interface DeadLetters {
  list(filter: DeadLetterFilter, page: PageRequest): Promise<Page<TaskRecord>>
  /** Equal failures as one line, the most frequent first, at most 200. */
  groups(filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>
  /** Throws DEAD_LETTER_NOT_FOUND. */
  get(taskId: string): Promise<TaskRecord>
  /** Retries one; see `retryTask`. Throws DEAD_LETTER_NOT_FOUND. */
  retry(taskId: string, options?: RetryTaskOptions): Promise<number>
  /** Retries all that were open when it began and match, a page at a time. */
  retryAll(filter: DeadLetterFilter): Promise<BulkOutcome>
  /**
   * Takes one out of the list, with history; the task stays as it ended. Throws DEAD_LETTER_NOT_FOUND; TASK_CHANGED when it has not the
   * version that was given any more, or changes meanwhile.
   */
  purge(taskId: string, options?: { ifVersion?: number }): Promise<void>
  /** Takes all that match out of the list, a page at a time. */
  purgeAll(filter: DeadLetterFilter): Promise<BulkOutcome>
}

const perPage = 200
/** Errors of a bulk operation that are told one by one. */
const mostErrors = 100

/** The dead letters of an engine. */
export function deadLettersOf(core: Core): DeadLetters {
  const { queries } = core.store

  async function get(taskId: string): Promise<TaskRecord> {
    const [record] = await queries.get([taskId])
    if (record?.deadLetter !== undefined) return record
    throw new QuillworkError('DEAD_LETTER_NOT_FOUND', `Task ${taskId} has no open dead letter.`)
  }

  return {
    list: (filter, page) => queries.deadLetters(filter, page),
    groups: filter => queries.deadLetterGroups(filter),
    get,
    async retry(taskId, options) {
      await get(taskId)
      return retryTask(core, taskId, options)
    },
    retryAll: filter => forEach(core, filter, record => retryTask(core, record.id)),
    async purge(taskId, { ifVersion } = {}) {
      const record = await get(taskId)
      if (ifVersion !== undefined && record.version !== ifVersion) throw changed(record)
      await discard(core, record)
    },
    purgeAll: filter => forEach(core, filter, record => discard(core, record)),
  }
}

/** Runs `act` on each match. One that fails does not keep the others. */
async function forEach(
  core: Core,
  filter: DeadLetterFilter,
  act: (record: TaskRecord) => Promise<unknown>,
): Promise<BulkOutcome> {
  const failed: { taskId: string; code: string; message: string }[] = []
  let done = 0
  for await (const record of openNow(core, filter)) {
    try {
      await act(record)
      done += 1
    } catch (error) {
      if (failed.length < mostErrors) failed.push(told(record, error))
    }
  }
  return { done, failed }
}

/** The matches that were open when the reading began: what fails again meanwhile is not met twice. */
async function* openNow({ store }: Core, filter: DeadLetterFilter): AsyncGenerator<TaskRecord> {
  const openedBefore = Math.min(filter.openedBefore ?? Number.POSITIVE_INFINITY, store.tasks.now() + 1)
  const bounded = { ...filter, openedBefore }
  let pageToken: string | undefined
  do {
    const page = await store.queries.deadLetters(
      bounded,
      pageToken === undefined ? { pageSize: perPage } : { pageSize: perPage, pageToken },
    )
    yield* page.items
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
}

async function discard(core: Core, record: TaskRecord): Promise<void> {
  const [applied] = await core.store.tasks.apply([discarded(record, core.store.tasks.now())])
  if (applied !== 'applied')
    throw new QuillworkError('TASK_CHANGED', `Task ${record.id} changed meanwhile; look at it again.`)
}

function told(record: TaskRecord, error: unknown): { taskId: string; code: string; message: string } {
  const code = error instanceof QuillworkError ? error.code : 'INTERNAL'
  return { taskId: record.id, code, message: error instanceof Error ? error.message : String(error) }
}
