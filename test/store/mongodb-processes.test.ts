/** Several processes on one database: they count the same families, take turns for the same users, and write in transactions. */
import { MongoClient } from 'mongodb'
import { createEngine, defineTask } from 'quillwork'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { UnknownOutcome } from '../../src/store/mongodb/failures.ts'
import type { MongoStore } from '../../src/store/mongodb/index.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import {
  awaitingSubTasks,
  cancelledWaiting,
  closed,
  completed,
  givenBack,
  reopened,
  retried,
  retrying,
  type Transition,
} from '../../src/task/transition.ts'
import {
  atRest,
  claimOf,
  createAll,
  createMany,
  createOne,
  dueIds,
  dueIn,
  fail,
  family,
  ids,
  move,
  newTask,
  only,
  problem,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { until } from '../servers/until.ts'
import { MongoContext } from './mongodb-context.ts'

describeWithMongo('several processes on one MongoDB database', () => {
  let context: MongoContext
  beforeEach(() => {
    context = new MongoContext()
  })
  afterEach(() => context.end())

  it('count a family exactly, however many of them count it at once', async () => {
    const stores = await context.makeStores(3)
    const [one] = stores
    const parent = await startNew(one)
    const batches = await Promise.all(
      stores.map((store, index) =>
        createAll(
          store,
          Array.from({ length: 100 }, (_, key) => subTaskOf(parent, `${index}/${key}`)),
        ),
      ),
    )
    expect((await read(one, parent.id)).subTaskStatusSummary).toEqual({ QUEUED: 300 })
    await move(one, awaitingSubTasks(parent, { reduces: true }))
    await Promise.all(batches.map((children, index) => runAll(stores[index] ?? one, children, context.now)))
    for (const store of stores) await atRest(store)
    expect((await read(one, parent.id)).subTaskStatusSummary).toEqual({ COMPLETED: 300 })
    for (const store of stores) expect((await dueIn(store)).parents).toEqual([parent.id])
  })

  it('finish a count that another process left half done', async () => {
    let dies = false
    const faulty = new MongoContext({
      before(operation) {
        if (dies && operation === 'finish an aggregation') throw new Error('the process is gone')
      },
    })
    const [one, two] = await faulty.makeStores(2)
    try {
      const parent = await startNew(one)
      dies = true
      const [child] = await createAll(one, [subTaskOf(parent, 'a')])
      expect(await one.tasks.claim([claimOf(child ?? parent)])).toEqual([undefined])
      expect((await read(one, parent.id)).subTaskStatusSummary).toEqual({ QUEUED: 1 })
      dies = false
      await atRest(two)
      expect((await read(two, parent.id)).subTaskStatusSummary).toEqual({ QUEUED: 1 })
      expect(await dueIds(two)).toEqual([child?.id])
    } finally {
      await faulty.end()
    }
  })

  it('count right what moved back before the process that counted it was done', async () => {
    let isArmed = false
    let dies = false
    const faulty = new MongoContext({
      before(operation) {
        if (dies && operation === 'finish an aggregation') throw new Error('the process is gone')
      },
      after(operation) {
        dies ||= isArmed && operation === 'aggregate sub-tasks'
      },
    })
    const [one, two] = await faulty.makeStores(2)
    try {
      const parent = await startNew(one)
      const child = await createOne(one, subTaskOf(parent, 'a'))
      const summary = async () => (await read(one, parent.id)).subTaskStatusSummary
      isArmed = true
      const claimed = only(await two.tasks.claim([claimOf(child)]))
      await expect.poll(summary).toEqual({ RUNNING: 1 })
      expect(await two.tasks.apply([givenBack(claimed)])).toEqual(['applied'])
      await two.tasks.close()
      isArmed = false
      dies = false
      faulty.advance(2_000)
      await atRest(one)
      expect(await summary()).toEqual({ QUEUED: 1 })
      expect(await dueIds(one)).toEqual([child.id])
    } finally {
      await faulty.end()
    }
  })

  it('send what crashed in another one also while their own lane is always busy', async () => {
    const [one, two] = await context.makeStores(2)
    await createAll(
      one,
      Array.from({ length: 20 }, () => newTask()),
    )
    const look = async () => {
      const { deliveries } = await dueIn(one, { lane: 'default', capacity: 2 })
      await one.outbox.published(deliveries)
      return deliveries.map(({ crashCount }) => crashCount)
    }
    expect(await look()).toEqual([0, 0])
    const crashed = await startNew(two)
    await move(two, retrying(crashed, { at: context.now, error: problem(), retryCount: 1, crashCount: 2 }))
    context.advance(2_000)
    expect(await look()).toEqual([2, 0])
    expect(await look()).toEqual([0, 0])
  })

  it('rescue what one of them left once, however many of them saw its lease end', async () => {
    const stores = await context.makeStores(3)
    const left = await startNew(stores[0])
    context.advance(60_000)
    const retry = { at: context.now, error: problem(), retryCount: 1, crashCount: 1 }
    const fence = { attempt: left.attempt, leaseUntil: left.leaseUntil ?? 0 }
    const answers = await Promise.all(
      stores.map(store => store.tasks.apply([{ ...retrying(left, retry), fence }])),
    )
    expect(answers.flat().sort()).toEqual(['applied', 'stale', 'stale'])
  })

  it('cancel a sub-task that came to be while its parent ended', async () => {
    const [one, two] = await context.makeStores(2)
    const parent = await startNew(one)
    await createOne(one, subTaskOf(parent, 'a'))
    const late = await createOne(one)
    // As an insert leaves it whose parent ended after it was asked.
    await context.change(late.id, {
      $set: { parentTaskId: parent.id, rootTaskId: parent.id, uncounted: true },
      $unset: { ready: 1 },
    })
    await move(one, completed(parent, '"x"', context.now))
    await atRest(two)
    context.advance(2_000)
    await atRest(two)
    expect(await read(two, late.id)).toMatchObject({ status: 'CANCELLED', completedAt: expect.any(Number) })
    expect((await read(two, parent.id)).subTaskStatusSummary).toEqual({ QUEUED: 1, CANCELLED: 1 })
  })

  it('take no lease that lasts by the clock of the server, however far ahead their own is', async () => {
    const [one, two] = await context.makeStores(2)
    const held = await startNew(one)
    // As a process decides that takes the lease for expired.
    const rescue: Transition = {
      ...givenBack(held),
      fence: { attempt: held.attempt, leaseUntil: held.leaseUntil ?? 0 },
    }
    expect(await two.tasks.apply([rescue])).toEqual(['stale'])
    expect((await read(one, held.id)).leaseUntil).toBe(held.leaseUntil)
    context.advance(30_000)
    expect(await two.tasks.apply([rescue])).toEqual(['applied'])
  })

  it('end the transaction that one of them left open when it went: who writes the same tasks does not wait for it', async () => {
    const [one, two] = await context.makeStores(2)
    const node = {
      nodeId: 'node-1',
      roles: ['worker'],
      lanes: {},
      running: 1,
      startedAt: 0,
      pid: 1,
      host: 'a',
    }
    await one.nodes?.report(node)
    const held = await startNew(one)
    const [task, other] = [newTask(), newTask()]
    let isInserted = false
    let release = () => undefined as void
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    let tries = 0
    const leftOpen = one.database.transaction('leave open', async transaction => {
      tries += 1
      if (tries > 1) throw new UnknownOutcome('ended by another process')
      const tasks = one.database.collection<{ _id: string }>('background_tasks')
      await tasks.insertOne({ _id: task.id }, { session: transaction })
      isInserted = true
      await released
    })
    const isEnded = expect(leftOpen).rejects.toThrow('ended by another process')
    await until(() => isInserted, 'insert in the transaction')
    context.advance(60_000)
    const [lost] = await two.tasks.overdue(10)
    expect(lost?.record.id).toBe(held.id)
    await two.nodes?.endTransactions([lost?.record.executionNodeId ?? ''])
    const answers = await two.tasks.create([task, other], {}, { allOrNone: () => true })
    expect(answers.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
    release()
    await isEnded
    expect(await two.nodes?.list()).not.toContainEqual(
      expect.objectContaining({ sessions: expect.anything() }),
    )
  })

  it('take turns for users whichever process they submit to', async () => {
    const [one, two] = await context.makeStores(2)
    await createAll(
      one,
      Array.from({ length: 200 }, () => newTask()),
    )
    for (const taskId of await dueIds(two, { lane: 'default', capacity: 20 }))
      await start(two, { id: taskId, attempt: 0 })
    const single = await createOne(two, { userId: 'bob' })
    expect(await dueIds(one, { lane: 'default', capacity: 2 })).toContain(single.id)
    const later = await createAll(two, [newTask(), newTask({ userId: 'cid' })])
    const next = await dueIds(one, { lane: 'default', capacity: 4 })
    expect(next).toContain(later[1]?.id)
    expect(next).not.toContain(later[0]?.id)
  })

  it('take turns for users also in a process whose first task of a lane goes at once', async () => {
    const [one, two] = await context.makeStores(2)
    await createMany(one, 10, { userId: 'ann' })
    context.advance(300_000)
    await createOne(two, { userId: 'bob', send: true })
    const carls = await createOne(two, { userId: 'carl' })
    expect((await dueIds(two)).indexOf(carls.id)).toBeLessThan(5)
  })

  it('write a retry of a tree in one commit, or not at all', async () => {
    const [store] = await context.makeStores(1)
    const [parent, ...children] = await family(store, ['a', 'b'])
    const failed: TaskRecord[] = []
    for (const child of children) failed.push(await fail(store, child, context.now))
    await atRest(store)
    const ended = await move(
      store,
      closed(await read(store, parent.id), { failedSubTasks: [], error: problem() }, context.now),
    )
    const steps = failed.map(child => retried(child, context.now))
    const old = { ...ended, version: ended.version - 1 }
    const together = { required: 1 }
    expect(await store.tasks.apply([reopened(old, context.now), ...steps], together)).toEqual([
      'stale',
      'stale',
      'stale',
    ])
    expect(await store.queries.get(ids(failed))).toEqual(failed)
    const [gone] = failed
    const moved = await move(store, retried(gone ?? ended, context.now))
    const seen = await read(store, parent.id)
    const answers = await store.tasks.apply([reopened(seen, context.now), ...steps], together)
    expect(answers).toEqual(['applied', 'stale', 'applied'])
    await atRest(store)
    expect(await read(store, moved.id)).toEqual(moved)
    expect(await read(store, parent.id)).toMatchObject({
      status: 'RUNNING',
      subTaskStatusSummary: { QUEUED: 2 },
    })
  })

  it('find a task again whose commit together was not answered', async () => {
    let losses = 1
    const faulty = new MongoContext({
      after(operation) {
        if (operation !== 'apply together' || losses === 0) return
        losses -= 1
        throw new UnknownOutcome('the answer was lost on purpose')
      },
    })
    try {
      const [store] = await faulty.makeStores(1)
      const made = await createAll(store, [newTask(), newTask()])
      const transitions = made.map(record => cancelledWaiting(record, problem(), faulty.now))
      expect(await store.tasks.apply(transitions, { required: 1 })).toEqual(['applied', 'applied'])
      expect(losses).toBe(0)
      const states = (await store.queries.get(ids(made))).map(record => record?.status)
      expect(states).toEqual(['CANCELLED', 'CANCELLED'])
    } finally {
      await faulty.end()
    }
  })
})

describeWithMongo("a task in the caller's own MongoDB transaction", () => {
  let context: MongoContext
  let client: MongoClient
  let store: MongoStore
  beforeEach(async () => {
    context = new MongoContext()
    store = await context.makeStoreOn(url => {
      client = new MongoClient(url)
      return client
    })
  })
  afterEach(async () => {
    await context.end()
    await client.close()
  })

  function inTransaction(
    work: (create: MongoStore['tasks']['create']) => Promise<unknown>,
  ): Promise<unknown> {
    return client.withSession(session =>
      session.withTransaction(transaction =>
        work((tasks, limits, options) => store.tasks.create(tasks, limits, { ...options, transaction })),
      ),
    )
  }

  it('comes to be with the commit, and is due then', async () => {
    let told = 0
    const task = newTask({ send: true })
    await inTransaction(async create => {
      const answer = only(await create([task], {}))
      expect(answer).toMatchObject({ outcome: 'created', record: { id: task.id, status: 'QUEUED' } })
      expect(answer).not.toHaveProperty('delivery')
      expect(await store.queries.get([task.id])).toEqual([undefined])
      store.outbox.onDue(() => {
        told += 1
      })
    })
    expect(told).toBeGreaterThan(0)
    expect(await dueIds(store)).toEqual([task.id])
  })

  it('never was when the transaction is given up', async () => {
    const task = newTask()
    const wrong = new Error('not today')
    const given = inTransaction(async create => {
      await create([task], {})
      throw wrong
    })
    await expect(given).rejects.toBe(wrong)
    expect(await store.queries.get([task.id])).toEqual([undefined])
    expect(await dueIds(store)).toEqual([])
  })

  it('of large parameters leaves nothing behind when it is given up, and all of them when it is not', async () => {
    const large = () => newTask({ parameters: JSON.stringify('x'.repeat(100_000)) })
    const payloads = store.database.collection<{ taskId: string }>('task_payloads')
    const wrong = new Error('not today')
    const given = inTransaction(async create => {
      await create([large()], {})
      throw wrong
    })
    await expect(given).rejects.toBe(wrong)
    const kept = large()
    await inTransaction(create => create([kept], {}))
    await until(async () => (await payloads.find({}).toArray()).length === 1, 'the payload of one task')
    expect(await payloads.findOne({})).toMatchObject({ taskId: kept.id })
    expect(only(await store.queries.get([kept.id]))?.parameters).toBe(kept.parameters)
  })

  it('can be one of many in a session', async () => {
    const warned: string[] = []
    const onWarning = ({ name }: Error) => void warned.push(name)
    process.on('warning', onWarning)
    const tasks = Array.from({ length: 12 }, () => newTask())
    await inTransaction(async create => {
      for (const task of tasks) await create([task], {})
    })
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warned).toEqual([])
    expect((await dueIds(store)).sort()).toEqual(tasks.map(({ id }) => id).sort())
  })

  it('is found when it exists, and the transaction goes on', async () => {
    const first = await createOne(store, { idempotencyKey: 'once' })
    const other = newTask()
    await inTransaction(async create => {
      const answers = await create(
        [newTask({ idempotencyKey: 'once' }), other, newTask({ id: first.id })],
        {},
      )
      expect(answers).toMatchObject([
        { outcome: 'existing', record: first },
        { outcome: 'created' },
        { outcome: 'existing', record: first },
      ])
    })
    expect((await read(store, other.id)).status).toBe('QUEUED')
  })

  it('is refused by its type before anything is written, and the transaction goes on', async () => {
    const choosy = defineTask({
      type: 'Choosy',
      parameters: z.string(),
      result: z.null(),
      admit: async parameters => {
        if (parameters === 'wrong') throw new Error('Not this one.')
      },
      execute: () => null,
    })
    const engine = await createEngine({ tasks: [choosy], store })
    await client.withSession(session =>
      session.withTransaction(async transaction => {
        await expect(engine.submit(choosy, 'wrong', { transaction })).rejects.toMatchObject({
          code: 'SUBMISSION_REFUSED',
        })
        await engine.submit(choosy, 'right', { transaction })
      }),
    )
    const { items } = await store.queries.list({}, { pageSize: 5 })
    expect(items.map(({ parameters }) => parameters)).toEqual(['"right"'])
  })

  it('is refused without a session of the driver, or with one of another client', async () => {
    const create = (transaction: unknown) => store.tasks.create([newTask()], {}, { transaction })
    await expect(create({})).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await using other = new MongoClient(context.url)
    await other.withSession(session =>
      expect(create(session)).rejects.toMatchObject({ code: 'OPTION_INVALID' }),
    )
  })
})

async function runAll(store: MongoStore, children: readonly TaskRecord[], now: number): Promise<void> {
  for (let from = 0; from < children.length; from += 25) {
    const claims = children.slice(from, from + 25).map(child => claimOf(child))
    const claimed = (await store.tasks.claim(claims)).filter(record => record !== undefined)
    expect(claimed).toHaveLength(claims.length)
    await store.tasks.apply(claimed.map(record => completed(record, '"done"', now)))
  }
}
