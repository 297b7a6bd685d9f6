import { plainOf } from './codec.ts'
import type { ErrorInfo } from './errors.ts'
import { type EndedStatus, hasEnded } from './status.ts'
import type { TaskRecord } from './task.ts'
import { endsAttempt, type Transition, type TransitionName } from './transition.ts'

type BaseFields = Pick<TaskRecord, 'id' | 'taskType' | 'userId' | 'lane' | 'version' | 'attempt'> &
  Pick<TaskRecord, 'parentTaskId' | 'rootTaskId' | 'traceparent'>

/** What every event names. `at` is epoch milliseconds. */
export interface TaskEventBase extends Omit<BaseFields, 'id'> {
  at: number
  taskId: string
}

/**
 * Every event, typed and described. Events report what was committed, after it was committed. In the process they are best effort:
 * nothing that correctness needs hangs on them.
 *
 * `ranMs` is how long the attempt ran that ended with the event. It is absent where none did: the task waited, or its sub-tasks ended it.
 */
export interface TaskEvents {
  /** A task was created (or a sub-task of a running parent). */
  submitted: TaskEventBase
  /** An attempt began. `waitedMs` is the time since the task could run; a pause of its lane counts. */
  started: TaskEventBase & { executionNodeId: string; waitedMs: number }
  /** Progress was recorded; coalesced to four a second and task. */
  progress: TaskEventBase & { progress: unknown }
  /** A task waits for a signal or a time, a parent awaits its sub-tasks, or its reduce is due. */
  waiting: TaskEventBase & { phase: TaskRecord['phase']; ranMs?: number }
  /** The attempt ended and another one is granted, or waited for; the class of `errorInfo` says why. */
  retrying: TaskEventBase & {
    retryCount: number
    nextAttemptTimestamp: number
    errorInfo?: ErrorInfo
    ranMs: number
  }
  /** The attempt ended because its process stops; no retry was spent. */
  givenBack: TaskEventBase & { ranMs: number }
  /** The task ended COMPLETED or COMPLETED_WITH_ERRORS. */
  completed: TaskEventBase & { status: EndedStatus; ranMs?: number }
  /** The task ended FAILED. */
  failed: TaskEventBase & { errorInfo: ErrorInfo; ranMs?: number }
  /** The task ended CANCELLED. */
  cancelled: TaskEventBase & { ranMs?: number }
  /** The task ended DEAD_LETTER. */
  deadLettered: TaskEventBase & { errorInfo: ErrorInfo; ranMs: number }
  /** An ended task runs again because a person, or a retried sub-task, said so. */
  reopened: TaskEventBase
}

/** The name of an event. */
export type TaskEventName = keyof TaskEvents

/** One event with its name. */
export type TaskEvent = { [N in TaskEventName]: { name: N } & TaskEvents[N] }[TaskEventName]

/** An event with its number within its task: 1 for the first, no number left out. Progress has none, for it is published best effort. */
export type SequencedEvent = TaskEvent & {
  sequence?: number
  /** The first of several events that were merged into this one, because publishing failed for long. */
  sequenceFrom?: number
  /** The store said that its task has no later event. In the process only: no message says it. */
  isNewest?: boolean
}

/** The event of each transition; undefined where there is none. */
const eventOfTransition: Readonly<Record<TransitionName, TaskEventName | undefined>> = {
  completed: 'completed',
  'awaiting-subtasks': 'waiting',
  retrying: 'retrying',
  snoozed: 'retrying',
  waiting: 'waiting',
  signalled: undefined,
  'given-back': 'givenBack',
  failed: 'failed',
  'dead-lettered': 'deadLettered',
  cancelled: 'cancelled',
  'cancel-requested': undefined,
  'reduce-due': 'waiting',
  closed: 'completed',
  retried: 'reopened',
  reopened: 'reopened',
  discarded: undefined,
  'due-early': undefined,
  unblocked: undefined,
  'still-waiting': undefined,
  'not-attempted': 'cancelled',
  tagged: undefined,
  moved: undefined,
}

/** The event of each end. */
export const endNames: Readonly<Record<EndedStatus, TaskEventName>> = {
  COMPLETED: 'completed',
  COMPLETED_WITH_ERRORS: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  DEAD_LETTER: 'deadLettered',
}

const endingNames: ReadonlySet<TaskEventName> = new Set(Object.values(endNames))

/** Returns whether an event says that its task has ended, by its name or by its status. */
export function endsTask(event: TaskEvent): boolean {
  return endingNames.has(event.name) || ('status' in event && hasEnded(event.status))
}

/** Returns about how many bytes an event takes in memory: two for each character of its texts, and as JSON of what has parts. */
export function sizeOfEvent(event: TaskEvent): number {
  let characters = 0
  for (const [field, value] of Object.entries(event)) {
    characters += field.length + 8
    if (typeof value === 'string') characters += value.length
    else if (typeof value === 'object' && value !== null)
      characters += JSON.stringify(plainOf(value))?.length ?? 0
  }
  return characters * 2
}

/** Returns the name of the event of a transition; undefined where it has none. */
export function eventNameOf(transition: Pick<Transition, 'name' | 'set'>): TaskEventName | undefined {
  if (transition.name === 'closed' && transition.set.status === 'FAILED') return 'failed'
  return eventOfTransition[transition.name]
}

/** Returns the time of the next attempt that the event of a change says; undefined where there is none, or only a signal says when. */
export function nextTimeOf({ nextAttemptTimestamp, waits }: Transition['set']): number | undefined {
  if (waits?.every(({ until }) => until === undefined) === true) return undefined
  return nextAttemptTimestamp ?? undefined
}

/** What an event says of a transition, beside what every event says. */
type AfterTransition = Partial<
  Pick<TaskRecord, 'status' | 'phase' | 'retryCount' | 'nextAttemptTimestamp' | 'errorInfo'>
> & {
  ranMs?: number
}

/** Returns the event of a transition. `record` is what it was before; `version` what it is after. `at` is epoch milliseconds. */
export function eventAfter(
  name: TaskEventName,
  record: TaskRecord,
  transition: Transition,
  { at, version }: { at: number; version: number },
): TaskEvent {
  const { set } = transition
  const event: ReturnType<typeof eventOf> & AfterTransition = eventOf(name, record, at)
  event.version = version
  event.status = set.status ?? record.status
  event.phase = set.phase ?? record.phase
  event.retryCount = set.retryCount ?? record.retryCount
  if (endsAttempt(transition)) event.ranMs = Math.max(0, at - (record.lastAttemptTimestamp ?? at))
  const next = nextTimeOf(set)
  if (next !== undefined) event.nextAttemptTimestamp = next
  if (set.errorInfo !== undefined && set.errorInfo !== null) event.errorInfo = set.errorInfo
  return event as TaskEvent
}

/** Returns an event with what every event says. What is spread into another object costs as much as the rest of its way: add to this one. */
export function eventOf<N extends TaskEventName>(
  name: N,
  record: BaseFields,
  at: number,
): { name: N } & TaskEventBase {
  const event: { name: N } & TaskEventBase = {
    name,
    at,
    taskId: record.id,
    taskType: record.taskType,
    userId: record.userId,
    lane: record.lane,
    version: record.version,
    attempt: record.attempt,
    rootTaskId: record.rootTaskId,
  }
  if (record.parentTaskId !== undefined) event.parentTaskId = record.parentTaskId
  if (record.traceparent !== undefined) event.traceparent = record.traceparent
  return event
}
