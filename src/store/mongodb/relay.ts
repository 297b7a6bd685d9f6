/** The next tasks of each lane in fair order, and the right to send them. */

import type { Document, Filter } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { type Delivery, type LaneCapacity, priorities, queueOf } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { after, queue, removed } from './pipeline.ts'
import { readFields, type Session, updateTasks } from './session.ts'

/** What of a task a delivery needs. */
export const deliveryFields = [
  'taskType',
  'parametersVersion',
  'lane',
  'attempt',
  'crashCount',
  'userId',
  'priority',
  'rank',
  'retryCount',
  'traceparent',
  'parentTaskId',
  'partition',
  'wakeAt',
] as const satisfies readonly (keyof TaskDocument)[]

/** A task that waits, as a delivery needs it. */
export type Waiting = Pick<TaskDocument, '_id' | (typeof deliveryFields)[number]>

/** Returns the delivery of a task. `delayMs`: how long the broker is to hold it. */
export function deliveryOf(
  task: Omit<Waiting, 'rank' | 'parentTaskId' | 'partition' | 'wakeAt'>,
  delayMs?: number,
): Delivery {
  const { _id: taskId, taskType, lane, attempt, crashCount } = task
  const { userId, retryCount, traceparent, parametersVersion } = task
  const priority = priorities[task.priority] ?? 'normal'
  const headers = defined({ userId, priority, retryCount, delayMs, traceparent, parametersVersion })
  return { taskId, taskType, lane, attempt, crashCount, headers }
}

/** Takes the right to send the next tasks of these lanes, as far as there is capacity, none of a paused one. Returns their deliveries. */
export async function deliverReady(session: Session, lanes: readonly LaneCapacity[], quarantined: number) {
  const { flags } = session
  const usable = lanes.filter(
    ({ capacity, takesUrgent }) => capacity > 0 || (quarantined > 0 && takesUrgent === true),
  )
  if (!flags.quarantined && !usable.some(({ lane }) => flags.isReady(lane))) return []
  const paused = await session.paused.current()
  const open = usable.filter(({ lane }) => !paused.has(lane))
  const crashed = quarantined > 0 ? await findQuarantined(session, open, quarantined) : []
  const found = open.map(async asked => {
    const { lane, capacity, takesUrgent, isAlone } = asked
    const mine = crashed.filter(task => task.lane === lane)
    const most = isAlone === true ? capacity : ownCapacity(session, lane, capacity)
    const first = takesUrgent === true ? mine : mine.slice(0, most)
    return [...first, ...(await findReady(session, asked, most - first.length))]
  })
  return takeRightToSend(session, (await Promise.all(found)).flat(), {
    operation: 'take the right to send',
    guard: { ready: { $exists: true } },
    lostAt: after(session.serverNow(), session.resendAfter.unconfirmed),
  })
}

/** Where tasks of a lane wait in partitions of others too, each relay uses its share of the capacity: their users must get their turns. */
function ownCapacity({ flags, partitions }: Session, lane: string, capacity: number): number {
  if (!flags.waitingElsewhere.has(lane)) return capacity
  return Math.min(capacity, Math.ceil(capacity * partitions.shareOf(lane)))
}

/** A process whose broker is away reads this many tasks for each that it has capacity for, since others that are alone take some of them. */
const aloneLooksAt = 4

type Lane = Pick<LaneCapacity, 'lane' | 'isAlone'>

async function findReady(session: Session, asked: Lane, capacity: number): Promise<Waiting[]> {
  const { lane, isAlone } = asked
  if (capacity <= 0 || !session.flags.isReady(lane)) return []
  session.flags.clearReady(lane)
  const most = isAlone === true ? capacity * aloneLooksAt : capacity
  const found = await findNext(session, namesOf(session, asked, false), most)
  if (found.length >= capacity) session.flags.setReady(lane)
  return isAlone === true ? someOf(found, capacity) : found
}

/** Returns where tasks of a lane wait for this process: in all partitions while its broker is away, for who holds them may have no slot of the lane. */
function namesOf({ partitions }: Session, { lane, isAlone }: Lane, isQuarantine: boolean): string[] {
  return partitions.readyNames(queueOf(lane, isQuarantine), lane, isAlone === true ? 'all' : undefined)
}

/** Milliseconds after which a delivery is taken back from a broker that is away. */
const takenBackAfterMs = 1_000

