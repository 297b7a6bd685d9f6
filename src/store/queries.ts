/** The port of questions about tasks; none of them changes anything. */
import type { Page, PageRequest } from '../task/page.ts'
import type { TaskStatus } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { AttemptRow, LogLine } from './attempts.ts'
import type { UsageFilter, UsageKind, UsageSum } from './usage.ts'

export type { Page, PageRequest }

/** Which page of the tasks, and from which end. A token belongs to the order that it was made in. */
export interface TaskListRequest extends PageRequest {
  /** Of their submission; default newest first. */
  order?: 'newest' | 'oldest'
}

/** What usage is summed by, and which page of it. */
export interface UsageReportRequest extends PageRequest {
  by: UsageKind
}

/** Which tasks. Absent fields do not restrict; an empty list matches nothing. */
export interface TaskFilter {
  status?: readonly TaskStatus[]
  taskType?: readonly string[]
  userId?: string
  lane?: string
  tag?: string
  parentTaskId?: string
  /** Roots only. */
  rootsOnly?: boolean
  createdAfter?: number
  createdBefore?: number
}

/** Which dead letters. Absent fields do not restrict; an empty list matches nothing. */
export interface DeadLetterFilter {
  taskType?: readonly string[]
  userId?: string
  code?: string
  fingerprint?: string
  openedBefore?: number
  openedAfter?: number
}

/** Equal failures as one line. */
export interface DeadLetterGroup {
  fingerprint: string
  taskType: string
  code: string
  count: number
  firstAt: number
  lastAt: number
  sampleTaskId: string
}

/** Questions that the API and the engine ask; none of them changes anything. */
export interface TaskQueries {
  get(taskIds: readonly string[]): Promise<(TaskRecord | undefined)[]>
  list(filter: TaskFilter, page: TaskListRequest): Promise<Page<TaskRecord>>
  /** In the order of submission; with `failedFirst`, those that did not complete come first. */
  children(
    parentTaskId: string,
    filter: { status?: readonly TaskStatus[]; taskType?: string; failedFirst?: boolean },
    page: PageRequest,
  ): Promise<Page<TaskRecord>>
  /** How many tasks have each status: counters kept in step with the transitions, not a scan. */
  counts(): Promise<Readonly<Record<TaskStatus, number>>>
  attempts(taskId: string): Promise<readonly AttemptRow[]>
  logs(taskId: string, after: number, limit: number): Promise<readonly (LogLine & { sequence: number })[]>
  /** What calls of models used, summed by a key: the newest days and tasks first, else by the key. */
  usageReport(filter: UsageFilter, request: UsageReportRequest): Promise<Page<UsageSum>>
  /**
   * The tasks of a tree that wait for its budget (RETRYING with the code BUDGET_EXHAUSTED, and not due): how many there are, and the
   * first of them in the order of submission, at most `limit`.
   */
  waitingForBudget(
    rootTaskId: string,
    limit: number,
  ): Promise<{ total: number; tasks: readonly TaskRecord[] }>
  /** Open dead letters, newest first. */
  deadLetters(filter: DeadLetterFilter, page: PageRequest): Promise<Page<TaskRecord>>
  deadLetterGroups(filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>
}
