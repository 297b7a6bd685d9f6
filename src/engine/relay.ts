import { type Loop, startLoop, together } from '../runtime/loop.ts'
import type { DeadLetterNotification, Delivery, Due, LaneCapacity } from '../store/store.ts'
import { aggregate } from './aggregate.ts'
import type { Core } from './core.ts'

/** Parents that one step of the relay reconciles. */
const parentsPerStep = 100
/** Milliseconds after which the relay runs without a wake-up: a crash left something behind, or a signal got lost. */
const everyMs = 1_000

/**
 * Moves what is due: deliveries to the broker, as many as its lanes have capacity for, and dead-letter notifications to the dead letter
 * exchange; beside them parents to the aggregator. Sending for the first time and sending again after a crash are the same step.
 */
export function startRelay(core: Core): Loop {
  const lanes = [...core.settings.lanes.keys()]
  const { clock } = core
  const steps = [() => sendDue(core, lanes), () => aggregatePending(core)]
  return together(steps.map(step => startLoop({ clock, everyMs, step })))
}

async function sendDue(core: Core, lanes: readonly string[]): Promise<number | undefined> {
  try {
    const capacities = lanes.map(lane => capacityOf(core, lane))
    const due = await core.store.outbox.due(capacities, { quarantined: mostQuarantined(core) })
    if (core.broker.remote !== undefined) noteSaturated(core, capacities, due)
    if (due.deliveries.length > 0) await send(core, due.deliveries)
    if (due.notifications !== undefined && due.notifications.length > 0)
      await sendNotifications(core, due.notifications)
    return due.nextAt === undefined ? undefined : Math.max(0, due.nextAt - core.store.tasks.now())
  } catch (error) {
    core.log.error({ err: error }, 'due task lookup failed; will retry')
    return undefined
  }
}

function capacityOf({ broker }: Core, lane: string): LaneCapacity {
  return {
    lane,
    capacity: broker.capacity(lane),
    isEmpty: broker.isEmpty?.(lane) === true,
    takesUrgent: broker.takesUrgent?.(lane) === true,
    isAlone: broker.isAlone?.() === true,
  }
}

/**
 * Returns how many quarantined tasks may be sent and not ended. A process runs one at a time, and none beside tasks on probation, which go
 * first: after a crash of the one process that owns the store, not before the first sweep has found them. Between processes the next may be
 * on its way while that one is young; behind one that takes long it would only be deferred again and again.
 */
function mostQuarantined({ broker, quarantine, settings, swept }: Core): number {
  if (quarantine.probationFirst) return 0
  if (broker.remote === undefined) return settings.roles.has('maintenance') && !swept.isRescued ? 0 : 1
  return quarantine.isTaken && !quarantine.isLong ? 2 : 1
}

/** A lane whose capacity was used up may have more waiting: what is submitted meanwhile must not overtake it. */
function noteSaturated(
  core: Core,
  capacities: readonly LaneCapacity[],
  { deliveries, waitingElsewhere }: Due,
): void {
  for (const { lane, capacity } of capacities) {
    const used = deliveries.filter(delivery => delivery.lane === lane).length
    if (used >= capacity || waitingElsewhere?.has(lane)) core.saturated.add(lane)
    else core.saturated.delete(lane)
  }
}

/**
 * Hands deliveries to the broker, and marks in the store which of them it confirmed. The right to send the others expires: they are sent
 * again then, perhaps for the second time.
 */
export async function send(core: Core, deliveries: readonly Delivery[]): Promise<void> {
  const published = await core.broker.publish(deliveries)
  const confirmed = deliveries.filter((_, index) => published[index] === 'confirmed')
  if (confirmed.length > 0) await core.store.outbox.published(confirmed)
}

async function sendNotifications(
  core: Core,
  notifications: readonly DeadLetterNotification[],
): Promise<void> {
  const published = await core.broker.remote?.publishNotifications(notifications)
  const confirmed = notifications.filter((_, index) => published?.[index] === 'confirmed')
  if (confirmed.length > 0) await core.store.outbox.notified?.(confirmed)
}

/** Aggregates all pending parents at once, so that their writes go together. */
async function aggregatePending(core: Core): Promise<undefined> {
  try {
    const parents = await core.store.outbox.pendingParents(parentsPerStep)
    await Promise.all(parents.map(parentId => aggregateQuietly(core, parentId)))
  } catch (error) {
    core.log.error({ err: error }, 'pending parent lookup failed; will retry')
  }
}

/** A parent that cannot be aggregated holds up no other. */
async function aggregateQuietly(core: Core, parentId: string): Promise<void> {
  await aggregate(core, parentId).catch(error => {
    core.log.error({ err: error, taskId: parentId }, 'parent aggregation failed; will retry')
  })
}
