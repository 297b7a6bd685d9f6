import { setTimeout as sleep } from 'node:timers/promises'
import amqp, { type ChannelModel, type ConsumeMessage } from 'amqplib'
import type { Servers } from './system.ts'

/** A connection of the test itself to the broker, for what a person or another program could do there. */
export interface Messages extends AsyncDisposable {
  /** Publishes bytes to the queue of the default lane, past every exchange. */
  toWorkQueue(content: Buffer | string, properties?: amqp.Options.Publish): Promise<void>
  deleteQueue(name: string): Promise<void>
  /** Throws away what waits in a queue. Answers how many messages. */
  purge(name: string): Promise<number>
  unbind(queue: string, exchange: string, key: string): Promise<void>
  /** How many messages wait in a queue; undefined when it is not there. */
  waiting(name: string): Promise<number | undefined>
  /** Sends each task's message again, so often and so much later. Answers how many were sent. */
  repeat(times: number, laterMs: (nth: number) => number): Promise<() => number>
  /** Keeps a copy of each task's message. What it answers sends those that are wanted again, once each, and answers how many. */
  keep(): Promise<(isWanted: (message: Asked) => boolean) => number>
}

/** What a message asks for. */
export interface Asked {
  taskId: string
  attempt: number
}

/** Connects to the broker of a run. Names are without the prefix. */
export async function connectTo({ rabbitUrl, prefix }: Required<Servers>): Promise<Messages> {
  const connection = await amqp.connect(rabbitUrl)
  const channel = await connection.createConfirmChannel()
  const full = (name: string) => `${prefix}${name}`

  async function toWorkQueue(content: Buffer | string, properties: amqp.Options.Publish = {}) {
    channel.sendToQueue(full('tasks.queue'), Buffer.from(content), { persistent: true, ...properties })
    await channel.waitForConfirms()
  }

  return {
    toWorkQueue,
    async deleteQueue(name) {
      await channel.deleteQueue(full(name))
    },
    async purge(name) {
      return (await channel.purgeQueue(full(name))).messageCount
    },
    async unbind(queue, exchange, key) {
      await channel.unbindQueue(full(queue), full(exchange), key)
    },
    waiting: name => countOf(connection, full(name)),
    async repeat(times, laterMs) {
      let sent = 0
      const { queue } = await channel.assertQueue('', { exclusive: true })
      await channel.bindQueue(queue, full('tasks.exchange'), '#')
      const again = async (message: ConsumeMessage) => {
        for (let nth = 0; nth < times; nth++) {
          await sleep(laterMs(nth))
          const { properties, content } = message
          channel.sendToQueue(full('tasks.queue'), content, properties as amqp.Options.Publish)
          sent += 1
        }
      }
      // A message that comes after the end of the run is of no use.
      const onMessage = (message: ConsumeMessage | null) =>
        void (message && again(message).catch(() => undefined))
      await channel.consume(queue, onMessage, { noAck: true })
      return () => sent
    },
    async keep() {
      const kept = new Map<ConsumeMessage, Asked>()
      const { queue } = await channel.assertQueue('', { exclusive: true })
      await channel.bindQueue(queue, full('tasks.exchange'), '#')
      const keep = (message: ConsumeMessage | null) => void (message && kept.set(message, askedIn(message)))
      await channel.consume(queue, keep, { noAck: true })
      return isWanted => {
        const wanted = [...kept].filter(([, asked]) => isWanted(asked))
        for (const [message] of wanted) {
          kept.delete(message)
          const { properties, content } = message
          channel.sendToQueue(full('tasks.queue'), content, properties as amqp.Options.Publish)
        }
        return wanted.length
      }
    },
    async [Symbol.asyncDispose]() {
      await connection.close()
    },
  }
}

/** A message names the attempts that were before the one that it asks for. */
function askedIn({ content }: ConsumeMessage): Asked {
  const { taskId, attempt } = JSON.parse(content.toString()) as Asked
  return { taskId, attempt: attempt + 1 }
}

/** A channel of its own: asking for a queue that is not there closes it. */
async function countOf(connection: ChannelModel, name: string): Promise<number | undefined> {
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  try {
    const { messageCount } = await channel.checkQueue(name)
    await channel.close()
    return messageCount
  } catch {
    return undefined
  }
}
