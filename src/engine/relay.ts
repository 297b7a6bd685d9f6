import type { Loop } from '../runtime/loop.ts'
import { startLoop } from '../runtime/loop.ts'
import type { DeadLetterNotification, Delivery, LaneCapacity } from '../store/store.ts'
import { aggregate } from './aggregate.ts'
import type { Core } from './core.ts'

/** Parents that one step of the relay looks at. */
const parentsPerStep = 100
/** Milliseconds after which a quarantined task that runs is not expected to end soon; as long does the next one wait for its turn. */
const longQuarantineMs = 1_000
/** Milliseconds after which the relay looks although nobody woke it: what a crash left behind, or news that got lost. */
const lookEveryMs = 1_000

/**
 * Moves what is due: deliveries to the broker, as many as its lanes have room for, and dead letters to those who want to know; beside
 * them parents to the aggregator. Sending for the first time and sending again after a crash are the same step.
 */
export function startRelay(core: Core): Loop {
  const lanes = [...core.settings.lanes.keys()]
  const { clock } = core
  const loops = [() => sendDue(core, lanes), () => lookAtParents(core)].map(step =>
    startLoop({ clock, everyMs: lookEveryMs, step }),
  )
  return {
    wake() {
      for (const loop of loops) loop.wake()
    },
    async stop() {
      await Promise.all(loops.map(loop => loop.stop()))
    },
  }
}

async function sendDue(core: Core, lanes: readonly string[]): Promise<number | undefined> {
  try {
    const rooms = lanes.map(lane => roomIn(core, lane))
    const due = await core.store.outbox.due(rooms, { quarantined: quarantinedOut(core) })
    if (core.broker.remote !== undefined) noteCrowded(core, rooms, due.deliveries)
    if (due.deliveries.length > 0) await send(core, due.deliveries)
    if (due.notifications !== undefined && due.notifications.length > 0) await notify(core, due.notifications)
    return due.nextAt === undefined ? undefined : Math.max(0, due.nextAt - core.store.tasks.now())
  } catch (error) {
    core.log.error({ err: error }, 'the relay could not look for due tasks; trying again')
    return undefined
  }
}

/** All at once: their writes go together. */
async function lookAtParents(core: Core): Promise<undefined> {
  try {
    const parents = await core.store.outbox.pendingParents(parentsPerStep)
    await Promise.all(parents.map(parent => lookAt(core, parent)))
  } catch (error) {
    core.log.error({ err: error }, 'the relay could not look for parents; trying again')
  }
}

/**
 * How many quarantined tasks may be out. A process runs one at a time; while that one is young the next may be on its way. Behind one that takes
 * long it would only be turned away again and again.
 */
function quarantinedOut({ broker, quarantine }: Core): number {
  const { takenForMs } = quarantine
  return broker.remote !== undefined && takenForMs !== undefined && takenForMs <= longQuarantineMs ? 2 : 1
}

/** One parent that cannot be looked at holds up no other. */
async function lookAt(core: Core, parentId: string): Promise<void> {
  try {
    await aggregate(core, parentId)
  } catch (error) {
    core.log.error({ err: error, taskId: parentId }, 'a parent could not be looked at; trying again')
  }
}

function roomIn({ broker }: Core, lane: string): LaneCapacity {
  return {
    lane,
    capacity: broker.room(lane),
    isEmpty: broker.isEmpty?.(lane) === true,
    takesUrgent: broker.takesUrgent?.(lane) === true,
  }
}

/**
 * Hands deliveries to the broker, and tells the store which of them it confirmed. The right to send the others ends by itself: they
 * are sent again then, perhaps for the second time.
 */
export async function send(core: Core, deliveries: readonly Delivery[]): Promise<void> {
  const published = await core.broker.publish(deliveries)
  const confirmed = deliveries.filter((_, index) => published[index] === 'confirmed')
  if (confirmed.length > 0) await core.store.outbox.published(confirmed)
}

/** A lane whose room was used up may have more waiting: what is submitted meanwhile must not overtake it. */
function noteCrowded(core: Core, rooms: readonly LaneCapacity[], deliveries: readonly Delivery[]): void {
  for (const { lane, capacity: room } of rooms) {
    const used = deliveries.filter(delivery => delivery.lane === lane).length
    if (used >= room) core.saturated.add(lane)
    else core.saturated.delete(lane)
  }
}

async function notify(core: Core, notices: readonly DeadLetterNotification[]): Promise<void> {
  const published = await core.broker.remote?.publishNotices(notices)
  const told = notices.filter((_, index) => published?.[index] === 'confirmed')
  if (told.length > 0) await core.store.outbox.notified?.(told)
}
