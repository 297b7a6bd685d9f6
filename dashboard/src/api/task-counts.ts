import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from './client.ts'
import { keys } from './keys.ts'
import { liveStatuses } from './statuses.ts'
import type { Task } from './task.ts'

/** How many tasks there are. Zero everywhere until the server has said. */
export interface TaskCounts {
  readonly counts: Partial<Record<Task['status'], number>>
  readonly total: number
  /** Those that have not ended. */
  readonly live: number
  /** Whether the server has said. */
  readonly isKnown: boolean
}

/** Counts the tasks of the server by status, and keeps the counts in date. */
export function useTaskCounts(): TaskCounts {
  const { data } = useQuery({ queryKey: keys.taskCounts, queryFn: () => dataOf(api.GET('/v1/tasks/counts')) })
  const counts = data?.counts ?? {}
  const live = liveStatuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  return { counts, total: data?.total ?? 0, live, isKnown: data !== undefined }
}
