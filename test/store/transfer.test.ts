import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine } from 'quillwork'
import { scriptedTasks } from 'quillwork/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { createMongoStore } from '../../src/store/mongodb/store.ts'
import { type SqliteStore, sqlite } from '../../src/store/sqlite/index.ts'
import type {
  RowsTransfer,
  StoreTransfer,
  TransferredPiece,
  TransferredUsage,
} from '../../src/store/transfer.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { until } from '../servers/until.ts'
import { fill } from './filled.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-transfer-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function filled(): Promise<SqliteStore> {
  const file = path.join(folder, 'source.db')
  await fill(file)
  return sqlite({ file })
}

const kinds = ['tasks', 'output', 'usage', 'strays', 'schedules', 'pausedLanes', 'budgets'] as const

async function rowsOf(transfer: StoreTransfer): Promise<Record<string, unknown[]>> {
  const read = async <Row>(rows: RowsTransfer<Row>) => {
    const all: Row[] = []
    for await (const page of rows.read()) all.push(...page)
    return all
  }
  return {
    tasks: await read(transfer.tasks),
    // Pieces stand in another order in each store.
    output: (await read(transfer.output)).sort((one, other) => placeOf(one).localeCompare(placeOf(other))),
    // Calls of models stand in no order.
    usage: (await read(transfer.usage)).sort((one, other) => textOf(one).localeCompare(textOf(other))),
    strays: await read(transfer.strays),
    schedules: await read(transfer.schedules),
    pausedLanes: await read(transfer.pausedLanes),
    budgets: await read(transfer.budgets),
  }
}

function placeOf({ taskId, attempt, sequence }: TransferredPiece): string {
  return [taskId, attempt, sequence].join()
}

function textOf({ at, taskId, model, attempt }: TransferredUsage): string {
  return [at, taskId, model, attempt].join()
}

async function copy(from: StoreTransfer, to: StoreTransfer): Promise<void> {
  await to.begin('a test')
  for (const kind of kinds) {
    const [source, target]: [RowsTransfer<never>, RowsTransfer<never>] = [
      from[kind] as never,
      to[kind] as never,
    ]
    for await (const page of source.read()) await target.write(page)
  }
  await to.finish()
}

/** What differs on purpose: a lease is void where it was written. */
function settled(rows: Record<string, unknown[]>): Record<string, unknown[]> {
  const tasks = rows['tasks'] as { record: { leaseUntil?: number } }[]
  for (const { record } of tasks) if (record.leaseUntil !== undefined) record.leaseUntil = 0
  return rows
}

describeWithMongo('the rows of a store', () => {
  it('are the same in MongoDB and back in a file, and the counters agree with them', {
    timeout: 120_000,
  }, async () => {
    await using database = freshDatabase()
    const source = await filled()
    const there = createMongoStore({ url: database.url }, { filling: true })
    await there.open()
    const back = sqlite({ file: path.join(folder, 'back.db') })
    try {
      const original = settled(await rowsOf(source.transfer))
      expect(original['tasks']?.length).toBeGreaterThan(18)
      expect(original['budgets']).toHaveLength(1)
      expect(original['output']?.length).toBeGreaterThan(1)
      await copy(source.transfer, there.transfer)
      expect(settled(await rowsOf(there.transfer))).toEqual(original)
      expect(await there.queries.counts()).toEqual(await source.queries.counts())
      await copy(there.transfer, back.transfer)
      expect(settled(await rowsOf(back.transfer))).toEqual(original)
      expect(await back.queries.counts()).toEqual(await source.queries.counts())
      const waiting = async (store: typeof source) =>
        (await store.lanes.lanes()).map(({ lane, waiting, paused }) => [lane, waiting, paused])
      expect(await waiting(back)).toEqual(await waiting(source))
      const order = async (store: typeof source) =>
        (await store.outbox.due([{ lane: 'default', capacity: 100 }], { quarantined: 0 })).deliveries.map(
          ({ taskId }) => taskId,
        )
      expect(await order(back)).toEqual(await order(source))
    } finally {
      for (const store of [source, there, back]) await store.tasks.close()
    }
  })

  it('a database that is not full is opened by nobody, and filled from the start again', async () => {
    await using database = freshDatabase()
    const source = await filled()
    const half = createMongoStore({ url: database.url }, { filling: true })
    await half.open()
    await half.transfer.begin('a test')
    for await (const page of source.transfer.tasks.read()) {
      await half.transfer.tasks.write(page)
      break
    }
    await half.tasks.close()
    const early = mongodb({ url: database.url })
    await expect(early.open()).rejects.toMatchObject({ code: 'TRANSFER_INCOMPLETE' })
    await early.tasks.close()
    const again = createMongoStore({ url: database.url }, { filling: true })
    await again.open()
    await copy(source.transfer, again.transfer)
    expect(await again.queries.counts()).toEqual(await source.queries.counts())
    await again.tasks.close()
    const usual = mongodb({ url: database.url })
    await usual.open()
    await expect(usual.transfer.begin('a test')).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    await usual.tasks.close()
    await source.tasks.close()
  })
})

describeWithMongo('what waited in a file', () => {
  it('runs in MongoDB, and the attempt that was lost is settled there', { timeout: 60_000 }, async () => {
    await using database = freshDatabase()
    const source = await filled()
    const filling = createMongoStore({ url: database.url }, { filling: true })
    await filling.open()
    await copy(source.transfer, filling.transfer)
    const before = await source.queries.counts()
    expect(before).toMatchObject({ RUNNING: 1, QUEUED: expect.any(Number) })
    const { items } = await source.queries.list({ status: ['RUNNING'] }, { pageSize: 2 })
    for (const store of [source, filling]) await store.tasks.close()

    const { scripted, parent } = scriptedTasks()
    const engine = await createEngine({
      tasks: [scripted, parent],
      store: mongodb({ url: database.url }),
      times: { sweepInterval: '50ms' },
    })
    await engine.start()
    const lost = await until(async () => {
      const task = await engine.tasks.get(items[0]?.id ?? '')
      return task.status === 'COMPLETED' ? task : undefined
    }, 'end of the lost task')
    expect(lost).toMatchObject({ attempt: 2, retryCount: 1 })
    // Two wait for a time: the one that was snoozed, and the one that was delayed.
    await until(
      async () => (await engine.tasks.counts()).COMPLETED > before.COMPLETED + before.QUEUED - 2,
      'rest',
    )
    await engine.stop({ grace: 0 })
  })
})

describe('a file', () => {
  it('that holds something is not filled', async () => {
    const source = await filled()
    await expect(source.transfer.begin('a test')).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    await source.tasks.close()
  })
  it('finds what was written to it by its tags, and by those of the last time alone', async () => {
    const source = await filled()
    const target = sqlite({ file: path.join(folder, 'target.db') })
    try {
      await copy(source.transfer, target.transfer)
      const list = async (tag: string) => (await target.queries.list({ tag }, { pageSize: 10 })).items
      const [first] = await list('vip')
      expect(first?.tags).toEqual(['vip', 'long'])
      for await (const page of source.transfer.tasks.read())
        await target.transfer.tasks.write(
          page.map(task => ({ ...task, record: { ...task.record, tags: ['again'] } })),
        )
      expect(await list('vip')).toEqual([])
      expect((await list('again')).length).toBeGreaterThan(9)
    } finally {
      for (const store of [source, target]) await store.tasks.close()
    }
  })
})
