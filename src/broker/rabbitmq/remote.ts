import { randomUUID } from 'node:crypto'
import type { Channel } from 'amqplib'
import type { BrokerHealth, ControlMessage, Published, RemoteBroker } from '../broker.ts'
import { eventMessage, readEvent } from '../cloud-events.ts'
import { controlMessage, type IncomingMessage, notificationMessage, readControl } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import type { Connection } from './connection.ts'
import { deadLetterPlan } from './dead-letters.ts'
import type { Health } from './failures.ts'
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
export function createRemote(options: RemoteOptions): RemoteBroker {
  const { settings, health, connection, notifier, names } = options
  return {
    delays: delayTiers.map(({ ms }) => ms),
    publishesEvents: settings.events,
    sendControl(message) {
      const content = controlMessage(message, randomUUID())
      // Best effort: nobody waits for the answer.
      void notifier.publish([{ exchange: names.control, key: '', message: content, mandatory: false }])
    },
    onControl: listener => keep(connection, controlPlan(options, listener)),
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
      keep(connection, deadLetterPlan({ queue: names.deadLetters, receiver, log: settings.log, health })),
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
    onEvents: listeners => keep(connection, eventsPlan(options, listeners)),
    health: () => healthOf(options),
  }
}

function keep(connection: Connection, plan: ChannelPlan<Channel>): () => void {
  const end = connection.recover(plan)
  return () => void end()
}

function controlPlan(
  { names, settings }: RemoteOptions,
  listener: (message: ControlMessage) => void,
): ChannelPlan<Channel> {
  return processQueuePlan({
    exchange: names.control,
    key: '',
    onMessage(message) {
      const read = readControl(message)
      if ('value' in read) listener(read.value)
      else settings.log.warn({ reason: read.malformed }, 'control message not readable; dropped')
    },
  })
}

function eventsPlan(
  { names, settings }: RemoteOptions,
  { event, gap }: Parameters<RemoteBroker['onEvents']>[0],
): ChannelPlan<Channel> {
  return processQueuePlan({
    exchange: names.events,
    key: eventKey('#'),
    // The first time too: somebody may have listened since before the queue was there.
    onReady: gap,
    onMessage(message) {
      const read = readEvent(message)
      if ('value' in read) event(read.value)
      else settings.log.warn({ reason: read.malformed }, 'event not readable; dropped')
    },
  })
}

function healthOf({ connection, health }: RemoteOptions): BrokerHealth {
  return {
    connected: connection.connected,
    blocked: connection.blocked !== undefined,
    problems: health.problems(),
    reconnects: health.reconnects,
    returned: health.returned,
    unconfirmed: health.unconfirmed,
  }
}

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
function processQueuePlan({ exchange, key, onMessage, onReady }: ProcessQueueOptions): ChannelPlan<Channel> {
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
