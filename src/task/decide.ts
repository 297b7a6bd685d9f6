/**
 * What follows from how an attempt ended. Pure: the only place where a retry, a dead letter or an end is decided. The write is
 * made by `engine/settle.ts` (and by `engine/lease.ts` for an attempt whose process is gone).
 */
import type { ClassifiedError } from './classify.ts'
import { type ErrorInfo, plainError } from './errors.ts'
import { backoffMs, type RetryPolicy } from './retry-policy.ts'
import { hasEnded, liveStatuses, type TaskStatus, unsuccessfulStatuses } from './status.ts'
import { liveOf } from './subtasks.ts'
import {
  type DeadLetter,
  type FailedSubTask,
  isCancelRequested,
  isQuarantined,
  type Predecessors,
  type TaskRecord,
} from './task.ts'
import {
  awaitingSubTasks,
  cancelled,
  cancelledWaiting,
  closed,
  completed,
  deadLettered,
  failed,
  failedWaiting,
  givenBack,
  reduceDue,
  retrying,
  snoozed,
  type Transition,
} from './transition.ts'
import { notAttempted, stillWaiting, unblocked, type WaitOutcome, waiting } from './wait-transitions.ts'

/** A snooze spends no retry, so one that asks for no wait would call the provider again and again without a pause. */
const shortestSnoozeMs = 1_000

/** How an attempt ended, before anything is written. */
export type Outcome =
  | { kind: 'completed'; result: string }
  | { kind: 'awaiting-subtasks'; reduces: boolean; result?: string }
  | ({ kind: 'waiting' } & WaitOutcome)
  | { kind: 'failed'; error: ClassifiedError }
  | { kind: 'cancelled' }
  | { kind: 'given-back' }
  | { kind: 'lease-lost'; error?: ErrorInfo }

/** What the decision depends on beside the record and the outcome. */
export interface Circumstances {
  policy: RetryPolicy
  /** The store's time in epoch milliseconds. */
  now: number
  /** A number in [0, 1) for the jitter of a delay. */
  random: number
}

/** Returns the transition that an outcome leads to. `record` is the task as it was claimed, with what became known of it since. */
export function decide(record: TaskRecord, outcome: Outcome, circumstances: Circumstances): Transition {
  const { now } = circumstances
  if (outcome.kind === 'completed') return completed(record, outcome.result, now)
  if (isCancelRequested(record) || outcome.kind === 'cancelled') return cancelled(record, cancelError(), now)
  switch (outcome.kind) {
    case 'awaiting-subtasks':
      return awaitingSubTasks(record, outcome)
    case 'waiting':
      return renewed(record, waiting(record, outcome, now))
    case 'given-back':
      return renewed(record, givenBack(record))
    case 'lease-lost':
      return afterCrash(record, circumstances, outcome.error)
    case 'failed':
      return afterError(record, outcome.error, circumstances)
  }
}

function afterError(
  record: TaskRecord,
  error: ClassifiedError,
  { policy, now, random }: Circumstances,
): Transition {
  const { errorClass, info, notBefore } = error
  if (info.code === 'RECORD_UNREADABLE') {
    const { crashCount } = record
    return deadLettered(record, { error: info, reason: 'unreadable', crashCount }, now)
  }
  if (errorClass === 'permanent' || errorClass === 'cancelled') return failed(record, info, 'permanent', now)
  if (errorClass === 'rate-limited' && notBefore !== undefined) {
    const until = Math.max(notBefore, now + shortestSnoozeMs)
    return pastDeadline(record, until)
      ? failed(record, deadlineError(info), 'deadline', now)
      : renewed(record, snoozed(record, until, info))
  }
  const retryCount = (hasProgressed(record) ? 0 : record.retryCount) + 1
  const at = Math.max(now + backoffMs(policy, retryCount, random), notBefore ?? 0)
  const retry = { at, error: info, retryCount, crashCount: 0 }
  return retryOrEnd(record, retry, 'attempts-exhausted', { policy, now })
}

/**
 * The first crash in a row is retried at once, later ones by policy; a crash after a new checkpoint counts as the first. A crash spends a
 * retry only of a quarantined task: beside others nobody knows whose fault it was.
 */
function afterCrash(
  record: TaskRecord,
  { policy, now, random }: Circumstances,
  error = crashError(record),
): Transition {
  const progressed = hasProgressed(record)
  const crashCount = progressed ? 1 : record.crashCount + 1
  const spent = isQuarantined(record.crashCount) ? 1 : 0
  // One attempt at most is what a type asks for whose effect must not come twice.
  const retryCount = policy.maxAttempts === 1 ? 1 : progressed ? 0 : record.retryCount + spent
  const at = crashCount === 1 ? now : now + backoffMs(policy, crashCount - 1, random)
  const retry = { at, error, retryCount, crashCount }
  return retryOrEnd(record, retry, 'crashes', { policy, now })
}

/** Whether the attempt finished a step: what failed after it has not failed as often as what failed before it. */
function hasProgressed({ checkpointAttempt, attempt }: TaskRecord): boolean {
  return checkpointAttempt === attempt
}

/** The transition of an attempt that ends without a retry: where it finished a step, the retries start over. */
function renewed(record: TaskRecord, transition: Transition): Transition {
  if (!hasProgressed(record)) return transition
  return { ...transition, set: { ...transition.set, retryCount: 0, crashCount: 0 } }
}

