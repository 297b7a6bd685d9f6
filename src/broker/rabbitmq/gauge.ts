import type { Channel } from 'amqplib'
import type { ChannelPlan } from './channels.ts'
import { messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import { LaneRoom } from './room.ts'

/** Knows how full the lanes' queues are. */
export interface Gauge {
  readonly plan: ChannelPlan<Channel>
  /** Measures the lane from the next connection on. */
  add(lane: string, queue: string): void
  /** The lane's room; 0 for an unknown lane. */
  room(lane: string): number
  /** Slots of this process were added, or taken away. */
  addSlots(lane: string, slots: number): void
  sent(lane: string, messages: number): void
  answered(lane: string, messages: number, arrived: number): void
  taken(lane: string): void
  /** Counts again soon: something may have changed for every lane. */
  refresh(): void
  close(): void
}

/** What a gauge needs of its surroundings. */
export interface GaugeOptions {
  settings: RabbitmqSettings
  /** The lane has so much room again that filling it is worth a trip. */
  onRoom(lane: string): void
}

/** Milliseconds between two counts of a queue that is in use, and of one that is not. */
const busyEveryMs = 50
const idleEveryMs = 1_000
/** A queue is in use until this long after the last sign of it. */
const busyForMs = 1_000
const never = Number.NEGATIVE_INFINITY

interface Lane {
  name: string
  queue: string
  room: LaneRoom
  usedAt: number
  countedAt: number
  /** There was too little room to be worth a trip; who asked is called back when there is. */
  low: boolean
  timer?: NodeJS.Timeout | undefined
}

/** A gauge on a channel of its own: a queue that is gone closes the channel that asks for it. */
export function createGauge({ settings, onRoom }: GaugeOptions): Gauge {
  let channel: Channel | undefined
  const lanes = new Map<string, Lane>()

  const plan: ChannelPlan<Channel> = {
    name: 'queue counts',
    open: session => session.consuming.createChannel(),
    async ready(made) {
      channel = made
      await Promise.all([...lanes.values()].map(count))
    },
    lost() {
      channel = undefined
      for (const lane of lanes.values()) clearTimeout(lane.timer)
    },
  }

  async function count(lane: Lane): Promise<void> {
    const on = channel
    if (on === undefined) return
    clearTimeout(lane.timer)
    lane.timer = undefined
    const tell = lane.room.counting()
    const { messageCount, consumerCount } = await on.checkQueue(lane.queue)
    const now = performance.now()
    tell({ ready: messageCount, consumers: consumerCount }, now)
    lane.countedAt = now
    schedule(lane, now)
    look(lane, now)
  }

  function schedule(lane: Lane, now: number): void {
    if (channel === undefined) return
    clearTimeout(lane.timer)
    const every = now - lane.usedAt < busyForMs ? busyEveryMs : idleEveryMs
    lane.timer = setTimeout(countAgain, Math.max(0, lane.countedAt + every - now), lane)
    lane.timer.unref()
  }

  function countAgain(lane: Lane): void {
    count(lane).catch(error => {
      // Where it fails the channel is closed, and made again.
      if (channel !== undefined)
        settings.log.warn({ queue: lane.queue, reason: messageOf(error) }, 'a queue could not be counted')
    })
  }

  /** The queue is in use: a count that was put off for longer comes sooner. */
  function used(lane: Lane, now: number): void {
    const isIdle = now - lane.usedAt >= busyForMs
    lane.usedAt = now
    if (isIdle && lane.timer !== undefined) schedule(lane, now)
  }

  function look(lane: Lane, now: number): void {
    const isWorthFilling = lane.room.isWorthFilling(now)
    const wasLow = lane.low
    lane.low = !isWorthFilling
    if (wasLow && isWorthFilling) onRoom(lane.name)
  }

  function change(name: string, apply: (room: LaneRoom) => void): void {
    const lane = lanes.get(name)
    if (lane === undefined) return
    const now = performance.now()
    apply(lane.room)
    used(lane, now)
    look(lane, now)
  }

  return {
    plan,
    add(name, queue) {
      const room = new LaneRoom(settings.window)
      lanes.set(name, { name, queue, room, usedAt: never, countedAt: never, low: true })
    },
    room(name) {
      const lane = lanes.get(name)
      if (lane === undefined || channel === undefined) return 0
      const now = performance.now()
      const room = lane.room.room(now)
      if (room === 0) used(lane, now)
      return room
    },
    addSlots: (name, slots) =>
      change(name, room => {
        room.ownSlots += slots
      }),
    sent: (name, messages) => change(name, room => room.sent(messages)),
    answered: (name, messages, arrived) => change(name, room => room.answered(messages, arrived)),
    taken: name => change(name, room => room.taken()),
    refresh() {
      for (const lane of lanes.values()) {
        lane.low = true
        if (lane.timer !== undefined) countAgain(lane)
      }
    },
    close() {
      channel = undefined
      for (const lane of lanes.values()) clearTimeout(lane.timer)
    },
  }
}
