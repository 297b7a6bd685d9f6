import { EventEmitter } from 'node:events'
import type { ConfirmChannel } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Connection } from '../../src/broker/rabbitmq/connection.ts'
import { Health } from '../../src/broker/rabbitmq/failures.ts'
import { type RabbitmqOptions, rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { settingsOf } from '../../src/broker/rabbitmq/options.ts'
import { Publisher, type Routed } from '../../src/broker/rabbitmq/publisher.ts'
import { createCapturedLog } from '../../src/testing/recorder.ts'
import { freePort } from '../servers/ports.ts'
import { type PrivateRabbit, privateRabbit } from '../servers/private-rabbit.ts'
import { describeWithRabbit } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { HoldingWorker, someDeliveries } from './rabbitmq-setup.ts'

describeWithRabbit('a broker that fails', () => {
  let server: PrivateRabbit
  beforeAll(async () => {
    server = await privateRabbit()
  }, 120_000)
  beforeEach(() => server.start(), 120_000)
  afterAll(() => server.stop())

  /** A broker that `await using` closes; each test has names of its own. */
  function make(options: Partial<RabbitmqOptions> = {}) {
    const log = createCapturedLog()
    const prefix = `t${Math.random().toString(36).slice(2)}.`
    const broker = rabbitmq({ url: server.url, prefix, heartbeatS: 1, log, ...options })
    const { remote } = broker
    if (remote === undefined) throw new Error('The broker has no remote part.')
    return { broker, remote, log, prefix, [Symbol.asyncDispose]: () => broker.close() }
  }

  const lanes = [{ lane: 'default', slots: 2 }]

  it('is used again when it is back: topology, consumers, control and events, and what was not confirmed is known', async () => {
    await using made = make()
    const { broker, remote } = made
    await broker.open(lanes)
    const worker = new HoldingWorker()
    let gaps = 0
    let heard = 0
    const events: string[] = []
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    remote.onControl(() => {
      heard += 1
    })
    remote.onEvents({
      event: ({ taskId }) => events.push(taskId),
      gap: () => {
        gaps += 1
      },
    })
    await broker.publish(someDeliveries(2))
    await until(() => worker.held.length === 1, 'delivery')
    await until(() => gaps >= 1, 'its own queue for events')
    await server.kill('SIGTERM')
    await until(() => !remote.health().connected, 'loss of the connection')
    expect(broker.capacity('default')).toBe(0)
    expect(await broker.publish(someDeliveries(1, 5))).toEqual(['unconfirmed'])
    expect(remote.health()).toMatchObject({
      connected: false,
      unconfirmed: 0,
      problems: [expect.any(String)],
    })
    await server.start()
    await until(() => remote.health().connected, 'connection')
    expect(remote.health()).toMatchObject({ reconnects: 1, problems: [] })
    // The slot runs its task still, so it takes nothing; its late acknowledgement is for a message that others have now.
    worker.held[0]?.received.ack()
    worker.held[0]?.free()
    const next = () => {
      const last = worker.held.at(-1)
      last?.received.ack()
      last?.free()
      return new Set(worker.ids()).size === 2 && worker.held.length >= 3
    }
    await until(next, 'both deliveries, one of them again')
    await until(() => broker.capacity('default') > 0, 'room')
    await until(() => gaps >= 2, 'news that events may have been missed')
    await until(async () => {
      remote.sendControl({ kind: 'lanes' })
      return heard > 0
    }, 'control message')
    const told = {
      at: 1,
      taskId: 'a',
      taskType: 'W',
      userId: 'u',
      lane: 'default',
      rootTaskId: 'a',
      attempt: 0,
    }
    await remote.publishEvents([{ name: 'submitted', ...told, version: 1, sequence: 1 }])
    await until(() => events.length === 1, 'event')
  }, 120_000)

  it('that is away at the start does not stop it: the start says so, and work begins when the broker is there', async () => {
    const port = await freePort()
    await using made = make({ url: [`amqp://guest:guest@127.0.0.1:${port}`] })
    const { broker, remote, log } = made
    await broker.open(lanes)
    expect(remote.health()).toMatchObject({
      connected: false,
      problems: [expect.stringContaining(`${port}`)],
    })
    expect(remote.health().problems[0]).not.toContain('guest')
    expect(JSON.stringify(log.lines)).not.toContain('guest')
    expect(broker.capacity('default')).toBe(0)
    const worker = new HoldingWorker()
    const stop = broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    expect([broker.isAlone?.(), broker.capacity('default')]).toEqual([true, 1])
    // Meanwhile what is published starts here, as far as a slot is free, and nothing that the broker is to hold for a time.
    const [now, more, later] = someDeliveries(3)
    if (now === undefined || more === undefined || later === undefined) throw new RangeError('three')
    expect(
      await broker.publish([
        { ...later, headers: { userId: 'u', priority: 'normal', retryCount: 0, delayMs: 1_000 } },
      ]),
    ).toEqual(['unconfirmed'])
    expect(await broker.publish([now, more])).toEqual(['confirmed', 'unconfirmed'])
    expect(worker.ids()).toEqual([now.taskId])
    expect(broker.capacity('default')).toBe(0)
    await using late = await privateRabbit({ port })
    await until(() => remote.health().connected, `connection to ${late.url}`)
    expect(broker.isAlone?.()).toBe(false)
    expect(await broker.publish(someDeliveries(1))).toEqual(['confirmed'])
    expect(worker.held, 'deliveries beside the one that started here').toHaveLength(1)
    worker.held[0]?.received.ack()
    worker.held[0]?.free()
    await until(() => worker.held.length === 2, 'delivery')
    stop()
    expect(await broker.publish([more])).toEqual(['confirmed'])
  }, 120_000)

  it('of which one node is away is reached by another', async () => {
    await using made = make({ url: [`amqp://127.0.0.1:${await freePort()}`, server.url] })
    await made.broker.open(lanes)
    expect(made.remote.health().connected).toBe(true)
  })

  it('that refuses the login stops the start; one without the vhost is waited for', async () => {
    const url = `amqp://guest:wrong@127.0.0.1:${server.port}`
    await using made = make({ url })
    await expect(made.broker.open(lanes)).rejects.toMatchObject({ code: 'BROKER_UNSUITABLE' })
    await using other = make({ url: `${server.url}/nowhere` })
    await other.broker.open(lanes)
    expect(other.remote.health().problems).toEqual([expect.stringContaining('see that the vhost exists')])
  })

  it('that says nothing: messages are unconfirmed in time, and the connection is given up', async () => {
    await using made = make({ confirmMs: 500, heartbeatS: 5 })
    const { broker, remote } = made
    await broker.open(lanes)
    await server.kill('SIGSTOP')
    try {
      expect(await broker.publish(someDeliveries(1))).toEqual(['unconfirmed'])
      expect(remote.health().connected, 'before a heartbeat could tell').toBe(true)
      await until(() => !remote.health().connected, 'loss of the connection')
    } finally {
      await server.kill('SIGCONT')
    }
    await until(async () => (await broker.publish(someDeliveries(1)))[0] === 'confirmed', 'confirm')
  }, 120_000)

  it('that is short of memory takes nothing, has no room, and workers go on', async () => {
    await using made = make({ confirmMs: 500 })
    const { broker, remote } = made
    await broker.open(lanes)
    await broker.publish(someDeliveries(3))
    await server.ctl('set_vm_memory_high_watermark', '0.000001')
    try {
      await until(async () => {
        expect(await broker.publish(someDeliveries(1, 9))).toEqual(['unconfirmed'])
        return remote.health().blocked
      }, 'news of the alarm')
      expect(remote.health().problems).toEqual([expect.stringContaining('memory')])
      expect(broker.capacity('default')).toBe(0)
      let taken = 0
      broker.consume({ lane: 'default', slots: 1 }, async ({ ack }) => {
        taken += 1
        ack()
      })
      await until(() => taken >= 3, 'deliveries from before the alarm')
    } finally {
      await server.ctl('set_vm_memory_high_watermark', '0.6')
    }
    await until(() => !remote.health().blocked, 'end of the alarm')
    expect(await broker.publish(someDeliveries(1, 20))).toEqual(['confirmed'])
    expect(remote.health().problems).toEqual([])
  }, 60_000)

  it('that waits no longer for an acknowledgement costs the lane its channel, and a late one harms nobody', async () => {
    // The broker looks at its channels once a minute; here it is told to look now.
    await server.ctl('eval', 'application:set_env(rabbit, consumer_timeout, 50).')
    try {
      await using made = make()
      const { broker, remote, log } = made
      await broker.open(lanes)
      const worker = new HoldingWorker()
      broker.consume({ lane: 'default', slots: 2 }, worker.receive)
      await broker.publish(someDeliveries(1))
      await until(() => worker.held.length === 1, 'delivery')
      await until(async () => {
        await server.ctl('eval', '[Channel ! tick || Channel <- rabbit_channel:list()].')
        return worker.held.length > 1
      }, 'delivery to the other slot')
      const closed = log.lines.filter(({ message }) => message.startsWith('the broker closed a channel'))
      expect(closed.length).toBeGreaterThan(0)
      for (const { fields } of closed)
        expect(fields).toEqual({
          channel: expect.stringContaining('slots'),
          reason: expect.stringContaining('acknowledgement'),
        })
      expect(worker.ids()).toEqual(['task-0', 'task-0'])
      for (const { received, free } of worker.held) {
        received.ack()
        free()
      }
      await broker.publish(someDeliveries(2, 1))
      await until(() => worker.held.length === 4, 'deliveries to both slots')
      expect(remote.health()).toMatchObject({ connected: true, reconnects: 0, problems: [] })
    } finally {
      await server.ctl('eval', 'application:unset_env(rabbit, consumer_timeout).')
    }
  }, 60_000)
})

it('a broker that confirms nothing is a problem until it confirms a message, or the channel is lost', async () => {
  const log = createCapturedLog()
  const health = new Health(log)
  const settings = settingsOf({ url: 'amqp://host', confirmMs: 5, log })
  const connection = { blocked: undefined } as Connection
  const publisher = new Publisher({ name: 'deliveries', settings, health, connection })
  let isSilent = true
  const channel = Object.assign(new EventEmitter(), {
    publish(...[, , , , confirm]: Parameters<ConfirmChannel['publish']>) {
      if (!isSilent) confirm?.(null, {} as never)
      return true
    },
  }) as unknown as ConfirmChannel
  const message = { messageId: 'a', content: '', headers: {}, type: 'x' } as unknown as Routed['message']
  const batch: Routed[] = [{ exchange: 'work', key: 'k', message, mandatory: true }]
  const silence = [expect.stringContaining('quorum')]
  await publisher.plan.ready(channel)
  expect(await publisher.publish(batch)).toEqual(['unconfirmed'])
  expect(health.problems).toEqual(silence)
  isSilent = false
  expect(await publisher.publish(batch)).toEqual(['confirmed'])
  expect(health.problems).toEqual([])
  isSilent = true
  await publisher.publish(batch)
  expect(health.problems).toEqual(silence)
  publisher.plan.lost?.()
  expect(health.problems).toEqual([])
})
