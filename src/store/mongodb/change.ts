/** A transition as MongoDB writes it: the filter that guards it, and the pipeline that makes the document what it says. */
import type { Document } from 'mongodb'
import { eventNameOf } from '../../task/events.ts'
import { endsAttempt, type RecordChange, type Transition } from '../../task/transition.ts'
import type { LargeText } from './documents.ts'
import { eventStage } from './events.ts'
import type { TaskUpdate } from './merge-updates.ts'
import type { LargeValue } from './payloads.ts'
import { derived, flagged, isThere, literal, readyQueue, removed, touched, unqueued } from './pipeline.ts'
import type { Session } from './session.ts'
import { tellTime } from './wake.ts'

/** A transition on its way. */
export interface Move {
  transition: Transition
  /** Names this write, so that it recognises itself. */
  name: string
  /** Texts that live apart. */
  large: readonly LargeValue[]
  /** Its place in line, where an ended task waits anew. */
  rank?: number
}

/** Attempts that are remembered. */
const mostAttempts = 50

const dates: ReadonlySet<keyof RecordChange> = new Set([
  'completedAt',
  'nextAttemptTimestamp',
  'deadline',
  'leaseUntil',
  'cancelRequestedAt',
])
const texts: ReadonlySet<string> = new Set<LargeText>(['parameters', 'progress', 'result'])

/**
 * What the document must still be. A rescuer that takes a lease for expired is told by the server's clock whether it is: its own may be
 * ahead.
 */
export function guardOf(
  session: Session,
  { taskId, from, fromPhase, fence }: Transition,
): TaskUpdate['filter'] {
  const filter: TaskUpdate['filter'] = {
    _id: taskId,
    status: { $in: [...from] },
    pruning: { $exists: false },
  }
  if (fromPhase !== undefined) filter.phase = fromPhase
  if ('version' in fence) filter.version = fence.version
  else {
    filter.attempt = fence.attempt
    if (fence.leaseUntil !== undefined) {
      filter.leaseUntil = new Date(fence.leaseUntil)
      filter.$expr = { $lte: ['$leaseUntil', session.serverNow()] }
    }
  }
  return filter
}

/** What becomes of it. */
export function pipelineOf(session: Session, move: Move): Document[] {
  const { transition } = move
  const { set } = transition
  const stages: Document[] = []
  // Before anything changes: the attempt tells when it began and who ran it.
  if (isRemembered(transition)) stages.push(historyStage(session, transition))
  stages.push({
    $set: {
      ...touched(session, move.name),
      ...(set.status === undefined ? {} : flagged),
      ...fieldsOf(move),
      ...(move.rank === undefined ? {} : { rank: move.rank }),
      ...noticeOf(session, set),
    },
  })
  if (transition.wake !== 'as-it-was') stages.push({ $set: placeOf(session, transition.wake) })
  const event = session.keeps.events ? eventNameOf(transition) : undefined
  if (event !== undefined) stages.push(eventStage(session, event, eventFields(session, transition)))
  return [...stages, derived]
}

/** Whether the history of attempts gets a line; the attempt that completed is told by the record itself. */
function isRemembered(transition: Transition): boolean {
  const { name } = transition
  return endsAttempt(transition) && name !== 'completed' && name !== 'awaiting-subtasks'
}

function historyStage(session: Session, { name, set }: Transition): Document {
  const now = session.serverNow()
  const line = {
    attempt: '$attempt',
    executionNodeId: '$executionNodeId',
    startedAt: { $ifNull: ['$lastAttemptTimestamp', now] },
    endedAt: now,
    outcome: name,
    ...(set.errorInfo === undefined || set.errorInfo === null
      ? {}
      : { code: literal(set.errorInfo.code), message: literal(set.errorInfo.message) }),
  }
  const lines = { $concatArrays: [{ $ifNull: ['$pastAttempts', []] }, [line]] }
  return { $set: { pastAttempts: { $slice: [lines, -mostAttempts] } } }
}

/** The fields of the change; null clears one. */
function fieldsOf({ transition, large }: Move): Document {
  const fields: Document = {}
  for (const [key, value] of Object.entries(transition.set)) {
    if (value === null) fields[key] = removed
    else if (value !== undefined)
      fields[key] = literal(dates.has(key as keyof RecordChange) ? new Date(value) : value)
    if (texts.has(key) && value !== undefined) fields[`large.${key}`] = removed
  }
  for (const { field, payload } of large) {
    fields[field] = ''
    fields[`large.${field}`] = literal(payload)
  }
  return fields
}

/** A dead letter that is opened is to be told; one that is closed no longer. */
function noticeOf({ keeps, serverNow }: Session, { deadLetter }: RecordChange): Document {
  if (deadLetter === undefined) return {}
  if (deadLetter === null) return { noticeAt: removed }
  return keeps.notices ? { noticeAt: serverNow() } : {}
}

/** Where the task waits from now on. */
function placeOf(session: Session, wake: Exclude<Transition['wake'], 'as-it-was'>): Document {
  const now = session.now()
  const at = wake === 'never' ? undefined : wake === 'now' ? now : wake.at
  if (at === undefined) return unqueued
  if (at <= now) return { ...unqueued, ready: readyQueue }
  return { ...unqueued, wakeAt: new Date(at), tellAt: new Date(tellTime(session.keeps, at, now)) }
}

/** As `eventAfter` makes them, from the document as the stages before left it. */
function eventFields(session: Session, transition: Transition): Document {
  const { set } = transition
  const now = session.serverNow()
  const ranMs = { $dateDiff: { startDate: '$lastAttemptTimestamp', endDate: now, unit: 'millisecond' } }
  return {
    status: '$status',
    phase: '$phase',
    ...(endsAttempt(transition)
      ? { ranMs: { $cond: [isThere('$lastAttemptTimestamp'), { $max: [0, ranMs] }, 0] } }
      : {}),
    retryCount: '$retryCount',
    ...(typeof set.nextAttemptTimestamp === 'number'
      ? { nextAttemptTimestamp: literal(set.nextAttemptTimestamp) }
      : {}),
    ...(set.errorInfo === undefined || set.errorInfo === null ? {} : { errorInfo: literal(set.errorInfo) }),
  }
}
