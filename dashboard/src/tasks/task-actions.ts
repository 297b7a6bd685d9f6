import { api, dataOf } from '../api/client.ts'
import type { Task } from '../api/task.ts'

/** What can be done to tasks from the list. */
export type TaskAction = 'cancel' | 'retry'

/** Statuses after which a task can run again. */
const retryable = new Set<Task['status']>(['FAILED', 'DEAD_LETTER', 'CANCELLED', 'COMPLETED_WITH_ERRORS'])

/** Why something cannot be done to a task, as far as its row tells; undefined when it can. */
export type Hindrance = 'ended' | 'stopping' | 'live' | 'completed'

/** Whether an action fits a task. The server has the last word. */
export function hindranceOf(action: TaskAction, task: Task): Hindrance | undefined {
  if (action === 'cancel') {
    if (task.done) return 'ended'
    return task.cancelRequestedAt === undefined ? undefined : 'stopping'
  }
  if (retryable.has(task.status)) return undefined
  return task.done ? 'completed' : 'live'
}

/** Cancels a task, or has it run again. Throws ApiError. */
export async function act(action: TaskAction, taskId: string): Promise<void> {
  const params = { path: { taskId } }
  if (action === 'cancel') await dataOf(api.POST('/v1/tasks/{taskId}:cancel', { params }))
  else await dataOf(api.POST('/v1/tasks/{taskId}:retry', { params, body: {} }))
}
