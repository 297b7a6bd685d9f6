import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import { endNames } from '../../task/events.ts'
import type { Published, RemoteBroker, SignedMessage } from '../broker.ts'
import { eventMessage, readEvent } from '../cloud-events.ts'
import {
  controlMessage,
  type IncomingMessage,
  notificationMessage,
  type Read,
  readControl,
} from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import type { Connection } from './connection.ts'
import { deadLetterPlan } from './dead-letters.ts'
import { type Health, messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import type { Publisher } from './publisher.ts'
import { delayTiers, eventKey, type TopologyNames, taskKey } from './topology.ts'
import { incomingOf } from './worker.ts'

/** What the part that only a broker between processes has is made of. */
export interface RemoteOptions {
  settings: RabbitmqSettings
  health: Health
  connection: Connection
  /** Publishes events, notifications and control messages; deliveries have a publisher of their own. */
  notifier: Publisher
  names: TopologyNames
}

/** What only a broker between processes offers: control messages, dead-letter notifications and events. */
export function createRemote({ settings, health, connection, notifier, names }: RemoteOptions): RemoteBroker {
  const { log } = settings
  const listen = <T>(listening: Listening<T>) =>
    connection.recover(processQueuePlan(listening, { settings, health }))
  return {
    delays: delayTiers.map(({ ms }) => ms),
    publishesEvents: settings.events,
    sendControl(message) {
      const content = controlMessage(message, randomUUID())
      // Best effort: nobody waits for the answer.
      void notifier.publish([{ exchange: names.control, key: '', message: content, mandatory: false }])
    },
    onControl: listener =>
      listen({ exchange: names.control, keys: [''], what: 'control', read: readControl, listener }),
    publishNotifications: notifications =>
      notifier.publish(
        notifications.map(notification => ({
          exchange: names.dlx,
          key: taskKey(notification.lane, notification.taskType),
          message: notificationMessage(notification),
          mandatory: true,
        })),
      ),
    consumeDeadLetters: receiver =>
      connection.recover(deadLetterPlan({ queue: names.deadLetters, receiver, log, health })),
    async publishEvents(events): Promise<Published[]> {
      if (!settings.events) return events.map(() => 'confirmed')
      return notifier.publish(
        // Not mandatory: nobody needs to listen.
        events.map(event => ({
          exchange: names.events,
          key: eventKey(event.name),
          message: eventMessage(event),
          mandatory: false,
        })),
      )
    },
    onEvents: ({ event, gap }, which = 'all') =>
      listen({
        exchange: names.events,
        keys: which === 'all' ? [eventKey('#')] : endKeys,
        what: 'event',
        read: readEvent,
        listener: event,
        // The first time too: somebody may have listened since before the queue was there.
        onReady: gap,
      }),
    health: () => ({
      connected: connection.connected,
      blocked: connection.blocked !== undefined,
      problems: health.problems,
      reconnects: health.reconnects,
      returned: health.returned,
      unconfirmed: health.unconfirmed,
      rejected: { ...health.rejected },
    }),
  }
}

/** The routing keys of events that end a task. */
const endKeys = [...new Set(Object.values(endNames))].map(eventKey)

/** What this process listens to. */
interface Listening<T> {
  exchange: string
  keys: readonly string[]
  what: Exclude<SignedMessage, 'delivery'>
  read(message: IncomingMessage): Read<T>
  listener(value: T): void
  /** Messages come from now on; what was sent before is missed. */
  onReady?(): void
}

/**
 * A queue of this process alone. The broker deletes it with its connection, so it holds nothing for a process that is gone; it is made
 * again on the next connection, and what was sent meanwhile is missed.
 */
function processQueuePlan<T>(
  listening: Listening<T>,
  { settings, health }: Pick<RemoteOptions, 'settings' | 'health'>,
): ChannelPlan<Channel> {
  const { exchange, keys, what } = listening
  return {
    name: `own queue on ${exchange}`,
    open: session => session.consuming.createChannel(),
    async ready(channel) {
      const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false })
      for (const key of keys) await channel.bindQueue(queue, exchange, key)
      const take = (message: ConsumeMessage | null) => {
        // The queue is gone; so is what was to come. The channel's end leads to a new one.
        if (message === null) return void channel.close().catch(() => undefined)
        const incoming = incomingOf(message)
        if (!settings.keys.accepts(incoming)) return health.reject(what)
        // What is thrown here would end the connection, and the next message from the same hand the next one.
        try {
          const read = listening.read(incoming)
          if ('value' in read) listening.listener(read.value)
          else health.reject(what, read.malformed)
        } catch (error) {
          health.reject(what, messageOf(error))
        }
      }
      await channel.consume(queue, take, { noAck: true })
      listening.onReady?.()
    },
  }
}
