/**
 * Wakes workers of the same process. It keeps what it is given in memory and forgets it with the process; the store is read again
 * at the next start. Its memory is bounded because the relay asks for the capacity of a lane before it reads what is due.
 */
import { createEmitter } from '../../runtime/emitter.ts'
import type { Delivery } from '../../store/store.ts'
import type { Broker, LaneSlots, Receiver } from '../broker.ts'

interface LaneQueue {
  waiting: Delivery[]
  slots: number
  busy: number
  receiver: Receiver | undefined
}

/** Messages within the process need no answer. */
const nothing = () => undefined

function stop(lane: LaneQueue): void {
  lane.receiver = undefined
  lane.waiting = []
}

/** How many deliveries wait beside each busy slot, so that a freed slot has its next task at hand. */
const waitingPerSlot = 1

/** A broker within this process. */
export function memoryBroker(): Broker {
  const lanes = new Map<string, LaneQueue>()
  const freed = createEmitter<[lane: string]>()

  function laneOf(name: string): LaneQueue {
    let lane = lanes.get(name)
    if (lane === undefined) {
      lane = { waiting: [], slots: 0, busy: 0, receiver: undefined }
      lanes.set(name, lane)
    }
    return lane
  }

  function pump(name: string, lane: LaneQueue): void {
    while (lane.receiver !== undefined && lane.busy < lane.slots) {
      const delivery = lane.waiting.shift()
      if (delivery === undefined) return
      lane.busy += 1
      void lane.receiver({ delivery, ack: nothing, deadLetter: nothing }).then(() => freeSlot(name, lane))
    }
  }

  function freeSlot(name: string, lane: LaneQueue): void {
    lane.busy -= 1
    pump(name, lane)
    freed.emit(name)
  }

  return {
    kind: 'memory',
    open: async opened => {
      for (const { lane } of opened) laneOf(lane)
    },
    publish: async deliveries => {
      for (const delivery of deliveries) laneOf(delivery.lane).waiting.push(delivery)
      for (const name of new Set(deliveries.map(delivery => delivery.lane))) pump(name, laneOf(name))
      return deliveries.map(() => 'confirmed' as const)
    },
    consume({ lane: name, slots }: LaneSlots, receiver) {
      const lane = laneOf(name)
      lane.slots = slots
      lane.receiver = receiver
      pump(name, lane)
      return () => stop(lane)
    },
    reserve(name) {
      const lane = laneOf(name)
      if (lane.receiver === undefined || lane.busy >= lane.slots || lane.waiting.length > 0) return undefined
      lane.busy += 1
      return () => freeSlot(name, lane)
    },
    capacity(name) {
      const lane = laneOf(name)
      if (lane.receiver === undefined) return 0
      return Math.max(0, lane.slots - lane.busy + lane.slots * waitingPerSlot - lane.waiting.length)
    },
    onCapacity: listener => void freed.on(listener),
    async close() {
      for (const lane of lanes.values()) stop(lane)
      lanes.clear()
    },
  }
}