/**
 * Takes back what was sent of these lanes to a broker that is away, as far as there is capacity. When the broker is there again it delivers the messages,
 * and their claims are refused. Returns the deliveries.
 */
export async function takeBackSent(session: Session, lanes: readonly LaneCapacity[]): Promise<Delivery[]> {
  const { flags, now } = session
  const usable = lanes.filter(({ capacity }) => capacity > 0)
  if (!flags.sentAlone || usable.length === 0) return []
  flags.sentAlone = false
  const paused = await session.paused.current()
  const isOver = new Date(now() - takenBackAfterMs)
  const guard = { sent: { $exists: true }, 'sent.at': { $lte: isOver } }
  const options = { hint: 'tasks_lost', sort: { lostAt: 1 } } as const
  const found = usable
    .filter(({ lane }) => !paused.has(lane))
    .map(async ({ lane, capacity }) => {
      const queues = { 'sent.queue': queueOf(lane, false), wakeAt: { $not: { $gt: new Date(now()) } } }
      const filter = { lostAt: { $exists: true }, ...guard, ...queues }
      const limit = capacity * aloneLooksAt
      const sent = await readFields(session, 'sent', filter, deliveryFields, { ...options, limit })
      if (sent.length > capacity) flags.sentAlone = true
      return someOf(sent, capacity)
    })
  return takeRightToSend(session, (await Promise.all(found)).flat(), {
    operation: 'take back what was sent',
    guard,
    lostAt: after(session.serverNow(), session.resendAfter.unconfirmed),
  })
}

/** Quarantined tasks of which some are taken: several processes that all took the first would wait for each other. */
const quarantinedAtOnce = 8

/** Returns some of the next quarantined tasks, until `most` are out. */
async function findQuarantined(session: Session, lanes: readonly LaneCapacity[], most: number) {
  const { flags, inFlight } = session
  if (!flags.quarantined || lanes.length === 0) return []
  const capacity = most - (await inFlight.countQuarantined())
  // While they are out the next one is searched each time: one may have ended.
  if (capacity <= 0) return []
  flags.quarantined = false
  const names = lanes.flatMap(lane => namesOf(session, lane, true))
  const next = await findNext(session, names, quarantinedAtOnce)
  if (next.length > 0) flags.quarantined = true
  return someOf(next, capacity)
}

/** Returns at most `most`, one after the other from a place by chance. */
function someOf<T>(line: readonly T[], most: number): T[] {
  const start = Math.floor(Math.random() * line.length)
  return [...line.slice(start), ...line.slice(0, start)].slice(0, most)
}

async function findNext(session: Session, names: readonly string[], limit: number): Promise<Waiting[]> {
  if (names.length === 0) return []
  const sort = { priority: 1, rank: 1, order: 1, _id: 1 } as const
  const filter = { ready: { $in: [...names] } }
  return readFields(session, 'next in line', filter, deliveryFields, { hint: 'tasks_ready', sort, limit })
}

/** How the right to send tasks is taken. */
interface Sending {
  /** Names the write in errors. */
  operation: string
  /** What the tasks must still be. */
  guard: Filter<TaskDocument>
  /** When a delivery that nobody claims is presumed lost: an expression. */
  lostAt: Document
}

/** Takes the right to send: of several processes that found the same task, one has it. Returns the deliveries of this one. */
export async function takeRightToSend(
  session: Session,
  found: readonly (Waiting & { delayMs?: number })[],
  { operation, guard, lostAt }: Sending,
): Promise<Delivery[]> {
  if (found.length === 0) return []
  const _id = { $in: found.map(task => task._id) }
  const by = session.nextName()
  const sent = { queue, by, at: session.serverNow(), confirmed: false }
  const sends = { $add: [{ $ifNull: ['$sends', 0] }, 1] }
  const set = { sent, sends, lostAt, ready: removed, tellAt: removed }
  const changed = await updateTasks(session, operation, { _id, ...guard }, [{ $set: set }])
  const mine =
    changed === found.length
      ? found
      : await readFields(session, 'which were taken', { _id, 'sent.by': by }, [])
  const ids = new Set(mine.map(task => task._id))
  const taken = found.filter(task => ids.has(task._id))
  for (const task of taken) {
    session.order.passed(task)
    session.parents.set(task._id, task.parentTaskId)
  }
  const deliveries = taken.map(task => deliveryOf(task, task.delayMs))
  session.inFlight.add(deliveries, by)
  return deliveries
}
