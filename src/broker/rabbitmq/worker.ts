import type { LaneSlots, Receiver } from '../broker.ts'
import type { Connection } from './connection.ts'
import type { Gauge } from './gauge.ts'
import type { RabbitmqSettings } from './options.ts'
import { Slot } from './slot.ts'

/** The slots of one lane in this process. */
export interface Worker {
  /** Takes a slot for a task that comes without a delivery. Returns a function that frees it; undefined unless the whole lane rests here. */
  reserve(): (() => void) | undefined
  /** No slot takes a further delivery. */
  stop(): void
  /** Resolves when the broker has taken in what was acknowledged. */
  flush(): Promise<void>
}

/** What a worker is made of. */
export interface WorkerOptions {
  lane: LaneSlots
  queue: string
  receiver: Receiver
  settings: RabbitmqSettings
  connection: Connection
  gauge: Gauge
}

/** Starts as many consumers as the lane has slots. */
export function startWorker({ lane, queue, receiver, settings, connection, gauge }: WorkerOptions): Worker {
  const { holdMs, log } = settings
  const slots = Array.from(
    { length: lane.slots },
    () =>
      new Slot({
        queue,
        receiver,
        holdMs,
        log,
        onTaken: () => gauge.taken(lane.lane),
        repair: () => connection.repair(),
      }),
  )
  for (const { plan } of slots) connection.keep(plan)
  gauge.addSlots(lane.lane, lane.slots)
  let isStopped = false
  return {
    // Taking a slot costs the broker more than a delivery: under load, where it gains nothing, deliveries come instead.
    reserve() {
      if (slots.some(slot => slot.isBusy)) return undefined
      for (const slot of slots) {
        const free = slot.reserve()
        if (free !== undefined) return free
      }
      return undefined
    },
    stop() {
      if (isStopped) return
      isStopped = true
      for (const slot of slots) slot.stop()
      gauge.addSlots(lane.lane, -lane.slots)
    },
    async flush() {
      await Promise.all(slots.map(slot => slot.flush()))
    },
  }
}