/** Grants a retry, unless the attempts are exhausted, or the deadline comes before it. */
function retryOrEnd(
  record: TaskRecord,
  retry: Parameters<typeof retrying>[1],
  reason: DeadLetter['reason'],
  { policy, now }: Pick<Circumstances, 'policy' | 'now'>,
): Transition {
  const { at, error, retryCount, crashCount } = retry
  if (retryCount >= policy.maxAttempts) return deadLettered(record, { error, reason, crashCount }, now)
  if (pastDeadline(record, at)) return failed(record, deadlineError(error), 'deadline', now)
  return retrying(record, retry)
}

/**
 * Returns the transition of a parent that awaits its sub-tasks, once none of them is live; undefined while one is. A request to cancel that
 * an attempt did not see before it ended is carried out here, for any task that no attempt holds.
 *
 * @param failedSubTasks The first sub-tasks that did not complete, at most 100.
 */
export function decideParent(
  record: TaskRecord,
  failedSubTasks: readonly FailedSubTask[],
  now: number,
): Transition | undefined {
  if (isCancelRequested(record) && isUnheld(record)) return cancelledWaiting(record, cancelError(), now)
  if (record.status !== 'RUNNING' || record.phase !== 'awaiting-subtasks') return undefined
  if (liveOf(record.subTaskStatusSummary) > 0) return undefined
  if (record.reduces === true) return reduceDue(record)
  return closed(record, { failedSubTasks, error: subTasksError(failedSubTasks) }, now)
}

/**
 * Whether a parent ended as its sub-tasks ended; any other end was its own, and its sub-tasks follow it. Its error tells a deadline, for a person may
 * have discarded the dead letter.
 */
export function wasEndedBySubTasks({ status, phase, errorInfo }: TaskRecord): boolean {
  if (status === 'COMPLETED_WITH_ERRORS') return true
  return status === 'FAILED' && phase === 'awaiting-subtasks' && errorInfo?.code !== 'DEADLINE_PASSED'
}

/** Returns the statuses in which a sibling keeps a sub-task from starting. */
export function statusesThatBlock({ startWhen }: Predecessors): readonly TaskStatus[] {
  return startWhen === 'ended' ? liveStatuses : [...liveStatuses, ...unsuccessfulStatuses]
}

/**
 * Returns the transition of a sub-task that waits for siblings, of which one has ended.
 *
 * @param blocker One of them that keeps it from starting; undefined where none does.
 */
export function decideSuccessor(
  record: TaskRecord,
  blocker: Pick<TaskRecord, 'subTaskKey' | 'status'> | undefined,
  now: number,
): Transition {
  if (blocker === undefined) return unblocked(record, now)
  const { subTaskKey: key = '', status } = blocker
  return hasEnded(status)
    ? notAttempted(record, key, predecessorError(key, status), now)
    : stillWaiting(record, key)
}

/** Whether a task ended because a sibling that it was to start after did not complete. */
export function isNotAttempted({ status, errorInfo }: TaskRecord): boolean {
  return status === 'CANCELLED' && errorInfo?.code === 'PREDECESSOR_NOT_COMPLETED'
}

/** Whether the task is live and no attempt holds it. */
function isUnheld({ status, phase }: TaskRecord): boolean {
  return !hasEnded(status) && (status !== 'RUNNING' || phase === 'awaiting-subtasks')
}

/** Returns the transition of a task that no attempt holds and whose deadline has passed. */
export function decideOverdue(record: TaskRecord, now: number): Transition {
  return failedWaiting(record, deadlineError(record.errorInfo), now)
}

function pastDeadline(record: TaskRecord, at: number): boolean {
  return record.deadline !== undefined && at >= record.deadline
}

/** Returns the error of a cancelled task. */
export function cancelError(): ErrorInfo {
  return plainError('TASK_CANCELLED', 'The task was cancelled before it completed.', 'cancelled')
}

function predecessorError(key: string, status: TaskStatus): ErrorInfo {
  const message = `It was not attempted: the sub-task ${JSON.stringify(key)}, which it starts after, ended ${status}.`
  return plainError('PREDECESSOR_NOT_COMPLETED', message, 'cancelled')
}

function crashError(record: TaskRecord): ErrorInfo {
  const where = record.executionNodeId === undefined ? 'The process' : `The process ${record.executionNodeId}`
  return plainError('LEASE_LOST', `${where} stopped while it ran attempt ${record.attempt}.`, 'lease-lost')
}

/** Returns the error of an attempt that must not run: one before it ended with its process, and was settled by one that did not know the type. */
export function earlierCrash({ errorInfo: last }: TaskRecord): ErrorInfo {
  if (last?.code === 'LEASE_LOST') return last
  const message = 'An earlier attempt ended with its process, and the task may have one attempt.'
  return plainError('LEASE_LOST', message, 'lease-lost')
}

function deadlineError(last: ErrorInfo | undefined): ErrorInfo {
  const because = last === undefined ? '' : ` The last error was: ${last.message}`
  const message = `The task did not end before its deadline.${because}`.slice(0, 2_000)
  return plainError('DEADLINE_PASSED', message, 'permanent')
}

function subTasksError(failedSubTasks: readonly FailedSubTask[]): ErrorInfo {
  const [first] = failedSubTasks
  const which =
    first === undefined ? '.' : `; the first, ${first.key}, ended ${first.status}: ${first.reason}`
  return plainError('SUBTASKS_FAILED', `No sub-task completed${which}`, 'permanent')
}
