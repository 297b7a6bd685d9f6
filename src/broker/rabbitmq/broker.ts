import { atMost } from '../../runtime/at-most.ts'
import { createEmitter } from '../../runtime/emitter.ts'
import type { Delivery } from '../../store/store.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Broker, Published } from '../broker.ts'
import { Connection } from './connection.ts'
import { TopologyRepair } from './declare.ts'
import { Health } from './failures.ts'
import { type RabbitmqOptions, type RabbitmqSettings, settingsOf } from './options.ts'
import { deliver, Publisher } from './publisher.ts'
import { QueueDepth } from './queue-depth.ts'
import { createRemote } from './remote.ts'
import { startWorker, type Worker } from './worker.ts'

/** Milliseconds between two declarations of the whole topology: a binding that vanished is noticed by nobody else. */
const declareEveryMs = 30_000
/** Milliseconds that the end waits for the broker to take in what was acknowledged. */
const flushMs = 2_000

/**
 * Wakes workers of any number of processes through RabbitMQ. Throws OPTION_INVALID. `open` throws BROKER_UNSUITABLE where the broker has
 * queues or exchanges with other arguments, or refuses the login; a broker that does not answer is waited for, and tasks start in
 * the free slots of this process. It is opened once, also where that fails: again it throws OPTION_INVALID.
 */
export function rabbitmq(options: RabbitmqOptions): Broker {
  const settings = settingsOf(options)
  const { health, topology, depth, connection, publisher, notifier, capacity, workers } = partsOf(settings)
  let declaring: NodeJS.Timeout | undefined
  return {
    kind: 'rabbitmq',
    async open(lanes) {
      if (declaring !== undefined) throw new QuillworkError('OPTION_INVALID', openedBefore)
      for (const { lane } of lanes) {
        topology.addLane(lane)
        depth.add(lane, topology.current.names.laneQueue(lane))
      }
      for (const { plan } of [publisher, notifier]) connection.recover(plan)
      connection.recover(depth.plan)
      declaring = setInterval(() => void connection.repair(), declareEveryMs).unref()
      await connection.open()
    },
    async publish(deliveries) {
      return isOpen(connection)
        ? deliver(deliveries, { topology: topology.current, publisher, depth })
        : startHere(deliveries, workers)
    },
    consume(lane, receiver) {
      const known = workers.get(lane.lane)
      if (known?.resize(lane.slots) === true) return () => known.stop()
      const queue = topology.current.names.laneQueue(lane.lane)
      const freed = () => {
        if (!isOpen(connection)) capacity.emit(lane.lane)
      }
      const worker = startWorker({ lane, queue, receiver, settings, health, connection, depth, freed })
      workers.set(lane.lane, worker)
      return () => worker.stop()
    },
    reserve: lane => workers.get(lane)?.reserve(),
    capacity: lane => (isOpen(connection) ? depth.capacity(lane) : (workers.get(lane)?.free() ?? 0)),
    isEmpty: lane => depth.isEmpty(lane),
    takesUrgent: lane => isOpen(connection) && depth.takesUrgent(lane),
    isAlone: () => !isOpen(connection),
    onCapacity: listener => void capacity.on(listener),
    async close() {
      clearInterval(declaring)
      depth.close()
      const all = [...workers.values()]
      for (const worker of all) worker.stop()
      await atMost(flushMs, Promise.all(all.map(worker => worker.flush())), () => undefined)
      await connection.close()
    },
    remote: createRemote({ settings, health, connection, notifier, names: topology.current.names }),
  }
}

/** Whether it takes messages. */
function isOpen({ connected, blocked }: Connection): boolean {
  return connected && blocked === undefined
}

/** While the broker is away deliveries start in the slots of this process that are free. What is to be held for a time stays in the store. */
function startHere(deliveries: readonly Delivery[], workers: ReadonlyMap<string, Worker>): Published[] {
  return deliveries.map(delivery => {
    const isNow = delivery.headers?.delayMs === undefined
    return isNow && workers.get(delivery.lane)?.start(delivery) ? 'confirmed' : 'unconfirmed'
  })
}

/** What a broker is made of, tied together. */
function partsOf(settings: RabbitmqSettings) {
  const workers = new Map<string, Worker>()
  const health = new Health(settings.log)
  const topology = new TopologyRepair(settings, health)
  const capacity = createEmitter<[lane: string]>()
  const depth = new QueueDepth(settings, lane => capacity.emit(lane))
  const connection: Connection = new Connection({
    settings,
    health,
    prepare: session => topology.declare(session),
    changed() {
      noteBlocked(connection, health)
      depth.refresh()
      if (!isOpen(connection)) for (const lane of workers.keys()) capacity.emit(lane)
    },
  })
  return {
    health,
    topology,
    depth,
    connection,
    capacity,
    workers,
    publisher: new Publisher({ name: 'deliveries', settings, health, connection }),
    // Events and notifications do not wait for, or go down with, a channel that the work queues closed.
    notifier: new Publisher({ name: 'notifications', settings, health, connection }),
  }
}

function noteBlocked({ blocked }: Connection, health: Health): void {
  if (blocked === undefined) health.solved('blocked')
  else health.problem('blocked', `The broker takes no messages (${blocked}): free its memory or disk.`)
}

const openedBefore =
  'This broker was opened before. Make one with rabbitmq() for each engine, and another one after a start that failed.'
