import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Delivery } from '../../store/store.ts'
import type { LaneSlots, Receiver } from '../broker.ts'
import { type IncomingMessage, messageTypes, readDelivery } from '../messages.ts'
import type { Connection } from './connection.ts'
import { type Health, messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import type { QueueDepth } from './queue-depth.ts'
import { UnackedMessage } from './unacked-message.ts'

/** The slots of one lane in this process. */
export interface Worker {
  /** Takes a slot for a task that comes without a delivery. Returns a function that frees it; undefined unless the whole lane rests here. */
  reserve(): (() => void) | undefined
  /** Runs a delivery that did not come through the broker, which is away. Returns whether a slot was free. */
  start(delivery: Delivery): boolean
  /** Slots that run nothing. */
  free(): number
  /** Has another number of slots. Of too many the idle ones go at once, and of those that run the first to end. Returns false once it was stopped. */
  resize(slots: number): boolean
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
  health: Health
  connection: Connection
  depth: QueueDepth
  /** Called when a slot is free again. */
  freed(): void
}

/** Starts as many consumers as the lane has slots, all on one channel: the broker counts what each of them holds by itself. */
export function startWorker(options: WorkerOptions): Worker {
  const { lane, queue, connection, depth, receiver } = options
  let wanted = lane.slots
  /** More than are wanted while tasks run that began before. */
  let slots: Slot[] = []
  const retires = (slot: Slot) => {
    if (slots.length <= wanted) return false
    slots = slots.filter(each => each !== slot)
    return true
  }
  const newSlots = (count: number) => Array.from({ length: count }, () => new Slot(options, retires))
  slots = newSlots(wanted)
  let channel: Channel | undefined
  const onChannel = (current: Channel | undefined) => {
    channel = current
    for (const slot of slots) slot.use(current)
  }
  connection.recover({
    name: `slots of ${queue}`,
    open: session => session.consuming.createChannel(),
    async ready(opened) {
      // Before the wait: the channel may be lost meanwhile, and its loss comes only once.
      onChannel(opened)
      await opened.prefetch(1)
      await Promise.all(slots.map(slot => slot.consume()))
    },
    lost: () => onChannel(undefined),
  })
  depth.addSlots(lane.lane, lane.slots)
  let isStopped = false
  const reserve = () => {
    for (const slot of slots) {
      const free = slot.reserve()
      if (free !== undefined) return free
    }
    return undefined
  }
  return {
    // Taking a slot costs the broker more than a delivery: under load, where it gains nothing, deliveries come instead.
    reserve() {
      return slots.some(slot => slot.isBusy) ? undefined : reserve()
    },
    start(delivery) {
      const free = reserve()
      if (free === undefined) return false
      void receiver({ delivery, ack: nothing, deadLetter: nothing }).then(free)
      return true
    },
    free: () => slots.filter(slot => slot.isFree).length,
    resize(count) {
      if (isStopped) return false
      depth.addSlots(lane.lane, count - wanted)
      wanted = count
      const added = newSlots(Math.max(0, count - slots.length))
      const idle = slots.filter(slot => !slot.isBusy).slice(0, Math.max(0, slots.length - count))
      slots = [...slots.filter(slot => !idle.includes(slot)), ...added]
      for (const slot of added) slot.begin(channel)
      stopAll(idle)
      if (slots.length > count) for (const slot of slots) slot.suspend()
      return true
    },
    stop() {
      if (isStopped) return
      isStopped = true
      stopAll(slots)
      depth.addSlots(lane.lane, -wanted)
    },
    async flush() {
      // The broker reads a channel in order: its answer says that it has seen what was said before.
      await channel?.prefetch(1).catch(() => undefined)
    },
  }
}

/** Has slots take no more. Given back earlier, a message would come to another slot that stops, again and again, until the broker takes it for one that kills workers. */
function stopAll(slots: readonly Slot[]): void {
  void Promise.all(slots.map(slot => slot.stop())).then(() => {
    for (const slot of slots) slot.giveBack()
  })
}

/** One worker slot: one consumer that holds at most one delivery. */
class Slot {
  readonly #options: WorkerOptions
  readonly #retires: (slot: Slot) => boolean
  #channel: Channel | undefined
  /** Set before the consumer is asked for, so that nobody asks twice. */
  #consumerTag: string | undefined
  #stopped = false
  #running = false
  /** The delivery that came after an acknowledgement, while the receiver of the one before has not resolved. */
  #next: UnackedMessage | undefined
  /** The delivery that came while the slots stop. */
  #late: UnackedMessage | undefined
  #isOver = false

  /** @param retires Asked when its task has ended: whether there are more slots than are wanted. */
  constructor(options: WorkerOptions, retires: (slot: Slot) => boolean) {
    this.#options = options
    this.#retires = retires
  }

  /** Whether it runs a task. */
  get isBusy(): boolean {
    return this.#running
  }

  /** Whether it waits for a task. While it is about to tell the broker so, it does not. */
  get isFree(): boolean {
    const isAbout = this.#channel !== undefined && this.#consumerTag === undefined
    return !this.#stopped && !this.#running && !isAbout
  }

  /**
   * Takes the slot, if it waits for a delivery, for a task that comes without one. Returns a function that frees it. The broker learns it meanwhile;
   * what it hands over until it has heard goes back.
   */
  reserve(): (() => void) | undefined {
    if (!this.isFree) return undefined
    this.#running = true
    // Where it fails the channel is lost, and the consumer with it.
    if (this.#consumerTag !== undefined) this.#channel?.cancel(this.#consumerTag).catch(() => undefined)
    this.#consumerTag = undefined
    return () => this.#free()
  }

  /** Takes no further delivery; what runs may end, and be acknowledged. Resolves when the broker sends none, or the channel is lost. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#late = this.#next
    this.#next = undefined
    const tag = this.#consumerTag
    this.#consumerTag = undefined
    if (tag !== undefined) await this.#channel?.cancel(tag).catch(() => undefined)
  }

  /** Gives back what came since the stop, and what still comes. */
  giveBack(): void {
    this.#isOver = true
    this.#late?.giveBack()
    this.#late = undefined
  }

  /** The channel is another one, or lost: nothing is consumed, and what came on the one before is the broker's again. */
  use(channel: Channel | undefined): void {
    this.#channel = channel
    this.#consumerTag = undefined
    this.#next = undefined
    this.#late = undefined
  }

  /** Takes no delivery until its task has ended, and it stays. What comes until the broker has heard goes back. */
  suspend(): void {
    const tag = this.#consumerTag
    this.#consumerTag = undefined
    if (tag !== undefined) this.#channel?.cancel(tag).catch(() => undefined)
  }

  /** Consumes from now on, where there is a channel; else with the next one. */
  begin(channel: Channel | undefined): void {
    this.use(channel)
    this.#resume()
  }

  /** Consumes unless it does already, runs a task, or has stopped. */
  async consume(): Promise<void> {
    const on = this.#channel
    if (on === undefined || this.#stopped || this.#running || this.#consumerTag !== undefined) return
    const consumerTag = randomUUID()
    this.#consumerTag = consumerTag
    const onMessage = (message: ConsumeMessage | null) => {
      const isCancelled = this.#consumerTag !== consumerTag
      if (message !== null) this.#take(new UnackedMessage(message, on), isCancelled)
      else if (!isCancelled) void this.#queueIsGone(on)
    }
    try {
      await on.consume(this.#options.queue, onMessage, { consumerTag })
    } catch (error) {
      // Another may be there already, on the next channel.
      if (this.#consumerTag === consumerTag) this.#consumerTag = undefined
      throw error
    }
  }

  /** Consumes again after a hand-over, or on the channel that was made while the receiver ran. */
  #resume(): void {
    this.consume().catch(error => {
      // The channel is closed then, and made again.
      this.#warn('a slot could not consume again', error)
    })
  }

  async #queueIsGone(on: Channel): Promise<void> {
    if (this.#channel !== on) return
    this.#consumerTag = undefined
    this.#warn('the broker cancelled a consumer: its queue is gone or has moved')
    await this.#options.connection.repair()
    if (this.#channel === on) this.#resume()
  }

  #take(held: UnackedMessage, isCancelled: boolean): void {
    if (this.#stopped && !this.#isOver && this.#late === undefined) this.#late = held
    else if (this.#stopped || isCancelled) held.giveBack()
    else {
      this.#options.depth.taken(this.#options.lane.lane)
      if (this.#running) this.#next = held
      else this.#run(held)
    }
  }

  #run(held: UnackedMessage): void {
    const { settings, health } = this.#options
    const incoming = incomingOf(held.message)
    const read = readDelivery(incoming)
    if (incoming.properties['type'] === messageTypes.probe) held.ack()
    else if (!settings.keys.accepts(incoming)) {
      // If it was true the task loses nothing: the store sends it again.
      health.reject('delivery')
      held.ack()
    } else if ('malformed' in read) {
      this.#warn('a message cannot be read; it is dead-lettered', read.malformed)
      held.deadLetter()
    } else this.#receive(held, read.value)
    this.#resume()
  }

  #receive(held: UnackedMessage, delivery: Delivery): void {
    const { settings, receiver } = this.#options
    this.#running = true
    held.after(settings.holdMs, () => void this.#handOver(held))
    const received = { delivery, ack: () => held.ack(), deadLetter: () => held.deadLetter() }
    void receiver(received).then(() => this.#free())
  }

  #free(): void {
    this.#running = false
    if (this.#retires(this)) stopAll([this])
    const next = this.#next
    this.#next = undefined
    if (next === undefined) this.#resume()
    else this.#run(next)
    this.#options.freed()
  }

  /**
   * The broker closes channels whose deliveries are held for too long. The slot stops consuming, so that it gets no other delivery, and
   * acknowledges; its task goes on under the lease.
   */
  async #handOver(held: UnackedMessage): Promise<void> {
    if (held.isAnswered || this.#channel !== held.channel) return
    const tag = this.#consumerTag
    this.#consumerTag = undefined
    try {
      if (tag !== undefined) await held.channel.cancel(tag)
    } catch (error) {
      this.#warn('a consumer could not be cancelled', error)
    }
    held.ack()
    this.#resume()
  }

  #warn(what: string, why?: unknown): void {
    const { queue, settings } = this.#options
    settings.log.warn(why === undefined ? { queue } : { queue, reason: messageOf(why) }, what)
  }
}

/** No message came with the delivery. */
const nothing = () => undefined

/** The driver's message in the words of the port. */
export function incomingOf({ content, properties }: ConsumeMessage): IncomingMessage {
  const { headers, ...others } = properties
  return { content, headers: headers ?? {}, properties: others }
}
