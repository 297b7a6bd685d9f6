/**
 * A transition is a value: the one guarded write of one record that moves a task. One constructor per move; a store applies any of
 * them the same way and never names a status of its own.
 */
import type { ErrorInfo } from './errors.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type EndedStatus, type Phase, type TaskStatus, taskStatuses } from './status.ts'
import { closingStatus, reducedStatus } from './subtasks.ts'
import {
  type DeadLetter,
  type FailedSubTask,
  firstAwaited,
  isWaiting,
  type TaskRecord,
  untilUnblocked,
  waitsUntil,
} from './task.ts'

/** The fields that a transition may change; null clears one. */
export interface RecordChange
  extends Partial<Pick<TaskRecord, 'status' | 'phase' | 'retryCount' | 'crashCount' | 'round'>>,
    Partial<Pick<TaskRecord, 'parameters' | 'parametersVersion' | 'checkpointScope' | 'tags' | 'lane'>>,
    Clearable<'result' | 'progress' | 'errorInfo' | 'completedAt' | 'nextAttemptTimestamp' | 'deadline'>,
    Clearable<'cancelRequestedAt' | 'reduces' | 'failedSubTasks' | 'deadLetter' | 'deadLetterHistory'>,
    Clearable<'waits' | 'signals' | 'signalCount' | 'predecessor'> {
  claimToken?: null
  leaseUntil?: null
}

type Clearable<Field extends keyof TaskRecord> = { [F in Field]?: Required<TaskRecord>[F] | null }

/**
 * What the record must still be: the attempt whose holder writes (with the lease end that a rescuer saw, or the number of signals that a
 * handler saw which waits for more), the version that a person or the aggregator read, or the last attempt and the number of signals that somebody
 * read who sends one: a parent whose sub-tasks end has a new version all the time.
 */
export type Fence =
  | { attempt: number; leaseUntil?: number; signalCount?: number }
  | { version: number }
  | { lastAttempt: number; signalCount: number; leaseUntil?: never }

/** The name of a move, as logs, events and metrics show it. */
export type TransitionName =
  | 'completed'
  | 'awaiting-subtasks'
  | 'retrying'
  | 'snoozed'
  | 'waiting'
  | 'signalled'
  | 'given-back'
  | 'failed'
  | 'dead-lettered'
  | 'cancelled'
  | 'cancel-requested'
  | 'reduce-due'
  | 'closed'
  | 'retried'
  | 'reopened'
  | 'discarded'
  | 'due-early'
  | 'unblocked'
  | 'still-waiting'
  | 'not-attempted'
  | 'tagged'
  | 'moved'

/** One guarded write of one record. */
export interface Transition {
  name: TransitionName
  taskId: string
  /** The owner of the task: where several processes share a store, it says which of them dispatches the task. */
  userId: string
  /** The statuses that the write may leave; a store refuses any other as stale. */
  from: readonly TaskStatus[]
  fromPhase?: Phase
  fence: Fence
  /** When the task may be claimed next: at once, at a time, never (it runs or has ended), or as it was. */
  wake: 'now' | 'never' | 'as-it-was' | { at: number }
  /** The task gives up its place in line, and joins the line anew when it is due. */
  leavesLine?: true
  set: RecordChange
}

/**
 * Whether the move ends an attempt. Only its holder, or who settles it in the holder's stead, writes behind its fence; a request to
 * cancel ends none.
 */
export function endsAttempt({ fence, wake }: Pick<Transition, 'fence' | 'wake'>): boolean {
  return 'attempt' in fence && wake !== 'as-it-was'
}

/** The statuses that a claim may leave, and the one that it makes; the write itself is the store's, because only a store can raise the attempt. */
export const claiming = { from: ['QUEUED', 'RETRYING'], to: 'RUNNING' } as const satisfies {
  from: readonly TaskStatus[]
  to: TaskStatus
}

