import amqp, { type Channel, type ChannelModel } from 'amqplib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type RabbitmqOptions, rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { createCapturedLog } from '../../src/testing/captured-log.ts'
import { startProxy, type TcpProxy } from '../faults/proxy.ts'
import { describeWithRabbit, type FreshPrefix, freshPrefix } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'

describeWithRabbit('a broker whose connection is lost', () => {
  let names: FreshPrefix
  let proxy: TcpProxy
  let observer: ChannelModel
  let channel: Channel
  beforeEach(async () => {
    names = freshPrefix()
    proxy = await startProxy(names.url)
    observer = await amqp.connect(names.url)
    channel = await observer.createChannel()
  })
  afterEach(async () => {
    await proxy.close()
    await observer.close()
    await names.deleteAll()
  })

  /** A broker on the way that can be cut; `await using` closes it. */
  function behindProxy(options: Partial<RabbitmqOptions> = {}) {
    const log = createCapturedLog()
    const broker = rabbitmq({ url: proxy.through(names.url), prefix: names.prefix, log, ...options })
    const { remote } = broker
    if (remote === undefined) throw new Error('The broker has no remote part.')
    return { broker, remote, log, [Symbol.asyncDispose]: () => broker.close() }
  }

  const lanes = [{ lane: 'default', slots: 1 }]

  it('and that is then refused goes on trying, says so, and is used again once it is repaired', async () => {
    await using made = behindProxy()
    const { broker, remote } = made
    await broker.open(lanes)
    proxy.refuse(true)
    proxy.reset()
    await until(() => !remote.health().connected, 'loss of the connection')
    const queue = `${names.prefix}tasks.queue`
    await channel.deleteQueue(queue)
    await channel.assertQueue(queue)
    proxy.refuse(false)
    await until(() => remote.health().problems.some(text => text.includes('differs')), 'refusal')
    expect(remote.health().connected).toBe(false)
    await channel.deleteQueue(queue)
    await until(() => remote.health().connected, 'connection')
    expect(remote.health().problems).toEqual([])
  })
  it('loses nothing but the queue when dead letters are looked at while theirs is deleted', async () => {
    await using made = behindProxy()
    const { broker, remote } = made
    await broker.open(lanes)
    const looking: (() => void)[] = []
    const seen: string[] = []
    remote.consumeDeadLetters(({ content }) => {
      seen.push(content)
      return new Promise(resolve => looking.push(resolve))
    })
    const send = (content: string) =>
      channel.publish(`${names.prefix}tasks.dlx.exchange`, 'any', Buffer.from(content))
    for (let number = 0; number < 10; number++) send(`${number}`)
    await until(() => looking.length === 10, 'dead letters')
    // The consumer's channel stays half closed: its end does not reach the broker. What is done by then is acknowledged too late.
    proxy.set({ kind: 'black-hole' }, 'up')
    await channel.deleteQueue(`${names.prefix}tasks.dlq.queue`)
    await until(() => {
      looking.shift()?.()
      return looking.length === 0
    }, 'end of every look')
    proxy.set({ kind: 'pass' }, 'up')
    await until(() => {
      send('after')
      return seen.includes('after')
    }, 'dead letter of the new queue')
  })
})
