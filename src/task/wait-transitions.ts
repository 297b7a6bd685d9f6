/** The moves of tasks that wait, in no slot, for something other than a time: for a signal, or for other sub-tasks. See `transition.ts`. */
import { longestDuration } from './duration.ts'
import type { ErrorInfo } from './errors.ts'
import { isWaiting, type Signal, type TaskRecord, type Wait } from './task.ts'
import {
  asItWas,
  byAttempt,
  byVersion,
  cancelledWaiting,
  type RecordChange,
  released,
  type Transition,
} from './transition.ts'

/** What a handler waits for, and the signals that came, as it saw them. */
export interface WaitOutcome {
  waits: readonly Wait[]
  /** Absent where it waits for times alone. */
  seen?: { signals: readonly Signal[]; signalCount: number }
}

/**
 * The handler waits for signals, or a time; no retry is spent. Others have their turns meanwhile: a place in line that it kept would be far ahead
 * of all of them. Refused where a signal came that it has not seen.
 */
export function waiting(record: TaskRecord, { waits, seen }: WaitOutcome, now: number): Transition {
  const at = Math.min(now + longestDuration, ...waits.flatMap(({ until }) => until ?? []))
  const set: RecordChange = {
    status: 'RETRYING',
    nextAttemptTimestamp: at,
    crashCount: 0,
    errorInfo: null,
    waits,
    ...released,
  }
  const transition: Transition = {
    ...byAttempt(record),
    name: 'waiting',
    wake: { at },
    leavesLine: true,
    set,
  }
  if (seen === undefined) return transition
  if (seen.signals.length > 0) set.signals = seen.signals
  return { ...transition, fence: { attempt: record.attempt, signalCount: seen.signalCount } }
}

/** Returns signals without the payloads of those that no wait will take any more. */
export function withoutPayloads(signals: readonly Signal[], done: ReadonlySet<string>): Signal[] {
  return signals.map(signal => {
    const { id, name, at } = signal
    return done.has(id) ? { id, name, at } : signal
  })
}

/** Signals that a record keeps, at most: of those that the task has taken the newest. */
const mostSignals = 1_000

/** A signal came: the record keeps it until the handler takes it. One that the handler waits for makes the task due. */
export function signalled(record: TaskRecord, signal: Signal, now: number): Transition {
  const { id, userId, attempt: lastAttempt, signals = [], signalCount = 0 } = record
  const isAwaited = isWaiting(record) && record.waits?.some(wait => wait.signal === signal.name)
  const surplus = signals.filter(({ payload }) => payload === undefined).length - mostSignals + 1
  const forgotten = signals.filter(({ payload }) => payload === undefined).slice(0, Math.max(0, surplus))
  const kept = forgotten.length === 0 ? signals : signals.filter(each => !forgotten.includes(each))
  const set: RecordChange = { signals: [...kept, signal], signalCount: signalCount + 1 }
  if (isAwaited) set.nextAttemptTimestamp = now
  return {
    name: 'signalled',
    taskId: id,
    userId,
    ...asItWas(record),
    fence: { lastAttempt, signalCount },
    wake: isAwaited ? 'now' : 'as-it-was',
    set,
  }
}

/** A move of a sub-task that waits for siblings. */
function byPredecessors(record: TaskRecord): Pick<Transition, 'taskId' | 'userId' | 'from' | 'fence'> {
  return { ...byVersion(record), from: ['QUEUED'] }
}

/** A sub-task ends because a sibling that it was to start after did not complete. */
export function notAttempted(
  record: TaskRecord,
  predecessor: string,
  error: ErrorInfo,
  now: number,
): Transition {
  const transition = cancelledWaiting(record, error, now)
  return {
    ...transition,
    ...byPredecessors(record),
    name: 'not-attempted',
    set: { ...transition.set, predecessor },
  }
}

/** All siblings that a sub-task waited for are what they have to be: it may run, or waits on for its start time. */
export function unblocked(record: TaskRecord, now: number): Transition {
  const { nextAttemptTimestamp: at = now } = record
  const rest = { ...byPredecessors(record), name: 'unblocked' } as const
  return at <= now
    ? { ...rest, wake: 'now', set: { predecessor: null, nextAttemptTimestamp: null } }
    : { ...rest, wake: { at }, set: { predecessor: null } }
}

/** One of several siblings has ended, and the sub-task waits for the next one. */
export function stillWaiting(record: TaskRecord, predecessor: string): Transition {
  return { ...byPredecessors(record), name: 'still-waiting', wake: 'as-it-was', set: { predecessor } }
}
