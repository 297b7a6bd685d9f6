import type { Channel } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { DeadMessage } from '../broker.ts'
import { messageTypes, readDead } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import { HeldMessage } from './held-message.ts'
import { incomingOf } from './slot.ts'

/** Who takes the messages of the dead letter queue. */
export interface DeadLetterOptions {
  queue: string
  receiver(message: DeadMessage): Promise<void>
  log: Logger
}

/** Messages that are looked at at once. */
const atOnce = 10
/** Milliseconds until a message that could not be looked at is tried again. */
const againAfterMs = 5_000

/**
 * Consumes the dead letter queue. A message is acknowledged when it was looked at. One that could not be is held and tried again, never
 * given back: it would come again at once, and again.
 */
export function deadLetterPlan({ queue, receiver, log }: DeadLetterOptions): ChannelPlan<Channel> {
  let current: Channel | undefined

  async function take(held: HeldMessage): Promise<void> {
    const incoming = incomingOf(held.message)
    const isProbe = incoming.properties['type'] === messageTypes.probe
    // On a channel that is gone the broker has given the message to another.
    while (!isProbe && current === held.channel) {
      try {
        await receiver(readDead(incoming))
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
    open: session => session.consuming.createChannel(),
    async ready(channel) {
      current = channel
      await channel.prefetch(atOnce)
      await channel.consume(queue, message => {
        if (message === null) queueIsGone(channel)
        else void take(new HeldMessage(message, channel))
      })
    },
    lost() {
      current = undefined
    },
  }
}
