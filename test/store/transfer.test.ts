import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { type Document, MongoClient } from 'mongodb'
import { createEngine } from 'quillwork'
import { scriptedTasks } from 'quillwork/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyRecords, everyRecord } from '../../src/records/copy.ts'
import { mongoRecords } from '../../src/records/mongodb.ts'
import type { Identified, Kind, Records } from '../../src/records/records.ts'
import { sqliteRecords } from '../../src/records/sqlite.ts'
import { activity } from '../../src/store/activity.ts'
import { coldKinds, states, unparsable } from '../../src/store/cold-records.ts'
import { UnknownOutcome } from '../../src/store/mongodb/failures.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { createMongoStore, type MongoStore } from '../../src/store/mongodb/store.ts'
import { operatorValues } from '../../src/store/operator-values.ts'
import { keptSchedules, schedules } from '../../src/store/schedules.ts'
import { applyMigrations } from '../../src/store/sqlite/file.ts'
import { type SqliteStore, sqlite } from '../../src/store/sqlite/index.ts'
import { engineMigrations } from '../../src/store/sqlite/schema.ts'
import type { Store } from '../../src/store/store.ts'
import type { RowsTransfer, TransferredPiece, TransferredUsage } from '../../src/store/transfer.ts'
import { usageDays } from '../../src/store/usage-days.ts'
import { subTaskId } from '../../src/task/id.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { awaitingSubTasks, completed } from '../../src/task/transition.ts'
import { notAttempted } from '../../src/task/wait-transitions.ts'
import {
  claimOf,
  createAll,
  fail,
  ids,
  move,
  problem,
  read,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
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

type Movable = SqliteStore | MongoStore

/** What the store keeps beside its tasks. */
function recordsOf(store: Movable): Records {
  return store.kind === 'sqlite'
    ? sqliteRecords((store as SqliteStore).database)
    : mongoRecords((store as MongoStore).database, [])
}

async function everyOf<R extends Identified>(records: Records, kind: Kind<R>): Promise<R[]> {
  const all: R[] = []
  for await (const page of everyRecord(records, kind)) all.push(...page)
  return all
}

async function rowsOf(store: Movable): Promise<Record<string, unknown[]>> {
  const { transfer } = store
  const records = recordsOf(store)
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
    unparsable: await everyOf(records, unparsable),
    schedules: await everyOf(records, schedules),
    states: await everyOf(records, states),
    usageDays: await everyOf(records, usageDays),
    activity: await everyOf(records, activity),
    keptSchedules: await everyOf(records, keptSchedules),
    operatorValues: await everyOf(records, operatorValues),
    paused: [...(await store.lanes.paused())].sort(),
  }
}

function placeOf({ taskId, attempt, sequence }: TransferredPiece): string {
  return [taskId, attempt, sequence].join()
}

function textOf({ at, taskId, model, attempt }: TransferredUsage): string {
  return [at, taskId, model, attempt].join()
}

async function copy(from: Movable, to: Movable): Promise<void> {
  await to.transfer.begin('a test')
  for (const kind of ['tasks', 'output', 'usage'] as const) {
    const [source, target]: [RowsTransfer<never>, RowsTransfer<never>] = [
      from.transfer[kind] as never,
      to.transfer[kind] as never,
    ]
    for await (const page of source.read()) await target.write(page)
  }
  await copyRecords(recordsOf(from), recordsOf(to), coldKinds)
  for (const lane of await from.lanes.paused()) await to.lanes.setPaused(lane, true)
  await to.transfer.finish()
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
      const original = settled(await rowsOf(source))
      expect(original['tasks']?.length).toBeGreaterThan(18)
      for (const [kind, count] of Object.entries({
        unparsable: 2,
        schedules: 3,
        states: 1,
        usageDays: 2,
        activity: 1,
        keptSchedules: 1,
        operatorValues: 2,
        paused: 1,
      }))
        expect(original[kind], kind).toHaveLength(count)
      expect(original['output']?.length).toBeGreaterThan(1)
      await copy(source, there)
      expect(settled(await rowsOf(there))).toEqual(original)
      expect(await there.queries.counts()).toEqual(await source.queries.counts())
      await copy(there, back)
      expect(settled(await rowsOf(back))).toEqual(original)
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
    await copy(source, again)
    expect(await again.queries.counts()).toEqual(await source.queries.counts())
    await again.tasks.close()
    const usual = mongodb({ url: database.url })
    await usual.open()
    await expect(usual.transfer.begin('a test')).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    await usual.tasks.close()
    await source.tasks.close()
  })

  it('a transfer that was killed in a transaction holds up none that follows it', async () => {
    await using database = freshDatabase()
    const open = async () => {
      const store = createMongoStore({ url: database.url }, { filling: true })
      await store.open()
      return store
    }
    const [killed, next] = [await open(), await open()]
    await killed.transfer.begin('a test')
    const volumes = (store: MongoStore) => store.database.collection<{ _id: string }>('library_volumes')
    let isInserted = false
    let release = () => undefined as void
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    const leftOpen = killed.database.transaction('leave open', async session => {
      // The second time it was ended by the other.
      if (isInserted) throw new UnknownOutcome('ended by another process')
      await volumes(killed).insertOne({ _id: 'one' }, { session })
      isInserted = true
      await released
    })
    const isEnded = expect(leftOpen).rejects.toThrow('ended by another process')
    await until(() => isInserted, 'insert in the transaction')
    await next.transfer.begin('a test')
    await volumes(next).insertOne({ _id: 'one' })
    release()
    await isEnded
    for (const store of [killed, next]) await store.tasks.close()
  })
})

