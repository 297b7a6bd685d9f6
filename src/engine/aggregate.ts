import { decideParent } from '../task/decide.ts'
import { hasEnded, type TaskStatus } from '../task/status.ts'
import { liveOf, unsuccessfulOf } from '../task/subtasks.ts'
import type { FailedSubTask, TaskRecord } from '../task/task.ts'
import { reopened } from '../task/transition.ts'
import { cancelSubTasks } from './cancel.ts'
import type { Core } from './core.ts'
import { tell } from './tell.ts'

/** Failed sub-tasks that a parent's record names; the rest are found by query. */
const mostFailedNamed = 100

/**
 * Looks at a parent because its sub-tasks say so: closes one whose sub-tasks have all ended, reopens one that a retried sub-task
 * brought back to life, and cancels what is live below one that ended without it. Guarded by the version that was read: when a
 * sub-task moved meanwhile, the store still asks for a look.
 */
export async function aggregate(core: Core, parentId: string): Promise<void> {
  const [record] = await core.store.queries.get([parentId])
  if (record === undefined) return
  if (!hasEnded(record.status)) return close(core, record)
  if (liveOf(record.subTaskStatusSummary) === 0) return
  if (wasEndedBySubTasks(record)) await reopen(core, record)
  else await cancelSubTasks(core, record.id)
}

async function close(core: Core, record: TaskRecord): Promise<void> {
  const failed = unsuccessfulOf(record.subTaskStatusSummary) > 0 ? await failedSubTasks(core, record.id) : []
  const transition = decideParent(record, failed, core.store.tasks.now())
  if (transition === undefined) return
  const [applied] = await core.store.tasks.apply([transition])
  if (applied === 'applied') tell(core, record, transition)
}

/** A parent that ended as its sub-tasks ended; any other end was its own, and its sub-tasks follow it. */
export function wasEndedBySubTasks(record: TaskRecord): boolean {
  if (record.status === 'COMPLETED_WITH_ERRORS') return true
  return (
    record.status === 'FAILED' &&
    record.phase === 'awaiting-subtasks' &&
    record.deadLetter?.reason !== 'deadline'
  )
}

async function reopen(core: Core, record: TaskRecord): Promise<void> {
  const transition = reopened(record, core.store.tasks.now())
  const [applied] = await core.store.tasks.apply([transition])
  if (applied === 'applied') tell(core, record, transition)
}

const unsuccessful: readonly TaskStatus[] = ['FAILED', 'DEAD_LETTER', 'CANCELLED']

async function failedSubTasks(core: Core, parentId: string): Promise<FailedSubTask[]> {
  const { items } = await core.store.queries.children(
    parentId,
    { status: unsuccessful },
    { pageSize: mostFailedNamed },
  )
  return items.map(({ id, subTaskKey, status, errorInfo }) => ({
    taskId: id,
    key: subTaskKey ?? '',
    status,
    reason: (errorInfo?.message ?? status).slice(0, 300),
  }))
}
