import assert from 'node:assert/strict'
import type { Broker, ControlMessage, DeadMessage, RemoteBroker } from '../broker/broker.ts'
import type { DeadLetterNotification, Delivery } from '../store/store.ts'
import type { SequencedEvent } from '../task/events.ts'
import type { BrokerCase, BrokerCaseContext } from './broker-case.ts'
import { deliveries, publish, Worker } from './broker-case.ts'

const lanes = [{ lane: 'default', slots: 2 }]

/** A broker that is open, and the part of it that only one between processes has. */
async function openRemote(context: BrokerCaseContext): Promise<{ broker: Broker; remote: RemoteBroker }> {
  const broker = await context.makeBroker()
  await broker.open(lanes)
  assert.ok(broker.remote !== undefined, 'the broker is not one between processes')
  return { broker, remote: broker.remote }
}

/** A delivery as a store of many processes sends it. */
function withHeaders(delayMs?: number): Delivery {
  const [delivery] = deliveries(1)
  assert.ok(delivery !== undefined)
  const headers = {
    userId: 'ann',
    priority: 'high',
    retryCount: 2,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  } as const
  return {
    ...delivery,
    attempt: 3,
    quarantined: true,
    headers: delayMs === undefined ? headers : { ...headers, delayMs },
  }
}

const notice: DeadLetterNotification = {
  taskId: 'ended',
  taskType: 'Write',
  lane: 'default',
  userId: 'ann',
  attempt: 4,
  retryCount: 3,
  reason: 'attempts-exhausted',
  code: 'HANDLER_FAILED',
}

/** An event of a task, with its number. */
function event(taskId: string, sequence: number): SequencedEvent {
  const base = { taskType: 'Write', userId: 'ann', lane: 'default', version: sequence, rootTaskId: taskId }
  return { name: 'submitted', at: 1_700_000_000_000 + sequence, taskId, attempt: 0, sequence, ...base }
}

