/**
 * The conformance suite of a broker as data: each case is a name and a function that asserts, for any runner. A broker wakes workers
 * up; it may lose and repeat across a crash, but within one connection it keeps to the slots and loses nothing that it confirmed.
 */
import assert from 'node:assert/strict'
import type { Broker, ControlMessage, DeadMessage, RemoteBroker } from '../broker/broker.ts'
import type { DeadLetterNotification, Delivery } from '../store/store.ts'
import { endNames, type SequencedEvent } from '../task/events.ts'
import {
  type BrokerCase,
  type BrokerCaseContext,
  brokerDeliveryCases,
  deliveries,
  publish,
  Worker,
} from './broker-delivery-cases.ts'

export type { BrokerCase, BrokerCaseContext, BrokerNeed } from './broker-delivery-cases.ts'

const lanes = [{ lane: 'default', slots: 2 }]

/** A broker between processes. */
type ConnectedBroker = Broker & { readonly remote: RemoteBroker }

/** A case on such a broker, open. */
function it(
  name: string,
  run: (broker: ConnectedBroker, context: BrokerCaseContext) => Promise<void>,
): BrokerCase {
  return { name, needs: 'remote', run: async context => run(await openRemote(context), context) }
}

async function openRemote(context: BrokerCaseContext): Promise<ConnectedBroker> {
  const broker = await context.makeBroker()
  await broker.open(lanes)
  assert.ok(isConnected(broker), 'the broker is not one between processes')
  return broker
}

function isConnected(broker: Broker): broker is ConnectedBroker {
  return broker.remote !== undefined
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
    crashCount: 2,
    headers: delayMs === undefined ? headers : { ...headers, delayMs },
  }
}

