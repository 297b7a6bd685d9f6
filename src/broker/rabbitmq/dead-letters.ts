import type { Channel, ConsumeMessage } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { DeadMessage } from '../broker.ts'
import { messageTypes, readDead } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
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

  async function take(channel: Channel, message: ConsumeMessage): Promise<void> {
    const incoming = incomingOf(message)
    const isProbe = incoming.properties['type'] === messageTypes.probe
    while (!isProbe && current === channel) {
      try {
        await receiver(readDead(incoming))
        break
      } catch (error) {
        log.error({ err: error, queue }, 'a dead letter could not be looked at; trying again')
        await new Promise(resolve => setTimeout(resolve, againAfterMs).unref())
      }
    }
    // On a channel that is gone the broker has given the message to another.
    if (current === channel) channel.ack(message)
  }

  return {
    name: 'dead letters',
    open: session => session.consuming.createChannel(),
    async ready(channel) {
      current = channel
      await channel.prefetch(atOnce)
      await channel.consume(queue, message => {
        if (message !== null) void take(channel, message)
        else void channel.close().catch(() => undefined)
      })
    },
    lost() {
      current = undefined
    },
  }
}
