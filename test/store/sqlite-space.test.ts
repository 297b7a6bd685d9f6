import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { createEngine, defineTask } from 'quillwork'
import { sqliteLibrary } from 'quillwork/novel'
import { type SqliteOptions, type SqliteStore, sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { applyMigrations } from '../../src/store/sqlite/file.ts'
import { engineMigrations } from '../../src/store/sqlite/schema.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { cancelled, completed, type Transition } from '../../src/task/transition.ts'
import { createAll, createOne, newTask, problem, read } from '../../src/testing/store-case.ts'
import { until } from '../servers/until.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

let folder: TestFolder
let open: SqliteStore[]

beforeEach(() => {
  folder = testFolder()
  open = []
})
afterEach(async () => {
  for (const store of open) await store.tasks.close()
  folder.remove()
})

function openStore(options: Partial<SqliteOptions> = {}): SqliteStore {
  const store = sqlite({ file: folder.file('tasks.db'), ...options })
  open.push(store)
  return store
}

const fileBytes = () => statSync(folder.file('tasks.db')).size
const logBytes = () => statSync(folder.file('tasks.db-wal')).size
const megabyte = 1_048_576
const large = JSON.stringify('x'.repeat(100_000))

/** Creates tasks with parameters of 100 KB each. */
const createLarge = (store: SqliteStore, count: number) =>
  Promise.all(Array.from({ length: count }, () => createOne(store, { parameters: large })))

/** Ends tasks, and deletes them. */
async function prune(store: SqliteStore, tasks: readonly { id: string }[]): Promise<void> {
  for (const { id } of tasks) {
    const claim = { taskId: id, attempt: 0, token: id, executionNodeId: 'node', leaseMs: 60_000 }
    const [record] = await store.tasks.claim([claim])
    if (record != null) await store.tasks.apply([completed(record, '"x"', 1)])
  }
  while ((await store.tasks.prune({ COMPLETED: -1 }, 500)) > 0);
}

const pragma = (store: SqliteStore, text: string) =>
  store.database.read(db => db.pragma(text, { simple: true }))

/** How often a word is in the file and its log. */
function countIn(word: string): number {
  const bytes = ['tasks.db', 'tasks.db-wal'].map(name => readFileSync(folder.file(name)).toString('latin1'))
  return bytes.join().split(word).length - 1
}

describe('what was deleted', () => {
  it.each([
    ['a short file', 20, 0],
    ['a file that is too long to be rewritten', 500, 0],
    ['a long file of an earlier build, which keeps its free pages,', 20, 400],
  ])('is overwritten by scrub in %s and in its log, and nothing else is', async (_, count, earlier) => {
    if (earlier > 0) makeEarlier({ rows: earlier, deleted: 0 })
    const store = openStore()
    for (let batch = 0; batch < 4; batch += 1) {
      await createLarge(store, count / 4)
      const texts = [1, 400, 2_500].map(times => JSON.stringify('zarquon '.repeat(times)))
      const tasks = texts.map(parameters => newTask({ parameters }))
      const made = await createAll(store, tasks)
      for (const { id } of made) {
        const claim = { taskId: id, attempt: 0, token: id, executionNodeId: 'node', leaseMs: 60_000 }
        const [record] = await store.tasks.claim([claim])
        if (record === undefined) continue
        await store.tasks.apply([completed(record, JSON.stringify('zarquon '.repeat(40)), 1)])
        expect(await store.tasks.erase(id, 10)).toBe(1)
      }
    }
    expect(countIn('zarquon')).toBeGreaterThan(0)
    await store.scrub?.()
    expect(countIn('zarquon')).toBe(0)
    expect(logBytes()).toBe(0)
    expect(await store.queries.counts()).toMatchObject({ QUEUED: count, COMPLETED: 0 })
    expect(await pragma(store, 'integrity_check')).toBe('ok')
    if (earlier === 0) expect(await pragma(store, 'freelist_count')).toBe(0)
  })
})

describe('the deletion of trees', () => {
  /** Opens a store with ended tasks. `sizes`: what is left to delete, at first and after each commit from then on. */
  async function ended(count: number, end: End, fill: Fill, left: string) {
    let read = () => 0
    const sizes: number[] = []
    const store = openStore({ faults: { beforeCommit: () => void sizes.push(read()) } })
    const taskIds: string[] = []
    for (let made = 0; made < count; made += 1) {
      const { id: taskId } = await createOne(store)
      const claim = { taskId, attempt: 0, token: taskId, executionNodeId: 'node', leaseMs: 60_000 }
      const [record] = await store.tasks.claim([claim])
      if (record == null) throw new Error('not claimed')
      await fill(store, record)
      await store.tasks.apply([end(record)])
      taskIds.push(taskId)
    }
    const sum = await store.database.read(db => db.prepare(left).pluck())
    read = () => Number(sum.get())
    sizes.length = 0
    sizes.push(read())
    return { store, taskIds, sizes }
  }

  type End = (record: TaskRecord) => Transition
  type Fill = (store: SqliteStore, record: TaskRecord) => Promise<void>

  const complete: End = record => completed(record, '"x"', 1)
  const cancel: End = record => cancelled(record, problem(), 1)

  const fillWithTexts: Fill = async (store, { id: taskId, attempt }) => {
    const value = JSON.stringify('x'.repeat(megabyte))
    for (let number = 0; number < 12; number += 1) {
      await store.attempts.checkpoint([{ taskId, attempt, value, key: `${number}` }])
      await store.output.append([{ taskId, attempt, sequence: number + 1, text: value }])
    }
  }
  const bytesLeft = `SELECT total(n) FROM (SELECT octet_length(value) AS n FROM checkpoints
    UNION ALL SELECT octet_length(text) FROM output)`

  const fillWithLines: Fill = async (store, { id, attempt }) => {
    const line = { at: 1, attempt, level: 'info', message: 'm' } as const
    await store.attempts.log(
      id,
      Array.from({ length: 999 }, () => line),
    )
  }

  const largestStep = (sizes: readonly number[]) =>
    Math.max(...sizes.map((size, index) => (sizes[index - 1] ?? size) - size))

  it.each(['erased', 'pruned'])('takes a bounded part of what a task wrote in each write (%s)', async how => {
    const { store, taskIds, sizes } = await ended(
      1,
      how === 'erased' ? complete : cancel,
      fillWithTexts,
      bytesLeft,
    )
    expect(sizes[0]).toBeGreaterThan(24 * megabyte)
    const gone =
      how === 'erased'
        ? await store.tasks.erase(taskIds.join(), 10)
        : await store.tasks.prune({ CANCELLED: -1 }, 500)
    expect(gone).toBe(1)
    expect(sizes.at(-1)).toBe(0)
    expect(largestStep(sizes)).toBeLessThan(6 * megabyte)
  })

  it('takes a bounded number of log lines in each write', async () => {
    const { store, sizes } = await ended(3, complete, fillWithLines, 'SELECT count(*) FROM logs')
    expect(sizes[0]).toBe(2_997)
    expect(await store.tasks.prune({ COMPLETED: -1 }, 500)).toBe(3)
    expect(sizes.at(-1)).toBe(0)
    expect(largestStep(sizes)).toBeLessThanOrEqual(1_000)
  })
})

describe('scrubs of one moment', () => {
  it('are one, and a later one begins when it has ended', async () => {
    const store = openStore()
    await createOne(store)
    // A file that is written anew has another one.
    const before = Number(await pragma(store, 'schema_version'))
    await Promise.all([store.scrub?.(), store.scrub?.(), store.scrub?.()])
    expect(await pragma(store, 'schema_version')).toBe(before + 1)
    await store.scrub?.()
    expect(await pragma(store, 'schema_version')).toBe(before + 2)
  })
})

describe('a scrub on a disk without room', () => {
  it('says so, and does all of it once there is room', ({ skip }) =>
    onDisk(skip, 24, async disk => {
      const store = openStore({ file: path.join(disk, 'tasks.db') })
      await createLarge(store, 30)
      await pragma(store, 'wal_checkpoint(TRUNCATE)')
      takeSpace(disk)
      await expect(store.scrub?.()).rejects.toMatchObject({ code: 'STORE_FULL' })
      rmSync(path.join(disk, 'ballast'))
      await store.scrub?.()
      expect(statSync(path.join(disk, 'tasks.db-wal')).size).toBe(0)
    }))
})

describe('the log', () => {
  it('is copied into the file in parts, and stays short under a load of large tasks', async () => {
    const store = openStore()
    await createLarge(store, 1_000)
    await until(() => fileBytes() > 80 * megabyte, 'a long file')
    expect(logBytes()).toBeLessThan(24 * megabyte)
  })

  it('is not copied while a sync of it has failed', async () => {
    let fails = false
    let hasFailed = (): void => undefined
    const failed = new Promise<void>(resolve => {
      hasFailed = resolve
    })
    const beforeSync = () => {
      if (!fails) return
      hasFailed()
      throw Object.assign(new Error('EIO: fdatasync'), { code: 'EIO', syscall: 'fdatasync' })
    }
    const store = openStore({ faults: { beforeSync } })
    await createOne(store)
    const before = fileBytes()
    fails = true
    // One transaction, after which the log is to be copied.
    const created = createAll(
      store,
      Array.from({ length: 200 }, () => newTask({ parameters: large })),
    )
    await failed
    await expect(createOne(store)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(logBytes()).toBeGreaterThan(18 * megabyte)
    expect(fileBytes()).toBe(before)
    fails = false
    await created
    await createOne(store)
    await until(() => fileBytes() > 18 * megabyte, 'the log in the file')
    expect((await store.queries.counts()).QUEUED).toBe(202)
  })

  it('is cut off once nothing was written for a while, and not before', async () => {
    const store = openStore()
    const tasks = await createLarge(store, 50)
    await store.compact?.()
    expect(logBytes()).toBeGreaterThan(4 * megabyte)
    await store.compact?.()
    expect(logBytes()).toBe(0)
    const next = await createOne(store)
    await store.compact?.()
    await store.compact?.()
    expect(logBytes(), 'a short one stays').toBeGreaterThan(0)
    for (const { id } of [...tasks, next]) expect(await read(store, id)).toBeDefined()
    await store.tasks.close()
    expect((await openStore().queries.counts()).QUEUED).toBe(51)
  })
})

/** Takes all the space of a disk. */
function takeSpace(disk: string): void {
  const descriptor = openSync(path.join(disk, 'ballast'), 'w')
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(65_536))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    closeSync(descriptor)
  }
}

