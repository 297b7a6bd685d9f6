import { randomUUID } from 'node:crypto'
import type { Channel } from 'amqplib'
import type { BrokerHealth, ControlMessage, Published, RemoteBroker } from '../broker.ts'
import { eventMessage, readEvent } from '../cloud-events.ts'
import { controlMessage, noticeMessage, readControl } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import type { Connection } from './connection.ts'
import { deadLetterPlan } from './dead-letters.ts'
import type { Health } from './health.ts'
import type { RabbitmqSettings } from './options.ts'
import { processQueuePlan } from './process-queue.ts'
import type { Publisher } from './publisher.ts'
import { rungs } from './rungs.ts'
import { eventKey, type TopologyNames, taskKey } from './topology.ts'

/** What the part that only a broker between processes has is made of. */
export interface RemoteOptions {
  settings: RabbitmqSettings
  health: Health
  connection: Connection
  /** Publishes what others are told; deliveries have a publisher of their own. */
  news: Publisher
  names: TopologyNames
}

/** What only a broker between processes offers: control messages, news of dead letters, and events. */
export function createRemote(options: RemoteOptions): RemoteBroker {
  const { settings, health, connection, news, names } = options
  return {
    delays: rungs.map(({ ms }) => ms),
    tellsEvents: settings.events,
    sendControl(message) {
      const content = controlMessage(message, randomUUID())
      // Best effort: nobody waits for the answer.
      void news.publish([{ exchange: names.control, key: '', message: content, mandatory: false }])
    },
    onControl: listener => keep(connection, controlPlan(options, listener)),
    publishNotices: notices =>
      news.publish(
        notices.map(notice => ({
          exchange: names.dlx,
          key: taskKey(notice.lane, notice.taskType),
          message: noticeMessage(notice),
          mandatory: true,
        })),
      ),
    consumeDeadLetters: receiver =>
      keep(connection, deadLetterPlan({ queue: names.deadLetters, receiver, log: settings.log, health })),
    async publishEvents(events): Promise<Published[]> {
      if (!settings.events) return events.map(() => 'confirmed')
      return news.publish(
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
  const end = connection.keep(plan)
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
      else settings.log.warn({ reason: read.malformed }, 'a control message was not understood')
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
      else settings.log.warn({ reason: read.malformed }, 'an event was not understood')
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
