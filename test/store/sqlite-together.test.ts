import { copyFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SqliteOptions, type SqliteStore, sqlite } from '../../src/store/sqlite/index.ts'
import type { NewTask } from '../../src/task/task.ts'
import {
  createMany,
  createOne,
  dueIds,
  ids,
  newTask,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

/** So many that they are written in steps. */
const count = 5_000

let folder: TestFolder
let stores: SqliteStore[]
beforeEach(() => {
  folder = testFolder()
  stores = []
})
afterEach(async () => {
  await Promise.all(stores.map(store => store.tasks.close()))
  folder.remove()
})

function openStore(options: Partial<SqliteOptions> = {}): SqliteStore {
  const store = sqlite({ file: folder.file('tasks.db'), ...options })
  stores.push(store)
  return store
}

const many = () => Array.from({ length: count }, () => newTask())

/** Creates all or none. Calls `meanwhile` in every turn of the event loop until that is done, and returns how many there were. */
async function createTogether(
  store: SqliteStore,
  tasks: readonly NewTask[],
  meanwhile: (turn: number) => unknown,
) {
  let isDone = false
  const creating = store.tasks.create(tasks, {}, { allOrNone: () => true }).finally(() => {
    isDone = true
  })
  creating.catch(() => undefined)
  let turns = 0
  while (!isDone) {
    turns += 1
    meanwhile(turns)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { answers: await creating, turns }
}

describe('the creation of many, all or none', () => {
  it('lets the event loop turn; who reads meanwhile sees none of them, or all, and who writes waits', async () => {
    const store = openStore()
    await createMany(store, 3)
    const parent = await startNew(store)
    const seen: Promise<number>[] = []
    const written: Promise<unknown>[] = []
    const { turns } = await createTogether(store, many(), turn => {
      seen.push(
        dueIds(store).then(due => due.length),
        store.queries.counts().then(({ QUEUED }) => QUEUED),
      )
      if (turn % 5 === 0) written.push(createOne(store, { userId: 'bob' }))
      store.outbox.pendingParents(10).catch(() => undefined)
    })
    expect(turns).toBeGreaterThan(5)
    const others = written.length
    await Promise.all(written)
    for (const number of await Promise.all(seen))
      expect(number <= 3 + others || number >= Math.min(1_000, count + 3)).toBe(true)
    expect(await store.queries.counts()).toMatchObject({ QUEUED: 3 + count + others, RUNNING: 1 })
    expect((await store.lanes.lanes())[0]?.waiting).toBe(3 + count + others)
    const subTasks = Array.from({ length: count }, (_, index) => subTaskOf(parent, `${index}`))
    await createTogether(store, subTasks, () => undefined)
    expect((await store.queries.get([parent.id]))[0]?.subTaskStatusSummary).toEqual({ QUEUED: count })
  })

  it('leaves nothing when its commit fails, and the next one goes on', async () => {
    let failing = true
    const beforeCommit = () => {
      if (failing) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
    }
    const store = openStore({ faults: { beforeCommit } })
    const tasks = many()
    await expect(createTogether(store, tasks, () => undefined)).rejects.toMatchObject({
      code: 'STORE_FAILED',
    })
    failing = false
    expect(await store.queries.counts()).toMatchObject({ QUEUED: 0 })
    expect((await store.lanes.lanes())[0]?.waiting ?? 0).toBe(0)
    expect(await dueIds(store)).toEqual([])
    const { answers } = await createTogether(store, tasks, () => undefined)
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['created']))
    expect(await store.queries.counts()).toMatchObject({ QUEUED: count })
    expect(await dueIds(store)).toEqual(ids(tasks).slice(0, 1_000))
  })

  it('leaves nothing when the process ends in the middle of it', async () => {
    const store = openStore()
    const kept = await createMany(store, 2)
    const copies: string[] = []
    const { turns } = await createTogether(store, many(), turn => {
      const copy = folder.file(`copy-${turn}.db`)
      for (const suffix of ['', '-wal'])
        copyFileSync(`${folder.file('tasks.db')}${suffix}`, `${copy}${suffix}`)
      copies.push(copy)
    })
    expect(turns).toBeGreaterThan(5)
    const found = new Set<number>()
    for (const copy of copies) {
      const one = openStore({ file: copy })
      expect((await one.queries.get(ids(kept))).map(record => record?.id)).toEqual(ids(kept))
      found.add((await one.queries.counts()).QUEUED)
      expect((await one.lanes.lanes())[0]?.waiting).toBe((await one.queries.counts()).QUEUED)
    }
    expect([...found].filter(number => number !== 2 && number !== 2 + count)).toEqual([])
    expect(found).toContain(2)
  })

  it('is refused while the log is being written again after a sync that failed, and is made afterwards', async () => {
    let failing = false
    const beforeSync = () => {
      if (failing)
        throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' })
    }
    const store = openStore({ faults: { beforeSync } })
    await createOne(store)
    failing = true
    const waiting = createOne(store)
    await expect(createTogether(store, many(), () => undefined)).rejects.toMatchObject({
      code: 'STORE_FAILED',
    })
    failing = false
    await waiting
    await createTogether(store, many(), () => undefined)
    expect(await store.queries.counts()).toMatchObject({ QUEUED: 2 + count })
  })
})

describe('reads one after the other', () => {
  it('let the event loop turn in between', async () => {
    const store = openStore()
    await createMany(store, 2_000)
    let turns = 0
    let isOver = false
    const turn = () => {
      turns += 1
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    // So many reads only where none lets it turn.
    for (let read = 0; read < 20_000 && turns <= 5; read++) await store.queries.list({}, { pageSize: 200 })
    isOver = true
    expect(turns).toBeGreaterThan(5)
  })
})
