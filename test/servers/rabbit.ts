/** The RabbitMQ broker that all tests of a run share. Importing this file looks for it, and starts one where there is none. */
import { randomBytes } from 'node:crypto'
import amqp from 'amqplib'
import { askFor, describeWith } from './ask.ts'

const server = await askFor('rabbit')

/** `describe` for tests that need RabbitMQ: skipped with a loud line where there is none, failing when CI=true. */
export const describeWithRabbit = describeWith('RabbitMQ broker', server)

/** The address of the shared broker. Throws where there is none. */
export function rabbitUrl(): string {
  if ('missing' in server) throw new Error(server.missing)
  return server.url
}

/** What a test leaves on the broker; names without the prefix. */
export interface Leftovers {
  queues?: readonly string[]
  exchanges?: readonly string[]
}

/** Names on the shared broker that one test has for itself. */
export interface FreshPrefix extends AsyncDisposable {
  readonly url: string
  /** Goes before the name of each queue and exchange. */
  readonly prefix: string
  /** Deletes what the topology declares under the prefix, and `more`. `await using` does it at the end of the test. */
  deleteAll(more?: Leftovers): Promise<void>
}

/** Lanes whose queues `deleteAll` deletes unless told more: the names that the tests use. */
const queues = [
  'tasks.queue',
  'tasks.dlq.queue',
  ...['1s', '5s', '15s', '1m', '5m', '30m'].map(rung => `tasks.wait_${rung}.queue`),
]
const exchanges = ['tasks', 'tasks.retry', 'tasks.requeue', 'tasks.dlx', 'tasks.events', 'tasks.control'].map(
  name => `${name}.exchange`,
)

/**
 * Chooses a prefix; nothing is declared by it. `lanes` are the lanes besides the default one that the test uses. On the shared broker
 * unless another's address is given.
 */
export function freshPrefix(lanes: readonly string[] = [], url = rabbitUrl()): FreshPrefix {
  const prefix = `test_${randomBytes(6).toString('hex')}.`
  async function deleteAll(more: Leftovers = {}) {
    const connection = await amqp.connect(url)
    try {
      const channel = await connection.createChannel()
      const ofLanes = lanes.map(lane => `tasks.${lane}.queue`)
      for (const name of [...queues, ...ofLanes, ...(more.queues ?? [])])
        await channel.deleteQueue(`${prefix}${name}`)
      for (const name of [...exchanges, ...(more.exchanges ?? [])])
        await channel.deleteExchange(`${prefix}${name}`)
    } finally {
      await connection.close()
    }
  }
  return { url, prefix, deleteAll, [Symbol.asyncDispose]: deleteAll }
}
