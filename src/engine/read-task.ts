import type { Store } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'

/** Returns the record of a task. Throws TASK_NOT_FOUND. */
export async function readTask(
  { store }: { readonly store: Pick<Store, 'queries'> },
  taskId: string,
): Promise<TaskRecord> {
  const [record] = await store.queries.get([taskId])
  if (record !== undefined) return record
  const message = `There is no task ${taskId}; it may have been deleted after its retention time.`
  throw new QuillworkError('TASK_NOT_FOUND', message)
}

/** Returns the error for a record that is no longer what the caller saw. */
export function changed({ id, version }: TaskRecord): QuillworkError {
  const message = `Task ${id} is now at version ${version}; look at it again.`
  return new QuillworkError('TASK_CHANGED', message, { details: { version } })
}
