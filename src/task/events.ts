import type { ErrorInfo } from './errors.ts'
import type { EndedStatus } from './status.ts'
import type { TaskRecord } from './task.ts'

/** What every event names. `at` is epoch milliseconds. */
export interface TaskEventBase {
  at: number
  taskId: string
  taskType: string
  userId: string
  lane: string
  version: number
  attempt: number
  parentTaskId?: string
  rootTaskId: string
  /** W3C trace context of whoever submitted the task. */
  traceparent?: string
}

/**
 * Every event, typed and described. Events tell what was committed, after it was committed. In the process they are best effort:
 * nothing that correctness needs hangs on them.
 */
export interface TaskEvents {
  /** A task was created (or a sub-task of a running parent). */
  submitted: TaskEventBase
  /** An attempt began. `waitedMs` is the time since the task could run. */
  started: TaskEventBase & { executionNodeId: string; waitedMs: number }
  /** Progress was recorded; coalesced to four a second and task. */
  progress: TaskEventBase & { progress: unknown }
  /** A parent awaits its sub-tasks, or its reduce is due. */
  waiting: TaskEventBase & { phase: TaskRecord['phase'] }
  /** The attempt ended and another one is granted, or waited for; `retryCount` tells which of the two. */
  retrying: TaskEventBase & {
    retryCount: number
    nextAttemptTimestamp: number
    errorInfo?: ErrorInfo
    ranMs: number
  }
  /** The attempt ended because its process stops; no retry was spent. */
  givenBack: TaskEventBase
  /** The task ended COMPLETED or COMPLETED_WITH_ERRORS. */
  completed: TaskEventBase & { status: EndedStatus; ranMs: number }
  /** The task ended FAILED. */
  failed: TaskEventBase & { errorInfo: ErrorInfo; ranMs: number }
  /** The task ended CANCELLED. */
  cancelled: TaskEventBase & { ranMs: number }
  /** The task ended DEAD_LETTER. */
  deadLettered: TaskEventBase & { errorInfo: ErrorInfo; ranMs: number }
  /** An ended task runs again because a person, or a retried sub-task, said so. */
  reopened: TaskEventBase
}

/** The name of an event. */
export type TaskEventName = keyof TaskEvents

/** One event with its name. */
export type TaskEvent = { [N in TaskEventName]: { name: N } & TaskEvents[N] }[TaskEventName]

/** The part of an event that a record tells. */
export function eventBase(record: TaskRecord, at: number): TaskEventBase {
  const base: TaskEventBase = {
    at,
    taskId: record.id,
    taskType: record.taskType,
    userId: record.userId,
    lane: record.lane,
    version: record.version,
    attempt: record.attempt,
    rootTaskId: record.rootTaskId,
  }
  if (record.parentTaskId !== undefined) base.parentTaskId = record.parentTaskId
  if (record.traceparent !== undefined) base.traceparent = record.traceparent
  return base
}
