import { type CommandStartedEvent, MongoClient } from 'mongodb'
import { mongodb } from 'quillwork/mongodb'
import { expect, it } from 'vitest'
import { retried } from '../../src/task/transition.ts'
import {
  atRest,
  complete,
  createAll,
  createOne,
  fail,
  read,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

const writes = new Set(['insert', 'update', 'delete', 'findAndModify', 'bulkWrite', 'commitTransaction'])

describeWithMongo('what a MongoDB store asks of the servers', () => {
  it('every write is acknowledged by a majority, and is in their journals', async () => {
    await using database = freshDatabase()
    const client = new MongoClient(database.url, { monitorCommands: true })
    const store = mongodb({ client, database: database.name })
    const asked: CommandStartedEvent[] = []
    try {
      await store.open()
      client.on('commandStarted', event => asked.push(event))
      const parent = await startNew(store)
      const [child] = await createAll(store, [subTaskOf(parent, 'a'), subTaskOf(parent, 'b')])
      const failed = await fail(store, child ?? parent, store.tasks.now())
      await store.tasks.apply([retried(failed, store.tasks.now())], { required: 1 })
      await complete(store, await createOne(store), store.tasks.now())
      await store.tasks.extend([{ taskId: parent.id, token: parent.claimToken ?? '' }], 5_000)
      await store.attempts.checkpoint([{ taskId: parent.id, attempt: 1, key: 'a', value: '1' }])
      await store.attempts.progress([{ taskId: parent.id, attempt: 1, progress: '0.5' }])
      await store.attempts.log(parent.id, [{ at: 1, attempt: 1, level: 'info', message: 'x' }])
      await store.unparsable.file([{ id: 'stray', at: 1, reason: 'none', content: 'x' }])
      await atRest(store)
      await read(store, parent.id)
    } finally {
      await store.tasks.close()
      await client.close()
    }
    const written = asked.filter(({ commandName }) => writes.has(commandName))
    expect(written.length).toBeGreaterThan(12)
    for (const { commandName, command } of written)
      expect(command['writeConcern'], commandName).toMatchObject({ w: 'majority', j: true })
  })
})
