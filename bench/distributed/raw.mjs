import { randomUUID } from 'node:crypto'
import amqp from 'amqplib'
import { MongoClient } from 'mongodb'
import { payload, WIDTH } from '../load.mjs'

const LEASE_MS = 30_000

/**
 * The yardstick, not a product: the durable steps of a task with the drivers as they are. Inserted (majority), published to a quorum
 * queue (persistent, mandatory, confirmed), claimed, settled (majority), acknowledged. No retries, users, lanes, outbox or events.
 */
export async function openRawLoop({ mongoUrl, rabbitUrl, name }, { onStart, onEnd }) {
  const client = new MongoClient(mongoUrl)
  const tasks = client.db(name).collection('tasks', { writeConcern: { w: 'majority', journal: true } })
  const connection = await amqp.connect(rabbitUrl, { noDelay: true })
  const publish = await openPublisher(connection, name)
  await startConsumer(connection, name, tasks, { onStart, onEnd })
  return {
    async submit(index) {
      const _id = randomUUID()
      const createdAt = new Date()
      await tasks.insertOne({ _id, status: 'QUEUED', attempt: 0, parameters: payload(index), createdAt })
      await publish(_id)
    },
    async close() {
      await connection.close()
      await client.close()
    },
  }
}

async function openPublisher(connection, queue) {
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
  const returned = new Set()
  channel.on('return', ({ properties }) => returned.add(properties.messageId))
  return taskId =>
    new Promise((resolve, reject) => {
      const content = Buffer.from(JSON.stringify({ taskId }))
      const options = { persistent: true, mandatory: true, messageId: taskId }
      channel.sendToQueue(queue, content, options, error => {
        if (error) reject(error)
        else if (returned.delete(taskId)) reject(new Error(`the message of task ${taskId} was returned`))
        else resolve()
      })
    })
}

async function startConsumer(connection, queue, tasks, { onStart, onEnd }) {
  const channel = await connection.createChannel()
  await channel.prefetch(WIDTH)
  await channel.consume(queue, async message => {
    const { taskId } = JSON.parse(message.content)
    const claimToken = randomUUID()
    const claimed = await claim(tasks, taskId, claimToken)
    if (claimed === null) return channel.ack(message)
    onStart(claimed.parameters.index)
    const { matchedCount } = await settle(tasks, taskId, claimToken)
    channel.ack(message)
    if (matchedCount === 1) onEnd()
  })
}

function claim(tasks, _id, claimToken) {
  const now = Date.now()
  const set = {
    status: 'RUNNING',
    claimToken,
    startedAt: new Date(now),
    leaseUntil: new Date(now + LEASE_MS),
  }
  const update = { $set: set, $inc: { attempt: 1 } }
  return tasks.findOneAndUpdate({ _id, status: 'QUEUED' }, update, { returnDocument: 'after' })
}

function settle(tasks, _id, claimToken) {
  const set = { status: 'COMPLETED', result: { ok: true }, completedAt: new Date() }
  return tasks.updateOne({ _id, status: 'RUNNING', claimToken }, { $set: set, $unset: { leaseUntil: true } })
}

/** Deletes the queue that the loop declared. */
export async function removeQueue(rabbitUrl, name) {
  const connection = await amqp.connect(rabbitUrl)
  const channel = await connection.createChannel()
  await channel.deleteQueue(name)
  await connection.close()
}
