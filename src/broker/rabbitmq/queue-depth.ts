import type { Channel } from 'amqplib'
import type { ChannelPlan } from './channels.ts'
import { messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import { QueueCapacity } from './queue-capacity.ts'

/** Milliseconds between two counts of a queue that is in use, and of one that is not. */
const busyEveryMs = 50
const idleEveryMs = 1_000
/** A queue is in use until this long after the last sign of it. */
const busyForMs = 1_000
const never = Number.NEGATIVE_INFINITY

interface Lane {
  name: string
  queue: string
  capacity: QueueCapacity
  usedAt: number
  countedAt: number
  /** There was too little capacity to be worth a trip; the listener is called when there is. */
  low: boolean
  timer?: NodeJS.Timeout | undefined
}

/** Knows how full the lanes' queues are. Its channel is its own: a queue that is gone closes the channel that asks for it. */
export class QueueDepth {
  readonly plan: ChannelPlan<Channel>
  readonly #settings: RabbitmqSettings
  readonly #onCapacity: (lane: string) => void
  readonly #lanes = new Map<string, Lane>()
  #channel: Channel | undefined

  /** @param onCapacity Called when a lane has so much capacity again that filling it is worth a trip. */
  constructor(settings: RabbitmqSettings, onCapacity: (lane: string) => void) {
    this.#settings = settings
    this.#onCapacity = onCapacity
    this.plan = {
      name: 'queue counts',
      open: session => session.consuming.createChannel(),
      ready: channel => this.#ready(channel),
      lost: () => this.close(),
    }
  }

  /** Measures the lane from the next connection on. */
  add(name: string, queue: string): void {
    const capacity = new QueueCapacity(this.#settings.window)
    this.#lanes.set(name, { name, queue, capacity, usedAt: never, countedAt: never, low: true })
  }

  /** Returns the lane's capacity; 0 for an unknown lane. */
  capacity(name: string): number {
    const lane = this.#lanes.get(name)
    if (lane === undefined || this.#channel === undefined) return 0
    const now = performance.now()
    const capacity = lane.capacity.capacity(now)
    // The caller wants to send more: the next count comes soon.
    if (capacity === 0) this.#used(lane, now)
    return capacity
  }

  /** Whether the lane's queue was empty at the last counts; false where none is known, or they are old. */
  isEmpty(name: string): boolean {
    return this.#measured(name)?.isEmpty(performance.now()) ?? false
  }

  /** Whether what goes ahead of all others in the lane's queue gets through it; false where its state is not known, or it was lost. */
  takesUrgent(name: string): boolean {
    return this.#measured(name)?.isKnown(performance.now()) ?? false
  }

  #measured(name: string): QueueCapacity | undefined {
    return this.#channel === undefined ? undefined : this.#lanes.get(name)?.capacity
  }

  /** Slots of this process were added, or, with a negative number, taken away. */
  addSlots(name: string, slots: number): void {
    this.#change(name, capacity => {
      capacity.ownSlots += slots
    })
  }

  /** Messages are being sent to the lane's queue. */
  sent(name: string, messages: number): void {
    this.#change(name, capacity => capacity.sent(messages))
  }

  /** The broker answered for messages that were sent, or will not; `arrived` of them are in the queue, or were. */
  answered(name: string, messages: number, arrived: number): void {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return
    const now = performance.now()
    // Nobody is called back: messages that did not arrive free capacity, and would be sent again at once, without end.
    lane.capacity.answered(messages, arrived, now)
    this.#used(lane, now)
  }

  /** A slot of this process got a message of the lane. */
  taken(name: string): void {
    this.#change(name, capacity => capacity.taken())
  }

  /** Counts again now, and calls back for every lane with capacity: something may have changed for all of them. */
  refresh(): void {
    for (const lane of this.#lanes.values()) {
      lane.capacity.resume()
      lane.low = true
      if (lane.timer !== undefined) this.#countAgain(lane)
    }
  }

  /** Counts no more. */
  close(): void {
    this.#channel = undefined
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer)
  }

  async #ready(channel: Channel): Promise<void> {
    this.#channel = channel
    await Promise.all([...this.#lanes.values()].map(lane => this.#count(lane)))
  }

  async #count(lane: Lane): Promise<void> {
    const on = this.#channel
    if (on === undefined) return
    clearTimeout(lane.timer)
    lane.timer = undefined
    const counted = lane.capacity.counting()
    const { messageCount, consumerCount } = await on.checkQueue(lane.queue)
    const now = performance.now()
    counted({ ready: messageCount, consumers: consumerCount }, now)
    lane.countedAt = now
    this.#schedule(lane, now)
    this.#look(lane, now)
  }

  #schedule(lane: Lane, now: number): void {
    if (this.#channel === undefined) return
    clearTimeout(lane.timer)
    const every = now - lane.usedAt < busyForMs ? busyEveryMs : idleEveryMs
    lane.timer = setTimeout(() => this.#countAgain(lane), Math.max(0, lane.countedAt + every - now)).unref()
  }

  #countAgain(lane: Lane): void {
    this.#count(lane).catch(error => {
      // Where it fails the channel is closed, and made again.
      if (this.#channel === undefined) return
      const fields = { queue: lane.queue, reason: messageOf(error) }
      this.#settings.log.warn(fields, 'queue depth not read; will retry')
    })
  }

  /** The queue is in use: a count that was put off for longer comes sooner. */
  #used(lane: Lane, now: number): void {
    const wasIdle = now - lane.usedAt >= busyForMs
    lane.usedAt = now
    if (wasIdle && lane.timer !== undefined) this.#schedule(lane, now)
  }

  #look(lane: Lane, now: number): void {
    const isWorthFilling = lane.capacity.isWorthFilling(now)
    const wasLow = lane.low
    lane.low = !isWorthFilling
    if (wasLow && isWorthFilling) this.#onCapacity(lane.name)
  }

  #change(name: string, apply: (capacity: QueueCapacity) => void): void {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return
    const now = performance.now()
    apply(lane.capacity)
    this.#used(lane, now)
    this.#look(lane, now)
  }
}
