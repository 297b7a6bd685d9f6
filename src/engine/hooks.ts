import type { TaskHooks, TaskNotice } from '../task/definition.ts'
import type { EndedStatus } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Core } from './core.ts'

/**
 * The hooks that only watch. They run after the fact and nobody waits for them; one that throws is logged, one that hangs harms
 * nobody.
 */

/** Runs `onQueued` of a task that was created. */
export function notifyQueued(core: Core, record: TaskRecord): void {
  const hooks = core.tasks.get(record.taskType)?.hooks
  if (hooks?.onQueued !== undefined) call(core, 'onQueued', () => hooks.onQueued?.(noticeOf(record)))
}

/** Runs `onStarted` of a task whose attempt began. */
export function notifyStarted(core: Core, record: TaskRecord): void {
  const hooks = core.tasks.get(record.taskType)?.hooks
  if (hooks?.onStarted !== undefined) call(core, 'onStarted', () => hooks.onStarted?.(noticeOf(record)))
}

/** Runs `onEnded` of a task that ended. */
export function notifyEnded(core: Core, record: TaskRecord, status: EndedStatus): void {
  const hooks = core.tasks.get(record.taskType)?.hooks
  if (hooks?.onEnded !== undefined)
    call(core, 'onEnded', () => hooks.onEnded?.({ ...noticeOf(record), status }))
}

function noticeOf(record: TaskRecord): TaskNotice {
  return { taskId: record.id, taskType: record.taskType, userId: record.userId, attempt: record.attempt }
}

function call(core: Core, hook: keyof TaskHooks, run: () => unknown): void {
  const failed = (error: unknown) => core.log.error({ err: error, hook }, 'a hook threw')
  try {
    const answer = run()
    if (answer instanceof Promise) answer.catch(failed)
  } catch (error) {
    failed(error)
  }
}
