/** The port of questions about tasks; none of them changes anything. */
import type { Page, PageRequest } from '../task/page.ts'
import { type TaskStatus, taskStatuses, unsuccessfulStatuses } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { AttemptRow, CallRow, LogLine } from './attempts.ts'

export type { Page, PageRequest }

/** Which page of the tasks, and from which end. A token belongs to the order that it was made in. */
export interface TaskListRequest extends PageRequest {
  /** Of their submission; default newest first. */
  order?: 'newest' | 'oldest'
}

/** What calls can be summed by; `day` is a day of UTC. */
export const usageKinds = ['task', 'user', 'subject', 'day', 'model'] as const

/** What calls are summed by. */
export type UsageKind = (typeof usageKinds)[number]

/** Which calls. Absent fields do not restrict. */
export interface UsageFilter {
  userId?: string
  /** Of this task alone. */
  taskId?: string
  /** Of this task and all below it; also when their records are gone, of a root. */
  treeOf?: string
  subject?: string
  model?: string
  /** At this time or later, epoch milliseconds. */
  after?: number
  /** Earlier than this time, epoch milliseconds: reports of adjacent times add up. */
  before?: number
}

/** The calls of one key. */
export interface UsageSum {
  /** Id of the task, user, subject or model; empty for calls that name no subject; a day as `2026-01-31`. */
  key: string
  calls: number
  inputTokens: number
  /** Of these, what providers read from their caches. */
  cachedInputTokens: number
  outputTokens: number
  /** In the currency of the price list; absent when no call has a known cost: a sum of costs that nobody told is not zero. */
  cost?: number
  /** Calls without a known cost, which `cost` leaves out. */
  unpricedCalls: number
  /** Calls whose end nobody heard of, so that their tokens are estimates. */
  estimatedCalls: number
}

/** Whether the keys of a kind go down: the newest days and tasks come first. */
export function goesDown(by: UsageKind): boolean {
  return by === 'task' || by === 'day'
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
  /** The code of the error of its open dead letter: tasks that are FAILED or DEAD_LETTER. */
  errorCode?: string
  createdAfter?: number
  createdBefore?: number
}

/** Which sub-tasks. Absent fields do not restrict; an empty list matches nothing. */
export interface ChildrenFilter extends Pick<TaskFilter, 'status'> {
  taskType?: string
  /** Those that did not complete come first. */
  failedFirst?: boolean
  /** Those that wait for the sub-task with this key, or were not attempted because of it. */
  predecessor?: string
}

/** Returns the two parts of a listing that begins with the tasks that did not complete, by their statuses. */
export function failedFirst(status: readonly TaskStatus[] = taskStatuses): (readonly TaskStatus[])[] {
  const isUnsuccessful = (each: TaskStatus) => unsuccessfulStatuses.some(other => other === each)
  return [status.filter(isUnsuccessful), status.filter(each => !isUnsuccessful(each))]
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

/** Tasks of a user that are counted at most: each is read from an index. */
export const countsOfUser = 10_000

/** Groups of equal failures at most in one answer. */
export const mostGroups = 200

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

/** Returns counts of tasks by status; one that was not found has none. */
export function countsOf(found: readonly (readonly [TaskStatus, number])[]): Record<TaskStatus, number> {
  const zeros = taskStatuses.map(status => [status, 0] as const)
  return Object.fromEntries([...zeros, ...found]) as Record<TaskStatus, number>
}

/** Returns the ids that begin with a text, as the least of them and what is behind the last one. Ids have no sign behind `z`. */
export function rangeOf(prefix: string): [from: string, behind: string] {
  return [prefix, `${prefix}~`]
}

/** Questions that the API and the engine ask; none of them changes anything. */
export interface TaskQueries {
  /** One for one; undefined for a task that is not there, or has none of the statuses where some are given. */
  get(taskIds: readonly string[], status?: readonly TaskStatus[]): Promise<(TaskRecord | undefined)[]>
  list(filter: TaskFilter, page: TaskListRequest): Promise<Page<TaskRecord>>
  /** At most `limit` tasks, of a user where one is given, whose id begins with a text of letters, digits, `-` and `_`, by their ids. */
  withIdPrefix(prefix: string, limit: number, userId?: string): Promise<readonly TaskRecord[]>
  /** In the order of submission. */
  children(parentTaskId: string, filter: ChildrenFilter, page: PageRequest): Promise<Page<TaskRecord>>
  /**
   * How many tasks have each status; counted as far as `StoreCapabilities.countsUpTo`, never by a scan of all. With a user: of the newest
   * `countsOfUser` tasks of that user.
   */
  counts(userId?: string): Promise<Readonly<Record<TaskStatus, number>>>
  attempts(taskId: string): Promise<readonly AttemptRow[]>
  /** The last calls of models that are kept of a task by call, at most `limit`, the oldest of them first. */
  calls(taskId: string, limit: number): Promise<readonly CallRow[]>
  /** The keys of at most `limit` finished steps whose values are kept, as they are stored. */
  steps(taskId: string, limit: number): Promise<readonly string[]>
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
  /** Open dead letters, the most recently submitted task first. */
  deadLetters(filter: DeadLetterFilter, page: PageRequest): Promise<Page<TaskRecord>>
  /** Of the 10,000 most recently submitted tasks with an open dead letter where the store is MongoDB, else of all. */
  deadLetterGroups(filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]>
}
