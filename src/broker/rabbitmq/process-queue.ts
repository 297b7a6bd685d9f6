import type { Channel } from 'amqplib'
import type { IncomingMessage } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import { incomingOf } from './slot.ts'

/** What this process listens to. */
export interface ProcessQueueOptions {
  exchange: string
  key: string
  onMessage(message: IncomingMessage): void
  /** Messages come from now on; what was sent before is missed. */
  onReady?(): void
}

/**
 * A queue of this process alone. The broker deletes it with its connection, so it holds nothing for a process that is gone; it is made
 * again on the next connection, and what was sent meanwhile is missed.
 */
export function processQueuePlan({
  exchange,
  key,
  onMessage,
  onReady,
}: ProcessQueueOptions): ChannelPlan<Channel> {
  return {
    name: `own queue on ${exchange}`,
    open: session => session.consuming.createChannel(),
    async ready(channel) {
      const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false })
      await channel.bindQueue(queue, exchange, key)
      const take = (message: Parameters<typeof incomingOf>[0] | null) => {
        if (message !== null) onMessage(incomingOf(message))
        // The queue is gone; so is what was to come. The channel's end leads to a new one.
        else void channel.close().catch(() => undefined)
      }
      await channel.consume(queue, take, { noAck: true })
      onReady?.()
    },
  }
}
