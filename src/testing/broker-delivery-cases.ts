/** The cases that brokers of either kind pass: deliveries, capacity and slots. */

import assert from 'node:assert/strict'
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

/** A case on a broker with nothing in it. */
function it(name: string, run: (broker: Broker, context: BrokerCaseContext) => Promise<void>): BrokerCase {
  return { name, run: async context => run(await context.makeBroker(), context) }
}

/** Deliveries of one lane with the ids `<lane>-<from>` and on. */
export function deliveries(count: number, lane = 'default', from = 0): Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    taskId: `${lane}-${from + index}`,
    taskType: 'Write',
    lane,
    attempt: 0,
    crashCount: 0,
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

/** Publishes, waits until the broker has handed out what it can, and returns what it said. */
export async function publish(context: BrokerCaseContext, broker: Broker, sent: readonly Delivery[]) {
  const published = await broker.publish(sent)
  await context.quiet()
  return published
}

/** Opens the lane `default` with that many slots, and a worker that takes its deliveries until `stop` is called. */
async function working(broker: Broker, slots: number): Promise<{ worker: Worker; stop: () => void }> {
  await broker.open([{ lane: 'default', slots }])
  const worker = new Worker()
  return { worker, stop: broker.consume({ lane: 'default', slots }, worker.receive) }
}

/** Sends into the lane `default`, which has two slots, until it has no capacity. Returns how many were sent. */
async function fillLane(context: BrokerCaseContext, broker: Broker): Promise<number> {
  let sent = 0
  for (let capacity = broker.capacity('default'); capacity > 0; capacity = broker.capacity('default')) {
    await publish(context, broker, deliveries(capacity, 'default', sent))
    sent += capacity
    assert.ok(sent <= 10, `${sent} deliveries for 2 slots, and still capacity`)
  }
  return sent
}

/** Takes a slot of the lane `default` as soon as one is free. */
async function takeSlot({ until }: BrokerCaseContext, broker: Broker): Promise<() => void> {
  let free: (() => void) | undefined
  await until(() => {
    free ??= broker.reserve?.('default')
    return free !== undefined
  }, 'no slot could be taken')
  assert.ok(free)
  return free
}

