/**
 * Tasks that wait for a time: handed to the broker as much ahead as it can hold them, else put in line when the time has come. And
 * deliveries that were lost: back in line.
 */
import type { Document, Filter } from 'mongodb'
import { unranked } from '../../task/fairness.ts'
import { isQuarantined } from '../../task/task.ts'
import { type Delivery, queueOf } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { literal } from './merge-updates.ts'
import { after, backInLine, delayFor } from './pipeline.ts'
import { deliveryFields, takeRightToSend, type Waiting } from './relay.ts'
import { readFields, type Session, updateInParts, updateTasks } from './session.ts'

const perStep = 500
/** A delivery may come this much early, milliseconds; a claim is granted that much before its time. */
const mayBeEarlyMs = 20
/** A delayed delivery that is not claimed this long after its time is presumed lost; milliseconds. */
const lostAfterMs = 1_500
/** A confirmed delivery that is unclaimed for so long, while nothing waits in the queue, has vanished with it; milliseconds. */
const vanishedAfterMs = 3_000

/** Puts the tasks in line whose time has come. Returns deliveries for the broker to hold, of these lanes, none of a paused one. */
export async function releaseDelayed(session: Session, lanes: readonly string[]): Promise<Delivery[]> {
  const { flags, now } = session
  if (flags.periods.delays.isOver()) await refreshNextAt(session)
  if (flags.nextAt === undefined || flags.nextAt > now()) return []
  const isDue = { tellAt: { $lte: new Date(now()) } }
  const options = { hint: 'tasks_tell', sort: { tellAt: 1 }, limit: perStep } as const
  const found = await readFields(session, 'due tasks', isDue, deliveryFields, options)
  // Another process has put them in line.
  if (found.length === 0) flags.setReady()
  const delayed = await delayedAmong(session, found, lanes)
  const others = found.filter(({ _id }) => !delayed.some(task => task._id === _id))
  // The time before which they may not be claimed stays.
  const sent = takeRightToSend(session, delayed, {
    operation: 'send ahead',
    guard: { tellAt: { $exists: true }, wakeAt: { $exists: true } },
    queue: '$lane',
    lostAt: after('$wakeAt', lostAfterMs),
  })
  const [deliveries] = await Promise.all([sent, putInLine(session, others)])
  await refreshNextAt(session)
  return deliveries
}

type Delayed = Waiting & { delayMs: number }

/**
 * Returns those that the broker is to hold. Quarantined tasks stay here, where few are handed out at a time, and so do those without a rank:
 * what the broker holds goes past the line when its time has come.
 */
async function delayedAmong(session: Session, found: readonly Waiting[], lanes: readonly string[]) {
  const now = session.now()
  const delayed = found.flatMap((task): Delayed[] => {
    const waitMs = (task.wakeAt?.getTime() ?? 0) - now
    const delayMs = waitMs <= 0 ? undefined : delayFor(session.features, waitMs)
    if (delayMs === undefined || delayMs < waitMs - mayBeEarlyMs) return []
    const isOurs = lanes.includes(task.lane) && !isQuarantined(task.crashCount) && task.rank !== unranked
    return isOurs ? [{ ...task, delayMs }] : []
  })
  if (delayed.length === 0) return []
  const paused = await session.paused.current()
  return delayed.filter(({ lane }) => !paused.has(lane))
}

/** Those whose time has come stand in line; the others are read again when it has. */
async function putInLine(session: Session, found: readonly Waiting[]): Promise<void> {
  if (found.length === 0) return
  const now = new Date(session.now())
  const ids = found.map(({ _id }) => _id)
  const joins = ({ rank, wakeAt }: Waiting) => rank === unranked && (wakeAt ?? now) <= now
  const ranks = await ranksOf(session, found.filter(joins))
  const update = [...(ranks === undefined ? [] : [{ $set: { rank: ranks } }]), backInLine(now)]
  await updateTasks(session, 'put in line', { _id: { $in: ids }, tellAt: { $lte: now } }, update)
  for (const { lane, crashCount } of found) {
    session.flags.setReady(lane)
    session.flags.quarantined ||= isQuarantined(crashCount)
  }
}

/** Returns an expression for the rank of each of those that have none yet; others keep theirs. Undefined where all have one. */
async function ranksOf({ order }: Session, unrankedTasks: readonly Waiting[]): Promise<Document | undefined> {
  if (unrankedTasks.length === 0) return undefined
  await order.refresh(unrankedTasks)
  const ids = unrankedTasks.map(({ _id }) => _id)
  const ranks = unrankedTasks.map(place => order.rankFor(place))
  const index = { $indexOfArray: [literal(ids), '$_id'] }
  return { $cond: [{ $gte: [index, 0] }, { $arrayElemAt: [literal(ranks), index] }, '$rank'] }
}

/** Reads the earliest time that a task waits for. What is flagged meanwhile counts too. */
async function refreshNextAt(session: Session): Promise<void> {
  const { flags, now } = session
  flags.nextAt = undefined
  try {
    const filter = { tellAt: { $exists: true } }
    const options = { hint: 'tasks_tell', sort: { tellAt: 1 }, limit: 1 } as const
    const [next] = await readFields(session, 'next due time', filter, ['tellAt'], options)
    if (next?.tellAt !== undefined) flags.setNextAt(next.tellAt.getTime())
  } catch (error) {
    flags.setNextAt(now())
    throw error
  }
}

/** Puts deliveries that are presumed lost back in line. `empty`: lanes of which nothing waits in the broker. */
export async function requeueLostDeliveries(session: Session, empty: readonly string[]): Promise<void> {
  if (!session.flags.periods.lost.isOver()) return
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
    requeueLost(session, { lostAt: { $lte: new Date(time) } }),
    queues.length === 0 ? undefined : requeueLost(session, isVanished),
  ])
}

/** Mostly there are none, which a read tells. */
async function requeueLost(session: Session, isLost: Filter<TaskDocument>): Promise<void> {
  const { flags, now } = session
  const update = [backInLine(new Date(now()))]
  if ((await updateInParts(session, 'requeue lost', isLost, update, 'tasks_lost')) === 0) return
  flags.setReady()
  flags.quarantined = true
}
