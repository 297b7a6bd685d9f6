/**
 * How tasks are written: by pipeline updates, so that the version, the server's time and what is derived from the rest of the document come
 * out of the same write. What a user or a caller gave goes in as a literal: a text that begins with `$` would be read as the name of a
 * field.
 */

import type { Document } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { eventNameOf, nextTimeOf, type TaskEventName } from '../../task/events.ts'
import { unranked } from '../../task/fairness.ts'
import { quarantinedFrom } from '../../task/task.ts'
import { claiming, endsAttempt, type RecordChange, type Transition } from '../../task/transition.ts'
import { mostStacks, quarantinedSuffix } from '../store.ts'
import { mostAttempts } from '../transfer.ts'
import { largeTexts, type TaskDocument, times } from './documents.ts'
import { literal, type TaskUpdate } from './merge-updates.ts'
import { partitionSeparator } from './partitions.ts'
import type { LargeValue } from './payloads.ts'
import type { Context, Features } from './session.ts'

/** The field of a document, as an expression names it. */
type Field = `$${keyof TaskDocument & string}`

/** Removes the field. */
export const removed = '$$REMOVE'

/** Names of writes that a document remembers. */
const mostWrites = 4

const isThere = (field: Field): Document => ({ $ne: [{ $type: field }, 'missing'] })
const isAbsent = (field: Field): Document => ({ $eq: [{ $type: field }, 'missing'] })

/** Returns the value where the condition holds, else removes the field. */
const onlyIf = (condition: Document, value: unknown): Document => ({ $cond: [condition, value, removed] })

/** Returns a time plus milliseconds. */
export function after(time: unknown, ms: unknown): Document {
  return { $dateAdd: { startDate: time, unit: 'millisecond', amount: ms } }
}

/** Returns the milliseconds from a time on, never below 0. */
export function since(startDate: unknown, endDate: unknown): Document {
  return { $max: [0, { $dateDiff: { startDate, endDate, unit: 'millisecond' } }] }
}

/** What every move of a task writes: the version rises, and the write leaves its name. */
function touched(context: Context, name: string): Document {
  return {
    version: { $add: ['$version', 1] },
    updatedAt: context.serverNow(),
    lastWrites: {
      $slice: [{ $concatArrays: [[literal(name)], { $ifNull: ['$lastWrites', []] }] }, mostWrites],
    },
    // An aggregation that read the parent before this move is refused, and starts over.
    aggregate: onlyIf(isThere('$aggregate'), {
      $mergeObjects: ['$aggregate', { version: { $add: ['$aggregate.version', 1] } }],
    }),
  }
}

/** The flag of a record for the relay that holds its partition. */
const flag = { $ifNull: ['$partition', true] }

/** A sub-task changed its status: its parent has to aggregate it. */
export const flagged: Document = { uncounted: onlyIf(isThere('$parentTaskId'), flag) }

/** The queue of a task: that of its lane, or of the quarantined tasks of it. */
export const queue: Document = {
  $cond: [{ $gte: ['$crashCount', quarantinedFrom] }, { $concat: ['$lane', quarantinedSuffix] }, '$lane'],
}

/** As `readyName`, of a task that could run now; none for a sub-task that its parent has not counted yet. */
const readyQueue: Document = {
  $cond: [
    { $and: [isThere('$parentTaskId'), isAbsent('$counted')] },
    removed,
    { $concat: [queue, { $ifNull: [{ $concat: [partitionSeparator, '$partition'] }, ''] }] },
  ],
}

/** No process has the right to send it, and it waits for no time. */
export const unqueued: Document = {
  ready: removed,
  sent: removed,
  sends: removed,
  lostAt: removed,
  wakeAt: removed,
  tellAt: removed,
}

const hasNoPlace: Document = {
  $and: [
    { $in: ['$status', [...claiming.from]] },
    isAbsent('$ready'),
    isAbsent('$sent'),
    isAbsent('$wakeAt'),
  ],
}

/** A waiting task gets its place in line, if it has none and may have one: a stage of its own, after all others. */
export const firstPlace: Document = { $set: { ready: { $cond: [hasNoPlace, readyQueue, '$ready'] } } }

/** A task that was sent or that waited for a time stands in line again, or waits on for its time. */
export function backInLine(now: Date): Document {
  const isEarly = { $gt: ['$wakeAt', literal(now)] }
  return {
    $set: {
      ready: { $cond: [isEarly, removed, readyQueue] },
      tellAt: onlyIf(isEarly, '$wakeAt'),
      wakeAt: onlyIf(isEarly, '$wakeAt'),
      sent: removed,
      lostAt: removed,
    },
  }
}

