import type { Broker } from '../broker.ts'
import { Connection } from './connection.ts'
import { atMost } from './deadline.ts'
import { declareTopology, offersDelayedExchange } from './declare.ts'
import { deliver } from './deliver.ts'
import { messageOf, unsuitable } from './failures.ts'
import { Gauge } from './gauge.ts'
import { createHealth } from './health.ts'
import { type RabbitmqOptions, type RabbitmqSettings, settingsOf } from './options.ts'
import { Publisher } from './publisher.ts'
import { createRemote } from './remote.ts'
import type { Session } from './session.ts'
import { type Delay, topologyOf } from './topology.ts'
import { startWorker, type Worker } from './worker.ts'

/** Milliseconds between two declarations of the whole topology: a binding that vanished is noticed by nobody else. */
const declareEveryMs = 30_000
/** Milliseconds that the end waits for the broker to take in what was acknowledged. */
const flushMs = 2_000

/**
 * Wakes workers of any number of processes through RabbitMQ. Throws OPTION_INVALID. `open` throws BROKER_UNSUITABLE where the broker has
 * queues or exchanges with other arguments, or refuses the login; a broker that does not answer is waited for, and tasks stay in the store.
 */
export function rabbitmq(options: RabbitmqOptions): Broker {
  const settings = settingsOf(options)
  const health = createHealth(settings.log)
  const roomListeners: ((lane: string) => void)[] = []
  const workers: Worker[] = []
  let topology = topologyOf({ ...settings, lanes: [], delay: 'wait-queues' })
  const lanes = new Set<string>()
  const connection = new Connection({ settings, health, prepare, changed })
  const gauge = new Gauge({ settings, onRoom })
  const publishing = {
    confirmMs: settings.confirmMs,
    health,
    log: settings.log,
    isBlocked: () => connection.blocked !== undefined,
    onReturned: () => void connection.repair(),
  }
  const publisher = new Publisher({ ...publishing, name: 'deliveries' })
  // What others are told is not held up, or lost, with a channel that the work queues closed.
  const news = new Publisher({ ...publishing, name: 'news' })
  let declaring: NodeJS.Timeout | undefined

  async function prepare(session: Session): Promise<void> {
    topology = topologyOf({ ...settings, lanes: [...lanes], delay: await delayOn(session, settings) })
    try {
      await declareTopology(session.consuming, topology)
      health.solved('topology')
    } catch (error) {
      health.problem('topology', messageOf(error))
      throw error
    }
  }

  function changed(): void {
    const { blocked } = connection
    if (blocked === undefined) health.solved('blocked')
    else health.problem('blocked', `The broker takes no messages (${blocked}): free its memory or disk.`)
    gauge.refresh()
  }

  function onRoom(lane: string): void {
    for (const listener of roomListeners) listener(lane)
  }

  return {
    kind: 'rabbitmq',
    open(opened) {
      for (const { lane } of opened) {
        lanes.add(lane)
        gauge.add(lane, topology.names.laneQueue(lane))
      }
      for (const plan of [publisher.plan, news.plan]) connection.keep(plan)
      connection.keep(gauge.plan)
      declaring = setInterval(() => void connection.repair(), declareEveryMs)
      declaring.unref()
      return connection.open()
    },
    publish: deliveries => deliver(deliveries, { topology, publisher, gauge }),
    consume(lane, receiver) {
      const queue = topology.names.laneQueue(lane.lane)
      const worker = startWorker({ lane, queue, receiver, settings, connection, gauge })
      workers.push(worker)
      return () => worker.stop()
    },
    room: lane => (connection.connected && connection.blocked === undefined ? gauge.room(lane) : 0),
    isEmpty: lane => gauge.isEmpty(lane),
    onRoom: listener => roomListeners.push(listener),
    async close() {
      clearInterval(declaring)
      gauge.close()
      for (const worker of workers) worker.stop()
      await atMost(flushMs, Promise.all(workers.map(worker => worker.flush())))
      await connection.close()
    },
    remote: createRemote({ settings, health, connection, news, names: topology.names }),
  }
}

/** Who holds delayed deliveries on this broker. Throws BROKER_UNSUITABLE where the wanted one is not offered. */
async function delayOn({ consuming }: Session, { delay, prefix }: RabbitmqSettings): Promise<Delay> {
  if (delay === 'wait-queues') return delay
  if (await offersDelayedExchange(consuming, prefix)) return 'delayed-exchange'
  if (delay === 'auto') return 'wait-queues'
  throw unsuitable(
    "The broker does not offer the exchange type x-delayed-message. Enable its plugin, or use delay: 'wait-queues'.",
  )
}
