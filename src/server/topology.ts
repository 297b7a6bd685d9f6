/** The exchanges, queues and bindings that the broker of a configuration should have, and their inspection. */
import type { Finding, Inspection, RabbitmqOptions, Topology } from '../broker/rabbitmq/index.ts'
import { version } from '../runtime/version.ts'
import { defined } from '../task/defined.ts'
import { resolveTask } from '../task/definition.ts'
import { addressesOf } from './addresses.ts'
import { type Config, invalid } from './settings.ts'

/** Returns the options of the broker of a configuration. */
export function brokerOptions(broker: string, config: Config): RabbitmqOptions {
  const { brokerPrefix, brokerDelay, eventsStream, brokerSecret: secret } = config
  const options = { url: addressesOf(broker), prefix: brokerPrefix, delay: brokerDelay, eventsStream }
  return { ...options, ...defined({ secret }) }
}

/** Returns what the broker should have, with its diagram, without connecting to it. Where the delay is `auto`, wait queues are assumed. */
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

/** Returns the AsyncAPI document of the broker, undefined where none is configured. */
export async function describedBroker(config: Config): Promise<object | undefined> {
  if (config.broker === undefined) return undefined
  const { asyncApiOf } = await import('../broker/rabbitmq/index.ts')
  const { topology } = await plannedTopology(config)
  const [address = ''] = addressesOf(config.broker)
  const { host, protocol } = new URL(address)
  return asyncApiOf(topology, { version, host, tls: protocol === 'amqps:' })
}

/** Connects to the broker, and returns its inspection. Throws CONFIG_INVALID where none is configured, BROKER_UNREACHABLE, BROKER_UNSUITABLE. */
export async function inspectTopology(config: Config): Promise<Inspection> {
  const { broker } = config
  if (broker === undefined)
    throw invalid(
      'No broker is configured, so there is nothing to inspect: workers are woken within the process. Set --broker amqp://….',
    )
  const { inspectBroker } = await import('../broker/rabbitmq/index.ts')
  return inspectBroker(brokerOptions(broker, config), await lanesOf(config))
}

/** Returns whether a part of the topology is wrong, or could not be inspected. A binding that cannot be tried is not wrong. */
export function isWrong({ state, cannotBeTried }: Finding): boolean {
  return state !== 'ok' && cannotBeTried !== true
}

/** Returns the lanes that have a queue: those of the configuration and those of task types, which load here. */
async function lanesOf(config: Config): Promise<string[]> {
  const { serverTasks } = await import('./tasks.ts')
  const ofTasks = serverTasks.map(task => resolveTask(task).lane)
  return [...new Set(['default', ...Object.keys(config.lanes), ...ofTasks])]
}
