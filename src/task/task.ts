/**
 * What a task is: one record, one unit of work.
 *
 * - *Attempt*: one run of its handler, numbered from 1. The number rises with every claim and never goes back.
 * - *retryCount*: retries granted after a failure, a timeout or a crash in quarantine; not after a clean stop, a snooze or a rate-limit wait.
 * - *Lease*: the time that a claim is good for unless extended. *Fence*: the attempt number that every write of an attempt must match.
 * - *Lane*: a named work queue with worker slots of its own. *Parent*, *sub-task*, *tree*: tasks that a running task submitted.
 *
 * Times are epoch milliseconds by the clock of the store. What a user's schema describes (parameters, progress, result) is kept as
 * the text that `codec.ts` makes of it; adapters store that text and never read it.
 */
import type { CheckpointScope } from './checkpoint-scope.ts'
import { defined } from './defined.ts'
import { type ErrorInfo, withoutStack } from './errors.ts'
import type { OwnRetry } from './retry-policy.ts'
import type { Phase, TaskStatus } from './status.ts'

/** The owner of what nobody is named for. */
export const defaultUser = 'local'

/** Tasks of priority `high` leave the lane before all of priority `normal`. */
export type Priority = 'high' | 'normal'

/** Sub-tasks counted by status; a status without sub-tasks is absent. The values sum to the number of sub-tasks at every moment. */
export type SubTaskSummary = Readonly<Partial<Record<TaskStatus, number>>>

/** Why a task needs a person, opened by the write that ends it and closed, with history, by a retry. */
export interface DeadLetter {
  /** Groups equal failures: task type, code, and the message with its numbers and ids blanked. */
  fingerprint: string
  reason: 'permanent' | 'attempts-exhausted' | 'crashes' | 'deadline' | 'unreadable'
  /** The attempt that ended the task; 0 when none ran. */
  attempt: number
  openedAt: number
  /** Set when a retry closed it. */
  closedAt?: number
  /** What the broker reported of the message's way into the dead letter queue. */
  story?: string
  /** The error at that time. */
  error: ErrorInfo
  /** Codec text of the parameters that failed; only where a retry replaced them. */
  parameters?: string
  parametersVersion?: number
}

/** What a tree may spend, at least one of the two; absent = not limited. */
export interface Budget {
  /** Tokens in and out together, of all its calls. */
  tokens?: number
  /** In the currency of the price list. */
  cost?: number
}

/** What a handler waits for in no slot: a signal, or a time. */
export interface Wait {
  /** The key of the step that it becomes when it ends. */
  key: string
  /** The name of the signal; absent where only time passes. */
  signal?: string
  /** When it ends without a signal, epoch milliseconds; absent = never. */
  until?: number
}

/** What somebody told a task. */
export interface Signal {
  /** Unique within the task: a signal that comes a second time changes nothing. */
  id: string
  name: string
  /** Epoch milliseconds. */
  at: number
  /** Codec text; absent once the task has taken it. */
  payload?: string
}

/** The record of a task, as every store returns it. */
export interface TaskRecord {
  id: string
  taskType: string
  userId: string
  lane: string
  priority: Priority
  tags: readonly string[]
  status: TaskStatus
  phase: Phase
  /** Rises with every change of the record; the fence of writes that people and the aggregator make. */
  version: number

  /** Codec text of the parameters as they were submitted. */
  parameters: string
  parametersVersion: number
  /** Codec text of the last progress. */
  progress?: string
  /** Codec text of the result; on a parent that still waits, the result it will complete with. */
  result?: string
  errorInfo?: ErrorInfo

  attempt: number
  retryCount: number
  /** Crashes in a row since the last checkpoint or clean end of an attempt: after one the task is on probation, from two on quarantined. */
  crashCount: number
  /** The attempt that wrote the last checkpoint. */
  checkpointAttempt?: number
  /** Set when a person changed the parameters: which checkpoints belong to those of now. */
  checkpointScope?: CheckpointScope
  /** Times that the sub-tasks were reopened by a retry. */
  round: number

  createdAt: number
  updatedAt: number
  /** Start of the first attempt. */
  startedAt?: number
  /** When the task ended, in whatever status. */
  completedAt?: number
  lastAttemptTimestamp?: number
  /** When the next attempt may start; only while QUEUED with a start time, or RETRYING. */
  nextAttemptTimestamp?: number
  /** The task ends FAILED when it has not ended by then. */
  deadline?: number

  /** The process that runs, or ran, the last attempt. */
  executionNodeId?: string
  claimToken?: string
  leaseUntil?: number

  parentTaskId?: string
  /** The top of the tree; the task's own id when it has no parent. */
  rootTaskId: string
  /** The name of a sub-task within its parent. */
  subTaskKey?: string
  /** 0 for a root. */
  depth: number
  /** Of a sub-task: the siblings that it starts after. */
  after?: Predecessors
  /**
   * The key of the sibling that it waits for; of several the next one, until none is left. Of one that ended because a sibling did not complete, that
   * sibling.
   */
  predecessor?: string
  /** What it was submitted with in place of the retry policy of its type. */
  retry?: OwnRetry
  /** Of a parent. What ended is counted at once; between processes, what began or will be tried again up to a second or two later. */
  subTaskStatusSummary?: SubTaskSummary
  /** Set while a parent waits whose `onSubTasksSettled` is to run when no sub-task is live any more. */
  reduces?: boolean
  /** The first sub-tasks that did not complete, at most 100; the rest by query. */
  failedSubTasks?: readonly FailedSubTask[]

