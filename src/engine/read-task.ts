/** Reads of records that several verbs share, and what is said where a record is missing or has changed. */
import type { Store } from '../store/store.ts'
import { statusesThatBlock } from '../task/decide.ts'
import { QuillworkError } from '../task/errors.ts'
import { subTaskId } from '../task/id.ts'
import { keysInTurn } from '../task/predecessors.ts'
import type { TaskRecord } from '../task/task.ts'

/** What is read from. */
interface HasQueries {
  readonly store: Pick<Store, 'queries'>
}

/** Siblings that are read at once. */
export const siblingsPerRead = 50

/** Returns the record of a task. Throws TASK_NOT_FOUND. */
export async function readTask({ store }: HasQueries, taskId: string): Promise<TaskRecord> {
  const [record] = await store.queries.get([taskId])
  if (record !== undefined) return record
  throw taskNotFound(taskId)
}

/** Returns the error for a task that is not there, or that somebody may not know of. */
export function taskNotFound(taskId: string): QuillworkError {
  const message = `There is no task ${taskId}; it may have been deleted after its retention time.`
  return new QuillworkError('TASK_NOT_FOUND', message)
}

/** Returns the error for a record that is no longer what the caller saw. */
export function changed({ id, version }: TaskRecord): QuillworkError {
  const message = `Task ${id} is now at version ${version}; look at it again.`
  return new QuillworkError('TASK_CHANGED', message, { details: { version } })
}

/** Throws TASK_CHANGED where the record does not have the version that the caller saw, if it says one. */
export function requireVersion(record: TaskRecord, ifVersion: number | undefined): void {
  if (ifVersion !== undefined && record.version !== ifVersion) throw changed(record)
}

/** Returns a sibling that keeps a sub-task from starting; undefined where none does. */
export async function findBlocker(
  { store }: HasQueries,
  record: TaskRecord,
): Promise<TaskRecord | undefined> {
  const { after, parentTaskId, predecessor } = record
  if (after === undefined || parentTaskId === undefined) return undefined
  const keys = keysInTurn(after, predecessor)
  const statuses = statusesThatBlock(after)
  for (let from = 0; from < keys.length; from += siblingsPerRead) {
    const ids = keys.slice(from, from + siblingsPerRead).map(key => subTaskId(parentTaskId, key))
    const found = (await store.queries.get(ids, statuses)).find(each => each !== undefined)
    if (found !== undefined) return found
  }
  return undefined
}
