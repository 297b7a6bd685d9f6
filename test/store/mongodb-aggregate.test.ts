import { expect, it } from 'vitest'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { createMongoStore } from '../../src/store/mongodb/store.ts'
import { givenBack } from '../../src/task/transition.ts'
import {
  atRest,
  complete,
  createAll,
  move,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

describeWithMongo('the counts of sub-tasks in MongoDB', () => {
  it('are written when one ends, and a moment later when one only began or will be tried again', async () => {
    const database = freshDatabase()
    let counts = 0
    const store = createMongoStore(
      {
        url: database.url,
        faults: {
          before(operation) {
            if (operation === 'aggregate sub-tasks') counts += 1
          },
        },
      },
      { aggregateAfterMs: 3_000 },
    )
    try {
      await store.open()
      const parent = await startNew(store)
      const children = await createAll(store, [subTaskOf(parent, 'one'), subTaskOf(parent, 'two')])
      const [one, two] = children
      if (one === undefined || two === undefined) throw new Error('two were created')
      const summary = async () => (await read(store, parent.id)).subTaskStatusSummary
      expect(await summary()).toEqual({ QUEUED: 2 })
      await atRest(store)
      counts = 0

      await complete(store, one, Date.now())
      await atRest(store)
      expect(await summary()).toEqual({ QUEUED: 1, COMPLETED: 1 })
      expect(counts, 'one for its beginning and its end').toBe(1)

      const running = await start(store, two)
      await expect.poll(summary).toEqual({ RUNNING: 1, COMPLETED: 1 })
      await move(store, givenBack(running))
      await expect.poll(summary).toEqual({ QUEUED: 1, COMPLETED: 1 })
    } finally {
      await store.tasks.close()
      await database.drop()
    }
  })

  it('that wait for their moment are written before the store is closed', async () => {
    const database = freshDatabase()
    const store = createMongoStore({ url: database.url }, { aggregateAfterMs: 600_000 })
    try {
      await store.open()
      const parent = await startNew(store)
      const [child] = await createAll(store, [subTaskOf(parent, 'one')])
      if (child === undefined) throw new Error('one was created')
      await start(store, child)
      await store.tasks.close()
      const other = mongodb({ url: database.url })
      await other.open()
      expect((await read(other, parent.id)).subTaskStatusSummary).toEqual({ RUNNING: 1 })
      await other.tasks.close()
    } finally {
      await store.tasks.close()
      await database.drop()
    }
  })
})