/** What a store answers: written now or earlier by the same writer, refused because the record moved on, or no such record. */
export type Applied = 'applied' | 'stale' | 'missing'

const running = ['RUNNING'] as const
export const released = { claimToken: null, leaseUntil: null } as const

/** An attempt ends once: a parent that awaits its sub-tasks has left the phase in which its attempt ran. */
export function byAttempt(
  record: TaskRecord,
): Pick<Transition, 'taskId' | 'userId' | 'from' | 'fromPhase' | 'fence' | 'wake'> {
  const { id, userId, phase, attempt } = record
  return { taskId: id, userId, from: ['RUNNING'], fromPhase: phase, fence: { attempt }, wake: 'never' }
}

/** No attempt writes: a person, the aggregator, or who wakes the task, read the record in this version. */
export function byVersion({
  id,
  userId,
  version,
}: TaskRecord): Pick<Transition, 'taskId' | 'userId' | 'fence'> {
  return { taskId: id, userId, fence: { version } }
}

/** No attempt holds the task: the writer saw it in this status, phase and version. */
export function asItWas({
  status,
  phase,
  version,
}: TaskRecord): Pick<Transition, 'from' | 'fromPhase' | 'fence'> {
  return { from: [status], fromPhase: phase, fence: { version } }
}

/** The attempt returned a result. */
export function completed(record: TaskRecord, result: string, now: number): Transition {
  const status = record.phase === 'reducing' ? reducedStatus(record.subTaskStatusSummary) : 'COMPLETED'
  // Written out, for this is the transition of nearly every task.
  return {
    name: 'completed',
    taskId: record.id,
    userId: record.userId,
    from: running,
    fromPhase: record.phase,
    fence: { attempt: record.attempt },
    wake: 'never',
    set: {
      status,
      result,
      completedAt: now,
      crashCount: 0,
      errorInfo: null,
      claimToken: null,
      leaseUntil: null,
    },
  }
}

/** The attempt ended and its sub-tasks go on; `result` is what the parent completes with when no hook makes one. */
export function awaitingSubTasks(
  record: TaskRecord,
  ends: { reduces: boolean; result?: string },
): Transition {
  const set: RecordChange = {
    phase: 'awaiting-subtasks',
    reduces: ends.reduces,
    crashCount: 0,
    errorInfo: null,
    ...released,
  }
  if (ends.result !== undefined) set.result = ends.result
  return { ...byAttempt(record), name: 'awaiting-subtasks', set }
}

/** The attempt failed or crashed and is granted a retry. */
export function retrying(
  record: TaskRecord,
  retry: { at: number; error: ErrorInfo; retryCount: number; crashCount: number },
): Transition {
  const { at, error, retryCount, crashCount } = retry
  return {
    ...byAttempt(record),
    name: 'retrying',
    wake: { at },
    set: {
      status: 'RETRYING',
      nextAttemptTimestamp: at,
      errorInfo: error,
      retryCount,
      crashCount,
      ...released,
    },
  }
}

/** The attempt waits for a named time; no retry is spent. */
export function snoozed(record: TaskRecord, until: number, reason: ErrorInfo | null): Transition {
  return {
    ...byAttempt(record),
    name: 'snoozed',
    wake: { at: until },
    set: { status: 'RETRYING', nextAttemptTimestamp: until, errorInfo: reason, ...released },
  }
}

/** The process stops: the task goes back to its place in the lane, no retry spent. */
export function givenBack(record: TaskRecord): Transition {
  return {
    ...byAttempt(record),
    name: 'given-back',
    wake: 'now',
    set: { status: 'QUEUED', nextAttemptTimestamp: null, ...released },
  }
}

/** The error says that trying again cannot help. */
export function failed(
  record: TaskRecord,
  error: ErrorInfo,
  reason: DeadLetter['reason'],
  now: number,
): Transition {
  return {
    ...byAttempt(record),
    name: 'failed',
    set: openDeadLetter('FAILED', record, error, reason, now),
  }
}

