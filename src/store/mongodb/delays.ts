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
import { deliveryFields, type LineTask, takeRightToSend } from './relay.ts'
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
  const { flags, partitions, now } = session
  if (flags.nextAt === undefined || flags.nextAt > now()) return []
  const isDue = { tellAt: { $lte: new Date(now()) }, ...partitions.condition() }
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
    lostAt: after('$wakeAt', lostAfterMs),
  })
  const [deliveries] = await Promise.all([sent, putInLine(session, others)])
  await refreshNextAt(session)
  return deliveries
}

type Delayed = LineTask & { delayMs: number }

/**
 * Returns those that the broker is to hold. Quarantined tasks stay here, where few are handed out at a time, and so do those without a rank:
 * what the broker holds goes past the line when its time has come.
 */
async function delayedAmong(session: Session, found: readonly LineTask[], lanes: readonly string[]) {
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
async function putInLine(session: Session, found: readonly LineTask[]): Promise<void> {
  if (found.length === 0) return
  const now = new Date(session.now())
  const ids = found.map(({ _id }) => _id)
  const joins = ({ rank, wakeAt }: LineTask) => rank === unranked && (wakeAt ?? now) <= now
  const ranks = await ranksOf(session, found.filter(joins))
  const update = [...(ranks === undefined ? [] : [{ $set: { rank: ranks } }]), backInLine(now)]
  await updateTasks(session, 'put in line', { _id: { $in: ids }, tellAt: { $lte: now } }, update)
  for (const { lane, crashCount } of found) {
    session.flags.setReady(lane)
    session.flags.quarantined ||= isQuarantined(crashCount)
  }
}

/** Returns an expression for the rank of each of those that have none yet; others keep theirs. Undefined where all have one. */
async function ranksOf(
  { order }: Session,
  unrankedTasks: readonly LineTask[],
): Promise<Document | undefined> {
  if (unrankedTasks.length === 0) return undefined
  await order.refresh(unrankedTasks)
  const ids = unrankedTasks.map(({ _id }) => _id)
  const ranks = unrankedTasks.map(place => order.rankFor(place))
  const index = { $indexOfArray: [literal(ids), '$_id'] }
  return { $cond: [{ $gte: [index, 0] }, { $arrayElemAt: [literal(ranks), index] }, '$rank'] }
}

/** Reads the earliest time that a task waits for, no further than the next poll does. What is flagged meanwhile counts too. */
async function refreshNextAt(session: Session): Promise<void> {
  const { flags, partitions, now } = session
  flags.nextAt = undefined
  try {
    const filter = nextDue(now(), partitions.condition())
    const options = { hint: 'tasks_tell', sort: { tellAt: 1 }, limit: 1 } as const
    const [next] = await readFields(session, 'next due time', filter, ['tellAt'], options)
    if (next?.tellAt !== undefined) flags.setNextAt(next.tellAt.getTime())
  } catch (error) {
    flags.setNextAt(now())
    throw error
  }
}

/** How far ahead due times are read where others hold partitions, milliseconds: to the next poll, and as much more as that may be late. */
const aheadMs = 1_500

/** What finds the next due time. The tasks of others are passed over, so it reads no further ahead than it must. */
export function nextDue(now: number, held: Filter<TaskDocument> | undefined): Filter<TaskDocument> {
  return held === undefined
    ? { tellAt: { $exists: true } }
    : { tellAt: { $lte: new Date(now + aheadMs) }, ...held }
}

/** A delivery that nobody claimed in time. */
export function isLost({ now }: Pick<Session, 'now'>): Filter<TaskDocument> {
  return { lostAt: { $lte: new Date(now()) } }
}

/**
 * A confirmed delivery that nobody claimed, in a lane of which nothing waits in the broker. Of those that the broker holds for a time, which may be
 * very many, it reads only those that are almost due; one that was sent often is found when it would soon be presumed lost.
 */
export function isVanished(
  { now, resendAfter }: Pick<Session, 'now' | 'resendAfter'>,
  empty: readonly string[],
): Filter<TaskDocument> {
  return {
    lostAt: { $lte: new Date(now() + resendAfter.confirmed) },
    wakeAt: { $exists: false },
    'sent.queue': { $in: empty.flatMap(lane => [queueOf(lane, false), queueOf(lane, true)]) },
    'sent.confirmed': true,
    'sent.at': { $lte: new Date(now() - vanishedAfterMs) },
  }
}

/** Puts deliveries that are presumed lost back in line. `empty`: lanes of which nothing waits in the broker. */
export async function requeueLostDeliveries(session: Session, empty: readonly string[]): Promise<void> {
  const { flags, partitions, now } = session
  if (!flags.lost) return
  flags.lost = false
  const held = partitions.condition()
  const update = [backInLine(new Date(now()))]
  const requeue = (filter: Filter<TaskDocument>) =>
    updateInParts(session, 'requeue lost', { ...filter, ...held }, update, 'tasks_lost')
  await Promise.all([
    requeue(isLost(session)),
    empty.length === 0 ? undefined : requeue(isVanished(session, empty)),
  ])
  flags.setReady()
  flags.quarantined = true
}