const notification: DeadLetterNotification = {
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
const remoteCases: readonly BrokerCase[] = [
  it('publish: what travels with a delivery arrives with it, in another process too', async (sender, context) => {
    const other = await openRemote(context)
    const worker = new Worker()
    other.consume({ lane: 'default', slots: 2 }, worker.receive)
    assert.deepEqual(await publish(context, sender, [withHeaders()]), ['confirmed'])
    await context.until(() => worker.taken.length === 1, 'delivery in another process')
    assert.deepEqual(worker.taken, [withHeaders()])
  }),
  it('publish: a delivery with a delay comes once, when its time has come, and takes no capacity meanwhile', async (broker, context) => {
    const worker = new Worker()
    broker.consume({ lane: 'default', slots: 2 }, worker.receive)
    const capacity = broker.capacity('default')
    const [shortest] = broker.remote.delays
    assert.ok(shortest !== undefined && shortest <= 1_000)
    const sentAt = performance.now()
    assert.deepEqual(await broker.publish([withHeaders(shortest)]), ['confirmed'])
    assert.equal(broker.capacity('default'), capacity)
    await context.until(() => worker.taken.length > 0, 'delayed delivery')
    const waited = performance.now() - sentAt
    assert.ok(waited >= shortest - 5 && waited < shortest + 1_000, `it came after ${waited} ms`)
    worker.endOne()
    await context.quiet()
    assert.deepEqual(worker.taken, [withHeaders(shortest)])
  }),
  it('capacity: some without a consumer here, because another process may have one', async (broker, context) => {
    await context.until(() => broker.capacity('default') > 0, 'capacity')
    assert.equal(broker.capacity('unknown'), 0)
  }),
  it('takesUrgent: a quarantined delivery is taken before all that wait, also without capacity', async (broker, context) => {
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
    await publish(context, broker, [{ ...crashed, crashCount: 2 }])
    worker.endOne()
    await context.until(() => worker.taken.length === 2, 'the next delivery')
    assert.equal(worker.taken[1]?.taskId, crashed.taskId)
    while (worker.taken.length < 21) {
      worker.endOne()
      await context.quiet()
    }
    worker.endOne()
  }),
  it('deadLetter: the message goes to the dead letter queue, names its task, and says where it was', async (broker, context) => {
    const dead: DeadMessage[] = []
    const stop = broker.remote.consumeDeadLetters(async message => void dead.push(message))
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
  }),
  it('publishNotifications: a dead-letter notification takes the same way, and keeps its id until it is acknowledged', async (broker, context) => {
    const dead: DeadMessage[] = []
    assert.deepEqual(await broker.remote.publishNotifications([notification]), ['confirmed'])
    const stop = broker.remote.consumeDeadLetters(message => {
      dead.push(message)
      return new Promise(() => undefined)
    })
    await context.until(() => dead.length === 1, 'notification')
    assert.deepEqual([dead[0]?.taskId, dead[0]?.attempt], [notification.taskId, notification.attempt])
    // Not acknowledged: the next receiver is given it again.
    stop()
    const stopAgain = broker.remote.consumeDeadLetters(async message => void dead.push(message))
    await context.until(() => dead.length === 2, 'notification again')
    stopAgain()
    assert.equal(dead[0]?.id, dead[1]?.id)
  }),
  it('control: every process receives a message, its sender included', async (first, context) => {
    const brokers = [first, await openRemote(context)]
    const received = brokers.map(({ remote }) => {
      const messages: ControlMessage[] = []
      remote.onControl(message => messages.push(message))
      return messages
    })
    const sent: ControlMessage[] = [
      { kind: 'cancel', taskId: 'a', attempt: 2 },
      { kind: 'lanes' },
      { kind: 'parked', key: 'provider', until: 1_700_000_000_000 },
    ]
    // Best effort: what is sent before a process listens is missed, so it is sent until it is received.
    await context.until(() => {
      if (received.some(messages => messages.length === 0)) brokers[0]?.remote.sendControl({ kind: 'lanes' })
      return received.every(messages => messages.length > 0)
    }, 'first control message')
    await context.quiet()
    for (const messages of received) messages.length = 0
    for (const message of sent) brokers[1]?.remote.sendControl(message)
    const hasReceived = (messages: readonly ControlMessage[]) =>
      messages.some(({ kind }) => kind === 'parked')
    await context.until(() => received.every(hasReceived), 'control messages')
    for (const messages of received) assert.deepEqual(messages.slice(-sent.length), sent)
  }),
  it('events: progress is published as plain JSON, whatever values it holds', async (broker, context) => {
    const { sequence: _sequence, ...base } = event('third', 1)
    const progress = { done: 7n, of: Number.POSITIVE_INFINITY, at: new Date(0), left: undefined }
    const seen: SequencedEvent[] = []
    broker.remote.onEvents({ event: received => seen.push(received), gap: () => undefined })
    await context.until(() => {
      void broker.remote.publishEvents([{ ...base, name: 'progress', progress } as SequencedEvent])
      return seen.length > 0
    }, 'progress')
    const [received] = seen
    assert.ok(received?.name === 'progress')
    assert.deepEqual(received.progress, { done: '7', of: 'Infinity', at: '1970-01-01T00:00:00.000Z' })
  }),
  it('events: every process receives them in order, as they were', async (first, context) => {
    const brokers = [first, await openRemote(context)]
    let gaps = 0
    const gap = () => {
      gaps += 1
    }
    const seen = brokers.map(({ remote }) => {
      const events: SequencedEvent[] = []
      remote.onEvents({ event: received => events.push(received), gap })
      return events
    })
    await context.until(() => {
      void brokers[0]?.remote.publishEvents([event('first', 1)])
      return seen.every(events => events.length > 0)
    }, 'first event')
    const sent = Array.from({ length: 20 }, (_, index) => event('second', index + 1))
    const published = await brokers[0]?.remote.publishEvents(sent)
    assert.ok(published?.every(answer => answer === 'confirmed'))
    const ofSecond = (events: readonly SequencedEvent[]) => events.filter(({ taskId }) => taskId === 'second')
    await context.until(() => seen.every(events => ofSecond(events).length >= sent.length), 'events')
    for (const events of seen) assert.deepEqual(ofSecond(events), sent)
    assert.equal(
      gaps,
      brokers.length,
      'each is notified once that it may have missed what came before it listened',
    )
  }),
  it('events: a process that waits for results receives the ends of tasks, and nothing else', async (broker, context) => {
    const seen: SequencedEvent[] = []
    let isListening = false
    const gap = () => {
      isListening = true
    }
    broker.remote.onEvents({ event: received => seen.push(received), gap }, 'ends')
    await context.until(() => isListening, 'listening')
    const ends = [...new Set(Object.values(endNames))]
    const names = ['submitted', 'started', 'retrying', ...ends] as const
    await broker.remote.publishEvents(
      names.map((name, index) => ({ ...event('task', index + 1), name }) as SequencedEvent),
    )
    await context.until(() => seen.length >= ends.length, 'ends')
    assert.deepEqual(
      seen.map(({ name }) => name),
      ends,
    )
  }),
  it('health: connected, nothing wrong', async broker => {
    const { connected, blocked, problems, unconfirmed } = broker.remote.health()
    assert.deepEqual([connected, blocked, problems, unconfirmed], [true, false, [], 0])
  }),
]

/** Every case. */
export const brokerCases: readonly BrokerCase[] = [...brokerDeliveryCases, ...remoteCases]