/** What only a broker between processes offers. */
export const remoteBrokerCases: readonly BrokerCase[] = [
  {
    name: 'publish: what travels with a delivery arrives with it, in another process too',
    needs: 'remote',
    async run(context) {
      const sender = await openRemote(context)
      const other = await openRemote(context)
      const worker = new Worker()
      other.broker.consume({ lane: 'default', slots: 2 }, worker.receive)
      assert.deepEqual(await publish(context, sender.broker, [withHeaders()]), ['confirmed'])
      await context.until(() => worker.taken.length === 1, 'delivery in another process')
      assert.deepEqual(worker.taken, [withHeaders()])
    },
  },
  {
    name: 'publish: a delivery with a delay comes once, when its time has come, and takes no room meanwhile',
    needs: 'remote',
    async run(context) {
      const { broker, remote } = await openRemote(context)
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 2 }, worker.receive)
      const room = broker.capacity('default')
      const [shortest] = remote.delays
      assert.ok(shortest !== undefined && shortest <= 1_000)
      const sentAt = performance.now()
      assert.deepEqual(await broker.publish([withHeaders(shortest)]), ['confirmed'])
      assert.equal(broker.capacity('default'), room)
      await context.until(() => worker.taken.length > 0, 'delayed delivery')
      const waited = performance.now() - sentAt
      assert.ok(waited >= shortest - 5 && waited < shortest + 1_000, `it came after ${waited} ms`)
      worker.endOne()
      await context.quiet()
      assert.deepEqual(worker.taken, [withHeaders(shortest)])
    },
  },
  {
    name: 'room: some without a consumer here, for another process may have one',
    needs: 'remote',
    async run(context) {
      const { broker } = await openRemote(context)
      await context.until(() => broker.capacity('default') > 0, 'room')
      assert.equal(broker.capacity('unknown'), 0)
    },
  },
  {
    name: 'takesUrgent: what crashed is taken before all that wait, also where there is no room',
    needs: 'remote',
    async run(context) {
      const { broker } = await openRemote(context)
      const worker = new Worker()
      await context.until(() => broker.takesUrgent?.('default') === true, 'a count of the queue')
      assert.equal(broker.takesUrgent?.('unknown'), false)
      broker.consume({ lane: 'default', slots: 1 }, worker.receive)
      await publish(context, broker, deliveries(20))
      await context.until(() => worker.busy === 1, 'a busy slot')
      await context.until(() => broker.capacity('default') === 0, 'a full lane')
      assert.equal(broker.takesUrgent?.('default'), true)
      const [crashed] = deliveries(1, 'default', 20)
      assert.ok(crashed !== undefined)
      await publish(context, broker, [{ ...crashed, quarantined: true }])
      worker.endOne()
      await context.until(() => worker.taken.length === 2, 'the next delivery')
      assert.equal(worker.taken[1]?.taskId, crashed.taskId)
      while (worker.taken.length < 21) {
        worker.endOne()
        await context.quiet()
      }
      worker.endOne()
    },
  },
  {
    name: 'deadLetter: the message goes to the dead letter queue, names its task, and tells where it was',
    needs: 'remote',
    async run(context) {
      const { broker, remote } = await openRemote(context)
      const dead: DeadMessage[] = []
      const stop = remote.consumeDeadLetters(async message => void dead.push(message))
      const worker = new Worker()
      broker.consume({ lane: 'default', slots: 1 }, received => {
        received.deadLetter()
        received.ack()
        return worker.receive({ ...received, ack: () => undefined })
      })
      await broker.publish(deliveries(1))
      await context.until(() => dead.length === 1, 'dead letter')
      stop()
      const [message] = dead
      assert.deepEqual([message?.taskId, message?.attempt, message?.malformed], ['default-0', 0, undefined])
      assert.match(message?.story ?? '', /rejected/)
    },
  },
  {
    name: 'publishNotices: news of a dead letter takes the same way, and keeps its id until it was looked at',
    needs: 'remote',
    async run(context) {
      const { remote } = await openRemote(context)
      const dead: DeadMessage[] = []
      assert.deepEqual(await remote.publishNotifications([notice]), ['confirmed'])
      const stop = remote.consumeDeadLetters(message => {
        dead.push(message)
        return new Promise(() => undefined)
      })
      await context.until(() => dead.length === 1, 'notice')
      assert.deepEqual([dead[0]?.taskId, dead[0]?.attempt], [notice.taskId, notice.attempt])
      // Not acknowledged: whoever comes next is given it again.
      stop()
      const stopAgain = remote.consumeDeadLetters(async message => void dead.push(message))
      await context.until(() => dead.length === 2, 'notice again')
      stopAgain()
      assert.equal(dead[0]?.id, dead[1]?.id)
    },
  },
  {
    name: 'control: every process hears, the one that tells included',
    needs: 'remote',
    async run(context) {
      const brokers = [await openRemote(context), await openRemote(context)]
      const heard = brokers.map(({ remote }) => {
        const messages: ControlMessage[] = []
        remote.onControl(message => messages.push(message))
        return messages
      })
      const told: ControlMessage[] = [
        { kind: 'cancel', taskId: 'a', attempt: 2 },
        { kind: 'lanes' },
        { kind: 'parked', key: 'provider', until: 1_700_000_000_000 },
      ]
      // Best effort: what is told before a process listens is missed, so it is told until it is heard.
      await context.until(() => {
        if (heard.some(messages => messages.length === 0)) brokers[0]?.remote.sendControl({ kind: 'lanes' })
        return heard.every(messages => messages.length > 0)
      }, 'first control message')
      await context.quiet()
      for (const messages of heard) messages.length = 0
      for (const message of told) brokers[1]?.remote.sendControl(message)
      const hasHeard = (messages: readonly ControlMessage[]) => messages.some(({ kind }) => kind === 'parked')
      await context.until(() => heard.every(hasHeard), 'control messages')
      for (const messages of heard) assert.deepEqual(messages.slice(-told.length), told)
    },
  },
  {
    name: 'events: progress is told as plain JSON, whatever values it holds',
    needs: 'remote',
    async run(context) {
      const { remote } = await openRemote(context)
      const { sequence: _sequence, ...base } = event('third', 1)
      const progress = { done: 7n, of: Number.POSITIVE_INFINITY, at: new Date(0), left: undefined }
      const seen: SequencedEvent[] = []
      remote.onEvents({ event: told => seen.push(told), gap: () => undefined })
      await context.until(() => {
        void remote.publishEvents([{ ...base, name: 'progress', progress } as SequencedEvent])
        return seen.length > 0
      }, 'progress')
      const [told] = seen
      assert.ok(told?.name === 'progress')
      assert.deepEqual(told.progress, { done: '7', of: 'Infinity', at: '1970-01-01T00:00:00.000Z' })
    },
  },
  {
    name: 'events: every process is told of them in order, as they were',
    needs: 'remote',
    async run(context) {
      const brokers = [await openRemote(context), await openRemote(context)]
      let gaps = 0
      const gap = () => {
        gaps += 1
      }
      const seen = brokers.map(({ remote }) => {
        const events: SequencedEvent[] = []
        remote.onEvents({ event: told => events.push(told), gap })
        return events
      })
      await context.until(() => {
        void brokers[0]?.remote.publishEvents([event('first', 1)])
        return seen.every(events => events.length > 0)
      }, 'first event')
      const told = Array.from({ length: 20 }, (_, index) => event('second', index + 1))
      const published = await brokers[0]?.remote.publishEvents(told)
      assert.ok(published?.every(answer => answer === 'confirmed'))
      const ofSecond = (events: readonly SequencedEvent[]) =>
        events.filter(({ taskId }) => taskId === 'second')
      await context.until(() => seen.every(events => ofSecond(events).length >= told.length), 'events')
      for (const events of seen) assert.deepEqual(ofSecond(events), told)
      assert.equal(
        gaps,
        brokers.length,
        'each is told once that it may have missed what came before it listened',
      )
    },
  },
  {
    name: 'health: connected, nothing wrong',
    needs: 'remote',
    async run(context) {
      const { remote } = await openRemote(context)
      const { connected, blocked, problems, unconfirmed } = remote.health()
      assert.deepEqual([connected, blocked, problems, unconfirmed], [true, false, [], 0])
    },
  },
]
