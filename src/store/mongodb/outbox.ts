import type { Filter } from 'mongodb'
import type { Emitter } from '../../runtime/emitter.ts'
import { createLazyWrites } from '../../runtime/gather.ts'
import { isQuarantined, quarantinedFrom } from '../../task/task.ts'
import type { DueOptions, LaneCapacity, Outbox } from '../store.ts'
import { dueNotifications, notified } from './dead-letters.ts'
import { releaseDelayed, requeueLostDeliveries } from './delays.ts'
import type { TaskDocument } from './documents.ts'
import { pendingParents } from './parents.ts'
import { after, backInLine } from './pipeline.ts'
import { deliverReady, takeBackSent } from './relay.ts'
import { type Context, type InFlightDeliveries, readFields, type Session, updateTasks } from './session.ts'

/**
 * What is due in the partitions that this process holds. The right to send a delivery is a guarded write on its task, whoever believes to hold its
 * partition. A call reads what this process knows to be due, and once a second what other processes left.
 */
export function createOutbox(session: Session, due: Emitter): Outbox {
  const { inFlight, flags, features, partitions } = session
  return {
    async due(lanes, options) {
      session.requireOpen()
      const [deliveries, notifications] = await asRelay(session, async () => {
        const wasAlone = flags.isAlone
        flags.isAlone = options.isAlone === true
        await session.poll.run(lanes)
        // The broker was there, and did not take what this relay sent.
        if ((await inFlight.reclaim(namesOf(lanes))) && !wasAlone && !flags.isAlone) partitions.failed()
        const isOverdue = flags.notifications
        flags.notifications = false
        return Promise.all([
          dueDeliveries(session, lanes, options),
          isOverdue ? dueNotifications(session) : [],
        ])
      })
      const { waitingElsewhere } = flags
      return {
        deliveries,
        nextAt: nextLook(session, lanes),
        ...(notifications.length > 0 ? { notifications } : {}),
        ...(waitingElsewhere.size > 0 ? { waitingElsewhere } : {}),
      }
    },
    async pendingParents(limit) {
      session.requireOpen()
      return asRelay(session, () => pendingParents(session, limit))
    },
    async published(deliveries) {
      inFlight.published(deliveries)
    },
    requeue: taskIds => inFlight.requeue(taskIds),
    defer: (taskIds, ms) => inFlight.defer(taskIds, ms),
    onDue: listener => due.on(listener),
    useDelayTiers(delays) {
      features.delays = [...delays].sort((one, other) => one - other)
    },
    keepNotifications() {
      features.notifications = true
    },
    notified: notifications => notified(session, notifications),
  }
}

/** Milliseconds after which a relay that used its share of the capacity looks again: what it sent may run elsewhere, and nothing tells it. */
const shareAgainMs = 50

/** When the relay should look again, if not before: when a task is due, or there may be another share for what it left in line. */
function nextLook({ flags, now }: Session, lanes: readonly LaneCapacity[]): number | undefined {
  const isShared = ({ lane, capacity }: LaneCapacity) =>
    capacity > 0 && flags.waitingElsewhere.has(lane) && flags.isReady(lane)
  if (!lanes.some(isShared)) return flags.nextAt
  return Math.min(now() + shareAgainMs, flags.nextAt ?? Number.POSITIVE_INFINITY)
}

/** Does what a relay does. One that fails leaves its share to others, which may be better off. */
async function asRelay<T>({ partitions }: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    partitions.failed()
    throw error
  }
}

const namesOf = (lanes: readonly LaneCapacity[]) => lanes.map(({ lane }) => lane)

async function dueDeliveries(session: Session, lanes: readonly LaneCapacity[], { quarantined }: DueOptions) {
  const empty = lanes.filter(({ isEmpty }) => isEmpty === true)
  const [delayed] = await Promise.all([
    releaseDelayed(session, namesOf(lanes)),
    requeueLostDeliveries(session, namesOf(empty)),
    takeBackSent(session, lanes),
  ])
  return [...delayed, ...(await deliverReady(session, lanes, quarantined))]
}

/** Milliseconds over which confirmations are gathered. */
const confirmEveryMs = 200
/** Deliveries of which is remembered how they were taken. */
const mostTaken = 50_000
/** Doubling ends here; milliseconds. */
const longestResendMs = 3_600_000

const isSent = { sent: { $exists: true } } as const

/**
 * What this process took the right to send, until the task is claimed. A process that dies with it loses nothing, for the right ends by
 * itself. Confirmations are written lazily, because most tasks are claimed before.
 */
