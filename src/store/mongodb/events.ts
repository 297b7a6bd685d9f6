/** The events of records: left in them by the writes that made them, until they were published. */
import type { Document } from 'mongodb'
import { createEmitter } from '../../runtime/emitter.ts'
import { createLazyWrites } from '../../runtime/gather.ts'
import { eventBase, type SequencedEvent } from '../../task/events.ts'
import type { EventBacklog, EventOutbox, PendingEvents } from '../store.ts'
import { recordOf, type StoredEvent, type TaskDocument } from './documents.ts'
import { literal, mergeUpdates } from './merge-updates.ts'
import { removed } from './pipeline.ts'
import type { Session, WrittenEvents } from './session.ts'

/** Milliseconds after which the events of a process that does not publish them are published by another. */
const leftBehindMs = 2_000

/** Reads of a record what an event may need. */
const withoutTexts = { parameters: 0, progress: 0, result: 0, pastAttempts: 0, failedSubTasks: 0 } as const

/** Builds the outbox of events. Flush it before the store closes: events that were published, and not dropped, are published again. */
export function createEventOutbox(session: Session): EventOutbox & { flush(): Promise<void> } {
  const { database, tasks, writtenEvents, features } = session
  const published = createPublishedEvents(session)
  /** Records of other processes that were read last: what is published of them is dropped before a third one finds them. */
  const foreign = new Set<string>()

  /** Reads records of this process. */
  async function readOwn(ids: readonly string[]): Promise<TaskDocument[]> {
    if (ids.length === 0) return []
    // As in `getTasks`: all come at once.
    const found = await database.run('read events', () =>
      tasks
        .find({ _id: { $in: [...ids] } }, { batchSize: ids.length + 1 })
        .project<TaskDocument>(withoutTexts)
        .toArray(),
    )
    return found.filter(document => document.events !== undefined)
  }

  /** Returns records whose events are pending for a while, the oldest first. */
  async function readLeftBehind(limit: number): Promise<TaskDocument[]> {
    const before = new Date(session.now() - leftBehindMs)
    return database.run('read events', () =>
      tasks
        .find({ eventsAt: { $lte: before } }, { hint: 'tasks_events', batchSize: limit })
        .sort({ eventsAt: 1 })
        .limit(limit)
        .project<TaskDocument>(withoutTexts)
        .toArray(),
    )
  }

  return {
    keep() {
      features.events = true
    },
    async due(limit, { leftBehind }) {
      session.requireOpen()
      const ids = writtenEvents.take(limit)
      try {
        const own = await readOwn(ids)
        const capacity = limit - own.length
        const others = leftBehind && capacity > 0 ? await readLeftBehind(capacity) : []
        foreign.clear()
        for (const { _id } of others) foreign.add(_id)
        const all = new Map([...own, ...others].map(document => [document._id, document]))
        const pending = [...all.values()].map(document =>
          pendingEventsOf(document, published.pendingOf(document)),
        )
        return pending.filter(({ events: left }) => left.length > 0)
      } catch (error) {
        writtenEvents.note(ids)
        throw error
      }
    },
    async published(upTo) {
      for (const { taskId, sequence } of upTo) published.add(taskId, sequence)
      if (upTo.filter(({ taskId }) => foreign.delete(taskId)).length > 0) await published.flush()
    },
    flush: () => published.flush(),
    async lastOf(taskId) {
      const task = await database.run('last event', () =>
        tasks.findOne({ _id: taskId }, { projection: { eventSequence: 1, eventsAt: 1 } }),
      )
      if (task?.eventSequence === undefined) return undefined
      return { sequence: task.eventSequence, isPublished: task.eventsAt === undefined }
    },
    onPending: listener => writtenEvents.onPending(listener),
    backlog: () => backlogOf(session),
  }
}

/** Records that are counted at most: more need no exact number. */
const mostCounted = 10_000

