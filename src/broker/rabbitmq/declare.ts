import type { Channel, ChannelModel } from 'amqplib'
import { defined } from '../../task/defined.ts'
import { type Health, isDifferent, isRefusal, messageOf, unsuitable } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import type { Session } from './session.ts'
import { type Delay, type Exchange, type Queue, type Topology, topologyOf } from './topology.ts'

/** What to do where the broker has something with other arguments. */
export const howToReplace =
  'Arguments of an exchange or queue cannot be changed: let it run empty, delete it, and start again; or use another prefix. ' +
  'What the queue still holds is sent again from the store.'

/**
 * Declares what is missing, and binds. What is there already stays as it is, so this may be done at any time, by any number of
 * processes. Each part is declared even where another is refused; then throws the first refusal: BROKER_UNSUITABLE where something is
 * there with other arguments, or the user may not declare it.
 */
export async function declareTopology(connection: ChannelModel, topology: Topology): Promise<void> {
  const parts = partsOf(topology)
  const refusals: unknown[] = []
  // A refusal closes the channel; the parts after it get another one.
  while (parts.length > 0) {
    await inThrowAwayChannel(connection, channel =>
      declareUntilRefused(channel, parts).catch(error => refusals.push(error)),
    )
  }
  if (refusals.length > 0) throw refusals[0]
}

/** Declares one exchange, queue or binding. */
type Part = (channel: Channel) => Promise<unknown>

function partsOf({ exchanges, queues, bindings }: Topology): Part[] {
  return [
    ...exchanges.map(exchange => partOf(`exchange ${exchange.name}`, declareExchange(exchange))),
    ...queues.map(queue => partOf(`queue ${queue.name}`, declareQueue(queue))),
    // A binding that is there already stays one; it cannot be distinguished from one that was made just now.
    ...bindings.map(({ queue, exchange, key }) =>
      partOf(`binding of ${queue} to ${exchange}`, channel => channel.bindQueue(queue, exchange, key)),
    ),
  ]
}

/** A part that says what was refused, and what to do. */
function partOf(what: string, declare: Part): Part {
  return async channel => {
    try {
      await declare(channel)
    } catch (error) {
      if (isDifferent(error))
        throw unsuitable(`The ${what} differs: ${messageOf(error)}. ${howToReplace}`, error)
      if (!isRefusal(error)) throw error
      const message =
        `The user may not make the ${what}: ${messageOf(error)}. Give it the permission to configure, write and read what Quillwork's ` +
        'names begin with (rabbitmqctl set_permissions).'
      throw unsuitable(message, error)
    }
  }
}

/** Takes parts from the list, each as it is declared; the refused one too. */
async function declareUntilRefused(channel: Channel, parts: Part[]): Promise<void> {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) await part(channel)
}

/** A refused declaration closes its channel, so it gets one that nobody else uses. */
export async function inThrowAwayChannel<T>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await connection.createChannel()
  // The driver throws where nobody listens; the rejection of the call says the same.
  channel.on('error', () => undefined)
  try {
    return await work(channel)
  } finally {
    await channel.close().catch(() => undefined)
  }
}

/** Declares an exchange as it should be. Rejects with 406 where it is there with other arguments. */
export function declareExchange({ name, type, arguments: args }: Exchange): Part {
  return channel => channel.assertExchange(name, type, defined({ arguments: args }))
}

/** Declares a queue as it should be. Rejects with 406 where it is there with other arguments. */
export function declareQueue({ name, arguments: args }: Queue): Part {
  return channel => channel.assertQueue(name, { arguments: args })
}

/** Whether the broker offers the exchange type of the delayed-message plugin. */
export function offersDelayedExchange(connection: ChannelModel, prefix: string): Promise<boolean> {
  const name = `${prefix}tasks.probe.exchange`
  return inThrowAwayChannel(connection, async channel => {
    try {
      await channel.assertExchange(name, 'x-delayed-message', {
        durable: false,
        arguments: { 'x-delayed-type': 'topic' },
      })
      await channel.deleteExchange(name)
      return true
    } catch {
      return false
    }
  })
}

/** The topology of the lanes of this process. It is declared on every connection, for the broker may have lost, or never had, parts of it. */
export class TopologyRepair {
  /** As it was declared last; before that, with wait queues and without lanes. */
  current: Topology
  readonly #settings: RabbitmqSettings
  readonly #health: Health
  readonly #lanes = new Set<string>()

  constructor(settings: RabbitmqSettings, health: Health) {
    this.#settings = settings
    this.#health = health
    this.current = topologyOf({ ...settings, lanes: [], delay: 'wait-queues' })
  }

  /** The lane has a queue from the next declaration on. Throws OPTION_INVALID for a name that would be that of another queue. */
  addLane(lane: string): void {
    topologyOf({ ...this.#settings, lanes: [lane], delay: 'wait-queues' })
    this.#lanes.add(lane)
  }

  /** Declares what is missing. Throws BROKER_UNSUITABLE where the broker has, or offers, something else, or refuses. */
  async declare(session: Session): Promise<void> {
    const delay = await delayOn(session, this.#settings)
    this.current = topologyOf({ ...this.#settings, lanes: [...this.#lanes], delay })
    try {
      await declareTopology(session.consuming, this.current)
      this.#health.solved('topology')
    } catch (error) {
      this.#health.problem('topology', messageOf(error))
      throw error
    }
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
