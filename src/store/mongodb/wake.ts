/** Tasks that wait for a time: handed to the broker as much ahead as it can hold them, else put in line when the time has come. */
import type { Document, Filter } from 'mongodb'
import { unranked } from '../../task/fairness.ts'
import type { Delivery } from '../store.ts'
import { deliveryFields, deliveryOf, idsSentBy, noteSent, type Waiting } from './deliver.ts'
import type { TaskDocument } from './documents.ts'
import { after, backInLine, literal, removed } from './pipeline.ts'
import { queueOf } from './queue.ts'
import type { Keeps, Session } from './session.ts'

/** Tasks per step. */
const perStep = 500
/** A delivery may be handed to the broker this much late, milliseconds; a later one waits for the next shorter delay. */
const mayBeLateMs = 250
/** A delivery may come this much early, milliseconds; a claim is granted that much before its time. */
const mayBeEarlyMs = 20
/** A delayed delivery that is not claimed this long after its time is presumed lost; milliseconds. */
const lostAfterMs = 1_500
/** A confirmed delivery that nobody claimed for so long, while nothing waits in the queue, has vanished with it; milliseconds. */
const vanishedAfterMs = 3_000

/** How long the broker is to hold a task that may be claimed in `waitMs`; undefined when it waits here. */
function delayFor({ delays }: Keeps, waitMs: number): number | undefined {
  return delays.findLast(delay => delay <= waitMs + mayBeLateMs)
}

/** When the outbox looks at a task that may be claimed at `wakeAt`: as much ahead as the broker can hold it. Epoch milliseconds. */
export function tellTime(keeps: Keeps, wakeAt: number, now: number): number {
  return wakeAt - (delayFor(keeps, wakeAt - now) ?? 0)
}

/** Looks at the tasks whose time it is. Returns deliveries for the broker to hold, of these lanes, none of a paused one. */
export async function wake(session: Session, lanes: readonly string[]): Promise<Delivery[]> {
  const { hints, now } = session
  if (hints.periods.tell.isOver()) await refreshTell(session)
  if (hints.tellAt === undefined || hints.tellAt > now()) return []
  const found = await findTimely(session)
  // Another process has put them in line.
  if (found.length === 0) hints.noteReady()
  const delayed = await delayedAmong(session, found, lanes)
  const others = found.filter(({ _id }) => !delayed.some(({ task }) => task._id === _id))
  const [deliveries] = await Promise.all([sendDelayed(session, delayed), putInLine(session, others)])
  await refreshTell(session)
  return deliveries
}

function findTimely({ database, tasks, now }: Session): Promise<Waiting[]> {
  return database.run('tasks whose time it is', () =>
    tasks
      .find({ tellAt: { $lte: new Date(now()) } })
      .hint('tasks_tell')
      .sort({ tellAt: 1 })
      .limit(perStep)
      .project<Waiting>(deliveryFields)
      .toArray(),
  )
}

interface Delayed {
  task: Waiting
  delayMs: number
}

/**
 * Those that the broker is to hold. Tasks that crashed stay here, where few are handed out at a time, and so do those that have no place in
 * line yet: what the broker holds goes past the line when its time has come.
 */
async function delayedAmong(
  session: Session,
  found: readonly Waiting[],
  lanes: readonly string[],
): Promise<Delayed[]> {
  const now = session.now()
  const delayed = found.flatMap((task): Delayed[] => {
    const waitMs = (task.wakeAt?.getTime() ?? 0) - now
    const delayMs = waitMs <= 0 ? undefined : delayFor(session.keeps, waitMs)
    if (delayMs === undefined || delayMs < waitMs - mayBeEarlyMs) return []
    const isOurs = lanes.includes(task.lane) && task.crashCount === 0 && task.rank !== unranked
    return isOurs ? [{ task, delayMs }] : []
  })
  if (delayed.length === 0) return []
  const paused = await session.paused.current()
  return delayed.filter(({ task }) => !paused.has(task.lane))
}

