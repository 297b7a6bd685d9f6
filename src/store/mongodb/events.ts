/** The events of records: left in them by the writes that made them, until somebody outside was told. */
import type { Document } from 'mongodb'
import type { SequencedEvent, TaskEventName } from '../../task/events.ts'
import { eventBase } from '../../task/events.ts'
import type { EventBacklog, EventOutbox, PendingEvents } from '../store.ts'
import { recordOf, type StoredEvent, type TaskDocument } from './documents.ts'
import type { Session } from './session.ts'
import { createToldEvents } from './told-events.ts'

/** Untold events of one record; beyond it the newest merge into one, so that a record stays bounded while nobody can be told. */
const mostUntold = 32
/** Milliseconds after which the events of a process that does not tell them are told by another. */
const leftBehindMs = 2_000

/**
 * The stage that leaves an event in the record; it reads the record as the stages before it left it.
 *
 * @param fields What only this kind of event has: an expression for each.
 */
export function eventStage(session: Session, name: TaskEventName, fields: Document): Document {
  const now = session.serverNow()
  const sequence = { $add: [{ $ifNull: ['$eventSequence', 0] }, 1] }
  const event = { sequence, name, at: now, version: '$version', attempt: '$attempt', fields }
  const last = { $arrayElemAt: ['$$before', -1] }
  const merged = {
    $let: {
      vars: { last },
      in: {
        $mergeObjects: ['$$event', { sequenceFrom: { $ifNull: ['$$last.sequenceFrom', '$$last.sequence'] } }],
      },
    },
  }
  return {
    $set: {
      events: {
        $let: {
          vars: { before: { $ifNull: ['$events', []] }, event },
          in: {
            $cond: [
              { $lt: [{ $size: '$$before' }, mostUntold] },
              { $concatArrays: ['$$before', ['$$event']] },
              { $concatArrays: [{ $slice: ['$$before', mostUntold - 1] }, [merged]] },
            ],
          },
        },
      },
      eventSequence: sequence,
      eventsAt: { $ifNull: ['$eventsAt', now] },
    },
  }
}

/** Reads of a record what an event may need. */
const withoutTexts = { parameters: 0, progress: 0, result: 0, pastAttempts: 0, failedSubTasks: 0 } as const

/** The outbox of events. Whoever closes the store flushes it first; events that were told, and not dropped, are told again. */
export function createEventOutbox(session: Session): EventOutbox & { flush(): Promise<void> } {
  const { database, tasks, events, keeps } = session
  const told = createToldEvents(session)
  /** Records of other processes that were asked for last: what is told of them is dropped before a third one finds them. */
  const foreign = new Set<string>()

  /** Records of this process, by their ids. */
  async function readOwn(ids: readonly string[]): Promise<TaskDocument[]> {
    if (ids.length === 0) return []
    // As in `get`: all come at once.
    const found = await database.run('read events', () =>
      tasks
        .find({ _id: { $in: [...ids] } }, { batchSize: ids.length + 1 })
        .project<TaskDocument>(withoutTexts)
        .toArray(),
    )
    return found.filter(document => document.events !== undefined)
  }

  /** Records that nobody told of for a while, the oldest first. */
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
      keeps.events = true
    },
    async due(limit, { leftBehind }) {
      session.requireOpen()
      const ids = events.take(limit)
      try {
        const own = await readOwn(ids)
        const room = limit - own.length
        const others = leftBehind && room > 0 ? await readLeftBehind(room) : []
        foreign.clear()
        for (const { _id } of others) foreign.add(_id)
        const all = new Map([...own, ...others].map(document => [document._id, document]))
        const untold = [...all.values()].map(document => untoldOf(document, told.untold(document)))
        return untold.filter(({ events: left }) => left.length > 0)
      } catch (error) {
        events.note(ids)
        throw error
      }
    },
    async published(upTo) {
      for (const { taskId, sequence } of upTo) told.note(taskId, sequence)
      if (upTo.filter(({ taskId }) => foreign.delete(taskId)).length > 0) await told.flush()
    },
    flush: () => told.flush(),
    async lastOf(taskId) {
      const task = await database.run('last event', () =>
        tasks.findOne({ _id: taskId }, { projection: { eventSequence: 1, eventsAt: 1 } }),
      )
      if (task?.eventSequence === undefined) return undefined
      return { sequence: task.eventSequence, isPublished: task.eventsAt === undefined }
    },
    onPending: listener => events.onUntold(listener),
    backlog: () => backlogOf(session),
  }
}

/** Records that are counted at most: more need no exact number. */
const mostCounted = 10_000

async function backlogOf({ database, tasks }: Session): Promise<EventBacklog> {
  const untold = { eventsAt: { $exists: true } }
  const [records, oldest] = await database.run('count events', () =>
    Promise.all([
      tasks.countDocuments(untold, { limit: mostCounted, hint: 'tasks_events' }),
      tasks.findOne(untold, { sort: { eventsAt: 1 }, projection: { eventsAt: 1 }, hint: 'tasks_events' }),
    ]),
  )
  const oldestAt = oldest?.eventsAt?.getTime()
  return oldestAt === undefined ? { records } : { records, oldestAt }
}

function untoldOf(document: TaskDocument, events: readonly StoredEvent[]): PendingEvents {
  const record = recordOf(document)
  return { taskId: document._id, events: events.map(stored => eventOf(record, stored)) }
}

function eventOf(record: ReturnType<typeof recordOf>, stored: StoredEvent): SequencedEvent {
  const { name, at, version, attempt, sequence, sequenceFrom, fields } = stored
  const event = { name, ...eventBase(record, at.getTime()), version, attempt, ...fields, sequence }
  return (sequenceFrom === undefined ? event : { ...event, sequenceFrom }) as SequencedEvent
}
