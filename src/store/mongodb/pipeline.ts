/**
 * The parts of which every write of a task is made: a pipeline update, so that the version, the server's time and what is derived from the
 * rest of the document come out of the same write. What a user or a caller gave goes in as a literal: a text that begins with `$` would
 * be read as the name of a field.
 */
import type { Document } from 'mongodb'
import { claiming } from '../../task/transition.ts'
import type { TaskDocument } from './documents.ts'
import { quarantinedSuffix } from './queue.ts'
import type { Session } from './session.ts'

/** The field of a document, as an expression names it. */
type Field = `$${keyof TaskDocument & string}`

/** Removes the field. */
export const removed = '$$REMOVE'

/** Names of writes that a document remembers. */
const mostWrites = 4

/** A value as it is. */
export function literal(value: unknown): Document {
  return { $literal: value }
}

/** Whether the field is there. */
export function isThere(field: Field): Document {
  return { $ne: [{ $type: field }, 'missing'] }
}

/** Whether the field is not there. */
function isAbsent(field: Field): Document {
  return { $eq: [{ $type: field }, 'missing'] }
}

/** So many milliseconds after a time. */
export function after(time: unknown, ms: unknown): Document {
  return { $dateAdd: { startDate: time, unit: 'millisecond', amount: ms } }
}

/** What every move of a task writes: the version rises, and the write leaves its name. */
export function touched(session: Session, name: string): Document {
  return {
    version: { $add: ['$version', 1] },
    updatedAt: session.serverNow(),
    lastWrites: {
      $slice: [{ $concatArrays: [[literal(name)], { $ifNull: ['$lastWrites', []] }] }, mostWrites],
    },
    // A count that read the parent before this move is refused, and starts over.
    aggregate: {
      $cond: [
        isThere('$aggregate'),
        { $mergeObjects: ['$aggregate', { version: { $add: ['$aggregate.version', 1] } }] },
        removed,
      ],
    },
  }
}

/** A sub-task changed its status: its parent has to count it. */
export const flagged: Document = {
  uncounted: { $cond: [isThere('$parentTaskId'), true, removed] },
}

/** The queue of a task that could run now; none for a sub-task that its parent has not counted yet. */
export const readyQueue: Document = {
  $cond: [
    { $and: [isThere('$parentTaskId'), isAbsent('$counted')] },
    removed,
    { $cond: [{ $gt: ['$crashCount', 0] }, { $concat: ['$lane', quarantinedSuffix] }, '$lane'] },
  ],
}

/** Nobody has the right to send it, and it waits for nothing. */
export const unqueued: Document = {
  ready: removed,
  sent: removed,
  sends: removed,
  lostAt: removed,
  wakeAt: removed,
  tellAt: removed,
}

const waits: Document = { $in: ['$status', [...claiming.from]] }

/** A waiting task gets its place in line, if it has none and may have one: a stage of its own, after all others. */
export const firstPlace: Document = {
  $set: {
    ready: {
      $cond: [
        { $and: [waits, isAbsent('$ready'), isAbsent('$sent'), isAbsent('$wakeAt')] },
        readyQueue,
        '$ready',
      ],
    },
  },
}

/** A task that was sent or that waited for a time stands in line again, or waits on for its time. */
export function backInLine(now: Date): Document {
  const isEarly = { $gt: ['$wakeAt', literal(now)] }
  return {
    $set: {
      ready: { $cond: [isEarly, removed, readyQueue] },
      tellAt: { $cond: [isEarly, '$wakeAt', removed] },
      wakeAt: { $cond: [isEarly, '$wakeAt', removed] },
      sent: removed,
      lostAt: removed,
    },
  }
}

/** Who has to look at the record; the last stage of every write that changes a status, a lease or a count. */
export const derived: Document = {
  $set: {
    look: {
      $cond: [
        {
          $or: [
            {
              $and: [
                { $eq: ['$status', 'RUNNING'] },
                { $eq: ['$phase', 'awaiting-subtasks'] },
                { $lte: [{ $ifNull: ['$liveSubTasks', 0] }, 0] },
              ],
            },
            { $and: [isThere('$cancelRequestedAt'), isAbsent('$completedAt'), isAbsent('$leaseUntil')] },
            { $and: [isThere('$completedAt'), { $gt: [{ $ifNull: ['$liveSubTasks', 0] }, 0] }] },
          ],
        },
        true,
        removed,
      ],
    },
  },
}
