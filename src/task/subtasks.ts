import {
  type EndedStatus,
  liveStatuses,
  type TaskStatus,
  taskStatuses,
  unsuccessfulStatuses,
} from './status.ts'
import type { SubTaskSummary } from './task.ts'

/** Levels that a task may be below its root: deeper is a task that submits itself. */
export const deepest = 16

/** Returns the number of sub-tasks. */
export function totalOf(summary: SubTaskSummary | undefined): number {
  return countOf(summary, taskStatuses)
}

/** Returns the number of sub-tasks that have not ended. */
export function liveOf(summary: SubTaskSummary | undefined): number {
  return countOf(summary, liveStatuses)
}

/** Returns the number of sub-tasks that ended without completing. */
export function unsuccessfulOf(summary: SubTaskSummary | undefined): number {
  return countOf(summary, unsuccessfulStatuses)
}

function countOf(summary: SubTaskSummary | undefined, statuses: readonly TaskStatus[]): number {
  return statuses.reduce((sum, status) => sum + (summary?.[status] ?? 0), 0)
}

/** Whether two summaries say the same. */
export function sameCounts(one: SubTaskSummary | undefined, other: SubTaskSummary | undefined): boolean {
  return taskStatuses.every(status => (one?.[status] ?? 0) === (other?.[status] ?? 0))
}

/** Returns the summary after some sub-tasks changed their status; `from` is absent for a new one. Never changes its argument. */
export function recount(
  summary: SubTaskSummary | undefined,
  changes: Iterable<{ from?: TaskStatus; to: TaskStatus }>,
): SubTaskSummary {
  const counts: Partial<Record<TaskStatus, number>> = { ...summary }
  for (const { from, to } of changes) {
    if (from !== undefined) add(counts, from, -1)
    add(counts, to, 1)
  }
  return counts
}

function add(counts: Partial<Record<TaskStatus, number>>, status: TaskStatus, change: number): void {
  const next = (counts[status] ?? 0) + change
  if (next === 0) delete counts[status]
  else counts[status] = next
}

/**
 * Returns what a parent without a hook becomes once no sub-task is live: COMPLETED when there are none or all completed, FAILED when none
 * completed, otherwise COMPLETED_WITH_ERRORS. A sub-task that completed with errors counts as partly completed.
 */
export function closingStatus(
  summary: SubTaskSummary | undefined,
): Extract<EndedStatus, 'COMPLETED' | 'COMPLETED_WITH_ERRORS' | 'FAILED'> {
  const total = totalOf(summary)
  const completed = summary?.COMPLETED ?? 0
  if (completed === total) return 'COMPLETED'
  return completed + (summary?.COMPLETED_WITH_ERRORS ?? 0) === 0 ? 'FAILED' : 'COMPLETED_WITH_ERRORS'
}

/** Returns what a parent becomes whose hook returned a result: the hook alone makes the result, the sub-tasks say whether all went well. */
export function reducedStatus(summary: SubTaskSummary | undefined): 'COMPLETED' | 'COMPLETED_WITH_ERRORS' {
  return (summary?.COMPLETED ?? 0) === totalOf(summary) ? 'COMPLETED' : 'COMPLETED_WITH_ERRORS'
}
