/**
 * Which events were told, until they are dropped from their records: a moment later, those of many records together. A process that
 * goes on with such a record within that moment tells them once more.
 */
import type { Document } from 'mongodb'
import type { StoredEvent, TaskDocument } from './documents.ts'
import { createLazyWrites } from './lazy-writes.ts'
import { mergeUpdates } from './merge-updates.ts'
import { literal } from './pipeline.ts'
import type { Session } from './session.ts'

/** Milliseconds over which it is gathered: most tasks tell of a claim and of an end within. */
const gatherMs = 200

/** What was told. */
export interface ToldEvents {
  /** The events of the record were told, up to the sequence. */
  note(taskId: string, sequence: number): void
  /** The events of a record as it was read, without those that were told a moment ago. */
  untold(document: TaskDocument): readonly StoredEvent[]
  /** Drops now what was told. Where that fails they are told again. */
  flush(): Promise<void>
}

/** Nothing was told yet. */
export function createToldEvents({ database, tasks, serverNow }: Session): ToldEvents {
  const told = createLazyWrites<number>(gatherMs, async upTo => {
    const now = serverNow()
    const updates = [...upTo].map(([taskId, sequence]) => ({
      filter: { _id: taskId, events: { $exists: true } },
      update: dropEvents(sequence, now),
    }))
    const writes = mergeUpdates(updates).map(({ write }) => write)
    await database.run('events told', () => tasks.bulkWrite(writes, { ordered: false }))
  })
  return {
    note: (taskId, sequence) => told.set(taskId, sequence),
    untold({ _id, events = [] }) {
      const upTo = told.get(_id) ?? 0
      return events.filter(({ sequence }) => sequence > upTo)
    },
    flush: () => told.flush(),
  }
}

/** Drops the events up to the sequence; what is left is as good as new. */
function dropEvents(sequence: number, now: '$$NOW' | Date): Document[] {
  return [
    {
      $set: {
        events: {
          $filter: { input: '$events', as: 'event', cond: { $gt: ['$$event.sequence', literal(sequence)] } },
        },
      },
    },
    {
      $set: {
        events: { $cond: [{ $eq: [{ $size: '$events' }, 0] }, '$$REMOVE', '$events'] },
        eventsAt: { $cond: [{ $eq: [{ $size: '$events' }, 0] }, '$$REMOVE', now] },
      },
    },
  ]
}