  /** What the last attempt that ended to wait waits for; see `isWaiting`. A retry by a person clears it. */
  waits?: readonly Wait[]
  /** The signals that came, oldest first; of those that the task has taken the newest, without their payloads. */
  signals?: readonly Signal[]
  /** How many signals ever came; the fence of an attempt that ends to wait for more. */
  signalCount?: number

  cancelRequestedAt?: number
  idempotencyKey?: string
  /** Where there is an idempotency key: what was first submitted under it; see `submissionHash`. */
  submissionHash?: string
  /** The ended task that this one runs anew. */
  rerunOf?: string
  /** W3C trace context of the submission. */
  traceparent?: string
  /** Of a root: the budget that it was submitted with. What holds now is in its account, once there is one. */
  budget?: Budget
  /** Open while the task is FAILED or DEAD_LETTER, and only then. */
  deadLetter?: DeadLetter
  /** The dead letters that retries closed, oldest first, the last ten. */
  deadLetterHistory?: readonly DeadLetter[]
}

/** Whether the handler of the task waits for a signal or a time. A task that is to be tried again has an error. */
export function isWaiting({ status, errorInfo, waits }: TaskRecord): boolean {
  return status === 'RETRYING' && errorInfo === undefined && waits !== undefined
}

/**
 * Returns a record as its user may see it: errors without their stacks, and a result only where the task has completed. A waiting parent may already hold
 * the one with which it will.
 */
export function shownRecord(record: TaskRecord): TaskRecord {
  const { errorInfo, deadLetter, deadLetterHistory, result, ...rest } = record
  const shownLetter = (letter: DeadLetter) => ({ ...letter, error: withoutStack(letter.error) })
  const hasCompleted = record.status === 'COMPLETED' || record.status === 'COMPLETED_WITH_ERRORS'
  const shown = defined({
    errorInfo: errorInfo && withoutStack(errorInfo),
    deadLetter: deadLetter && shownLetter(deadLetter),
    deadLetterHistory: deadLetterHistory?.map(shownLetter),
    result: hasCompleted ? result : undefined,
  })
  return { ...rest, ...shown }
}

/** Whether a cancel of the task was requested; only a retry takes it back. */
export function isCancelRequested(record: { readonly cancelRequestedAt?: unknown }): boolean {
  return record.cancelRequestedAt !== undefined
}

/** The siblings that a sub-task starts after. */
export interface Predecessors {
  /** At least one; each once. */
  keys: readonly string[]
  /** What each of them has to be: COMPLETED or COMPLETED_WITH_ERRORS, or ended in whatever status. */
  startWhen: 'completed' | 'ended'
}

/** Returns the key of the sibling that a sub-task waits for first: the last, for the others have most often ended before it. */
export function firstAwaited({ keys }: Predecessors): string {
  return keys.at(-1) ?? ''
}

/**
 * Until when a sub-task waits that starts after others, for who looks at times alone: the end of the year 9999. It gets a time of its own when these
 * have ended. Epoch milliseconds.
 */
export const untilUnblocked = 253_402_300_799_999

/** Returns until when a waiting task waits, epoch milliseconds; undefined when it may run. */
export function waitsUntil(
  record: Pick<TaskRecord, 'predecessor' | 'nextAttemptTimestamp'>,
): number | undefined {
  return record.predecessor === undefined ? record.nextAttemptTimestamp : untilUnblocked
}

/** One line of the report that a parent keeps of its sub-tasks. */
export interface FailedSubTask {
  taskId: string
  key: string
  status: TaskStatus
  reason: string
}

/** What a store needs to create a task; the store adds times, rank and counters. Only a root has a budget. */
export interface NewTask
  extends Pick<TaskRecord, 'id' | 'taskType' | 'userId' | 'lane' | 'priority' | 'tags'>,
    Pick<TaskRecord, 'parameters' | 'parametersVersion' | 'traceparent' | 'budget'>,
    Pick<TaskRecord, 'idempotencyKey' | 'submissionHash' | 'rerunOf' | 'after' | 'retry'> {
  /** Epoch milliseconds; absent = at once. */
  startAt?: number
  /** Milliseconds from now by the store's clock; instead of `startAt`. */
  delay?: number
  /** Milliseconds from creation until the task fails if it has not ended. */
  deadlineAfter?: number
  parent?: { taskId: string; attempt: number; rootTaskId: string; key: string; depth: number }
  /**
   * Starts the first attempt in the same write, if the task could run now and nothing waits in its lane: the submitter has a free
   * worker slot. A store may ignore it.
   */
  claim?: { token: string; executionNodeId: string; leaseMs: number }
  /**
   * Takes the right to send the task in the same write, if the task could run now: the broker has capacity and nothing is known to wait in
   * the lane. A store may ignore it.
   */
  send?: boolean
}

/** The crash in a row from which on a task is quarantined. */
export const quarantinedFrom = 2

/**
 * Whether a task may be what kills its process: it runs alone of its kind, and its crashes spend retries. After its first crash a task is on
 * probation: nobody knows yet whose fault it was, so it runs again at once beside the others that died with it.
 */
export function isQuarantined(crashCount: number): boolean {
  return crashCount >= quarantinedFrom
}