/** Runs a test on a disk of so many megabytes; skips it where none can be mounted. */
async function onDisk(
  skip: (note: string) => void,
  megabytes: number,
  test: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = folder.file('disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    process.stderr.write('SKIPPED: the test of a full disk needs the right to mount a file system.\n')
    skip('no right to mount a small file system')
  }
  try {
    await test(disk)
  } finally {
    for (const store of open) await store.tasks.close()
    execFileSync('umount', [disk])
  }
}

describe('a log on a disk without room', () => {
  it('takes what fits before its end once it is begun anew, and then says that it takes no more', ({
    skip,
  }) =>
    onDisk(skip, 24, async disk => {
      const store = openStore({ file: path.join(disk, 'tasks.db') })
      await createLarge(store, 30)
      await pragma(store, 'wal_checkpoint(PASSIVE)')
      takeSpace(disk)
      let taken = 0
      const takeOne = async () => {
        await store.takesWrites?.()
        await createOne(store, { parameters: JSON.stringify('x'.repeat(30_000)) })
        taken += 1
      }
      await expect(
        (async () => {
          for (;;) await takeOne()
        })(),
      ).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(taken).toBeGreaterThan(10)
      await expect(store.takesWrites?.()).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect((await store.queries.counts()).QUEUED).toBe(30 + taken)
    }))

  it('gives back what the rewriting of an earlier file took and had no use for', ({ skip }) =>
    onDisk(skip, 40, async disk => {
      const file = path.join(disk, 'tasks.db')
      makeEarlier({ file, rows: 180, deleted: 0 })
      writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(12 * megabyte))
      const store = openStore({ file })
      expect(await pragma(store, 'auto_vacuum')).toBe(0)
      expect(statSync(`${file}-wal`).size).toBe(0)
      await createLarge(store, 30)
      expect((await store.queries.counts()).QUEUED).toBe(30)
    }))
})

