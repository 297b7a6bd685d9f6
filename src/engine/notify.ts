/**
 * Notifies listeners within the process after a commit: the waiters for the end of a task, the hooks of its type, and the bus. Best
 * effort: nothing that correctness needs hangs on it, and a hook that throws or hangs harms nobody.
 */
import type { TaskHooks, TaskNotice } from '../task/definition.ts'
import { eventAfter, eventNameOf, eventOf, type TaskEvent } from '../task/events.ts'
import { type EndedStatus, hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Transition } from '../task/transition.ts'
import type { Core } from './core.ts'
import type { End } from './listeners.ts'
import { giveUpPlace } from './wake.ts'

/** Notifies that a task was created. */
export function notifySubmitted(core: Core, record: TaskRecord): void {
  callHook(core, record, 'onQueued')
  if (core.bus.wants('submitted')) core.bus.emit(eventOf('submitted', record, record.createdAt))
}

/** Notifies that an attempt began. `waitedMs`: for how long the task could have run before. */
export function notifyStarted(core: Core, record: TaskRecord, waitedMs: number): void {
  callHook(core, record, 'onStarted')
  if (!core.bus.wants('started')) return
  const at = record.lastAttemptTimestamp ?? record.updatedAt
  const event = eventOf('started', record, at) as Extract<TaskEvent, { name: 'started' }>
  event.executionNodeId = core.settings.nodeId
  event.waitedMs = waitedMs
  core.bus.emit(event)
}

/** Notifies what a transition did. `record` is what it was before. */
export function notify(core: Core, record: TaskRecord, transition: Transition): void {
  const status = transition.set.status ?? record.status
  if (hasEnded(status)) {
    if (!hasEnded(record.status)) notifyEnded(core, record, transition, status)
  } else if (hasEnded(record.status)) core.waiters.reopen(record.id)
  if (transition.set.errorInfo?.code === 'BUDGET_EXHAUSTED') core.budgets.waits(record.rootTaskId)
  const name = eventNameOf(transition)
  if (name === undefined || !core.bus.wants(name)) return
  core.bus.emit(
    eventAfter(name, record, transition, { at: core.store.tasks.now(), version: record.version + 1 }),
  )
}

function notifyEnded(core: Core, record: TaskRecord, { set }: Transition, status: EndedStatus): void {
  const end: End = { id: record.id, status }
  const result = set.result ?? record.result
  const errorInfo = set.errorInfo ?? record.errorInfo
  if (typeof result === 'string') end.result = result
  if (errorInfo !== undefined) end.errorInfo = errorInfo
  core.waiters.resolve(end)
  // It will not come back for its place.
  if (record.status === 'RETRYING' && record.errorInfo?.limit !== undefined)
    void giveUpPlace(core, record.errorInfo.limit, record.id)
  callHook(core, record, 'onEnded', status)
}

function callHook(
  core: Core,
  record: TaskRecord,
  hook: keyof TaskHooks,
  status: string = record.status,
): void {
  const hooks: TaskHooks | undefined = core.tasks.get(record.taskType)?.hooks
  if (hooks?.[hook] === undefined) return
  const failed = (error: unknown) =>
    core.log.error({ err: error, hook, taskId: record.id }, 'task hook failed')
  const { id: taskId, taskType, userId, attempt } = record
  const task: TaskNotice = { taskId, taskType, userId, attempt }
  try {
    const answer = hook === 'onEnded' ? hooks.onEnded?.({ ...task, status }) : hooks[hook]?.(task)
    if (answer instanceof Promise) answer.catch(failed)
  } catch (error) {
    failed(error)
  }
}
