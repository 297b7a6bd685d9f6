import type { Channel } from 'amqplib'
import { systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { retryUntilStored } from '../../runtime/retry-until-stored.ts'
import type { DeadMessage } from '../broker.ts'
import { messageTypes, readDead } from '../messages.ts'
import { type ChannelPlan, healthyMs } from './channels.ts'
import type { Health } from './failures.ts'
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
  const { queue, receiver, log, health } = options
  let current: Channel | undefined
  /** Losses in a row; none any more once a connection has stayed for a while. */
  let losses = 0
  let healthy: NodeJS.Timeout | undefined

  function lost(): void {
    clearTimeout(healthy)
    current = undefined
  }

  function countLoss(): void {
    losses += 1
    if (losses < manyLosses) return
    const text =
      `The connection that reads ${queue} is lost as soon as it is made. A message with deeply nested headers does this: ` +
      `take it out of the queue. Until then no dead letter is read; it is tried again every ${longestWaitMs / 1_000} seconds.`
    health.problem('dead letters', text)
  }

  async function take(held: UnackedMessage): Promise<void> {
    const incoming = incomingOf(held.message)
    // On a channel that is gone the broker has given the message to another.
    const isOurs = () => current === held.channel
    const again = (error: unknown) => {
      log.error({ err: error, queue }, 'a dead letter could not be processed; will retry')
      return isOurs()
    }
    const file = async () => (isOurs() ? receiver(readDead(incoming)) : undefined)
    if (incoming.properties['type'] !== messageTypes.probe)
      await retryUntilStored(file, { clock: systemClock, again }).catch(() => undefined)
    held.ack()
  }

  return {
    name: 'dead letters',
    longestWaitMs,
    async open(session) {
      const channel = await session.openApart('dead letters')
      channel.once('close', () => {
        if (current === channel) countLoss()
      })
      return channel
    },
    async ready(channel) {
      current = channel
      await channel.prefetch(atOnce)
      await channel.consume(queue, message => {
        if (message !== null) return void take(new UnackedMessage(message, channel))
        // What is being processed meanwhile is not acknowledged: it is gone with the queue, or the broker has given it to another.
        if (current === channel) lost()
        channel.close().catch(() => undefined)
      })
      if (current !== channel) return
      healthy = setTimeout(() => {
        losses = 0
        health.solved('dead letters')
      }, healthyMs).unref()
    },
    lost,
  }
}
