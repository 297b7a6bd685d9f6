import amqp from 'amqplib'
import { rabbitmq } from '../../dist/broker/rabbitmq/index.js'
import { topologyOf } from '../../dist/broker/rabbitmq/topology.js'
import { createEngine } from '../../dist/index.js'
import { createMetrics } from '../../dist/observe/metrics.js'
import { mongodb } from '../../dist/store/mongodb/index.js'
import { familyTask, noopTask } from '../engine.mjs'
import { payload, WIDTH } from '../load.mjs'

/** An engine as a process of a server would make it, with one lane, the defaults of its parts, and metrics on. */
export async function openDistributed(options, onStart) {
  const { mongoUrl, rabbitUrl, name, events, slots = WIDTH, waitMs } = options
  const noop = noopTask(onStart, waitMs)
  const family = familyTask(noop)
  const engine = await createEngine({
    tasks: [noop, family],
    store: mongodb({ url: mongoUrl, database: name }),
    broker: rabbitmq({ url: rabbitUrl, prefix: `${name}.`, events }),
    lanes: { default: { slots } },
  })
  createMetrics({ engine })
  return { engine, noop, family }
}

/** Submits, runs and waits in this process. A task counts as ended when its handle's `result()` has resolved. */
export async function openSubject(options, { onStart, onEnd }) {
  const { engine, noop } = await openDistributed(options, onStart)
  await engine.start()
  return {
    async submit(index) {
      const handle = await engine.submit(noop, payload(index))
      void handle.result().then(onEnd)
    },
    close: () => engine[Symbol.asyncDispose](),
  }
}

/** Deletes the queues and exchanges that an engine declared under its prefix. */
export async function removeTopology(rabbitUrl, name) {
  const { queues, exchanges } = topologyOf({ prefix: `${name}.`, lanes: ['default'] })
  const connection = await amqp.connect(rabbitUrl)
  const channel = await connection.createChannel()
  for (const queue of queues) await channel.deleteQueue(queue.name)
  for (const exchange of exchanges) await channel.deleteExchange(exchange.name)
  await connection.close()
}
