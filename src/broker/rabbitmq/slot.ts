import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { Delivery } from '../../store/store.ts'
import type { Receiver } from '../broker.ts'
import { type IncomingMessage, messageTypes, readDelivery } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import { messageOf } from './failures.ts'

/** One worker slot: one consumer that holds at most one delivery. */
export interface Slot {
  readonly plan: ChannelPlan<Channel>
  /** Takes no further delivery; what runs may end, and be acknowledged. */
  stop(): void
  /** Resolves when the broker has taken in every acknowledgement of this slot. */
  flush(): Promise<void>
}

/** What a slot needs of its surroundings. */
export interface SlotOptions {
  queue: string
  receiver: Receiver
  holdMs: number
  log: Logger
  /** A message left the queue for this slot. */
  onTaken(): void
  /** The broker cancelled the consumer: its queue is gone. */
  repair(): Promise<void>
}

/** A message, the channel it came on, and what is still to say of it. */
interface Held {
  message: ConsumeMessage
  channel: Channel
  answered: boolean
  timer?: NodeJS.Timeout
}

/** The slot's channel is its own: an error of another slot, or a late acknowledgement, cannot take its delivery away. */
export function createSlot({ queue, receiver, holdMs, log, onTaken, repair }: SlotOptions): Slot {
  let channel: Channel | undefined
  /** Set before the consumer is asked for, so that nobody asks twice. */
  let consumerTag: string | undefined
  let stopped = false
  let running = false
  /** The delivery that came after an acknowledgement, while the receiver of the one before has not resolved. */
  let next: Held | undefined

  const plan: ChannelPlan<Channel> = {
    name: `slot of ${queue}`,
    open: session => session.consuming.createChannel(),
    async ready(made) {
      await made.prefetch(1)
      channel = made
      await consume()
    },
    lost() {
      channel = undefined
      consumerTag = undefined
      next = undefined
    },
  }

  /** Consumes unless it does already, runs a task, or has stopped. */
  async function consume(): Promise<void> {
    const on = channel
    if (on === undefined || stopped || running || consumerTag !== undefined) return
    consumerTag = randomUUID()
    const onMessage = (message: ConsumeMessage | null) => {
      if (message === null) void queueIsGone(on)
      else take({ message, channel: on, answered: false })
    }
    await on.consume(queue, onMessage, { consumerTag })
  }

  /** Consumes again after a hand-over, or on the channel that was made while the receiver ran. */
  function resume(): void {
    // Where it fails the channel is closed, and made again.
    consume().catch(error => log.warn({ queue, reason: messageOf(error) }, 'a slot could not consume again'))
  }

  async function queueIsGone(on: Channel): Promise<void> {
    if (channel !== on) return
    consumerTag = undefined
    log.warn({ queue }, 'the broker cancelled a consumer: its queue is gone or has moved')
    await repair()
    if (channel === on) resume()
  }

  function take(held: Held): void {
    if (stopped) giveBack(held)
    else {
      onTaken()
      if (running) next = held
      else run(held)
    }
  }

  function run(held: Held): void {
    const incoming = incomingOf(held.message)
    const read = readDelivery(incoming)
    if (incoming.properties['type'] === messageTypes.probe) ack(held)
    else if ('malformed' in read) {
      log.warn({ queue, reason: read.malformed }, 'a message cannot be read; it is dead-lettered')
      deadLetter(held)
    } else receive(held, read.value)
    resume()
  }

  function receive(held: Held, delivery: Delivery): void {
    running = true
    held.timer = setTimeout(() => void handOver(held), holdMs)
    held.timer.unref()
    const received = { delivery, ack: () => ack(held), deadLetter: () => deadLetter(held) }
    void receiver(received).then(() => {
      running = false
      const waiting = next
      next = undefined
      if (waiting === undefined) resume()
      else run(waiting)
    })
  }

  /**
   * The broker closes channels whose deliveries are held for too long. The slot stops consuming, so that it gets no other delivery, and
   * acknowledges; its task goes on under the lease.
   */
  async function handOver(held: Held): Promise<void> {
    if (held.answered || channel !== held.channel) return
    const tag = consumerTag
    consumerTag = undefined
    try {
      if (tag !== undefined) await held.channel.cancel(tag)
    } catch (error) {
      log.warn({ queue, reason: messageOf(error) }, 'a consumer could not be cancelled')
    }
    ack(held)
    resume()
  }

  function ack(held: Held): void {
    answer(held, () => held.channel.ack(held.message))
  }

  function deadLetter(held: Held): void {
    answer(held, () => held.channel.nack(held.message, false, false))
  }

  /** Says once what becomes of a message. On a channel that is gone nothing is said: the broker has given the message to another. */
  function answer(held: Held, say: () => void): void {
    if (held.answered) return
    held.answered = true
    clearTimeout(held.timer)
    try {
      say()
    } catch {
      // The channel was closed a moment ago.
    }
  }

  function giveBack(held: Held): void {
    answer(held, () => held.channel.nack(held.message, false, true))
  }

  return {
    plan,
    stop() {
      stopped = true
      if (next !== undefined) giveBack(next)
      next = undefined
      // What is on its way until the broker has heard of it is given back.
      if (consumerTag !== undefined) channel?.cancel(consumerTag).catch(() => undefined)
      consumerTag = undefined
    },
    async flush() {
      // The broker reads a channel in order: its answer says that it has seen what was said before.
      await channel?.prefetch(1).catch(() => undefined)
    },
  }
}

/** The driver's message in the words of the port. */
export function incomingOf({
  content,
  properties,
}: Pick<ConsumeMessage, 'content' | 'properties'>): IncomingMessage {
  const { headers, ...others } = properties
  return { content, headers: headers ?? {}, properties: others }
}
