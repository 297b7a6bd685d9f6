/** The events of records: left in them by the writes that made them, until they were published. */
import type { Filter } from 'mongodb'
import { createLazyWrites } from '../../runtime/gather.ts'
import { defined } from '../../task/defined.ts'
import { eventOf, type SequencedEvent } from '../../task/events.ts'
import type { EventBacklog, EventOutbox, LastEvent, PendingEvents } from '../store.ts'
import { recordOf, type StoredEvent, type TaskDocument } from './documents.ts'
import { literal, updateMerged } from './merge-updates.ts'
import { removed } from './pipeline.ts'
import { countUpTo, findTasks, readFields, type Session, unclaimedMs } from './session.ts'

/** Milliseconds after which the events of a process that does not publish them are published by another. */
const leftBehindMs = 2_000
/** Milliseconds over which published events are gathered: most tasks publish a claim and an end within. */
const gatherMs = 200

/** Milliseconds from an event until its process may publish it, and until it should have published and dropped it. */
const publishing = { from: 0, to: 500 }
/** As `publishing`, of a new task; `from` is a little early, for the clocks of two processes differ a little. */
const publishingNew = { from: unclaimedMs - 50, to: unclaimedMs + 500 }

/**
 * Returns in how many milliseconds this process publishes the events of a record; undefined where another one does, or where they are found as
 * left behind if it does not. Whoever wrote the last event publishes all, in order. Another process that sees this one's event publishes
 * nothing; one that may have published before that event was written is waited for, so that its event is published once.
 */
export function publishIn(left: readonly StoredEvent[], ours: string, now: number): number | undefined {
  const isOurs = ({ by = ours }: StoredEvent) => by === ours
  const last = left.at(-1)
  if (last === undefined || !isOurs(last)) return undefined
  const waits = left.map((event, index) => {
    const next = left.slice(index).find(isOurs) ?? last
    const { from, to } = event.name === 'submitted' ? publishingNew : publishing
    const mayBePublished = !isOurs(event) && next.at.getTime() - event.at.getTime() >= from
    return mayBePublished ? event.at.getTime() + to - now : 0
  })
  return Math.max(0, ...waits)
}

/** Reads of a record what an event may need. */
const projection = {
  parameters: 0,
  progress: 0,
  result: 0,
  pastAttempts: 0,
  attemptStacks: 0,
  failedSubTasks: 0,
} as const

/**
 * Builds the outbox of events. Those that were published are dropped from their records a moment later, for many records together; a
 * process that goes on with such a record waits for that moment. Flush it before the store closes.
 */
export function createEventOutbox(session: Session): EventOutbox & { flush(): Promise<void> } {
  const { writtenEvents, features } = session
  /** Up to which sequence the events of a record were published, until they are dropped. Where that fails they are published again. */
  const published = createLazyWrites<number>(gatherMs, upTo => dropEvents(session, upTo))
  /** Records of other processes that were read last: what is published of them is dropped before a third one finds them. */
  const foreign = new Set<string>()

  /** New tasks that nobody has claimed: their event is dropped at once, before a process that claims one finds it. */
  const unclaimed = new Set<string>()

  const isLeft = ({ _id, events = [] }: TaskDocument) =>
    (events.at(-1)?.sequence ?? 0) > (published.get(_id) ?? 0)

  function pendingOf(document: TaskDocument): PendingEvents {
    const { _id: taskId, events = [] } = document
    const upTo = published.get(taskId) ?? 0
    const left = events.filter(({ sequence }) => sequence > upTo)
    if (left.length === 1 && left[0]?.name === 'submitted') unclaimed.add(taskId)
    const record = recordOf(document)
    return { taskId, events: left.map(stored => readEvent(record, stored)) }
  }

  /** Returns those that are this process's to publish now. It looks again at those that are so later. */
  function oursOf(documents: readonly TaskDocument[]): TaskDocument[] {
    const now = session.now()
    return documents.filter(document => {
      const upTo = published.get(document._id) ?? 0
      const left = (document.events ?? []).filter(({ sequence }) => sequence > upTo)
      const inMs = publishIn(left, session.processId, now)
      if (inMs !== undefined && inMs > 0) writtenEvents.noteIn([document._id], inMs)
      return inMs === 0
    })
  }

  return {
    keep() {
      features.events = true
    },
    async due(limit, { leftBehind }) {
      session.requireOpen()
      const ids = writtenEvents.take(limit)
      try {
        const own = oursOf(await readOwn(session, ids))
        const capacity = limit - own.length
        // The poll says whether there are some.
        const others =
          leftBehind && session.flags.leftBehind && capacity > 0
            ? await readLeftBehind(session, capacity)
            : []
        if (leftBehind) session.flags.leftBehind = others.length >= capacity
        for (const known of [foreign, unclaimed]) known.clear()
        for (const { _id } of others) foreign.add(_id)
        const all = new Map([...own, ...others].map(document => [document._id, document]))
        return [...all.values()].filter(isLeft).map(pendingOf)
      } catch (error) {
        writtenEvents.note(ids)
        throw error
      }
    },
    async published(upTo) {
      for (const { taskId, sequence } of upTo) published.set(taskId, sequence)
      const isUrgent = ({ taskId }: { taskId: string }) => foreign.delete(taskId) || unclaimed.delete(taskId)
      if (upTo.filter(isUrgent).length > 0) await published.flush()
    },
    flush: () => published.flush(),
    async lastOf(taskIds) {
      const found = await readById(session, 'last events', taskIds, { ...projection, events: 0 })
      const byId = new Map(found.map(document => [document._id, document]))
      return taskIds.map(id => lastOf(byId.get(id)))
    },
    onPending: listener => writtenEvents.onPending(listener),
    backlog: () => backlogOf(session),
  }
}

