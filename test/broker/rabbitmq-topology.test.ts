import amqp from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  checkTopology,
  declareTopology,
  diagramOf,
  rabbitmq,
  type Topology,
  topologyOf,
} from '../../src/broker/rabbitmq/index.ts'
import { settingsOf } from '../../src/broker/rabbitmq/options.ts'
import { describeWithRabbit, type FreshPrefix, freshPrefix, rabbitUrl } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { HoldingWorker, openOnShared, someDeliveries } from './rabbitmq-setup.ts'

describeWithRabbit('the topology', () => {
  let connection: amqp.ChannelModel
  let names: FreshPrefix
  let topology: Topology

  beforeAll(async () => {
    names = freshPrefix(['batch'])
    connection = await amqp.connect(names.url)
    topology = topologyOf({ prefix: names.prefix, lanes: ['default', 'batch'], eventsStream: true })
  })
  beforeEach(() => names.deleteAll({ queues: ['tasks.events.stream'] }))
  afterAll(async () => {
    await names.deleteAll({ queues: ['tasks.events.stream'] })
    await connection.close()
  })

  /** A message to try these bindings with would not come back. */
  const cannotBeTried = [
    'binding tasks.requeue.exchange -> tasks.queue (*.task.default.#): unknown',
    'binding tasks.requeue.exchange -> tasks.batch.queue (*.task.batch.#): unknown',
    'binding tasks.events.exchange -> tasks.events.stream (task.event.#): unknown',
  ]

  /** What is not as it should be, by name without the prefix. */
  async function findings() {
    const found = await checkTopology(connection, topology)
    return found
      .filter(({ state }) => state !== 'ok')
      .map(({ kind, name, state }) => `${kind} ${name.replaceAll(names.prefix, '')}: ${state}`)
  }

  it('is declared as it should be, as often as one likes', async () => {
    await declareTopology(connection, topology)
    await declareTopology(connection, topology)
    expect(await findings()).toEqual(cannotBeTried)
  })

  it('that is missing is found missing, and the look makes nothing', async () => {
    const all = [...topology.exchanges, ...topology.queues, ...topology.bindings].length
    expect((await checkTopology(connection, topology)).every(({ state }) => state === 'missing')).toBe(true)
    expect(await findings()).toHaveLength(all)
  })

  it('with other arguments is found, named, and refused at the start', async () => {
    const channel = await connection.createChannel()
    const queue = topology.queues.find(({ name }) => name.endsWith('wait_5s.queue'))
    await channel.assertQueue(queue?.name ?? '', {
      arguments: { ...queue?.arguments, 'x-message-ttl': 1_234 },
    })
    await channel.assertExchange(`${names.prefix}tasks.control.exchange`, 'topic')
    const found = (await checkTopology(connection, topology)).filter(({ state }) => state === 'differs')
    expect(found.map(({ name }) => name)).toEqual([
      `${names.prefix}tasks.control.exchange`,
      `${names.prefix}tasks.wait_5s.queue`,
    ])
    expect(found[1]?.detail).toMatch(/x-message-ttl.*1234.*delete it/)
    await channel.deleteExchange(`${names.prefix}tasks.control.exchange`)
    const broker = rabbitmq({ url: names.url, prefix: names.prefix })
    await expect(broker.open([{ lane: 'default', slots: 1 }])).rejects.toMatchObject({
      code: 'BROKER_UNSUITABLE',
      message: expect.stringMatching(/tasks\.wait_5s\.queue.*x-message-ttl/),
    })
    await broker.close()
  })

  it('of which a part differs is made but for that part, and then refused', async () => {
    const channel = await connection.createChannel()
    const exchange = `${names.prefix}tasks.control.exchange`
    await channel.assertExchange(exchange, 'topic')
    await channel.assertQueue(`${names.prefix}tasks.queue`)
    await expect(declareTopology(connection, topology)).rejects.toMatchObject({
      code: 'BROKER_UNSUITABLE',
      message: expect.stringContaining(exchange),
    })
    expect(await findings()).toEqual([
      'exchange tasks.control.exchange: differs',
      'queue tasks.queue: differs',
      ...cannotBeTried,
    ])
  })

  it('without a binding is found by a message that comes back', async () => {
    await declareTopology(connection, topology)
    const channel = await connection.createChannel()
    const [queue, exchange] = [`${names.prefix}tasks.batch.queue`, `${names.prefix}tasks.exchange`]
    await channel.unbindQueue(queue, exchange, 'task.batch.#')
    expect(await findings()).toContain('binding tasks.exchange -> tasks.batch.queue (task.batch.#): missing')
    await declareTopology(connection, topology)
    expect(await findings()).toEqual(cannotBeTried)
  })

  it('names its queues by lane, and is drawn', () => {
    const drawn = diagramOf(topologyOf({ lanes: ['default', 'batch'] }))
    for (const line of [
      'n0{{"tasks.exchange<br/>topic"}}',
      'n6[("tasks.queue<br/>quorum")]',
      'n7[("tasks.batch.queue<br/>quorum")]',
      'n0 -- "task.batch.#" --> n7',
      'n7 -. rejected .-> n1',
      'n8 -. time is over .-> n5',
      'n5 -- "*.task.default.#" --> n6',
      'n5 -. no queue .-> n1',
    ])
      expect(drawn.split('\n')).toContain(`  ${line}`)
  })

  it.each(['dlq', 'wait_5s'])('has no place for a lane called %s', async lane => {
    expect(() => topologyOf({ lanes: [lane], delay: 'delayed-exchange' })).toThrow(/another purpose/)
    const broker = rabbitmq({ url: names.url, prefix: names.prefix })
    await expect(broker.open([{ lane, slots: 1 }])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await broker.close()
  })

  it('has wait queues unless another delay is asked for, as the server does', () => {
    expect(settingsOf({ url: names.url }).delay).toBe('wait-queues')
  })

  it('with the delayed exchange needs no wait queues', () => {
    const { queues, exchanges } = topologyOf({ lanes: ['default'], delay: 'delayed-exchange' })
    expect(queues.map(({ name }) => name)).toEqual(['tasks.queue', 'tasks.dlq.queue'])
    expect(exchanges.find(({ type }) => type === 'x-delayed-message')?.name).toBe('tasks.delayed.exchange')
  })

  it('with the delayed exchange is refused where the broker does not offer it', async () => {
    const broker = rabbitmq({ url: names.url, prefix: names.prefix, delay: 'delayed-exchange' })
    await expect(broker.open([])).rejects.toMatchObject({ code: 'BROKER_UNSUITABLE' })
    // A broker that was opened, well or not, is not opened again.
    await expect(broker.open([])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await broker.close()
  })
})

describeWithRabbit('a broker whose topology is disturbed while it runs', () => {
  it('makes a missing binding again, and says so', async () => {
    await using opened = await openOnShared()
    const { broker, channel, log, name, remote } = opened
    await expect(broker.open([])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const worker = new HoldingWorker()
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    await channel.unbindQueue(name('tasks.queue'), name('tasks.exchange'), 'task.default.#')
    expect(await broker.publish(someDeliveries(2))).toEqual(['returned', 'returned'])
    expect(remote.health().returned).toBe(2)
    expect(log.messages('warn')).toContain('a message found no queue; bindings are made again')
    await until(async () => (await broker.publish(someDeliveries(1)))[0] === 'confirmed', 'binding')
    await until(() => worker.held.length > 0, 'delivery')
  })

  it('is not sent to without end while what is missing cannot be made', async () => {
    await using opened = await openOnShared({ delay: 'wait-queues' })
    const { broker, channel, log, name } = opened
    // The exchange is there and is of another type: it takes the binding's key at its word.
    await channel.deleteExchange(name('tasks.exchange'))
    await channel.assertExchange(name('tasks.exchange'), 'direct')
    let tries = 0
    let isWoken = true
    let sending: Promise<void> | undefined
    async function sendWhileWoken() {
      while (isWoken) {
        isWoken = false
        if (broker.capacity('default') === 0) break
        tries += 1
        await broker.publish(someDeliveries(1))
      }
      sending = undefined
    }
    broker.onCapacity(() => {
      isWoken = true
      sending ??= sendWhileWoken()
    })
    sending = sendWhileWoken()
    await until(() => tries > 2 && sending === undefined, 'third try')
    expect(tries).toBe(3)
    expect(
      log.messages('warn').filter(message => message === 'a message found no queue; bindings are made again'),
    ).toHaveLength(1)
  })

  it('makes a deleted queue again and consumes it again', async () => {
    await using opened = await openOnShared()
    const { broker, channel, name } = opened
    const worker = new HoldingWorker()
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    await until(async () => (await channel.checkQueue(name('tasks.queue'))).consumerCount === 1, 'consumer')
    await channel.deleteQueue(name('tasks.queue'))
    await until(async () => (await broker.publish(someDeliveries(1)))[0] === 'confirmed', 'queue')
    await until(() => worker.held.length > 0, 'delivery')
  })

  it('makes a deleted exchange again; what was sent to it is unconfirmed', async () => {
    await using opened = await openOnShared()
    const { broker, channel, name } = opened
    await channel.deleteExchange(name('tasks.exchange'))
    expect(await broker.publish(someDeliveries(1))).toEqual(['unconfirmed'])
    await until(async () => (await broker.publish(someDeliveries(1)))[0] === 'confirmed', 'exchange')
  })

  it('is not told of the messages that try its bindings', async () => {
    await using opened = await openOnShared()
    const { broker, channel, remote, name } = opened
    const worker = new HoldingWorker()
    const dead: unknown[] = []
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    remote.consumeDeadLetters(async message => void dead.push(message))
    const connection = await amqp.connect(rabbitUrl())
    const found = await checkTopology(connection, topologyOf({ prefix: name(''), lanes: ['default'] }))
    await connection.close()
    expect(found.filter(({ state }) => state !== 'ok' && state !== 'unknown')).toEqual([])
    await broker.publish(someDeliveries(1))
    await until(() => worker.held.length > 0, 'delivery behind the probes')
    // Some come behind it.
    worker.held[0]?.received.ack()
    worker.held[0]?.free()
    for (const queue of ['tasks.queue', 'tasks.dlq.queue', 'tasks.wait_30m.queue'])
      await until(async () => (await channel.checkQueue(name(queue))).messageCount === 0, `empty ${queue}`)
    expect([worker.ids(), dead]).toEqual([['task-0'], []])
  })
})