/** Takes the right to send them; the time before which they may not be claimed stays. */
async function sendDelayed(session: Session, delayed: readonly Delayed[]): Promise<Delivery[]> {
  if (delayed.length === 0) return []
  const ids = delayed.map(({ task }) => task._id)
  const by = session.nextName()
  const { modifiedCount } = await session.database.run('send ahead', () =>
    session.tasks.updateMany({ _id: { $in: ids }, tellAt: { $exists: true }, wakeAt: { $exists: true } }, [
      {
        $set: {
          sent: { queue: '$lane', by, at: session.serverNow(), confirmed: false },
          sends: { $add: [{ $ifNull: ['$sends', 0] }, 1] },
          lostAt: after('$wakeAt', lostAfterMs),
          tellAt: removed,
        },
      },
    ]),
  )
  const mine = modifiedCount === ids.length ? undefined : await idsSentBy(session, ids, by)
  const taken = mine === undefined ? delayed : delayed.filter(({ task }) => mine.has(task._id))
  for (const { task } of taken) noteSent(session, task)
  const deliveries = taken.map(({ task, delayMs }) => deliveryOf(task, delayMs))
  session.hands.offer(deliveries, by)
  return deliveries
}

/** Those whose time has come stand in line; the others are looked at again when it has. */
async function putInLine(session: Session, found: readonly Waiting[]): Promise<void> {
  if (found.length === 0) return
  const now = new Date(session.now())
  const ids = found.map(({ _id }) => _id)
  const joins = ({ rank, wakeAt }: Waiting) => rank === unranked && (wakeAt ?? now) <= now
  const ranks = await ranksOf(session, found.filter(joins))
  await session.database.run('put in line', () =>
    session.tasks.updateMany({ _id: { $in: ids }, tellAt: { $lte: now } }, [
      ...(ranks === undefined ? [] : [{ $set: { rank: ranks } }]),
      backInLine(now),
    ]),
  )
  for (const { lane, crashCount } of found) {
    session.hints.noteReady(lane)
    session.hints.quarantined ||= crashCount > 0
  }
}

/** The rank of each of those that have none yet; others keep theirs. Undefined where all have one. */
async function ranksOf({ order }: Session, newcomers: readonly Waiting[]): Promise<Document | undefined> {
  if (newcomers.length === 0) return undefined
  await order.refresh(newcomers)
  const ids = newcomers.map(({ _id }) => _id)
  const ranks = newcomers.map(place => order.rankFor(place))
  const index = { $indexOfArray: [literal(ids), '$_id'] }
  return { $cond: [{ $gte: [index, 0] }, { $arrayElemAt: [literal(ranks), index] }, '$rank'] }
}

/** Learns the earliest time that a task waits for. What is noted meanwhile counts too. */
async function refreshTell({ database, tasks, hints, now }: Session): Promise<void> {
  hints.tellAt = undefined
  try {
    const next = await database.run('the next time', () =>
      tasks.findOne(
        { tellAt: { $exists: true } },
        { sort: { tellAt: 1 }, projection: { tellAt: 1 }, hint: 'tasks_tell' },
      ),
    )
    if (next?.tellAt !== undefined) hints.noteTell(next.tellAt.getTime())
  } catch (error) {
    hints.noteTell(now())
    throw error
  }
}

/** Deliveries that are presumed lost stand in line again. `empty`: lanes of which the broker has nothing that waits. */
export async function findLost(session: Session, empty: readonly string[]): Promise<void> {
  if (!session.hints.periods.lost.isOver()) return
  const time = session.now()
  const queues = empty.flatMap(lane => [queueOf(lane, false), queueOf(lane, true)])
  const isVanished: Filter<TaskDocument> = {
    lostAt: { $exists: true },
    wakeAt: { $exists: false },
    'sent.queue': { $in: queues },
    'sent.confirmed': true,
    'sent.at': { $lte: new Date(time - vanishedAfterMs) },
  }
  await Promise.all([
    putBack(session, { lostAt: { $lte: new Date(time) } }),
    queues.length === 0 ? undefined : putBack(session, isVanished),
  ])
}

/** Asked for first: mostly there are none, and a question costs less than a write. */
async function putBack(
  { database, tasks, hints, now }: Session,
  isLost: Filter<TaskDocument>,
): Promise<void> {
  const lost = await database.run('presumed lost', () =>
    tasks.findOne(isLost, { projection: { _id: 1 }, hint: 'tasks_lost' }),
  )
  if (lost === null) return
  await database.run('back in line', () => tasks.updateMany(isLost, [backInLine(new Date(now()))]))
  hints.noteReady()
  hints.quarantined = true
}
