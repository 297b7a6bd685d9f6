import { retryableStatuses, type Task } from '../api/task.ts'
import { cancelTask, retryTask } from '../queries/task-queries.ts'

/** What can be done to tasks from the list. */
export type TaskAction = 'cancel' | 'retry'

/** Why something cannot be done to a task, as far as its row says; undefined when it can. */
export type Hindrance = 'ended' | 'stopping' | 'live' | 'completed'

/** Returns whether an action fits a task. The server has the last word. */
export function hindranceOf(action: TaskAction, task: Task): Hindrance | undefined {
  if (action === 'cancel') {
    if (task.done) return 'ended'
    return task.cancelRequestedAt === undefined ? undefined : 'stopping'
  }
  if (retryableStatuses.some(status => status === task.status)) return undefined
  return task.done ? 'completed' : 'live'
}

/** Cancels a task, or has it run again. Throws ApiError. */
export async function act(action: TaskAction, taskId: string): Promise<void> {
  await (action === 'cancel' ? cancelTask(taskId) : retryTask(taskId))
}
