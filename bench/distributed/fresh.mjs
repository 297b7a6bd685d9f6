import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'

/**
 * Runs `work` with a name of its own for a database and for queues, and removes both afterwards. `removeQueues(rabbitUrl, name)` knows
 * what was declared under the name.
 */
export async function withFreshName({ mongoUrl, rabbitUrl }, removeQueues, work) {
  const name = `bench_${randomBytes(6).toString('hex')}`
  try {
    return await work(name)
  } finally {
    await removeQueues(rabbitUrl, name)
    const client = new MongoClient(mongoUrl)
    await client.db(name).dropDatabase()
    await client.close()
  }
}
