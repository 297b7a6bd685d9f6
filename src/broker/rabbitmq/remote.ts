import { randomUUID } from 'node:crypto'
import type { BrokerHealth, ControlMessage, Published, RemoteBroker } from '../broker.ts'
import { eventMessage, readEvent } from '../cloud-events.ts'
import { controlMessage, noticeMessage, readControl } from '../messages.ts'
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

/** Control messages, news of dead letters, and events. */
export function createRemote({ settings, health, connection, news, names }: RemoteOptions): RemoteBroker {
  function sendControl(message: ControlMessage): void {
    // Best effort: nobody waits for the answer.
    void news.publish([
      { exchange: names.control, key: '', message: controlMessage(message, randomUUID()), mandatory: false },
    ])
  }

  function onControl(listener: (message: ControlMessage) => void): () => void {
    return keep(
      processQueuePlan({
        exchange: names.control,
        key: '',
        onMessage(message) {
          const read = readControl(message)
          if ('value' in read) listener(read.value)
          else settings.log.warn({ reason: read.malformed }, 'a control message was not understood')
        },
      }),
    )
  }

  function onEvents({ event, gap }: Parameters<RemoteBroker['onEvents']>[0]): () => void {
    const wasConnected = connection.connected
    return keep(
      processQueuePlan({
        exchange: names.events,
        key: eventKey('#'),
        onReady(isFirst) {
          if (!isFirst || !wasConnected) gap()
        },
        onMessage(message) {
          const read = readEvent(message)
          if ('value' in read) event(read.value)
        },
      }),
    )
  }

  function keep(plan: Parameters<Connection['keep']>[0]): () => void {
    const kept = connection.keep(plan)
    return () => void kept.end()
  }

  return {
    delays: rungs.map(({ ms }) => ms),
    tellsEvents: settings.events,
    sendControl,
    onControl,
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
      keep(deadLetterPlan({ queue: names.deadLetters, receiver, log: settings.log })),
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
    onEvents,
    health: (): BrokerHealth => ({
      connected: connection.connected,
      blocked: connection.blocked !== undefined,
      problems: health.problems(),
      reconnects: health.reconnects,
      returned: health.returned,
      unconfirmed: health.unconfirmed,
    }),
  }
}
