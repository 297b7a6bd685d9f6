/** Whose turn it is: reads the next tasks of each lane, and takes the right to send them. */
import type { Filter } from 'mongodb'
import { type Delivery, type LaneCapacity, priorities } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { after, removed } from './pipeline.ts'
import { queueOf } from './queue.ts'
import type { Session } from './session.ts'

/** What of a task a delivery needs. */
export const deliveryFields = {
  taskType: 1,
  lane: 1,
  attempt: 1,
  crashCount: 1,
  userId: 1,
  priority: 1,
  rank: 1,
  retryCount: 1,
  traceparent: 1,
  parentTaskId: 1,
  wakeAt: 1,
} as const satisfies Partial<Record<keyof TaskDocument, 1>>

/** A task as a look finds it. */
export type Waiting = Pick<TaskDocument, '_id' | keyof typeof deliveryFields>

/** The delivery of a task. `delayMs`: how long the broker is to hold it. */
export function deliveryOf(
  task: Omit<Waiting, 'rank' | 'parentTaskId' | 'wakeAt'>,
  delayMs?: number,
): Delivery {
  const { _id: taskId, taskType, lane, attempt, crashCount, userId, priority, retryCount, traceparent } = task
  return {
    taskId,
    taskType,
    lane,
    attempt,
    quarantined: crashCount > 0,
    headers: {
      userId,
      priority: priorities[priority] ?? 'normal',
      retryCount,
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  }
}

/** The next deliveries of these lanes, at most as many as there is room for, and the right to send them; none of a paused lane. */
export async function deliverReady(
  session: Session,
  lanes: readonly LaneCapacity[],
  quarantined: number,
): Promise<Delivery[]> {
  const usable = lanes.filter(
    ({ capacity: room, takesUrgent }) => room > 0 || (quarantined > 0 && takesUrgent === true),
  )
  if (usable.length === 0 || !(await isWorthALook(session, usable))) return []
  const paused = await session.paused.current()
  const open = usable.filter(({ lane }) => !paused.has(lane))
  const crashed = quarantined > 0 ? await findQuarantined(session, open, quarantined) : []
  const found = await Promise.all(
    open.map(async ({ lane, capacity: room, takesUrgent }) => {
      const mine = crashed.filter(task => task.lane === lane)
      const first = takesUrgent === true ? mine : mine.slice(0, room)
      return [...first, ...(await findReady(session, lane, room - first.length))]
    }),
  )
  return takeRight(session, found.flat())
}

/** What this process wrote is known; whether others wrote something is asked with one question for all that is quiet, now and then. */
async function isWorthALook(session: Session, lanes: readonly LaneCapacity[]): Promise<boolean> {
  const { hints } = session
  const quiet = lanes.filter(({ lane }) => !hints.isReady(lane))
  const isKnown = hints.quarantined || quiet.length < lanes.length
  const queues = quiet.map(({ lane }) => queueOf(lane, false))
  // A lane may be busy for hours: what crashed in other processes is asked for all the same.
  if (!hints.quarantined) queues.push(...lanes.map(({ lane }) => queueOf(lane, true)))
  if (queues.length === 0 || !hints.periods.ready.isOver()) return isKnown
  const any = await session.database.run('is anything ready', () =>
    session.tasks.findOne({ ready: { $in: queues } }, { projection: { _id: 1 }, hint: 'tasks_ready' }),
  )
  if (any === null) return isKnown
  hints.noteReady()
  hints.quarantined = true
  return true
}

/** The next tasks of a lane in fair order. */
async function findReady(session: Session, lane: string, room: number): Promise<Waiting[]> {
  if (room <= 0 || !session.hints.isReady(lane)) return []
  session.hints.looksAt(lane)
  const found = await find(session, { ready: queueOf(lane, false) }, room)
  if (found.length === room) session.hints.noteReady(lane)
  return found
}

/** Quarantined tasks of which some are taken: several processes that all took the first would wait for each other. */
const quarantinedAtOnce = 8

/** Some of the next tasks whose last attempt crashed, until `most` are out. */
async function findQuarantined(
  session: Session,
  lanes: readonly LaneCapacity[],
  most: number,
): Promise<Waiting[]> {
  const { hints, hands } = session
  if (!hints.quarantined) return []
  const room = most - (await hands.quarantinedOut())
  // While they are out the next is looked for each time: one may have come to its end.
  if (room <= 0) return []
  hints.quarantined = false
  const queues = lanes.map(({ lane }) => queueOf(lane, true))
  const next = await find(session, { ready: { $in: queues } }, quarantinedAtOnce)
  if (next.length > 0) hints.quarantined = true
  return someOf(next, room)
}

/** By chance, at most so many, one after the other in the line from there on. */
function someOf<T>(line: readonly T[], most: number): T[] {
  const start = Math.floor(Math.random() * line.length)
  return [...line.slice(start), ...line.slice(0, start)].slice(0, most)
}

function find({ database, tasks }: Session, filter: Filter<TaskDocument>, limit: number): Promise<Waiting[]> {
  return database.run('next in turn', () =>
    tasks
      .find(filter)
      .hint('tasks_ready')
      .sort({ priority: 1, rank: 1, order: 1, _id: 1 })
      .limit(limit)
      .project<Waiting>(deliveryFields)
      .toArray(),
  )
}

/** Takes the right to send: of several processes that found the same task, one has it. */
async function takeRight(session: Session, found: readonly Waiting[]): Promise<Delivery[]> {
  if (found.length === 0) return []
  const { database, tasks, hands, resendAfter } = session
  const ids = found.map(({ _id }) => _id)
  const by = session.nextName()
  const { modifiedCount } = await database.run('take the right to send', () =>
    tasks.updateMany({ _id: { $in: ids }, ready: { $exists: true } }, [
      {
        $set: {
          sent: { queue: '$ready', by, at: session.serverNow(), confirmed: false },
          sends: { $add: [{ $ifNull: ['$sends', 0] }, 1] },
          lostAt: after(session.serverNow(), resendAfter.unconfirmed),
        },
      },
      { $set: { ready: removed } },
    ]),
  )
  const mine = modifiedCount === found.length ? undefined : await idsSentBy(session, ids, by)
  const taken = mine === undefined ? found : found.filter(({ _id }) => mine.has(_id))
  for (const task of taken) noteSent(session, task)
  const deliveries = taken.map(task => deliveryOf(task))
  hands.offer(deliveries, by)
  return deliveries
}

/** Which of the tasks were given to this look. */
export async function idsSentBy(
  { database, tasks }: Session,
  ids: readonly string[],
  by: string,
): Promise<ReadonlySet<string>> {
  const found = await database.run('which were taken', () =>
    tasks
      .find({ _id: { $in: [...ids] }, 'sent.by': by })
      .project<{ _id: string }>({ _id: 1 })
      .toArray(),
  )
  return new Set(found.map(({ _id }) => _id))
}

/** What is known of a task from now on. */
export function noteSent(session: Session, task: Waiting): void {
  session.order.passed(task)
  session.families.know(task._id, task.parentTaskId)
}
