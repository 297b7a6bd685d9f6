import type { Engine } from '../engine/engine.ts'
import { decode } from '../task/codec.ts'
import type { In, Schema, TaskType } from '../task/definition.ts'
import type { TaskRecord } from '../task/task.ts'

/** A task that was submitted, with its parameters as they were given. */
export type Submitted<P extends Schema> = Omit<TaskRecord, 'parameters'> & { parameters: In<P> }

const perPage = 200

/** The tasks of a type that were submitted to an engine, newest first: roots and sub-tasks, in whatever status. */
export async function submittedTasks<P extends Schema>(
  engine: Pick<Engine, 'tasks'>,
  type: TaskType<P>,
): Promise<readonly Submitted<P>[]> {
  const found: Submitted<P>[] = []
  let pageToken: string | undefined
  do {
    const request = pageToken === undefined ? { pageSize: perPage } : { pageSize: perPage, pageToken }
    const page = await engine.tasks.list({ taskType: [type.type] }, request)
    for (const record of page.items) found.push({ ...record, parameters: decode(record.parameters) as In<P> })
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return found
}
