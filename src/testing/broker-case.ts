/** What the cases of a broker's conformance suite share. */
import type { Broker, Received, Receiver } from '../broker/broker.ts'
import type { Delivery } from '../store/store.ts'

/**
 * What a case needs beyond the port; a runner skips, by name, the cases whose need its broker does not offer.
 *
 * - `in-process`: the broker serves one process, so a lane without a consumer here has none.
 * - `reserve`: the broker has slots to give for tasks that come without a delivery.
 * - `remote`: the broker is between processes; a second broker of the case is another process.
 */
export type BrokerNeed = 'in-process' | 'reserve' | 'remote'

/** What a runner gives each case. */
export interface BrokerCaseContext {
  /** A broker with nothing in it; made again, another process at the same place. The runner closes it after the case. */
  makeBroker(): Promise<Broker>
  /** Resolves when the broker has had the time to hand out everything that it can. */
  quiet(): Promise<void>
  /** Resolves when the condition holds; rejects with `what` when it does not come to hold. */
  until(condition: () => boolean, what: string): Promise<void>
}

/** One case of the suite. */
export interface BrokerCase {
  readonly name: string
  readonly needs?: BrokerNeed
  run(context: BrokerCaseContext): Promise<void>
}

/** Deliveries of one lane with the ids `<lane>-<from>` and on. */
export function deliveries(count: number, lane = 'default', from = 0): Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    taskId: `${lane}-${from + index}`,
    taskType: 'Write',
    lane,
    attempt: 0,
    quarantined: false,
  }))
}

/** A worker whose deliveries end when the case says so. */
export class Worker {
  readonly taken: Delivery[] = []
  most = 0
  readonly #busy: (() => void)[] = []

  readonly receive: Receiver = ({ delivery, ack }: Received) => {
    this.taken.push(delivery)
    return new Promise(resolve => {
      this.#busy.push(() => {
        ack()
        resolve()
      })
      this.most = Math.max(this.most, this.#busy.length)
    })
  }

  get busy(): number {
    return this.#busy.length
  }

  /** Ends the delivery that was taken first. */
  endOne(): void {
    this.#busy.shift()?.()
  }

  ids(): string[] {
    return this.taken.map(({ taskId }) => taskId)
  }
}

/** Publishes, waits until the broker has handed out what it can, and answers what it said. */
export async function publish(context: BrokerCaseContext, broker: Broker, sent: readonly Delivery[]) {
  const published = await broker.publish(sent)
  await context.quiet()
  return published
}