/** The attempts are exhausted. */
export function deadLettered(
  record: TaskRecord,
  { error, reason, crashCount }: { error: ErrorInfo; reason: DeadLetter['reason']; crashCount: number },
  now: number,
): Transition {
  const set = { ...openDeadLetter('DEAD_LETTER', record, error, reason, now), crashCount }
  return { ...byAttempt(record), name: 'dead-lettered', set }
}

/** The attempt ended because of a cancel. */
export function cancelled(record: TaskRecord, error: ErrorInfo, now: number): Transition {
  return { ...byAttempt(record), name: 'cancelled', set: { ...ended('CANCELLED', now), errorInfo: error } }
}

/** A task that no attempt holds is cancelled at once. */
export function cancelledWaiting(record: TaskRecord, error: ErrorInfo, now: number): Transition {
  return { ...cancelled(record, error, now), ...asItWas(record) }
}

/** The holder of the attempt is asked to stop; it sees the request with its next heartbeat at the latest. */
export function cancelRequested(record: TaskRecord, now: number): Transition {
  return {
    ...byAttempt(record),
    name: 'cancel-requested',
    wake: 'as-it-was',
    set: { cancelRequestedAt: record.cancelRequestedAt ?? now },
  }
}

/** A waiting task, or a parent that awaits its sub-tasks, ends because its deadline passed. */
export function failedWaiting(record: TaskRecord, error: ErrorInfo, now: number): Transition {
  return { ...failed(record, error, 'deadline', now), ...asItWas(record) }
}

/** A limit, or a budget, has capacity before the time that a snoozed task waits for: it may run now, or at an earlier time. */
export function dueEarly(record: TaskRecord, now: number, at = now): Transition {
  return {
    ...byVersion(record),
    name: 'due-early',
    from: ['RETRYING'],
    wake: at <= now ? 'now' : { at },
    set: { nextAttemptTimestamp: Math.max(now, at) },
  }
}

/** A person has a waiting task run now. A moment later, so that one that waits for its start gets its place in line like any other. */
export function runNow(record: TaskRecord, now: number): Transition {
  const transition = { ...dueEarly(record, now, now + 1), from: claiming.from }
  if (!isWaiting(record)) return transition
  // The times that its handler waits for are over; a signal still has to come.
  const waits = record.waits?.map(wait => (wait.signal === undefined ? { ...wait, until: now } : wait)) ?? []
  return { ...transition, set: { ...transition.set, waits } }
}

/** A person changed what the task is found by, whatever its status. */
export function tagged(record: TaskRecord, tags: readonly string[]): Transition {
  return { ...byVersion(record), name: 'tagged', from: taskStatuses, wake: 'as-it-was', set: { tags } }
}

/** A person has a waiting task wait in another lane. It joins the line of that one, now or when its time has come. */
export function moved(record: TaskRecord, lane: string, now: number): Transition {
  return {
    ...byVersion(record),
    name: 'moved',
    from: claiming.from,
    wake: { at: Math.max(now, waitsUntil(record) ?? now) },
    leavesLine: true,
    set: { lane },
  }
}

/** No sub-task is live and the parent has a hook: its next attempt runs the hook. */
export function reduceDue(record: TaskRecord): Transition {
  return {
    ...byVersion(record),
    name: 'reduce-due',
    from: ['RUNNING'],
    fromPhase: 'awaiting-subtasks',
    wake: 'now',
    // Sub-tasks have ended since it failed last.
    set: { status: 'QUEUED', phase: 'reducing', nextAttemptTimestamp: null, retryCount: 0, crashCount: 0 },
  }
}

/** No sub-task is live and the parent has no hook: it ends as its sub-tasks say. */
export function closed(
  record: TaskRecord,
  ends: { failedSubTasks: readonly FailedSubTask[]; error: ErrorInfo },
  now: number,
): Transition {
  const status = closingStatus(record.subTaskStatusSummary)
  const set =
    status === 'FAILED' ? openDeadLetter(status, record, ends.error, 'permanent', now) : ended(status, now)
  return {
    ...byVersion(record),
    name: 'closed',
    from: ['RUNNING'],
    fromPhase: 'awaiting-subtasks',
    wake: 'never',
    set: { ...set, failedSubTasks: ends.failedSubTasks },
  }
}

