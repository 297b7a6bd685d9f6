import { existsSync } from 'node:fs'
import amqp from 'amqplib'
import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { describeWithMongo, freshDatabase } from './mongo.ts'
import { privateMongo } from './private-mongo.ts'
import { privateCluster, privateRabbit } from './private-rabbit.ts'
import { describeWithRabbit, freshPrefix } from './rabbit.ts'
import { until } from './until.ts'

describeWithMongo('MongoDB', () => {
  it('gives each test a database of its own, and drops it', async () => {
    const database = freshDatabase()
    await using client = new MongoClient(database.url)
    await client.db().collection('things').insertOne({ kept: true })
    expect(await databases(client)).toContain(database.name)
    await database.drop()
    expect(await databases(client)).not.toContain(database.name)
  })

  it('starts a server for one test that keeps its data over a crash and leaves no process', async () => {
    const server = await privateMongo()
    const client = new MongoClient(server.url)
    const things = client.db('things').collection('things', { writeConcern: { w: 'majority' } })
    await things.insertOne({ kept: true })
    const first = server.pid
    await server.kill()
    expect(lives(first)).toBe(false)
    await server.start()
    expect(await things.countDocuments()).toBe(1)
    await server.restart()
    expect(await things.countDocuments()).toBe(1)
    // A client that closes without its server waits half a minute for it.
    await client.close()
    const last = server.pid
    expect(last).not.toBe(first)
    await server.stop()
    expect(lives(last)).toBe(false)
  })
})

describeWithRabbit('RabbitMQ', () => {
  it('gives each test names of its own, and deletes them', async () => {
    const names = freshPrefix(['slow'])
    const queue = `${names.prefix}tasks.slow.queue`
    const connection = await amqp.connect(names.url)
    const channel = await connection.createChannel()
    await channel.assertQueue(queue)
    await names.deleteAll()
    channel.on('error', () => undefined)
    await expect(channel.checkQueue(queue)).rejects.toThrow('NOT_FOUND')
    await connection.close()
  })

  it('starts a node for one test that keeps its messages over a crash and leaves no process', {
    timeout: 120_000,
  }, async () => {
    const node = await privateRabbit({ conf: ['heartbeat = 5'] })
    await publish(node.url)
    await node.sync()
    const first = node.pid
    await node.kill()
    expect(lives(first)).toBe(false)
    await node.start()
    await until(async () => (await waiting(node.url)) === 1, 'message in the queue')
    await node.restart()
    await until(async () => (await waiting(node.url)) === 1, 'message in the queue')
    expect(await node.ctl('list_queues', 'name')).toContain('things')
    const last = node.pid
    await node.stop()
    expect(lives(last)).toBe(false)
  })

  it('joins nodes to a cluster', { timeout: 120_000 }, async () => {
    const cluster = await privateCluster(3)
    const [first, second, third] = cluster.nodes
    await publish(first?.url ?? '')
    const [line] = (await first?.ctl('list_queues', 'name', 'members'))?.match(/things.*/) ?? []
    for (const node of cluster.nodes) expect(line).toContain(node.node)
    await third?.kill()
    await publish(second?.url ?? '')
    const ids = cluster.nodes.map(({ pid }) => pid)
    await cluster.stop()
    expect(ids.filter(lives)).toEqual([])
  })
})

async function databases(client: MongoClient): Promise<string[]> {
  const { databases: all } = await client.db('admin').admin().listDatabases({ nameOnly: true })
  return all.map(({ name }) => name)
}

/** Publishes one message to the quorum queue `things` and waits until it is safe. */
async function publish(url: string): Promise<void> {
  const connection = await amqp.connect(url)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue('things', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  channel.sendToQueue('things', Buffer.from('thing'), { persistent: true })
  await channel.waitForConfirms()
  await connection.close()
}

/** Messages that wait in `things`; none before the queue has its leader again. */
async function waiting(url: string): Promise<number> {
  const connection = await amqp.connect(url)
  const channel = await connection.createChannel()
  const { messageCount } = await channel.checkQueue('things')
  await connection.close()
  return messageCount
}

/** Whether a process runs under the id. */
function lives(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