/** Slots and what happens to a delivery; capacity, and the end. */
const deliveryCases: readonly BrokerCase[] = [
  it('publish: answers one for one, and the delivery arrives as it was sent', async (broker, context) => {
    const { worker } = await working(broker, 5)
    const sent = deliveries(3).map((delivery, index) => ({
      ...delivery,
      attempt: index,
      crashCount: index === 1 ? 2 : 0,
    }))
    assert.deepEqual(await publish(context, broker, sent), ['confirmed', 'confirmed', 'confirmed'])
    // Several slots take them side by side, so their order is nobody's promise.
    const arrived = worker.taken.toSorted((a, b) => a.attempt - b.attempt)
    assert.deepEqual(arrived, sent)
    assert.deepEqual(await publish(context, broker, []), [])
  }),
  it('consume: never more at once than slots, a slot is free when its receiver resolves', async (broker, context) => {
    const { worker } = await working(broker, 2)
    await publish(context, broker, deliveries(2))
    await publish(context, broker, deliveries(2, 'default', 2))
    assert.equal(worker.busy, 2)
    for (let taken = 2; taken < 4; taken++) {
      worker.endOne()
      await context.quiet()
      assert.deepEqual([worker.taken.length, worker.busy], [taken + 1, 2])
    }
    worker.endOne()
    worker.endOne()
    await context.quiet()
    assert.deepEqual([worker.most, worker.busy], [2, 0])
    assert.deepEqual(
      worker.ids().sort(),
      deliveries(4).map(({ taskId }) => taskId),
    )
  }),
  it('consume: called again, the lane has other slots: more begin at once, and of too many each ends', async (broker, context) => {
    const { worker } = await working(broker, 1)
    await publish(context, broker, deliveries(2))
    assert.equal(worker.busy, 1)
    broker.consume({ lane: 'default', slots: 3 }, worker.receive)
    await context.until(() => worker.busy === 2, 'the second did not begin')
    await publish(context, broker, deliveries(2, 'default', 2))
    assert.equal(worker.busy, 3)
    const stop = broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    worker.endOne()
    worker.endOne()
    await context.quiet()
    assert.equal(worker.busy, 1, 'what ran on takes the one slot')
    worker.endOne()
    await context.until(() => worker.busy === 1 && worker.taken.length === 4, 'the last did not begin')
    await publish(context, broker, deliveries(1, 'default', 4))
    assert.deepEqual([worker.most, worker.busy], [3, 1])
    stop()
    worker.endOne()
    await context.quiet()
    assert.equal(worker.busy, 0)
  }),
  it('consume: lanes have slots of their own: a full one does not stand in the way of another', async (broker, context) => {
    const lanes = ['batch', 'default'].map(lane => ({ lane, slots: 1 }))
    await broker.open(lanes)
    const [batch, normal] = [new Worker(), new Worker()]
    broker.consume({ lane: 'batch', slots: 1 }, batch.receive)
    broker.consume({ lane: 'default', slots: 1 }, normal.receive)
    await publish(context, broker, [...deliveries(2, 'batch'), ...deliveries(1)])
    assert.deepEqual([batch.ids(), normal.ids()], [['batch-0'], ['default-0']])
  }),
  it('consume: what was published before there was a consumer is handed out, in order, once each', async (broker, context) => {
    await broker.open([{ lane: 'default', slots: 1 }])
    const sent = deliveries(5)
    assert.ok((await broker.publish(sent)).every(answer => answer === 'confirmed'))
    const worker = new Worker()
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    for (let ended = 0; ended < 5; ended++) {
      await context.quiet()
      worker.endOne()
    }
    await context.quiet()
    assert.deepEqual(worker.taken, sent)
  }),
  it('consume: nothing is lost however publishing and ending interleave', async (broker, context) => {
    const { worker } = await working(broker, 3)
    const answers = Array.from({ length: 40 }, (_, index) => {
      if (index % 3 === 0) worker.endOne()
      return broker.publish(deliveries(1 + (index % 2), 'default', index * 2))
    })
    const sent = (await Promise.all(answers)).flat().length
    while (worker.taken.length < sent || worker.busy > 0) {
      await context.quiet()
      const before = worker.taken.length
      assert.ok(worker.busy > 0 || before === sent, `${sent - before} deliveries never came`)
      worker.endOne()
    }
    assert.equal(new Set(worker.ids()).size, sent)
    assert.equal(worker.most, 3)
  }),
  it('capacity: bounded: a lane takes no more than it can hold, and notifies when it has capacity again', async (broker, context) => {
    await broker.open([{ lane: 'default', slots: 2 }])
    assert.equal(broker.capacity('unknown'), 0)
    const worker = new Worker()
    const notified: string[] = []
    broker.onCapacity(lane => notified.push(lane))
    broker.consume({ lane: 'default', slots: 2 }, worker.receive)
    const atFirst = broker.capacity('default')
    assert.ok(atFirst >= 2, 'there is less capacity than free slots')
    const sent = await fillLane(context, broker)
    await publish(context, broker, deliveries(3, 'default', sent))
    assert.equal(broker.capacity('default'), 0, 'more than the capacity makes no negative capacity')
    while (worker.busy > 0) {
      worker.endOne()
      await context.quiet()
    }
    assert.equal(worker.taken.length, sent + 3)
    assert.ok(broker.capacity('default') >= atFirst, 'the capacity did not come back')
    assert.ok(notified.length > 0 && notified.every(lane => lane === 'default'))
  }),
  it('capacity: a relay that asks for capacity before it publishes fills every slot and keeps little waiting', async (broker, context) => {
    const { worker } = await working(broker, 4)
    let sent = 0
    let waiting = 0
    while (worker.taken.length < 200) {
      const capacity = broker.capacity('default')
      await publish(context, broker, deliveries(capacity, 'default', sent))
      sent += capacity
      waiting = Math.max(waiting, sent - worker.taken.length)
      assert.equal(worker.busy, 4)
      worker.endOne()
      await context.quiet()
    }
    // A broker between processes learns a moment late what was taken, and may be sent a few too many.
    assert.ok(waiting <= 12, `${waiting} deliveries waited for 4 slots`)
  }),
  {
    ...it('capacity: none without a consumer', async broker => {
      await broker.open([{ lane: 'default', slots: 2 }])
      assert.equal(broker.capacity('default'), 0)
      const stop = broker.consume({ lane: 'default', slots: 2 }, new Worker().receive)
      assert.ok(broker.capacity('default') > 0)
      stop()
      assert.equal(broker.capacity('default'), 0)
    }),
    needs: 'in-process',
  },
  it('stop: no new delivery is taken, and what runs may end', async (broker, context) => {
    const { worker, stop } = await working(broker, 1)
    await publish(context, broker, deliveries(2))
    stop()
    worker.endOne()
    await publish(context, broker, deliveries(1, 'default', 2))
    assert.deepEqual([worker.ids(), worker.busy], [['default-0'], 0])
  }),
  it('close: a broker that is closed while deliveries run lets them end, and hands nothing out any more', async (broker, context) => {
    const { worker } = await working(broker, 1)
    await publish(context, broker, deliveries(2))
    await broker.close()
    worker.endOne()
    await context.quiet()
    assert.deepEqual([worker.ids(), worker.busy], [['default-0'], 0])
  }),
]

/** Slots for tasks without a delivery. */
const reserveCases = [
  it('reserve: takes a free slot from the deliveries, until it is freed', async (broker, context) => {
    await broker.open([{ lane: 'default', slots: 2 }])
    assert.equal(broker.reserve?.('default'), undefined)
    const worker = new Worker()
    const stop = broker.consume({ lane: 'default', slots: 2 }, worker.receive)
    const free = await takeSlot(context, broker)
    await publish(context, broker, deliveries(2))
    assert.equal(worker.busy, 1)
    assert.equal(broker.reserve?.('default'), undefined)
    free()
    await context.quiet()
    assert.deepEqual([worker.busy, worker.most], [2, 2])
    worker.endOne()
    worker.endOne()
    const again = await takeSlot(context, broker)
    stop()
    again()
    assert.equal(broker.reserve?.('default'), undefined)
  }),
  it('reserve: nothing is lost or handed out twice however taking slots, publishing and ending interleave', async (broker, context) => {
    const { worker } = await working(broker, 2)
    const sent = 30
    let taken = 0
    for (let index = 0; index < sent; index++) {
      const free = broker.reserve?.('default')
      if (free !== undefined) taken += 1
      const published = broker.publish(deliveries(1, 'default', index))
      if (index % 2 === 0) await published
      free?.()
      if (index % 3 === 0) await context.quiet()
      worker.endOne()
      worker.endOne()
      await published
    }
    await context.until(() => {
      worker.endOne()
      return worker.taken.length >= sent
    }, 'a delivery never came')
    assert.equal(new Set(worker.ids()).size, worker.taken.length)
    assert.ok(taken > 0)
  }),
].map((each): BrokerCase => ({ ...each, needs: 'reserve' }))

/** The cases that brokers of either kind pass. */
export const brokerDeliveryCases: readonly BrokerCase[] = [...deliveryCases, ...reserveCases]