describe('a closed store', () => {
  it('leaves no log, also one that has just made the tables of the novel library', async () => {
    await openStore().tasks.close()
    const store = openStore()
    sqliteLibrary(store.database)
    await store.tasks.close()
    expect(existsSync(folder.file('tasks.db-wal'))).toBe(false)
  })
})

describe('space that is no longer used', () => {
  it('is given back by the sweep, while tasks run beside it', async () => {
    const store = openStore()
    const kept = await createLarge(store, 10)
    await prune(store, await createLarge(store, 700))
    await store.tasks.close()
    expect(fileBytes()).toBeGreaterThan(70 * megabyte)
    const small = defineTask({
      type: 'Small',
      parameters: z.object({ number: z.number() }),
      result: z.number(),
      execute: ctx => ctx.parameters.number,
    })
    const engine = await createEngine({
      tasks: [small],
      store: openStore(),
      times: { sweepInterval: '50ms' },
    })
    await engine.start()
    let ran = 0
    while (fileBytes() > 11 * megabyte) {
      const number = ran++
      expect(await (await engine.submit(small, { number })).result()).toBe(number)
    }
    expect(ran).toBeGreaterThan(0)
    await until(() => logBytes() < megabyte, 'a short log')
    await engine.stop()
    const again = openStore()
    expect(await pragma(again, 'integrity_check')).toBe('ok')
    for (const { id } of kept) expect((await read(again, id))?.parameters).toBe(large)
    expect((await again.queries.counts()).COMPLETED).toBe(ran)
  })

  it('stays where it is less than a quarter of the file, or little', async () => {
    const store = openStore()
    await createLarge(store, 300)
    await prune(store, await createLarge(store, 90))
    const before = await pragma(store, 'page_count')
    await store.compact?.()
    await store.compact?.()
    expect(await pragma(store, 'page_count')).toBe(before)
  })
})

