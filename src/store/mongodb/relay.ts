/** The next tasks of each lane in fair order, and the right to send them. */

import type { Document, Filter } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { type Delivery, type LaneCapacity, priorities, queueOf } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { after, backInLine, queue, removed } from './pipeline.ts'
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
export type LineTask = Pick<TaskDocument, '_id' | (typeof deliveryFields)[number]>

/** Returns the delivery of a task. `delayMs`: how long the broker is to hold it. */
export function deliveryOf(
  task: Omit<LineTask, 'rank' | 'parentTaskId' | 'partition' | 'wakeAt'>,
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
    const { lane, capacity, takesUrgent } = asked
    const mine = crashed.filter(task => task.lane === lane)
    const most = ownCapacity(session, lane, capacity)
    const first = takesUrgent === true ? mine : mine.slice(0, most)
    return [...first, ...(await findReady(session, lane, most - first.length))]
  })
  return takeRightToSend(session, (await Promise.all(found)).flat(), {
    operation: 'take the right to send',
    guard: { ready: { $exists: true } },
    lostAt: after(session.serverNow(), session.resendAfter.unconfirmed),
  })
}

/** Where tasks of a lane wait in partitions of others too, each relay uses its share of the capacity: their users must get their turns. */
function ownCapacity({ flags, partitions }: Session, lane: string, capacity: number): number {
  if (flags.isAlone || !flags.waitingElsewhere.has(lane)) return capacity
  return Math.min(capacity, Math.ceil(capacity * partitions.shareOf(lane)))
}

/** A process whose broker is away reads this many tasks for each that it has capacity for, since others that are alone take some of them. */
const aloneLooksAt = 4

async function findReady(session: Session, lane: string, capacity: number): Promise<LineTask[]> {
  const { flags } = session
  if (capacity <= 0 || !flags.isReady(lane)) return []
  flags.clearReady(lane)
  const most = flags.isAlone ? capacity * aloneLooksAt : capacity
  const found = await findNext(session, namesOf(session, lane, false), most)
  if (found.length >= capacity) flags.setReady(lane)
  return flags.isAlone ? someOf(found, capacity) : found
}

/** Returns where tasks of a lane wait for this process: in all partitions while its broker is away, for who holds them may have no slot of the lane. */
function namesOf({ flags, partitions }: Session, lane: string, isQuarantine: boolean): string[] {
  return partitions.readyNames(queueOf(lane, isQuarantine), lane, flags.isAlone ? 'all' : undefined)
}

/** Milliseconds after which a delivery is taken back from a broker that is away. */
const takenBackAfterMs = 1_000

/**
 * Puts back in line what was sent of these lanes to a broker that is away, as far as there is capacity. When the broker is there again it delivers the
 * messages, and their claims are refused.
 */
export async function takeBackSent(session: Session, lanes: readonly LaneCapacity[]): Promise<void> {
  const { flags, now } = session
  const usable = lanes.filter(({ capacity }) => capacity > 0)
  if (!flags.isAlone || !flags.sentAlone || usable.length === 0) return
  flags.sentAlone = false
  const time = new Date(now())
  const sent = { lostAt: { $exists: true }, 'sent.at': { $lte: new Date(now() - takenBackAfterMs) } }
  const found = usable.map(async ({ lane, capacity }) => {
    const queues = { $in: [queueOf(lane, false), queueOf(lane, true)] }
    const filter = { ...sent, 'sent.queue': queues, wakeAt: { $not: { $gt: time } } }
    const limit = capacity * aloneLooksAt
    const options = { hint: 'tasks_lost', sort: { lostAt: 1 }, limit } as const
    const tasks = await readFields(session, 'sent', filter, [], options)
    if (tasks.length > capacity) flags.sentAlone = true
    return someOf(tasks, capacity)
  })
  const ids = (await Promise.all(found)).flat().map(({ _id }) => _id)
  if (ids.length === 0) return
  const update = [backInLine(time), { $unset: ['sends'] }]
  await updateTasks(session, 'take back what was sent', { _id: { $in: ids }, ...sent }, update)
  flags.setReady()
  flags.quarantined = true
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
  const names = lanes.flatMap(({ lane }) => namesOf(session, lane, true))
  const next = await findNext(session, names, quarantinedAtOnce)
  if (next.length > 0) flags.quarantined = true
  return someOf(next, capacity)
}

/** Returns at most `most` neighbours in their order; which ones, chance decides. The first and the last of the line are neighbours too. */
function someOf<T>(line: readonly T[], most: number): T[] {
  const start = Math.floor(Math.random() * line.length)
  return line.filter((_, at) => (at - start + line.length) % line.length < most)
}

async function findNext(session: Session, names: readonly string[], limit: number): Promise<LineTask[]> {
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
  found: readonly (LineTask & { delayMs?: number })[],
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