describeWithMongo('what waited in a file', () => {
  it('runs in MongoDB, and the attempt that was lost is settled there', async () => {
    await using database = freshDatabase()
    const source = await filled()
    const filling = createMongoStore({ url: database.url }, { filling: true })
    await filling.open()
    await copy(source, filling)
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
    expect(lost).toMatchObject({ attempt: 2, retryCount: 0 })
    // Two wait for a time: the one that was snoozed, and the one that was delayed.
    await until(
      async () => (await engine.tasks.counts()).COMPLETED > before.COMPLETED + before.QUEUED - 2,
      'rest',
    )
    await engine.stop({ grace: 0 })
  })
})

/** More than one aggregation counts. */
const manySubTasks = 250

/**
 * Fills a store with two parents that await their sub-tasks: below the first all have ended, the second of them was not attempted. Below
 * the other all wait for the first of them.
 */
async function fillFamilies(store: Store): Promise<{ ended: string; first: string; waiting: string[] }> {
  const [below, above] = [await startNew(store), await startNew(store)]
  const named = (parent: TaskRecord, key: string, ...keys: string[]) =>
    subTaskOf(parent, key, {
      id: subTaskId(parent.id, key),
      ...(keys.length === 0 ? {} : { after: { keys, startWhen: 'completed' as const } }),
    })
  const [failing, skipped] = await createAll(store, [named(below, 'a'), named(below, 'b', 'a')])
  await fail(store, failing, Date.now())
  await move(store, notAttempted(await read(store, skipped.id), 'a', problem(), Date.now()))
  const keys = Array.from({ length: manySubTasks }, (_, index) => `waits ${index}`)
  const others = keys.map(key => named(above, key, 'first'))
  const [first, ...waiting] = ids(await createAll(store, [named(above, 'first'), ...others]))
  for (const parent of [below, above])
    await move(store, awaitingSubTasks(parent, { reduces: false, result: '"kept"' }))
  return { ended: below.id, first: first ?? '', waiting: waiting.flatMap(id => id ?? []) }
}

describeWithMongo('sub-tasks that start after a sibling', () => {
  it.each(['sqlite', 'mongodb'] as const)(
    'go on where they are copied to, from %s, and their parents end',
    async from => {
      await using database = freshDatabase()
      const file = sqlite({ file: path.join(folder, 'families.db') })
      const filling = createMongoStore({ url: database.url }, { filling: true, aggregateAfterMs: 0 })
      await filling.open()
      const [source, target]: [Movable, Movable] = from === 'sqlite' ? [file, filling] : [filling, file]
      const { ended, first, waiting } = await fillFamilies(source)
      const moved = await rowsOf(source)
      await copy(source, target)
      expect(settled(await rowsOf(target))).toEqual(settled(moved))
      await filling.tasks.close()
      const opened = from === 'sqlite' ? mongodb({ url: database.url }) : file
      await opened.open?.()
      try {
        const pending = async () => (await opened.outbox.pendingParents(1_000)).toSorted()
        await expect.poll(async () => await pending()).toContain(ended)
        const [running] = await opened.tasks.claim([claimOf(await read(opened, first))])
        if (running === undefined) throw new Error('the claim was refused')
        await opened.tasks.apply([completed(running, '"done"', Date.now())])
        await expect.poll(pending).toEqual([ended, ...waiting].toSorted())
      } finally {
        for (const store of new Set([file, opened])) await store.tasks.close()
      }
    },
  )
})

