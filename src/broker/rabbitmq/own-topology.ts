import { declareTopology, offersDelayedExchange } from './declare.ts'
import { messageOf, unsuitable } from './failures.ts'
import type { Health } from './health.ts'
import type { RabbitmqSettings } from './options.ts'
import type { Session } from './session.ts'
import { type Delay, type Topology, type TopologyNames, topologyOf } from './topology.ts'

/** The topology of the lanes of this process. It is declared on every connection, for the broker may have lost, or never had, parts of it. */
export class OwnTopology {
  readonly #settings: RabbitmqSettings
  readonly #health: Health
  readonly #lanes = new Set<string>()
  #current: Topology

  constructor(settings: RabbitmqSettings, health: Health) {
    this.#settings = settings
    this.#health = health
    this.#current = topologyOf({ ...settings, lanes: [], delay: 'wait-queues' })
  }

  /** As it was declared last; before that, with wait queues and without lanes. */
  get current(): Topology {
    return this.#current
  }

  get names(): TopologyNames {
    return this.#current.names
  }

  /** The lane has a queue from the next declaration on. Throws OPTION_INVALID for a name that would be that of another queue. */
  addLane(lane: string): void {
    topologyOf({ ...this.#settings, lanes: [lane], delay: 'wait-queues' })
    this.#lanes.add(lane)
  }

  /** Declares what is missing. Throws BROKER_UNSUITABLE where the broker has, or offers, something else, or refuses. */
  async declare(session: Session): Promise<void> {
    const delay = await delayOn(session, this.#settings)
    this.#current = topologyOf({ ...this.#settings, lanes: [...this.#lanes], delay })
    try {
      await declareTopology(session.consuming, this.#current)
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
