import { MongoClient } from 'mongodb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MongoStore } from '../../src/store/mongodb/store.ts'
import type { Created, CreateOptions } from '../../src/store/store.ts'
import type { NewTask } from '../../src/task/task.ts'
import { completed } from '../../src/task/transition.ts'
import {
  createAll,
  each,
  ids,
  move,
  newTask,
  only,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

/** More than one command of a creation takes. */
const count = 600
const allOrNone = () => true

describeWithMongo('the creation of many tasks in MongoDB, all or none', () => {
  let context: MongoContext
  let client: MongoClient
  let store: MongoStore
  beforeEach(async () => {
    context = new MongoContext()
    store = await context.makeStoreOn(url => {
      client = new MongoClient(url, { monitorCommands: true })
      return client
    })
  })
  afterEach(async () => {
    await context.end()
    await client.close()
  })

  const stored = async () => {
    await using other = new MongoClient(context.url)
    return await other.db().collection('background_tasks').countDocuments({})
  }

  it('leaves nothing when the process is gone in the middle of it', async () => {
    let inserts = 0
    let inMiddle: Promise<number> | undefined
    client.on('commandStarted', ({ commandName }) => {
      if (commandName !== 'insert') return
      inserts += 1
      if (inserts !== 2) return
      inMiddle = stored()
      void client.close(true)
    })
    const tasks = Array.from({ length: count }, () => newTask())
    await expect(store.tasks.create(tasks, {}, { allOrNone })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(inserts).toBe(2)
    expect(await inMiddle).toBe(0)
    expect(await stored()).toBe(0)
  })

  it('keeps the transaction small: parameters that are long together lie apart', async () => {
    const parameters = JSON.stringify('x'.repeat(60_000))
    const tasks = Array.from({ length: 300 }, () => newTask({ parameters }))
    let bytes = 0
    client.on('commandStarted', ({ commandName, command }) => {
      if (commandName === 'insert') bytes += JSON.stringify(command).length
    })
    const answers = await store.tasks.create(tasks, {}, { allOrNone })
    expect(new Set(each(answers, 'outcome'))).toEqual(new Set(['created']))
    expect(bytes).toBeLessThan(1_000_000)
    expect(new Set(each(await store.queries.get(ids(tasks)), 'parameters'))).toEqual(new Set([parameters]))
  })

  it('reads no results of sub-tasks that are there', async () => {
    const parent = await startNew(store)
    const tasks = ['a', 'b', 'c'].map(key => subTaskOf(parent, key))
    const records = await createAll(store, tasks)
    const result = JSON.stringify('x'.repeat(100_000))
    await move(store, completed(await start(store, only(records.slice(0, 1))), result, context.now))
    await move(store, completed(await start(store, only(records.slice(1, 2))), '"short"', context.now))
    let bytes = 0
    const collections: unknown[] = []
    client.on('commandStarted', ({ command }) => collections.push(command['find']))
    client.on('commandSucceeded', ({ reply }) => {
      bytes += JSON.stringify(reply).length
    })
    const answers = await store.tasks.create([...tasks, subTaskOf(parent, 'd')], {}, { allOrNone })
    expect(each(answers, 'outcome')).toEqual(['existing', 'existing', 'existing', 'created'])
    expect(answers).toMatchObject([
      { record: { status: 'COMPLETED' } },
      { record: { status: 'COMPLETED' } },
      { record: { status: 'QUEUED' } },
      {},
    ])
    expect(collections).toContain('background_tasks')
    expect(collections).not.toContain('task_payloads')
    expect(bytes).toBeLessThan(50_000)
  })

  it("holds within the caller's own transaction, whatever becomes of it", async () => {
    const create = (tasks: readonly NewTask[], options: CreateOptions): Promise<Created[]> =>
      client.withSession(session =>
        session.withTransaction(transaction =>
          store.tasks.create(tasks, { waitingPerUser: 3 }, { ...options, transaction }),
        ),
      )
    const keyed = () => newTask({ idempotencyKey: 'k' })
    const tasks = [keyed(), keyed(), newTask(), newTask(), newTask()]
    const none = await create(tasks, { allOrNone })
    expect(each(none, 'outcome')).toEqual(['withheld', 'withheld', 'withheld', 'withheld', 'refused'])
    expect(await stored()).toBe(0)
    const all = await create(tasks.slice(0, 4), { allOrNone })
    expect(each(all, 'outcome')).toEqual(['created', 'existing', 'created', 'created'])
    expect(all[1]).toEqual({ ...all[0], outcome: 'existing' })
    expect(await stored()).toBe(3)
    const other = await create([keyed(), newTask({ userId: 'bob' })], { allOrNone: () => false })
    expect(each(other, 'outcome')).toEqual(['existing', 'withheld'])
    expect(await stored()).toBe(3)
    const some = await create([keyed(), newTask(), newTask({ userId: 'bob' })], {})
    expect(each(some, 'outcome')).toEqual(['existing', 'refused', 'created'])
  })
})
