import type { Channel } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { DeadMessage } from '../broker.ts'
import { messageTypes, readDead } from '../messages.ts'
import { type ChannelPlan, healthyMs } from './channels.ts'
import type { Health } from './failures.ts'
import type { Session } from './session.ts'
import { UnackedMessage } from './unacked-message.ts'
import { incomingOf } from './worker.ts'

/** Who takes the messages of the dead letter queue. */
export interface DeadLetterOptions {
  queue: string
  receiver(message: DeadMessage): Promise<void>
  log: Logger
  health: Health
}

/** Messages that are processed at once. */
const atOnce = 10
/** Milliseconds until a message that could not be processed is tried again. */
const againAfterMs = 5_000
/** Losses in a row, each soon after the connection was made, after which somebody should look. */
const manyLosses = 5
/** Milliseconds between two tries when this goes on. */
const longestWaitMs = 60_000

/**
 * Consumes the dead letter queue, on a connection of its own: headers of a stranger may be nested so deeply that the driver gives up the
 * connection on which they come, and in this queue a message stays until it was read. A message is acknowledged when it was processed.
 * One that could not be is held and tried again, never given back: it would come again at once, and again.
 */
export function deadLetterPlan(options: DeadLetterOptions): ChannelPlan<Channel> {
  return new DeadLetterReader(options).plan
}

class DeadLetterReader {
  readonly plan: ChannelPlan<Channel>
  readonly #options: DeadLetterOptions
  readonly #losses: Losses
  #channel: Channel | undefined

  constructor(options: DeadLetterOptions) {
    this.#options = options
    this.#losses = new Losses(options)
    this.plan = {
      name: 'dead letters',
      longestWaitMs,
      open: session => this.#open(session),
      ready: channel => this.#ready(channel),
      lost: () => this.#lost(),
    }
  }

  async #open(session: Session): Promise<Channel> {
    const channel = await session.openApart('dead letters')
    channel.once('close', () => {
      if (this.#channel === channel) this.#losses.add()
    })
    return channel
  }

  async #ready(channel: Channel): Promise<void> {
    this.#channel = channel
    await channel.prefetch(atOnce)
    await channel.consume(this.#options.queue, message => {
      if (message === null) this.#queueIsGone(channel)
      else void this.#take(new UnackedMessage(message, channel))
    })
    if (this.#channel === channel) this.#losses.forgetLater()
  }

  #lost(): void {
    this.#losses.remember()
    this.#channel = undefined
  }

  /** What is being processed meanwhile is not acknowledged: it is gone with the queue, or the broker has given it to another. */
  #queueIsGone(channel: Channel): void {
    if (this.#channel === channel) this.#lost()
    channel.close().catch(() => undefined)
  }

  async #take(held: UnackedMessage): Promise<void> {
    const { queue, receiver, log } = this.#options
    const incoming = incomingOf(held.message)
    const isProbe = incoming.properties['type'] === messageTypes.probe
    // On a channel that is gone the broker has given the message to another.
    while (!isProbe && this.#channel === held.channel) {
      try {
        await receiver(readDead(incoming))
        break
      } catch (error) {
        log.error({ err: error, queue }, 'a dead letter could not be processed; will retry')
        await new Promise(resolve => setTimeout(resolve, againAfterMs).unref())
      }
    }
    held.ack()
  }
}

/** Counts losses until one connection has stayed up, and reports many. */
class Losses {
  readonly #options: Pick<DeadLetterOptions, 'queue' | 'health'>
  #count = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: Pick<DeadLetterOptions, 'queue' | 'health'>) {
    this.#options = options
  }

  add(): void {
    this.#count += 1
    if (this.#count < manyLosses) return
    const { queue, health } = this.#options
    const text =
      `The connection that reads ${queue} is lost as soon as it is made. A message with deeply nested headers does this: ` +
      `take it out of the queue. Until then no dead letter is read; it is tried again every ${longestWaitMs / 1_000} seconds.`
    health.problem('dead letters', text)
  }

  /** A connection was made: when it has stayed for a while, the losses before it count no more. */
  forgetLater(): void {
    this.#timer = setTimeout(() => {
      this.#count = 0
      this.#options.health.solved('dead letters')
    }, healthyMs)
    this.#timer.unref()
  }

  /** It is gone. */
  remember(): void {
    clearTimeout(this.#timer)
  }
}