async function backlogOf({ database, tasks }: Session): Promise<EventBacklog> {
  const pending = { eventsAt: { $exists: true } }
  const [records, oldest] = await database.run('count events', () =>
    Promise.all([
      tasks.countDocuments(pending, { limit: mostCounted, hint: 'tasks_events' }),
      tasks.findOne(pending, { sort: { eventsAt: 1 }, projection: { eventsAt: 1 }, hint: 'tasks_events' }),
    ]),
  )
  const oldestAt = oldest?.eventsAt?.getTime()
  return oldestAt === undefined ? { records } : { records, oldestAt }
}

function pendingEventsOf(document: TaskDocument, events: readonly StoredEvent[]): PendingEvents {
  const record = recordOf(document)
  return { taskId: document._id, events: events.map(stored => eventOf(record, stored)) }
}

function eventOf(record: ReturnType<typeof recordOf>, stored: StoredEvent): SequencedEvent {
  const { name, at, version, attempt, sequence, sequenceFrom, fields } = stored
  const event = { name, ...eventBase(record, at.getTime()), version, attempt, ...fields, sequence }
  return (sequenceFrom === undefined ? event : { ...event, sequenceFrom }) as SequencedEvent
}

/** Records that are remembered; the others are found as those of another process are. */
const mostWritten = 10_000

/** Remembers the records in which this process left events; none at first. */
export function createWrittenEvents(): WrittenEvents {
  const written = new Set<string>()
  const pending = createEmitter()
  return {
    note(taskIds) {
      if (taskIds.length === 0) return
      for (const id of taskIds) if (written.size < mostWritten) written.add(id)
      pending.emit()
    },
    take(limit) {
      const taken: string[] = []
      for (const id of written) {
        if (taken.length >= limit) break
        taken.push(id)
        written.delete(id)
      }
      return taken
    },
    onPending: listener => pending.on(listener),
  }
}

/** Milliseconds over which published events are gathered: most tasks publish a claim and an end within. */
const gatherMs = 200

/**
 * Which events were published, until they are dropped from their records: a moment later, those of many records together. A process that
 * goes on with such a record within that moment publishes them once more.
 */
interface PublishedEvents {
  /** The events of the record were published, up to the sequence. */
  add(taskId: string, sequence: number): void
  /** Returns the events of a record as it was read, without those that were published a moment ago. */
  pendingOf(document: TaskDocument): readonly StoredEvent[]
  /** Drops now what was published. Where that fails they are published again. */
  flush(): Promise<void>
}

function createPublishedEvents({ database, tasks, serverNow }: Session): PublishedEvents {
  const published = createLazyWrites<number>(gatherMs, async upTo => {
    const now = serverNow()
    const updates = [...upTo].map(([taskId, sequence]) => ({
      filter: { _id: taskId, events: { $exists: true } },
      update: dropEvents(sequence, now),
    }))
    const writes = mergeUpdates(updates).map(({ write }) => write)
    await database.run('drop events', () => tasks.bulkWrite(writes, { ordered: false }))
  })
  return {
    add: (taskId, sequence) => published.set(taskId, sequence),
    pendingOf({ _id, events = [] }) {
      const upTo = published.get(_id) ?? 0
      return events.filter(({ sequence }) => sequence > upTo)
    },
    flush: () => published.flush(),
  }
}

/** Drops the events up to the sequence; what is left counts as new. */
function dropEvents(sequence: number, now: '$$NOW' | Date): Document[] {
  const isLater = { $gt: ['$$event.sequence', literal(sequence)] }
  const isEmpty = { $eq: [{ $size: '$events' }, 0] }
  return [
    { $set: { events: { $filter: { input: '$events', as: 'event', cond: isLater } } } },
    {
      $set: {
        events: { $cond: [isEmpty, removed, '$events'] },
        eventsAt: { $cond: [isEmpty, removed, now] },
      },
    },
  ]
}