/** Whether the record must be reconciled; the last stage of every write that changes a status, a lease or a count. */
export const derived: Document = { $set: { look: onlyIf({ $or: reasonsToLook() }, flag) } }

function reasonsToLook(): Document[] {
  const hasLive = { $gt: [{ $ifNull: ['$liveSubTasks', 0] }, 0] }
  const awaits = [{ $eq: ['$status', 'RUNNING'] }, { $eq: ['$phase', 'awaiting-subtasks'] }]
  return [
    { $and: [...awaits, { $not: [hasLive] }] },
    { $and: [isThere('$cancelRequestedAt'), isAbsent('$completedAt'), isAbsent('$leaseUntil')] },
    { $and: [isThere('$completedAt'), hasLive] },
    { $and: [isThere('$predecessorEnded'), isAbsent('$completedAt')] },
  ]
}

/** Pending events of one record at most; beyond it the newest merge into one, so that a record stays bounded while none can be published. */
const mostPending = 32

/**
 * Returns the stage that leaves an event in the record; it reads the record as the stages before it left it.
 *
 * @param fields What only this kind of event has: an expression for each.
 */
export function eventStage(context: Context, name: TaskEventName, fields: Document): Document {
  const now = context.serverNow()
  const sequence = { $add: [{ $ifNull: ['$eventSequence', 0] }, 1] }
  const by = literal(context.processId)
  const event = { sequence, name, at: now, version: '$version', attempt: '$attempt', by, fields }
  const before = { $ifNull: ['$events', []] }
  const merged = {
    $mergeObjects: ['$$event', { sequenceFrom: { $ifNull: ['$$last.sequenceFrom', '$$last.sequence'] } }],
  }
  const vars = { before, event, last: { $arrayElemAt: [before, -1] } }
  const isShort = { $lt: [{ $size: '$$before' }, mostPending] }
  const longer = { $concatArrays: ['$$before', ['$$event']] }
  const withMerged = { $concatArrays: [{ $slice: ['$$before', mostPending - 1] }, [merged]] }
  return {
    $set: {
      events: { $let: { vars, in: { $cond: [isShort, longer, withMerged] } } },
      eventSequence: sequence,
      eventsAt: { $ifNull: ['$eventsAt', now] },
    },
  }
}

/** A delivery may be handed to the broker this much late, milliseconds; a later one waits for the next shorter delay. */
const mayBeLateMs = 250

/** Returns how long the broker is to hold a task that may be claimed in `waitMs`; undefined when it waits here. */
export function delayFor({ delays }: Features, waitMs: number): number | undefined {
  return delays.findLast(delay => delay <= waitMs + mayBeLateMs)
}

/** Returns when the outbox reads a task that may be claimed at `wakeAt`: as much ahead as the broker can hold it. Epoch milliseconds. */
export function tellAtFor(features: Features, wakeAt: number, now: number): number {
  return wakeAt - (delayFor(features, wakeAt - now) ?? 0)
}

/** A transition on its way. */
export interface Move {
  transition: Transition
  /** Names this write, so that it recognises itself. */
  name: string
  /** Texts that live apart. */
  large: readonly LargeValue[]
  /** Its place in line, where an ended task waits again. */
  rank: number | undefined
}

const dateFields: ReadonlySet<string> = new Set(times)
const textFields: ReadonlySet<string> = new Set(largeTexts)

/**
 * Returns what the document must still be. Whether a lease has expired is decided by the server's clock: that of a rescuer may be ahead.
 */
export function guardOf(
  context: Context,
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
    filter.attempt = 'attempt' in fence ? fence.attempt : fence.lastAttempt
    if (fence.signalCount !== undefined)
      filter.signalCount = fence.signalCount === 0 ? { $exists: false } : fence.signalCount
    if (fence.leaseUntil !== undefined) {
      filter.leaseUntil = new Date(fence.leaseUntil)
      filter.$expr = { $lte: ['$leaseUntil', context.serverNow()] }
    }
  }
  return filter
}