/** Makes a file as an earlier build did, with so many rows of 100 KB, of which some are deleted. */
function makeEarlier({
  rows,
  deleted,
  file = folder.file('tasks.db'),
}: {
  rows: number
  deleted: number
  file?: string
}): void {
  const db = new SqliteDatabase(file)
  db.pragma('journal_mode = WAL')
  applyMigrations(db, 'engine', engineMigrations)
  const insert = db.prepare("INSERT INTO payloads VALUES (?, 'parameters', ?)")
  db.transaction(() => {
    for (let row = 0; row < rows; row++) insert.run(row, large)
  })()
  db.prepare('DELETE FROM payloads WHERE task_seq < ?').run(deleted)
  db.close()
}

const payloads = (store: SqliteStore) =>
  store.database.read(db => db.prepare('SELECT count(*) FROM payloads').pluck().get())

describe('a row', () => {
  const pages = (store: SqliteStore) =>
    store.database.read(db => db.prepare("SELECT count(*) FROM dbstat WHERE name = 'tasks'").pluck().get())

  it.each([
    ['that starts at its creation', true],
    ['that waits for its claim', false],
  ])('%s keeps bytes free for its end: no page is split by it', async (_, starts) => {
    const store = openStore()
    const claimOf = (index: number) => ({ token: `token/${index}`, executionNodeId: 'node', leaseMs: 60_000 })
    const created = await createAll(
      store,
      Array.from({ length: 1_000 }, (_, index) => newTask(starts ? { claim: claimOf(index) } : {})),
    )
    const before = await pages(store)
    const records = starts
      ? created
      : await store.tasks.claim(
          created.map(({ id }, index) => ({ taskId: id, attempt: 0, ...claimOf(index) })),
        )
    await store.tasks.apply(
      records.flatMap(record =>
        record === undefined ? [] : [completed(record, '{"summaryId":"summary-of-12345"}', Date.now())],
      ),
    )
    expect(await store.queries.counts()).toMatchObject({ COMPLETED: 1_000 })
    expect(await pages(store)).toBe(before)
  })
})

describe('a file that an earlier build made', () => {
  it('is rewritten at its opening where that is short, and gives space back from then on', async () => {
    makeEarlier({ rows: 700, deleted: 600 })
    expect(fileBytes()).toBeGreaterThan(68 * megabyte)
    const store = openStore()
    expect(fileBytes()).toBeLessThan(12 * megabyte)
    expect([store.isWasted, await pragma(store, 'auto_vacuum'), await payloads(store)]).toEqual([
      false,
      2,
      100,
    ])
    await prune(store, await createLarge(store, 300))
    await store.compact?.()
    await store.compact?.()
    expect(fileBytes()).toBeLessThan(24 * megabyte)
  })

  it('stays as it is where it is long, and says whether much of it is free', async () => {
    makeEarlier({ rows: 400, deleted: 0 })
    const store = openStore()
    expect([store.isWasted, await pragma(store, 'auto_vacuum'), await payloads(store)]).toEqual([
      false,
      0,
      400,
    ])
    await store.compact?.()
    await store.tasks.close()
    folder.remove()
    folder = testFolder()
    makeEarlier({ rows: 800, deleted: 400 })
    expect(openStore().isWasted).toBe(true)
  })
})