const startsOver = {
  retryCount: 0,
  crashCount: 0,
  completedAt: null,
  nextAttemptTimestamp: null,
  cancelRequestedAt: null,
  errorInfo: null,
  deadline: null,
  waits: null,
} as const

/** What a person changed before a task runs again: its parameters with what belongs to them, or which of its steps are finished. */
export type Edit = Partial<Pick<TaskRecord, 'parameters' | 'parametersVersion' | 'checkpointScope' | 'tags'>>

/**
 * A person has the task run again; the attempt numbers go on, the retries start over, the deadline no longer counts. One that starts after siblings
 * waits for them again.
 */
export function retried(record: TaskRecord, now: number, edited?: Edit): Transition {
  const { after } = record
  return {
    ...byVersion(record),
    name: 'retried',
    from: ['FAILED', 'DEAD_LETTER', 'CANCELLED'],
    wake: after === undefined ? 'now' : { at: untilUnblocked },
    set: {
      ...startsOver,
      ...edited,
      ...(after === undefined ? {} : { predecessor: firstAwaited(after) }),
      ...closeDeadLetter(record, now, edited?.parameters !== undefined),
      status: 'QUEUED',
      // A parent that awaited its sub-tasks when it ended has nothing else to run than its hook.
      phase: record.phase === 'awaiting-subtasks' ? 'reducing' : record.phase,
    },
  }
}

/** A sub-task was retried: its ended parent waits again, and makes a new result. */
export function reopened(record: TaskRecord, now: number): Transition {
  return {
    ...byVersion(record),
    name: 'reopened',
    from: ['FAILED', 'DEAD_LETTER', 'CANCELLED', 'COMPLETED_WITH_ERRORS'],
    wake: 'never',
    set: {
      ...startsOver,
      ...closeDeadLetter(record, now),
      status: 'RUNNING',
      phase: 'awaiting-subtasks',
      round: record.round + 1,
      failedSubTasks: null,
    },
  }
}

/** A person takes the dead letter out of the list; the task stays as it ended. */
export function discarded(record: TaskRecord, now: number): Transition {
  return {
    ...byVersion(record),
    name: 'discarded',
    from: ['FAILED', 'DEAD_LETTER'],
    wake: 'as-it-was',
    set: closeDeadLetter(record, now),
  }
}

function ended(status: EndedStatus, now: number): RecordChange {
  return { status, completedAt: now, nextAttemptTimestamp: null, ...released }
}

/** Ends the task and opens its dead letter in the same write: no message has to arrive for it. */
function openDeadLetter(
  status: 'FAILED' | 'DEAD_LETTER',
  { taskType, attempt }: TaskRecord,
  error: ErrorInfo,
  reason: DeadLetter['reason'],
  now: number,
): RecordChange {
  const fingerprint = fingerprintOf(taskType, error)
  const deadLetter = { fingerprint, reason, attempt, openedAt: now, error }
  return { ...ended(status, now), errorInfo: error, deadLetter }
}

/** Characters of replaced parameters that stay with the record; the story of a task has ten of them at most. */
const longestKept = 65_536

function closeDeadLetter(record: TaskRecord, now: number, keepParameters = false): RecordChange {
  if (record.deadLetter === undefined) return {}
  const { parameters, parametersVersion } = record
  const closed = {
    ...record.deadLetter,
    closedAt: now,
    ...(keepParameters && parameters.length <= longestKept ? { parameters, parametersVersion } : {}),
  }
  const history = [...(record.deadLetterHistory ?? []), closed]
  return { deadLetter: null, deadLetterHistory: history.slice(-10) }
}