/** Returns the pipeline that makes the document what the transition says. */
export function pipelineOf(context: Context, move: Move): Document[] {
  const { transition } = move
  const { set } = transition
  const stages: Document[] = []
  // Before anything changes: the document says when the attempt began and who ran it.
  if (isRemembered(transition)) stages.push(historyStage(context, transition))
  stages.push({
    $set: {
      ...touched(context, move.name),
      ...(movesInParent(set) ? flagged : {}),
      ...fieldsOf(move),
      ...(set.predecessor === undefined ? {} : { predecessorEnded: removed }),
      ...(move.rank === undefined ? {} : { rank: move.rank }),
      ...notificationOf(context, set),
    },
  })
  if (isRemembered(transition) && (set.errorInfo?.stack ?? '') !== '') stages.push(stackStage())
  if (transition.wake !== 'as-it-was') stages.push({ $set: placeAfter(context, transition) })
  const event = context.features.events ? eventNameOf(transition) : undefined
  if (event !== undefined) stages.push(eventStage(context, event, eventFields(context, transition)))
  return [...stages, derived]
}

/** Whether the aggregator of the parent has to look at the task: its status changed, or the sibling that it waits for, which may have ended by now. */
export function movesInParent({ status, predecessor }: RecordChange): boolean {
  return status !== undefined || typeof predecessor === 'string'
}

/** Whether the history of attempts gets a line; the attempt that completed is in the record itself. */
function isRemembered(transition: Transition): boolean {
  const { name } = transition
  return endsAttempt(transition) && name !== 'completed' && name !== 'awaiting-subtasks'
}

function historyStage(context: Context, { name, set }: Transition): Document {
  const now = context.serverNow()
  const line = {
    attempt: '$attempt',
    executionNodeId: '$executionNodeId',
    startedAt: { $ifNull: ['$lastAttemptTimestamp', now] },
    endedAt: now,
    outcome: name,
    ...defined({ code: given(set.errorInfo?.code), message: given(set.errorInfo?.message) }),
  }
  return { $set: { pastAttempts: withLast('$pastAttempts', line, mostAttempts) } }
}

/** The stack of the error that the stages before left in the record. */
function stackStage(): Document {
  const kept = { attempt: '$attempt', stack: '$errorInfo.stack' }
  return { $set: { attemptStacks: withLast('$attemptStacks', kept, mostStacks) } }
}

/** Returns the list with one more at its end. Only the last ones are kept, up to a number. */
function withLast(list: Field, last: Document, most: number): Document {
  return { $slice: [{ $concatArrays: [{ $ifNull: [list, []] }, [last]] }, -most] }
}

/** Returns a value as it is, where there is one. */
function given(value: unknown): Document | undefined {
  return value === undefined || value === null ? undefined : literal(value)
}

/** The fields of the change; null clears one. */
function fieldsOf({ transition, large }: Move): Document {
  const fields: Document = {}
  for (const [key, value] of Object.entries(transition.set)) {
    if (value === null) fields[key] = removed
    else if (value !== undefined) fields[key] = literal(dateFields.has(key) ? new Date(value) : value)
    if (textFields.has(key) && value !== undefined) fields[`large.${key}`] = removed
  }
  for (const { field, payload } of large) {
    fields[field] = ''
    fields[`large.${field}`] = literal(payload)
  }
  return fields
}

/** A dead letter that is opened is to be notified; one that is closed no longer. */
function notificationOf({ features, serverNow }: Context, { deadLetter }: RecordChange): Document {
  if (deadLetter === undefined) return {}
  if (deadLetter === null) return { noticeAt: removed }
  return features.notifications ? { noticeAt: serverNow() } : {}
}

/** Where the task waits from now on. */
function placeAfter(context: Context, { wake, leavesLine }: Transition): Document {
  const now = context.now()
  const at = wake === 'now' ? now : typeof wake === 'object' ? wake.at : undefined
  if (at === undefined) return unqueued
  if (at <= now) {
    // One that waits for its start has no place in line yet, and gets one when it is due.
    const hasRank = { $ne: ['$rank', unranked] }
    const due = onlyIf({ $eq: ['$rank', unranked] }, new Date(now))
    return { ...unqueued, ready: { $cond: [hasRank, readyQueue, removed] }, wakeAt: due, tellAt: due }
  }
  // What the broker holds goes past the line.
  const tellAt = leavesLine ? at : tellAtFor(context.features, at, now)
  return { ...unqueued, wakeAt: new Date(at), tellAt: new Date(tellAt) }
}

/** As `eventAfter` makes them, from the document as the stages before left it. */
function eventFields(context: Context, transition: Transition): Document {
  const { set } = transition
  const ranMs = since('$lastAttemptTimestamp', context.serverNow())
  return defined({
    status: '$status',
    phase: '$phase',
    ranMs: endsAttempt(transition) ? { $cond: [isThere('$lastAttemptTimestamp'), ranMs, 0] } : undefined,
    retryCount: '$retryCount',
    nextAttemptTimestamp: given(nextTimeOf(set)),
    errorInfo: given(set.errorInfo),
  })
}