describeWithMongo('a database of an earlier version', () => {
  it('opens with its schedules, unparsable messages and states, by several at once', async () => {
    await using database = freshDatabase()
    const client = await new MongoClient(database.url).connect()
    const insert = (name: string, documents: (Document & { _id: string })[]) =>
      client.db().collection<Document & { _id: string }>(name).insertMany(documents)
    await insert('strays', [
      ...[{ _id: 'b', order: 1, at: new Date(7), reason: 'no JSON', content: '{' }],
      ...[{ _id: 'a', order: 2, at: new Date(8), reason: 'no task', content: 'x' }],
    ])
    await insert('schedules', [
      ...[{ _id: 'hourly', definition: '0 * * * *', write: 'w' }],
      ...[{ _id: 'nightly', definition: '0 3 * * *', lastTick: new Date(5), lastTaskId: 't', write: 'v' }],
    ])
    await insert('shared_states', [{ _id: 'budget/x', state: 's', version: 3, write: 'u' }])
    await insert('nodes', [{ _id: 'gone', seenAt: new Date() }])
    await client.close()
    const converted = new Set<string>()
    const faults = { before: (operation: string) => void converted.add(operation) }
    const stores = [1, 2].map(() => createMongoStore({ url: database.url, faults }))
    await Promise.all(stores.map(store => store.open()))
    expect(converted).toContain('convert shared_states')
    expect(converted, 'grows, and always was records').not.toContain('convert usage_days')
    for (const store of stores) await expectEarlier(store)
    expect(await stores[0]?.nodes?.list()).toEqual([])
    await Promise.all(stores.map(store => store.tasks.close()))
  })
})

/** What both tests of earlier versions have written. Takes the next tick. */
async function expectEarlier({
  unparsable: messages,
  schedules: ticks,
  states: texts,
}: Movable): Promise<void> {
  expect((await messages.list({ pageSize: 9 })).items).toEqual([
    { id: 'a', at: 8, reason: 'no task', content: 'x' },
    { id: 'b', at: 7, reason: 'no JSON', content: '{' },
  ])
  const [hourly, nightly] = await ticks.schedules()
  expect(hourly).toMatchObject({ id: 'hourly', definition: '0 * * * *' })
  expect(nightly).toEqual({ id: 'nightly', definition: '0 3 * * *', lastTick: 5, lastTaskId: 't' })
  const tick = hourly?.lastTick
  expect(
    await ticks.advance({ id: 'hourly', definition: '0 * * * *', lastTick: (tick ?? 0) + 1 }, tick),
  ).toBe(true)
  const [kept] = await texts.load(['budget/x'])
  expect(kept).toMatchObject({ state: 's', key: 'budget/x' })
  expect(kept?.version).toBeGreaterThan(2)
  expect(await texts.save({ key: 'budget/x', state: 's', version: 2 })).toBe(false)
  expect(await texts.save({ key: 'budget/x', state: 's', version: kept?.version ?? 0 })).toBe(true)
}

describe('a file', () => {
  it('of an earlier version opens with its schedules, unparsable messages and states', async () => {
    const file = path.join(folder, 'earlier.db')
    const db = new SqliteDatabase(file)
    applyMigrations(db, 'engine', engineMigrations.slice(0, 7))
    db.exec(`INSERT INTO strays VALUES (1, 'b', 7, 'no JSON', '{'), (2, 'a', 8, 'no task', 'x');
      INSERT INTO schedules VALUES ('hourly', '0 * * * *', NULL, NULL), ('nightly', '0 3 * * *', 5, 't');
      INSERT INTO states VALUES ('budget/x', 's', 3)`)
    db.close()
    for (const _ of ['converted', 'opened again']) {
      const store = sqlite({ file })
      await expectEarlier(store)
      await store.tasks.close()
    }
  })

  it('that holds something is not filled', async () => {
    const source = await filled()
    await expect(source.transfer.begin('a test')).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    await source.tasks.close()
  })
  it('finds what was written to it by its tags, and by those of the last time alone', async () => {
    const source = await filled()
    const target = sqlite({ file: path.join(folder, 'target.db') })
    try {
      await copy(source, target)
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