async function readOwn(session: Session, ids: readonly string[]): Promise<TaskDocument[]> {
  const found = await readById(session, 'read events', ids, projection)
  return found.filter(({ events }) => events !== undefined)
}

async function readById(
  session: Session,
  operation: string,
  ids: readonly string[],
  projection: Readonly<Record<string, 0>>,
): Promise<TaskDocument[]> {
  if (ids.length === 0) return []
  // As in `getTasks`: all come at once.
  const options = { projection, batchSize: ids.length + 1 }
  return findTasks(session, operation, { _id: { $in: [...ids] } }, options)
}

function lastOf(document: TaskDocument | undefined): LastEvent | undefined {
  if (document?.eventSequence === undefined) return undefined
  const { eventSequence: sequence, eventsAt } = document
  return { sequence, isPublished: eventsAt === undefined, task: recordOf(document) }
}

/** Events that are pending for a while. */
export function isLeftBehind({ now }: Pick<Session, 'now'>): Filter<TaskDocument> {
  return { eventsAt: { $lte: new Date(now() - leftBehindMs) } }
}

/** Returns records whose events are pending for a while, the oldest first. */
function readLeftBehind(session: Session, limit: number): Promise<TaskDocument[]> {
  const isOld = { ...isLeftBehind(session), ...session.partitions.condition() }
  const options = {
    projection,
    hint: 'tasks_events',
    sort: { eventsAt: 1 },
    limit,
    batchSize: limit,
  } as const
  return findTasks(session, 'read events', isOld, options)
}

/** Records that are counted at most: more need no exact number. */
const mostCounted = 10_000

async function backlogOf(session: Session): Promise<EventBacklog> {
  const pending = { eventsAt: { $exists: true } }
  const hint = 'tasks_events'
  const [records, [oldest]] = await Promise.all([
    countUpTo(session, 'count events', pending, { hint, limit: mostCounted }),
    readFields(session, 'oldest event', pending, ['eventsAt'], { hint, sort: { eventsAt: 1 }, limit: 1 }),
  ])
  return defined({ records, oldestAt: oldest?.eventsAt?.getTime() })
}

function readEvent(record: ReturnType<typeof recordOf>, stored: StoredEvent): SequencedEvent {
  const { name, at, version, attempt, sequence, sequenceFrom, fields } = stored
  const event = { ...eventOf(name, record, at.getTime()), version, attempt, ...fields, sequence }
  return (sequenceFrom === undefined ? event : { ...event, sequenceFrom }) as SequencedEvent
}

/** Drops the events of records up to a sequence; what is left counts as new. */
function dropEvents(session: Session, upTo: ReadonlyMap<string, number>): Promise<void> {
  const isEmpty = { $eq: [{ $size: '$events' }, 0] }
  const rest = {
    events: { $cond: [isEmpty, removed, '$events'] },
    eventsAt: { $cond: [isEmpty, removed, session.serverNow()] },
  }
  const updates = [...upTo].map(([_id, sequence]) => {
    const isLater = { $gt: ['$$event.sequence', literal(sequence)] }
    const later = { $filter: { input: '$events', as: 'event', cond: isLater } }
    return {
      filter: { _id, events: { $exists: true } },
      update: [{ $set: { events: later } }, { $set: rest }],
    }
  })
  return updateMerged(session, 'drop events', updates)
}
