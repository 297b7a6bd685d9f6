import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import amqp, { type Channel, type ChannelModel } from 'amqplib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type RabbitmqOptions, rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { createCapturedLog } from '../../src/testing/recorder.ts'
import { startProxy, type TcpProxy } from '../faults/proxy.ts'
import { describeWithRabbit, type FreshPrefix, freshPrefix } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { HoldingWorker, someDeliveries } from './rabbitmq-setup.ts'

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
  it('again and again, soon after it was made, is made again less and less often', async () => {
    await using made = behindProxy()
    const { broker, remote } = made
    await broker.open(lanes)
    const away: number[] = []
    for (let loss = 1; loss <= 5; loss++) {
      const at = performance.now()
      proxy.reset()
      await until(() => remote.health().reconnects === loss && remote.health().connected, 'next connection')
      away.push(performance.now() - at)
    }
    // What is dead is not waited for: ending a connection in order may take 2 s, each time. Others may work beside this.
    expect(Math.min(...away)).toBeLessThan(2_000)
    // Half of what four doublings of the first tenth of a second make, or more.
    expect(away[4]).toBeGreaterThan(800)
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
  it('right after its answer to a slot, in the same packet, has the slot consume on the next one', async () => {
    let isArmed = false
    await using server = await startRelay(names.url, bytes => {
      const end = isArmed ? bytes.indexOf(prefetchOk) + prefetchOk.length : 0
      // Nothing was found, or nothing is to be.
      if (end < prefetchOk.length) return { pass: bytes }
      isArmed = false
      return { pass: Buffer.concat([bytes.subarray(0, end), connectionForced]), isLast: true }
    })
    const broker = rabbitmq({ url: server.url, prefix: names.prefix })
    try {
      await broker.open(lanes)
      isArmed = true
      const worker = new HoldingWorker()
      broker.consume({ lane: 'default', slots: 1 }, worker.receive)
      const { remote } = broker
      await until(() => remote?.health().reconnects === 1 && remote.health().connected, 'next connection')
      await broker.publish(someDeliveries(1))
      await until(() => worker.held.length === 1, 'delivery')
    } finally {
      await broker.close()
    }
  })

  it('by a dead letter that the driver cannot read costs only the reading of dead letters', async () => {
    await using made = behindProxy()
    const { broker, remote } = made
    await broker.open(lanes)
    const dead: string[] = []
    const worker = new HoldingWorker()
    remote.consumeDeadLetters(async ({ content }) => void dead.push(content))
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    const exchange = `${names.prefix}tasks.dlx.exchange`
    await publishNested(observer, channel, exchange)
    await until(
      () => remote.health().problems.some(text => text.includes('deeply nested headers')),
      'problem',
    )
    await broker.publish(someDeliveries(1))
    await until(() => worker.held.length === 1, 'delivery')
    expect(remote.health()).toMatchObject({ connected: true, reconnects: 0 })
    await until(
      async () => {
        // Somebody takes it out, without reading it: it cannot be purged in the moment in which it is on its way to the reader.
        await channel.purgeQueue(`${names.prefix}tasks.dlq.queue`)
        channel.publish(exchange, 'any', Buffer.from('after'))
        return dead.includes('after')
      },
      'dead letter',
      30_000,
      100,
    )
  }, 100_000)
})

/** The broker's answer to `basic.qos`, on channel-independent bytes. */
const prefetchOk = Buffer.from([0, 0, 0, 4, 0, 60, 0, 11, 206])

/** `connection.close` with the code 320, as a broker says it that an operator stops. */
const connectionForced = methodFrame(Buffer.from([0, 10, 0, 50, 320 >> 8, 320 & 255, 0, 0, 0, 0, 0]))

function methodFrame(payload: Buffer): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, payload.length])
  return Buffer.concat([header, payload, Buffer.of(206)])
}

/** A relay to the server of the address that may change what comes from it; after the last bytes it ends the connection. */
async function startRelay(target: string, change: (bytes: Buffer) => { pass: Buffer; isLast?: boolean }) {
  const { hostname, port: targetPort } = new URL(target)
  const server = createServer(client => {
    const upstream = connect(Number(targetPort), hostname)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', end).on('close', end)
    client.pipe(upstream)
    upstream.on('data', (bytes: Buffer) => {
      const { pass, isLast = false } = change(bytes)
      client.write(pass)
      if (isLast) upstream.removeAllListeners('data')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = new URL(target)
  url.port = `${port}`
  return { url: url.href, [Symbol.asyncDispose]: async () => void server.close() }
}

/** A message with headers nested deeper than the driver can read, or write: the frames are made here. */
async function publishNested(
  { connection }: ChannelModel,
  channel: Channel,
  exchange: string,
): Promise<void> {
  const stream: unknown = 'stream' in connection ? connection.stream : undefined
  const id: unknown = 'ch' in channel ? channel.ch : undefined
  if (!(stream instanceof Socket) || typeof id !== 'number') throw new Error('The driver has changed.')
  let table = Buffer.alloc(0)
  for (let level = 0; level < 8_000; level++)
    table = Buffer.concat([Buffer.from('\x01aF'), uint32(table), table])
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)])
  const body = Buffer.from('nested')
  const method = Buffer.concat([Buffer.of(0, 60, 0, 40, 0, 0), text(exchange), text('any'), Buffer.of(0)])
  const properties = Buffer.of(0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, body.length, 0x20, 0)
  const frames = [method, Buffer.concat([properties, uint32(table), table]), body].map((payload, index) =>
    Buffer.concat([Buffer.of(index + 1, id >> 8, id & 255), uint32(payload), payload, Buffer.of(206)]),
  )
  stream.write(Buffer.concat(frames))
}

/** The length of the bytes, as four bytes. */
function uint32({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
