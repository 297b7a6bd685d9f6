/** The distributed composition: one MongoDB database and one RabbitMQ broker, shared by any number of processes. */
import { rabbitmq, topologyOf } from '../broker/rabbitmq/index.ts'
import { createEngine, createSharedLimiter, type Engine, systemClock } from '../index.ts'
import { mongodbUploads, mongoLibrary } from '../novel/index.ts'
import { openTelemetry } from '../observe/tracing.ts'
import { mongoWebhooks } from '../webhooks/open.ts'
import { addressesOf } from './addresses.ts'
import type { Composition } from './combinations.ts'
import { type Composed, type ComposeOptions, engineOptions, novelSettings, webhooksOf } from './compose.ts'
import { LiveModels } from './live-models.ts'
import { mongoStore } from './mongo-store.ts'
import type { Config } from './settings.ts'
import { brokerOptions } from './topology.ts'

/**
 * Connects, and returns the engine of this process with the roles of the configuration. A broker that does not answer is retried in the
 * background. Throws CONFIG_INVALID for an address that cannot be read, STORE_FAILED, STORE_UNSUITABLE, BROKER_UNSUITABLE.
 */
export async function composeDistributed(
  { store: address, broker: brokerAddress }: Extract<Composition, { kind: 'distributed' }>,
  options: ComposeOptions,
): Promise<Composed> {
  const { config, log } = options
  const store = mongoStore(address, config)
  const broker = rabbitmq({ ...brokerOptions(brokerAddress, config), log })
  try {
    const uploads = mongodbUploads(store.database)
    const library = mongoLibrary(store.database)
    const live = new LiveModels({ ...options, store: library.models, isShared: true })
    const { catalogue: models, limits } = live
    const services = { library, models, uploads, ...novelSettings(config) }
    const records = mongoWebhooks(store.database)
    const webhooks = webhooksOf(options, { records, store, isShared: true })
    const engine = await createEngine({
      ...engineOptions(options),
      services: { ...services, webhooks },
      store,
      broker,
      roles: config.roles.filter(role => role !== 'api'),
      limits: createSharedLimiter({ limits, states: store.states, clock: systemClock }),
      trace: openTelemetry({ rabbitmq: messagingOf(brokerAddress, config) }),
    })
    await live.refresh()
    return { engine: engine as unknown as Engine, services, models: live, webhooks }
  } catch (error) {
    await broker.close()
    await store.tasks.close()
    throw error
  }
}

/** Returns the names of the broker, for the names of spans. */
function messagingOf(addresses: string, { brokerPrefix }: Config) {
  const [address = addresses] = addressesOf(addresses)
  const { hostname, port, protocol } = new URL(address)
  return {
    host: hostname,
    port: Number(port) || (protocol === 'amqps:' ? 5_671 : 5_672),
    names: topologyOf({ prefix: brokerPrefix, lanes: [] }).names,
  }
}
