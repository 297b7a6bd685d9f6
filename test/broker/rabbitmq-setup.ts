import amqp, { type Channel } from 'amqplib'
import type { Broker, Received, RemoteBroker } from '../../src/broker/broker.ts'
import { type RabbitmqOptions, rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import type { Delivery } from '../../src/store/store.ts'
import { type CapturedLog, createCapturedLog } from '../../src/testing/recorder.ts'
import { freshPrefix } from '../servers/rabbit.ts'

/** A broker with a prefix of its own, and a channel to look at, and disturb, what it has on the server. */
export interface Opened extends AsyncDisposable {
  broker: Broker
  remote: RemoteBroker
  channel: Channel
  log: CapturedLog
  url: string
  /** The full name of a queue or exchange. */
  name(short: string): string
}

/** Opens a broker on the shared server; `await using` closes it and deletes what it made. */
export async function openOnShared(options: Partial<RabbitmqOptions> = {}): Promise<Opened> {
  const names = freshPrefix()
  const observer = await amqp.connect(names.url)
  // Disturbing the server closes connections too; the test sees what follows.
  observer.on('error', () => undefined)
  const channel = await observer.createChannel()
  channel.on('error', () => undefined)
  const log = createCapturedLog()
  const broker = rabbitmq({ url: names.url, prefix: names.prefix, log, ...options })
  await broker.open([{ lane: 'default', slots: 2 }])
  if (broker.remote === undefined) throw new Error('The broker has no remote part.')
  return {
    broker,
    remote: broker.remote,
    channel,
    log,
    url: names.url,
    name: short => `${names.prefix}${short}`,
    async [Symbol.asyncDispose]() {
      await broker.close()
      await observer.close()
      await names.deleteAll({ queues: ['tasks.events.stream'] })
    },
  }
}

/** Deliveries of the default lane with the ids `task-<from>` and on. */
export function someDeliveries(count: number, from = 0): Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    taskId: `task-${from + index}`,
    taskType: 'Write',
    lane: 'default',
    attempt: 0,
    crashCount: 0,
  }))
}

/** Takes deliveries and keeps each until it is told how it ends. */
export class HoldingWorker {
  readonly held: { received: Received; free(): void }[] = []

  readonly receive = (received: Received): Promise<void> =>
    new Promise(resolve => {
      this.held.push({ received, free: resolve })
    })

  /** Ids in the order in which they came. */
  ids(): string[] {
    return this.held.map(({ received }) => received.delivery.taskId)
  }
}
