import { liveStatuses, statuses } from '../api/statuses.ts'
import type { Task } from '../api/task.ts'

/** How many sub-tasks a task has, by its own record. */
export interface Below {
  readonly counts: Readonly<Partial<Record<Task['status'], number>>>
  readonly total: number
  /** Those that have not ended. */
  readonly open: number
  /** Those that a retry runs again. */
  readonly incomplete: number
  /** Those that failed or were given up. */
  readonly failed: number
}

const incompleteStatuses = ['FAILED', 'DEAD_LETTER', 'CANCELLED', 'COMPLETED_WITH_ERRORS'] as const
const failedStatuses = ['FAILED', 'DEAD_LETTER'] as const

/** Reads the counts that the record of a task keeps of its sub-tasks. Nothing is counted here. */
export function belowOf({ subTaskStatusSummary = {} }: Pick<Task, 'subTaskStatusSummary'>): Below {
  const counts: Readonly<Partial<Record<Task['status'], number>>> = subTaskStatusSummary
  const of = (wanted: readonly Task['status'][]) =>
    wanted.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  return {
    counts,
    total: of(statuses),
    open: of(liveStatuses),
    incomplete: of(incompleteStatuses),
    failed: of(failedStatuses),
  }
}
