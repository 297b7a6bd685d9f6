import type { Channel } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { DeadMessage } from '../broker.ts'
import { messageTypes, readDead } from '../messages.ts'
import { type ChannelPlan, healthyMs } from './channels.ts'
import type { Health } from './health.ts'
import { HeldMessage } from './held-message.ts'
import { incomingOf } from './slot.ts'

/** Who takes the messages of the dead letter queue. */
export interface DeadLetterOptions {
  queue: string
  receiver(message: DeadMessage): Promise<void>
  log: Logger
  health: Health
}

/** Messages that are looked at at once. */
const atOnce = 10
/** Milliseconds until a message that could not be looked at is tried again. */
const againAfterMs = 5_000
/** Losses in a row, each soon after the connection was made, after which somebody should look. */
const manyLosses = 5
/** Milliseconds between two tries when this goes on. */
const longestWaitMs = 60_000

/**
 * Consumes the dead letter queue, on a connection of its own: headers of a stranger may be nested so deeply that the driver gives up the
 * connection on which they come, and in this queue a message stays until it was read. A message is acknowledged when it was looked at. One that could not be is held and tried again, never
 * given back: it would come again at once, and again.
 */
export function deadLetterPlan(options: DeadLetterOptions): ChannelPlan<Channel> {
  const { queue, log } = options
  const losses = countLosses(options)
  let current: Channel | undefined

  async function take(held: HeldMessage): Promise<void> {
    const incoming = incomingOf(held.message)
    const isProbe = incoming.properties['type'] === messageTypes.probe
    // On a channel that is gone the broker has given the message to another.
    while (!isProbe && current === held.channel) {
      try {
        await options.receiver(readDead(incoming))
        break
      } catch (error) {
        log.error({ err: error, queue }, 'a dead letter could not be looked at; trying again')
        await new Promise(resolve => setTimeout(resolve, againAfterMs).unref())
      }
    }
    held.ack()
  }

  /** What is being looked at meanwhile is not acknowledged: the broker has given it to another, or it is gone with the queue. */
  function queueIsGone(channel: Channel): void {
    if (current === channel) current = undefined
    channel.close().catch(() => undefined)
  }

  return {
    name: 'dead letters',
    longestWaitMs,
    async open(session) {
      const channel = await session.openApart('dead letters')
      channel.once('close', () => {
        if (current === channel) losses.add()
      })
      return channel
    },
    async ready(channel) {
      current = channel
      await channel.prefetch(atOnce)
      await channel.consume(queue, message => {
        if (message === null) queueIsGone(channel)
        else void take(new HeldMessage(message, channel))
      })
      if (current === channel) losses.endSoon()
    },
    lost() {
      losses.goOn()
      current = undefined
    },
  }
}

/** Counts losses until one connection has stayed, and tells of many. */
function countLosses({ queue, health }: DeadLetterOptions) {
  let count = 0
  let timer: NodeJS.Timeout | undefined
  return {
    add() {
      count += 1
      if (count < manyLosses) return
      const text =
        `The connection that reads ${queue} is lost as soon as it is made. A message with deeply nested headers does this: ` +
        `take it out of the queue. Until then no dead letter is read; it is tried again every ${longestWaitMs / 1_000} seconds.`
      health.problem('dead letters', text)
    },
    /** A connection was made: if it stays, the losses before it count no more. */
    endSoon() {
      timer = setTimeout(() => {
        count = 0
        health.solved('dead letters')
      }, healthyMs)
      timer.unref()
    },
    goOn: () => clearTimeout(timer),
  }
}
