/** What the broker of a configuration should have, and how it is looked at. */
import type { Finding, Inspection, RabbitmqOptions, Topology } from '../broker/rabbitmq/index.ts'
import { version } from '../http/version.ts'
import { QuillworkError } from '../index.ts'
import { resolveTask } from '../task/definition.ts'
import { addressesOf } from './addresses.ts'
import type { Config } from './settings.ts'

/** The options of the broker that the configuration names. */
export function brokerOptions(broker: string, config: Config): RabbitmqOptions {
  const { brokerPrefix, brokerDelay, eventsStream } = config
  return { url: addressesOf(broker), prefix: brokerPrefix, delay: brokerDelay, eventsStream }
}

/** What the broker should have, with its diagram. Connects to nothing; where the delay is `auto`, wait queues are assumed. */
export async function plannedTopology(config: Config): Promise<{ topology: Topology; diagram: string }> {
  const { topologyOf, diagramOf } = await import('../broker/rabbitmq/index.ts')
  const topology = topologyOf({
    prefix: config.brokerPrefix,
    lanes: await lanesOf(config),
    delay: config.brokerDelay === 'delayed-exchange' ? 'delayed-exchange' : 'wait-queues',
    eventsStream: config.eventsStream,
  })
  return { topology, diagram: diagramOf(topology) }
}

/** What goes through the broker of the configuration, as an AsyncAPI document; undefined where there is none. */
export async function describedBroker(config: Config): Promise<object | undefined> {
  if (config.broker === undefined) return undefined
  const { asyncApiOf } = await import('../broker/rabbitmq/index.ts')
  const { topology } = await plannedTopology(config)
  const [address = ''] = addressesOf(config.broker)
  const { host, protocol } = new URL(address)
  return asyncApiOf(topology, { version, host, tls: protocol === 'amqps:' })
}

/** Connects to the broker, to be looked at. Throws CONFIG_INVALID where none is configured, BROKER_UNREACHABLE, BROKER_UNSUITABLE. */
export async function inspectTopology(config: Config): Promise<Inspection> {
  const { broker } = config
  if (broker === undefined)
    throw new QuillworkError(
      'CONFIG_INVALID',
      'No broker is configured: workers are woken within the process, and there is nothing to look at. Set --broker amqp://… and --store mongodb://….',
    )
  const { inspectBroker } = await import('../broker/rabbitmq/index.ts')
  return inspectBroker(brokerOptions(broker, config), await lanesOf(config))
}

/** Whether a part of the topology is not as it should be, or could not be looked at. A binding that nobody could try is not wrong. */
export function isWrong({ state, cannotBeTried }: Finding): boolean {
  return state !== 'ok' && cannotBeTried !== true
}

/** The lanes that have a queue: those that are configured, and those that task types name. The types load with it. */
async function lanesOf(config: Config): Promise<string[]> {
  const { novelTasks } = await import('../novel/index.ts')
  const ofTasks = novelTasks.map(task => resolveTask(task).lane)
  return [...new Set(['default', ...Object.keys(config.lanes), ...ofTasks])]
}
