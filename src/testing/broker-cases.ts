/**
 * What every broker must do, as data: each case is a name and a function that asserts, for any runner. A broker wakes workers up;
 * it may lose and repeat across a crash, but within one connection it keeps to the slots and loses nothing that it confirmed.
 */
import assert from 'node:assert/strict'
import type { Broker, Received, Receiver } from '../broker/broker.ts'
import type { Delivery } from '../store/store.ts'

/** What a runner gives each case. */
export interface BrokerCaseContext {
  /** A broker with nothing in it. The runner closes it after the case. */
  makeBroker(): Promise<Broker>
  /** Resolves when the broker has had the time to hand out everything that it can. */
  quiet(): Promise<void>
}

/** One case of the suite. */
export interface BrokerCase {
  readonly name: string
  run(context: BrokerCaseContext): Promise<void>
}

/** Deliveries of one lane with the ids `<lane>-<from>` and on. */
function deliveries(count: number, lane = 'default', from = 0): Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    taskId: `${lane}-${from + index}`,
    taskType: 'Write',
    lane,
    attempt: 0,
    suspect: false,
  }))
}

/** A worker whose deliveries end when the case says so. */
class Worker {
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
async function publish(context: BrokerCaseContext, broker: Broker, sent: readonly Delivery[]) {
  const published = await broker.publish(sent)
  await context.quiet()
  return published
}

/** Slots and what happens to a delivery. */
const deliveryCases: readonly BrokerCase[] = [
  {
    name: 'publish: answers one for one, and the delivery arrives as it was sent',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 5 }])
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 5 }, worker.receive)
      const sent = deliveries(3).map((delivery, index) => ({
        ...delivery,
        attempt: index,
        suspect: index === 1,
      }))
      assert.deepEqual(await publish(context, broker, sent), ['confirmed', 'confirmed', 'confirmed'])
      assert.deepEqual(worker.taken, sent)
      assert.deepEqual(await publish(context, broker, []), [])
    },
  },
  {
    name: 'consume: never more at once than slots, a slot is free when its receiver resolves',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 2 }])
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 2 }, worker.receive)
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
    },
  },
  {
    name: 'consume: lanes have slots of their own: a full one does not stand in the way of another',
    async run(context) {
      const broker = await context.makeBroker()
      const lanes = ['batch', 'default'].map(lane => ({ lane, slots: 1 }))
      await broker.open(lanes)
      const [batch, normal] = [new Worker(), new Worker()]
      broker.consume({ lane: 'batch', slots: 1 }, batch.receive)
      broker.consume({ lane: 'default', slots: 1 }, normal.receive)
      await publish(context, broker, [...deliveries(2, 'batch'), ...deliveries(1)])
      assert.deepEqual([batch.ids(), normal.ids()], [['batch-0'], ['default-0']])
    },
  },
  {
    name: 'consume: what was published before there was a consumer is handed out, in order, once each',
    async run(context) {
      const broker = await context.makeBroker()
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
    },
  },
  {
    name: 'consume: nothing is lost however publishing and ending interleave',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 3 }])
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 3 }, worker.receive)
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
    },
  },
]

/** Room, and the end. */
const roomCases: readonly BrokerCase[] = [
  {
    name: 'room: bounded: a lane takes no more than it can hold, none without a consumer, and says when it has room again',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 2 }])
      assert.deepEqual([broker.room('default'), broker.room('unknown')], [0, 0])
      const worker = new Worker()
      const told: string[] = []
      broker.onRoom(lane => told.push(lane))
      broker.consume({ lane: 'default', slots: 2 }, worker.receive)
      const atFirst = broker.room('default')
      assert.ok(atFirst >= 2, 'there is less room than free slots')
      await publish(context, broker, deliveries(atFirst))
      assert.equal(broker.room('default'), 0)
      await publish(context, broker, deliveries(3, 'default', atFirst))
      assert.equal(broker.room('default'), 0, 'more than the room makes no negative room')
      while (worker.busy > 0) {
        worker.endOne()
        await context.quiet()
      }
      assert.equal(worker.taken.length, atFirst + 3)
      assert.equal(broker.room('default'), atFirst)
      assert.ok(told.length > 0 && told.every(lane => lane === 'default'))
    },
  },
  {
    name: 'room: a relay that asks for room before it publishes fills every slot and keeps little waiting',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 4 }])
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 4 }, worker.receive)
      let sent = 0
      let waiting = 0
      while (worker.taken.length < 200) {
        const room = broker.room('default')
        await publish(context, broker, deliveries(room, 'default', sent))
        sent += room
        waiting = Math.max(waiting, sent - worker.taken.length)
        assert.equal(worker.busy, 4)
        worker.endOne()
        await context.quiet()
      }
      assert.ok(waiting <= 8, `${waiting} deliveries waited for 4 slots`)
    },
  },
  {
    name: 'stop: no new delivery is taken, what runs may end, and there is no room',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 1 }])
      const worker = new Worker()
      const stop = broker.consume({ lane: 'default', slots: 1 }, worker.receive)
      await publish(context, broker, deliveries(2))
      stop()
      assert.equal(broker.room('default'), 0)
      worker.endOne()
      await publish(context, broker, deliveries(1, 'default', 2))
      assert.deepEqual([worker.ids(), worker.busy], [['default-0'], 0])
    },
  },
  {
    name: 'close: a broker that is closed while deliveries run lets them end, and hands nothing out any more',
    async run(context) {
      const broker = await context.makeBroker()
      await broker.open([{ lane: 'default', slots: 1 }])
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 1 }, worker.receive)
      await publish(context, broker, deliveries(2))
      await broker.close()
      worker.endOne()
      await context.quiet()
      assert.deepEqual([worker.ids(), worker.busy], [['default-0'], 0])
    },
  },
]

/** Every case. */
export const brokerCases: readonly BrokerCase[] = [...deliveryCases, ...roomCases]