export function createInFlightDeliveries(context: Context): InFlightDeliveries {
  /** The lane of each delivery that is not published yet. */
  const unpublished = new Map<string, string>()
  /** The name under which each was taken. */
  const taken = new Map<string, string>()
  const requeued = new Set<string>()
  // A confirmation that cannot be written costs at most a second delivery.
  const unconfirmed = createLazyWrites<string>(confirmEveryMs, names => writeConfirmed(context, names))
  const quarantined: Quarantined = { sent: new Set(), running: new Set() }

  async function reclaim(lanes: readonly string[]): Promise<boolean> {
    const pending = [...unpublished].filter(([, lane]) => lanes.includes(lane)).map(([taskId]) => taskId)
    const refused = [...requeued]
    if (pending.length === 0 && refused.length === 0) return false
    const by = [...new Set(pending.map(taskId => taken.get(taskId) ?? ''))]
    await Promise.all([
      putBack(context, pending, { 'sent.by': { $in: by } }),
      putBack(context, refused, isSent),
    ])
    for (const taskId of pending) for (const known of [unpublished, taken]) known.delete(taskId)
    for (const taskId of refused) requeued.delete(taskId)
    // Of what was refused here, any relay may be the holder.
    if (refused.length > 0) context.partitions.becameDueAnywhere()
    context.flags.setReady()
    context.flags.quarantined = true
    return pending.length > 0
  }

  return {
    add(deliveries, by) {
      for (const { taskId, lane } of deliveries) {
        unpublished.set(taskId, lane)
        taken.set(taskId, by)
      }
    },
    addNew(taskId, by) {
      // What is never published is of no use after a while; without its name a delivery is only not marked as confirmed.
      if (taken.size >= mostTaken) taken.clear()
      taken.set(taskId, by)
    },
    published(deliveries) {
      for (const delivery of deliveries) {
        const { taskId } = delivery
        const by = taken.get(taskId)
        for (const known of [taken, unpublished]) known.delete(taskId)
        if (by !== undefined) unconfirmed.set(taskId, by)
        if (isQuarantined(delivery.crashCount)) quarantined.sent.add(taskId)
      }
    },
    requeue(taskIds) {
      for (const taskId of taskIds) {
        for (const known of [unpublished, taken, unconfirmed, quarantined.sent]) known.delete(taskId)
        requeued.add(taskId)
      }
    },
    defer: (taskIds, ms) => defer(context, taskIds, ms),
    claimed(taskId, isQuarantined) {
      for (const known of [unpublished, taken, unconfirmed, requeued]) known.delete(taskId)
      if (!isQuarantined) return
      quarantined.sent.delete(taskId)
      quarantined.running.add(taskId)
    },
    settled: taskId => void quarantined.running.delete(taskId),
    reclaim,
    countQuarantined: () => countQuarantined(context, quarantined),
    async flush() {
      await Promise.all([unconfirmed.flush(), reclaim([...new Set(unpublished.values())])])
    },
  }
}

/** Quarantined tasks that were published from here, and those that run here. One that runs elsewhere is counted there. */
type Quarantined = Record<'sent' | 'running', Set<string>>

async function countQuarantined(context: Context, { sent, running }: Quarantined): Promise<number> {
  if (sent.size + running.size > 0 && context.flags.periods.quarantined.isOver()) {
    const [asSent, asRunning] = [[...sent], [...running]]
    const filter = { _id: { $in: [...asSent, ...asRunning] }, crashCount: { $gte: quarantinedFrom } }
    const tasks = await readFields(context, 'quarantined', filter, ['sent', 'leaseUntil'])
    const found = new Map(tasks.map(task => [task._id, task]))
    // Each as it was when it was asked for: one that is claimed meanwhile runs, whatever the answer says.
    for (const id of asSent) if (found.get(id)?.sent === undefined) sent.delete(id)
    for (const id of asRunning) if (found.get(id)?.leaseUntil === undefined) running.delete(id)
  }
  return sent.size + running.size
}

async function defer(context: Context, ids: readonly string[], ms: number): Promise<void> {
  const now = context.serverNow()
  await updateTasks(context, 'defer', { _id: { $in: [...ids] }, ...isSent }, [
    // As if it had been confirmed: a confirmation that comes late changes nothing.
    { $set: { lostAt: after(now, ms), 'sent.confirmed': true, 'sent.at': now } },
    { $unset: ['sends'] },
  ])
}

/** What was sent stands in line again, as if it had not been sent. */
async function putBack(context: Context, ids: readonly string[], guard: Filter<TaskDocument>): Promise<void> {
  if (ids.length === 0) return
  const update = [backInLine(new Date(context.now())), { $unset: ['sends'] }]
  await updateTasks(context, 'requeue', { _id: { $in: [...ids] }, ...guard }, update)
}

/** Marks what the broker confirmed; a delivery that it holds for a time is lost when that time has passed, and not before. */
async function writeConfirmed(context: Context, names: ReadonlyMap<string, string>): Promise<void> {
  const _id = { $in: [...names.keys()] }
  const by = { $in: [...new Set(names.values())] }
  const now = context.serverNow()
  const doublings = { $subtract: [{ $ifNull: ['$sends', 1] }, 1] }
  const wait = { $multiply: [context.resendAfter.confirmed, { $pow: [2, doublings] }] }
  const lostAt = {
    $cond: [{ $gt: ['$wakeAt', now] }, '$lostAt', after(now, { $min: [longestResendMs, wait] })],
  }
  await updateTasks(context, 'confirm', { _id, 'sent.by': by, 'sent.confirmed': false }, [
    { $set: { 'sent.confirmed': true, lostAt } },
  ])
}
