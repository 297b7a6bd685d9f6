/** The accounts of docs/operations.md, with exactly the rights that its commands give. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import amqp from 'amqplib'
import { scriptedTasks } from 'quillwork/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { declareTopology, topologyOf } from '../../src/broker/rabbitmq/index.ts'
import { describeDistributed, installation } from '../distributed/installation.ts'
import { blocksOf } from '../docs/markdown.ts'
import { type PrivateRabbit, privateRabbit } from '../servers/private-rabbit.ts'
import { until } from '../servers/until.ts'

const page = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
const commands = blocksOf(page)
  .flatMap(({ text }) => text.split('\n'))
  .filter(line => line.startsWith('rabbitmqctl '))

describeDistributed('the rights of the documented accounts', () => {
  let node: PrivateRabbit
  beforeAll(async () => {
    node = await privateRabbit()
  }, 120_000)
  afterAll(() => node.stop())

  /** Makes the accounts, with names that begin with the prefix. Returns the address of each. */
  async function accounts(prefix: string): Promise<(name: string) => string> {
    await node.ctl('add_vhost', 'quillwork')
    const names = new Set<string>()
    for (const line of commands) {
      const [, command, vhost, name = '', ...patterns] =
        /^rabbitmqctl (set_permissions) -p (\S+) (\S+)\s+'(.*)' '(.*)' '(.*)'$/.exec(line) ?? []
      if (command === undefined || vhost === undefined) throw new Error(`It cannot be read: ${line}`)
      const prefixed = patterns.map(pattern => pattern.replaceAll('tasks\\.', `${prefix}tasks\\.`))
      await node.ctl('add_user', name, 'password')
      await node.ctl(command, '-p', vhost, name, ...prefixed)
      names.add(name)
    }
    expect([...names]).toEqual(['deploy', 'api', 'worker', 'maintenance', 'my-service'])
    return name => `amqp://${name}:password@127.0.0.1:${node.port}/quillwork`
  }

  /** Tries one thing on a channel of its own. Returns whether the broker refused it. */
  async function isRefused(url: string, work: (channel: amqp.ConfirmChannel) => Promise<unknown>) {
    const connection = await amqp.connect(url)
    try {
      const channel = await connection.createConfirmChannel()
      const closed = new Promise<Error>(resolve => channel.once('error', resolve))
      const done = work(channel).then(
        () => undefined,
        () => closed,
      )
      const error = await done
      if (error !== undefined) expect(error.message).toContain('ACCESS_REFUSED')
      return error !== undefined
    } finally {
      await connection.close()
    }
  }

  it('are enough for each role, and for a service that reads events and can send nothing', {
    timeout: 180_000,
  }, async () => {
    await using home = installation({ broker: node.url, lanes: ['batch'] })
    const { prefix } = home
    const urlOf = await accounts(prefix)
    const deploying = await amqp.connect(urlOf('deploy'))
    await declareTopology(deploying, topologyOf({ prefix, lanes: ['default', 'batch'], eventsStream: true }))
    await deploying.close()

    const consumer = await amqp.connect(urlOf('my-service'))
    const reading = await consumer.createChannel()
    const { queue } = await reading.assertQueue('my-service.tasks', {
      arguments: { 'x-queue-type': 'quorum' },
    })
    await reading.bindQueue(queue, `${prefix}tasks.events.exchange`, 'task.event.#')
    const read: string[] = []
    await reading.consume(queue, message => read.push(message?.properties.type), { noAck: true })

    const { scripted } = scriptedTasks()
    const tasks = [scripted]
    const lanes = { default: { slots: 2 }, batch: { slots: 1 } }
    const roles = { api: [], worker: ['worker'], maintenance: ['maintenance'] } as const
    const [api, worker, maintenance] = await Promise.all(
      (['api', 'worker', 'maintenance'] as const).map(role =>
        home.engine({ tasks, lanes, roles: [...roles[role]], brokerUrl: urlOf(role) }),
      ),
    )
    if (api === undefined || worker === undefined || maintenance === undefined) throw new Error('No engines.')
    const done = await api.submit(scripted, { orders: [{ do: 'succeed', value: 1 }] })
    expect(await done.result()).toBe(1)
    const late = await api.submit(scripted, { orders: [] }, { lane: 'batch', delay: '1s' })
    await late.result()
    const failing = await api.submit(scripted, { orders: [{ do: 'failForGood' }] })
    await until(async () => (await api.tasks.get(failing.taskId)).status === 'FAILED', 'failure')
    const hanging = await api.submit(scripted, { orders: [{ do: 'hang' }] })
    await until(async () => (await api.tasks.get(hanging.taskId)).status === 'RUNNING', 'attempt')
    await hanging.cancel()
    await until(async () => (await api.tasks.get(hanging.taskId)).status === 'CANCELLED', 'cancel')
    const ends = ['completed', 'failed', 'cancelled'].map(name => `dev.quillwork.task.${name}.v1`)
    await until(() => ends.every(end => read.includes(end)), 'events at the service')
    for (const engine of [api, worker, maintenance]) {
      const health = (await engine.health()).broker
      expect(health).toMatchObject({ connected: true, problems: [], returned: 0 })
    }

    const publish = (exchange: string) => (channel: amqp.ConfirmChannel) => {
      channel.publish(exchange === '' ? '' : `${prefix}tasks.${exchange}exchange`, '', Buffer.from('{}'))
      return channel.waitForConfirms()
    }
    const take = (name: string) => (channel: amqp.ConfirmChannel) => channel.get(`${prefix}tasks.${name}`)
    for (const exchange of ['', 'retry.', 'requeue.', 'dlx.', 'events.', 'control.'])
      expect([exchange, await isRefused(urlOf('my-service'), publish(exchange))]).toEqual([exchange, true])
    for (const name of ['queue', 'batch.queue', 'dlq.queue', 'wait_1s.queue'])
      expect([name, await isRefused(urlOf('my-service'), take(name))]).toEqual([name, true])
    const remove = (channel: amqp.ConfirmChannel) => channel.deleteQueue(`${prefix}tasks.queue`)
    expect(await isRefused(urlOf('my-service'), remove)).toBe(true)
    const mayTake = { deploy: [], api: [], worker: ['queue', 'batch.queue'], maintenance: ['dlq.queue'] }
    for (const [name, own] of Object.entries(mayTake))
      for (const each of ['queue', 'batch.queue', 'dlq.queue', 'wait_1s.queue'])
        if (name !== 'deploy')
          expect([name, each, await isRefused(urlOf(name), take(each))]).toEqual([
            name,
            each,
            !(own as string[]).includes(each),
          ])
    await consumer.close()
  })
})
