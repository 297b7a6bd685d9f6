import type { Delivery } from '../../store/store.ts'
import type { Published } from '../broker.ts'
import { deliveryMessage } from '../messages.ts'
import type { Gauge } from './gauge.ts'
import type { Publisher, Routed } from './publisher.ts'
import { rungFor } from './rungs.ts'
import { type Topology, taskKey } from './topology.ts'

/** Sends deliveries to their lanes' queues; those with a delay by way of whoever holds them for that time. */
export async function deliver(
  deliveries: readonly Delivery[],
  { topology, publisher, gauge }: { topology: Topology; publisher: Publisher; gauge: Gauge },
): Promise<Published[]> {
  const routed = deliveries.map(delivery => route(delivery, topology))
  // What waits elsewhere takes no room yet.
  const direct = routed.map(({ exchange }) => exchange === topology.names.work)
  const sent = countByLane(deliveries, index => direct[index] === true)
  for (const [lane, messages] of sent) gauge.sent(lane, messages)
  const published = await publisher.publish(routed)
  const arrived = countByLane(deliveries, index => direct[index] === true && published[index] === 'confirmed')
  for (const [lane, messages] of sent) gauge.answered(lane, messages, arrived.get(lane) ?? 0)
  return published
}

function route(delivery: Delivery, { names, delay }: Topology): Routed {
  const message = deliveryMessage(delivery)
  const key = taskKey(delivery.lane, delivery.taskType)
  const delayMs = delivery.headers?.delayMs
  const rung = delayMs === undefined ? undefined : rungFor(delayMs)
  if (rung === undefined) return { exchange: names.work, key, message, mandatory: true }
  const delayed = { ...message, headers: { ...message.headers, 'x-delay': rung.ms } }
  // The delayed exchange has no way to say at once whether a queue will be found.
  const mandatory = delay === 'wait-queues'
  return { exchange: names.retry, key: `${rung.name}.${key}`, message: delayed, mandatory }
}

function countByLane(
  deliveries: readonly Delivery[],
  counts: (index: number) => boolean,
): ReadonlyMap<string, number> {
  const byLane = new Map<string, number>()
  deliveries.forEach(({ lane }, index) => {
    if (counts(index)) byLane.set(lane, (byLane.get(lane) ?? 0) + 1)
  })
  return byLane
}
