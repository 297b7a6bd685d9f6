import type { Channel } from 'amqplib'
import type { ChannelPlan } from './channels.ts'
import { messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import { QueueCapacity } from './queue-capacity.ts'

/** Milliseconds between two counts of this process, whatever the number of lanes: the broker answers each from the leader of the queue. */
const countEveryMs = 500
/** Milliseconds between two counts of a queue that is not in use; more where there are many. */
const idleEveryMs = 2_000
/** Milliseconds between two estimates of a queue that is in use. They ask nobody. */
const estimateEveryMs = 50
/** A queue is in use until this long after the last sign of it; milliseconds. */
const busyForMs = 1_000
const never = Number.NEGATIVE_INFINITY

interface Lane {
  name: string
  queue: string
  capacity: QueueCapacity
  usedAt: number
  /** When the last count was asked for. */
  askedAt: number
  /** A count is on its way. */
  isAsking: boolean
  /** There was too little capacity to be worth a trip; the listener is called when there is. */
  low: boolean
}

/** Knows how full the lanes' queues are. Its channel is its own: a queue that is gone closes the channel that asks for it. */
export class QueueDepth {
  readonly plan: ChannelPlan<Channel>
  readonly #settings: RabbitmqSettings
  readonly #onCapacity: (lane: string) => void
  readonly #lanes = new Map<string, Lane>()
  #channel: Channel | undefined
  #timer: NodeJS.Timeout | undefined
  /** When the timer calls. */
  #nextAt = Number.POSITIVE_INFINITY

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
    this.#lanes.set(name, {
      name,
      queue,
      capacity,
      usedAt: never,
      askedAt: never,
      isAsking: false,
      low: true,
    })
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
      if (!lane.isAsking) this.#countAgain(lane)
    }
  }

  /** Counts no more. */
  close(): void {
    this.#channel = undefined
    clearTimeout(this.#timer)
    this.#nextAt = Number.POSITIVE_INFINITY
  }

  async #ready(channel: Channel): Promise<void> {
    this.#channel = channel
    await Promise.all([...this.#lanes.values()].map(lane => this.#count(lane)))
    this.#schedule(performance.now())
  }

  async #count(lane: Lane): Promise<void> {
    const on = this.#channel
    if (on === undefined) return
    lane.askedAt = performance.now()
    lane.isAsking = true
    const counted = lane.capacity.counting()
    try {
      const { messageCount, consumerCount } = await on.checkQueue(lane.queue)
      const now = performance.now()
      counted({ ready: messageCount, consumers: consumerCount }, now)
      this.#look(lane, now)
    } finally {
      lane.isAsking = false
    }
  }

  #countAgain(lane: Lane): void {
    this.#count(lane).catch(error => {
      // Where it fails the channel is closed, and made again.
      if (this.#channel === undefined) return
      const fields = { queue: lane.queue, reason: messageOf(error) }
      this.#settings.log.warn(fields, 'queue depth not read; will retry')
    })
  }

  /** Estimates the lanes that are in use, and counts the one that has waited longest for its count. */
  #step(): void {
    this.#nextAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    const lanes = [...this.#lanes.values()]
    for (const lane of lanes) if (isBusy(lane, now)) this.#look(lane, now)
    const lastAt = Math.max(...lanes.map(({ askedAt }) => askedAt))
    const [next] = lanes
      .filter(lane => !lane.isAsking && this.#dueAt(lane, now) <= now)
      .sort((one, other) => one.askedAt - other.askedAt)
    if (next !== undefined && now - lastAt >= countEveryMs) this.#countAgain(next)
    this.#schedule(now)
  }

  /** When the lane should be counted next. */
  #dueAt(lane: Lane, now: number): number {
    const idleMs = Math.max(idleEveryMs, this.#lanes.size * countEveryMs)
    return lane.askedAt + (isBusy(lane, now) ? countEveryMs : idleMs)
  }

  #schedule(now: number): void {
    if (this.#channel === undefined) return
    const lanes = [...this.#lanes.values()]
    const inMs = lanes.some(lane => isBusy(lane, now))
      ? estimateEveryMs
      : Math.max(estimateEveryMs, Math.min(...lanes.map(lane => this.#dueAt(lane, now))) - now)
    if (now + inMs >= this.#nextAt) return
    clearTimeout(this.#timer)
    this.#nextAt = now + inMs
    this.#timer = setTimeout(() => this.#step(), inMs).unref()
  }

  /** The queue is in use: a count that was put off for longer comes sooner. */
  #used(lane: Lane, now: number): void {
    const wasIdle = !isBusy(lane, now)
    lane.usedAt = now
    if (wasIdle) this.#schedule(now)
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

function isBusy({ usedAt }: Lane, now: number): boolean {
  return now - usedAt < busyForMs
}
