import { liveStatuses, retryableStatuses, statuses, type Task } from '../api/task.ts'

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
    incomplete: of(retryableStatuses),
    failed: of(failedStatuses),
  }
}

const unsuccessful: ReadonlySet<Task['status']> = new Set(['FAILED', 'DEAD_LETTER', 'CANCELLED'])

/** Returns whether something that failed stands behind something that did not, or was not read because it failed after its place was passed. */
export function isOutOfOrder(rows: readonly Pick<Task, 'status'>[], { counts }: Below): boolean {
  const isBad = rows.map(({ status }) => unsuccessful.has(status))
  const firstGood = isBad.indexOf(false)
  if (firstGood === -1) return false
  if (isBad.includes(true, firstGood)) return true
  const { FAILED = 0, DEAD_LETTER = 0, CANCELLED = 0 } = counts
  return FAILED + DEAD_LETTER + CANCELLED > firstGood
}
