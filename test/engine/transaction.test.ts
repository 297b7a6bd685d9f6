import { defineTask, type Engine, type EngineTransaction } from 'quillwork'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { allTasks, expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const queued: string[] = []
const send = defineTask({
  type: 'Send',
  parameters: z.string().min(1),
  result: z.string(),
  onQueued: ({ taskId }) => void queued.push(taskId),
  execute: ctx => `sent ${ctx.parameters}`,
})
const slowly = defineTask({
  type: 'Slowly',
  parameters: z.string().refine(async () => true),
  result: z.null(),
  execute: () => null,
})

interface Options {
  persistent?: boolean
  start?: boolean
  waitingPerUser?: number
}

/** An engine whose file has a table of the caller's. */
async function withOrders({ waitingPerUser, ...options }: Options = {}): Promise<TestEngine> {
  queued.length = 0
  const t = await testEngine({
    ...options,
    tasks: [send, slowly],
    ...(waitingPerUser !== undefined && { admission: { waitingPerUser } }),
  })
  await t.transaction(tx =>
    tx.prepare('CREATE TABLE app_orders (id INTEGER PRIMARY KEY, text TEXT UNIQUE)').run(),
  )
  return t
}

const insert = (tx: EngineTransaction, text: string) =>
  tx.prepare('INSERT INTO app_orders (text) VALUES (?)').run(text)
const orders = (engine: Pick<Engine, 'transaction'>) =>
  engine.transaction(tx => tx.prepare('SELECT text FROM app_orders ORDER BY id').all())

/** That exactly these tasks were created, and each was announced once. */
async function expectTasks(t: TestEngine, ids: readonly string[]): Promise<void> {
  expect((await allTasks(t)).map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect(queued.toSorted()).toEqual(ids.toSorted())
  await expectInvariants(t)
}

describe.runIf(onSqlite)('a transaction of the caller', () => {
  it('has the caller’s rows and the tasks, which run when it is durable', async () => {
    await using t = await withOrders({ persistent: true })
    const task = await t.transaction(tx => {
      const { changes, lastInsertRowid } = insert(tx, 'a lamp')
      expect(changes).toBe(1)
      expect(tx.prepare('SELECT text FROM app_orders WHERE id = ?').get(lastInsertRowid)).toEqual({
        text: 'a lamp',
      })
      const submitted = tx.submit(send, 'a lamp', { tags: ['order'], idempotencyKey: 'lamp' })
      expect(submitted.isNew).toBe(true)
      expect(tx.submit(send, 'a lamp', { tags: ['order'], idempotencyKey: 'lamp' })).toMatchObject({
        taskId: submitted.taskId,
        isNew: false,
      })
      expect(queued).toEqual([])
      return submitted
    })
    await t.drain()
    expect(await task.result()).toBe('sent a lamp')
    await expectTasks(t, [task.taskId])
    await t.restart()
    expect(await orders(t)).toEqual([{ text: 'a lamp' }])
    await expectTasks(t, [task.taskId])
  })

  it('that throws writes nothing, and rejects with what was thrown', async () => {
    await using t = await withOrders()
    const reason = new Error('no stock')
    const failing = t.transaction(tx => {
      insert(tx, 'a lamp')
      tx.submit(send, 'a lamp')
      throw reason
    })
    await expect(failing).rejects.toBe(reason)
    const twice = t.transaction(tx => {
      tx.submit(send, 'a lamp')
      insert(tx, 'a lamp')
      insert(tx, 'a lamp')
    })
    await expect(twice).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
    expect(await orders(t)).toEqual([])
    await expectTasks(t, [])
  })

  it('runs once, and beside others of which one fails', async () => {
    await using t = await withOrders({ start: false })
    const runs: number[] = []
    const others = Array.from({ length: 20 }, (_, number) => t.submit(send, `other ${number}`))
    const mine = Array.from({ length: 20 }, (_, number) =>
      t.transaction(tx => {
        runs.push(number)
        insert(tx, `order ${number}`)
        const task = tx.submit(send, `order ${number}`)
        if (number % 2 === 1) throw new Error('odd')
        return task
      }),
    )
    const outcomes = await Promise.allSettled(mine)
    expect(outcomes.map(({ status }) => status)).toEqual(
      outcomes.map((_, number) => (number % 2 === 0 ? 'fulfilled' : 'rejected')),
    )
    expect(runs).toEqual(outcomes.map((_, number) => number))
    expect(await orders(t)).toEqual(
      outcomes.flatMap((_, number) => (number % 2 === 0 ? [{ text: `order ${number}` }] : [])),
    )
    const kept = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value.taskId] : []))
    await expectTasks(t, [...kept, ...(await Promise.all(others)).map(({ taskId }) => taskId)])
    await t.engine.start()
    await t.drain()
    expect((await allTasks(t)).map(({ status }) => status)).toEqual(Array(30).fill('COMPLETED'))
  })

  it('that a statement has ended, or that cannot be committed, writes nothing, and harms no other', async () => {
    await using t = await withOrders({ start: false })
    await t.transaction(tx =>
      tx
        .prepare(
          'CREATE TABLE app_lines (id INTEGER PRIMARY KEY REFERENCES app_orders DEFERRABLE INITIALLY DEFERRED)',
        )
        .run(),
    )
    const others = Array.from({ length: 5 }, (_, number) => t.submit(send, `other ${number}`))
    const caught: unknown[] = []
    const ended = t.transaction(tx => {
      insert(tx, 'a lamp')
      tx.submit(send, 'a lamp')
      const again = tx.prepare('INSERT OR ROLLBACK INTO app_orders (text) VALUES (?)')
      for (const next of [() => again.run('a lamp'), () => tx.submit(send, 'late'), () => insert(tx, 'late')])
        try {
          next()
        } catch (error) {
          caught.push(error)
        }
    })
    const dangling = t.transaction(tx => {
      tx.submit(send, 'a line')
      tx.prepare('INSERT INTO app_lines (id) VALUES (7)').run()
    })
    const refused = await Promise.allSettled([ended, dangling])
    expect(refused).toMatchObject([
      { status: 'rejected', reason: { code: 'OPTION_INVALID' } },
      { status: 'rejected', reason: { code: 'STORE_FAILED' } },
    ])
    expect(caught).toMatchObject([
      { code: 'SQLITE_CONSTRAINT_UNIQUE' },
      { code: 'OPTION_INVALID' },
      { code: 'OPTION_INVALID' },
    ])
    expect(await orders(t)).toEqual([])
    await expectTasks(
      t,
      (await Promise.all(others)).map(({ taskId }) => taskId),
    )
    await t.engine.start()
    await t.drain()
    expect((await allTasks(t)).map(({ status }) => status)).toEqual(Array(5).fill('COMPLETED'))
  })

  it('is undone by a refusal, unless the caller catches it', async () => {
    await using t = await withOrders({ start: false, waitingPerUser: 1 })
    const both = t.transaction(tx => {
      insert(tx, 'first')
      tx.submit(send, 'first')
      tx.submit(send, 'second')
    })
    await expect(both).rejects.toMatchObject({ code: 'USER_QUEUE_FULL' })
    const invalid = t.transaction(tx => tx.submit(send, ''))
    await expect(invalid).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
    expect(await orders(t)).toEqual([])
    const task = await t.transaction(tx => {
      insert(tx, 'first')
      const submitted = tx.submit(send, 'first')
      expect(() => tx.submit(send, 'second')).toThrow(expect.objectContaining({ code: 'USER_QUEUE_FULL' }))
      return submitted
    })
    expect(await orders(t)).toEqual([{ text: 'first' }])
    await expectTasks(t, [task.taskId])
  })

  it('refuses what would end it, asynchronous work, and what comes after its end', async () => {
    await using t = await withOrders()
    const refused = { code: 'OPTION_INVALID' }
    for (const sql of [
      'COMMIT',
      ' rollback',
      '-- now\n/* so */ SAVEPOINT a',
      ';PRAGMA user_version = 9',
      'VACUUM',
    ])
      await expect(t.transaction(tx => tx.prepare(sql))).rejects.toMatchObject(refused)
    const awaiting = t.transaction(async tx => {
      insert(tx, 'a lamp')
      throw new Error('nobody hears of it')
    })
    await expect(awaiting).rejects.toMatchObject({ ...refused, message: expect.stringContaining('promise') })
    await expect(t.transaction(tx => tx.submit(slowly, 'a lamp'))).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('asynchronously'),
    })
    const late = await t.transaction(tx => ({ tx, statement: tx.prepare('DELETE FROM app_orders') }))
    expect(() => late.statement.run()).toThrow(expect.objectContaining(refused))
    expect(() => late.tx.submit(send, 'a lamp')).toThrow(expect.objectContaining(refused))
    expect(() => late.tx.prepare('SELECT 1')).toThrow(expect.objectContaining(refused))
    expect(await orders(t)).toEqual([])
    await expectTasks(t, [])
  })
})

it.skipIf(onSqlite)('on MongoDB the caller begins a transaction of its own', async () => {
  await using t = await testEngine({ tasks: [send] })
  await expect(t.transaction(() => undefined)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('`transaction`'),
  })
})
