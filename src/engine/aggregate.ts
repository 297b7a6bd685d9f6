import { decideParent, decideSuccessor, wasEndedBySubTasks } from '../task/decide.ts'
import { subTaskId } from '../task/id.ts'
import { hasEnded, unsuccessfulStatuses } from '../task/status.ts'
import { liveOf, unsuccessfulOf } from '../task/subtasks.ts'
import type { FailedSubTask, TaskRecord } from '../task/task.ts'
import type { Transition } from '../task/transition.ts'
import { cancelSubTasks } from './cancel.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'
import { findBlocker } from './read-task.ts'
import { followRetry, reopen } from './retry.ts'

/** Failed sub-tasks that a parent's record names; the rest are found by query. */
const mostFailedNamed = 100

/**
 * Reconciles a parent with its sub-tasks: closes one whose sub-tasks have all ended, reopens one whose retried sub-task is live again, and
 * cancels what is live below one that ended without it. A sub-task that waits for siblings is reconciled with these.
 * Guarded by the version that was read: when a sub-task moved meanwhile, the store
 * still has the parent pending.
 */
export async function aggregate(core: Core, parentId: string): Promise<void> {
  const [record] = await core.store.queries.get([parentId])
  if (record === undefined) return
  if (!hasEnded(record.status)) {
    if (record.predecessor === undefined) return close(core, record)
    return follow(core, record)
  }
  if (liveOf(record.subTaskStatusSummary) === 0) return
  if (wasEndedBySubTasks(record)) await reopen(core, record)
  else await cancelSubTasks(core, record.id)
}

async function close(core: Core, record: TaskRecord): Promise<void> {
  const failed = unsuccessfulOf(record.subTaskStatusSummary) > 0 ? await failedSubTasks(core, record.id) : []
  const transition = decideParent(record, failed, core.store.tasks.now())
  if (transition !== undefined) await apply(core, record, transition)
}

async function follow(core: Core, record: TaskRecord): Promise<void> {
  const transition = decideSuccessor(record, await findBlocker(core, record), core.store.tasks.now())
  const isApplied = await apply(core, record, transition)
  const { predecessor } = transition.set
  // The sibling may have been retried since it was read, and this one was not there for the retry to find.
  if (isApplied && transition.name === 'not-attempted' && record.parentTaskId !== undefined)
    await followRetry(core, subTaskId(record.parentTaskId, predecessor ?? ''))
}

async function apply(core: Core, record: TaskRecord, transition: Transition): Promise<boolean> {
  const [applied] = await core.store.tasks.apply([transition])
  if (applied === 'applied') notify(core, record, transition)
  return applied === 'applied'
}

async function failedSubTasks(core: Core, parentId: string): Promise<FailedSubTask[]> {
  const page = { pageSize: mostFailedNamed }
  const { items } = await core.store.queries.children(parentId, { status: unsuccessfulStatuses }, page)
  return items.map(({ id, subTaskKey, status, errorInfo }) => ({
    taskId: id,
    key: subTaskKey ?? '',
    status,
    reason: (errorInfo?.message ?? status).slice(0, 300),
  }))
}
