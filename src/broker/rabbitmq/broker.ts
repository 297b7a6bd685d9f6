import { atMost } from '../../runtime/at-most.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Broker } from '../broker.ts'
import { Connection } from './connection.ts'
import { deliver } from './deliver.ts'
import { Gauge } from './gauge.ts'
import { createHealth, type Health } from './health.ts'
import { type RabbitmqOptions, type RabbitmqSettings, settingsOf } from './options.ts'
import { OwnTopology } from './own-topology.ts'
import { Publisher } from './publisher.ts'
import { createRemote } from './remote.ts'
import { startWorker, type Worker } from './worker.ts'

/** Milliseconds between two declarations of the whole topology: a binding that vanished is noticed by nobody else. */
const declareEveryMs = 30_000
/** Milliseconds that the end waits for the broker to take in what was acknowledged. */
const flushMs = 2_000

/**
 * Wakes workers of any number of processes through RabbitMQ. Throws OPTION_INVALID. `open` throws BROKER_UNSUITABLE where the broker has
 * queues or exchanges with other arguments, or refuses the login; a broker that does not answer is waited for, and tasks stay in the
 * store. It is opened once, also where that fails: again it throws OPTION_INVALID.
 */
export function rabbitmq(options: RabbitmqOptions): Broker {
  const settings = settingsOf(options)
  const parts = partsOf(settings)
  const { health, topology, gauge, connection, publisher, news, roomListeners } = parts
  const workers = new Map<string, Worker>()
  const isOpen = () => connection.connected && connection.blocked === undefined
  let declaring: NodeJS.Timeout | undefined
  return {
    kind: 'rabbitmq',
    async open(lanes) {
      if (declaring !== undefined) throw openedBefore()
      for (const { lane } of lanes) {
        topology.addLane(lane)
        gauge.add(lane, topology.names.laneQueue(lane))
      }
      for (const { plan } of [publisher, news]) connection.keep(plan)
      connection.keep(gauge.plan)
      declaring = setInterval(() => void connection.repair(), declareEveryMs)
      declaring.unref()
      await connection.open()
    },
    publish: deliveries => deliver(deliveries, { topology: topology.current, publisher, gauge }),
    consume(lane, receiver) {
      const queue = topology.names.laneQueue(lane.lane)
      const worker = startWorker({ lane, queue, receiver, settings, connection, gauge })
      workers.set(lane.lane, worker)
      return () => worker.stop()
    },
    reserve: lane => workers.get(lane)?.reserve(),
    room: lane => (isOpen() ? gauge.room(lane) : 0),
    isEmpty: lane => gauge.isEmpty(lane),
    takesUrgent: lane => isOpen() && gauge.takesUrgent(lane),
    onRoom: listener => roomListeners.push(listener),
    async close() {
      clearInterval(declaring)
      gauge.close()
      const all = [...workers.values()]
      for (const worker of all) worker.stop()
      await atMost(flushMs, Promise.all(all.map(worker => worker.flush())), () => undefined)
      await connection.close()
    },
    remote: createRemote({ settings, health, connection, news, names: topology.names }),
  }
}

/** What a broker is made of, tied together. */
function partsOf(settings: RabbitmqSettings) {
  const health = createHealth(settings.log)
  const topology = new OwnTopology(settings, health)
  const roomListeners: ((lane: string) => void)[] = []
  const gauge = new Gauge({
    settings,
    onRoom(lane) {
      for (const listener of roomListeners) listener(lane)
    },
  })
  const connection: Connection = new Connection({
    settings,
    health,
    prepare: session => topology.declare(session),
    changed() {
      tellBlocked(connection, health)
      gauge.refresh()
    },
  })
  return {
    ...{ health, topology, gauge, connection, roomListeners },
    publisher: publisherOf('deliveries', { settings, health, connection }),
    // What others are told is not held up, or lost, with a channel that the work queues closed.
    news: publisherOf('news', { settings, health, connection }),
  }
}

function publisherOf(
  name: string,
  { settings, health, connection }: { settings: RabbitmqSettings; health: Health; connection: Connection },
): Publisher {
  const { confirmMs, log } = settings
  return new Publisher({
    ...{ name, confirmMs, health, log },
    isBlocked: () => connection.blocked !== undefined,
    onReturned: () => void connection.repair(),
  })
}

function tellBlocked({ blocked }: Connection, health: Health): void {
  if (blocked === undefined) health.solved('blocked')
  else health.problem('blocked', `The broker takes no messages (${blocked}): free its memory or disk.`)
}

function openedBefore(): QuillworkError {
  return new QuillworkError(
    'OPTION_INVALID',
    'This broker was opened before. Make one with rabbitmq() for each engine, and another one after a start that failed.',
  )
}
