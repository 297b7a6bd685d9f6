import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteStore } from '../../src/store/sqlite/index.ts'
import type { NewTask, TaskRecord } from '../../src/task/task.ts'
import { complete, createAll, newTask } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

describe('an idempotency key', () => {
  let folder: TestFolder
  let store: SqliteStore
  let fails = false
  const open = () =>
    sqlite({
      file: folder.file('tasks.db'),
      faults: {
        beforeCommit() {
          if (fails) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
        },
      },
    })
  beforeEach(() => {
    folder = testFolder()
    fails = false
    store = open()
  })
  afterEach(async () => {
    await store.tasks.close()
    folder.remove()
  })

  async function reopen(): Promise<void> {
    await store.tasks.close()
    store = open()
  }

  const count = async (table: string) =>
    (await store.database.read(db => db.prepare(`SELECT count(*) FROM ${table}`).pluck().all()))[0]

  /** Returns the task of a key, and whether this made it. */
  async function submit(idempotencyKey: string, changes: Partial<NewTask> = {}) {
    const [created] = await store.tasks.create([newTask({ idempotencyKey, ...changes })], {})
    if (created?.outcome === 'created' || created?.outcome === 'existing')
      return [created.outcome, created.record.id] as const
    throw new Error(`${created?.outcome}`)
  }

  async function expectTaken(tasks: Iterable<TaskRecord>): Promise<void> {
    for (const { id, idempotencyKey = '' } of tasks)
      expect(await submit(idempotencyKey)).toEqual(['existing', id])
  }

  function createKeyed(keys: number): Promise<TaskRecord[]> {
    return createAll(
      store,
      Array.from({ length: keys }, (_, index) => newTask({ idempotencyKey: `key-${index}` })),
    )
  }

  /** Has the index of listings take what it leaves out. */
  async function take(): Promise<void> {
    while ((await store.database.read(db => db.prepare(behind).pluck().get())) !== 0)
      await store.tasks.prune({}, 1)
  }
  const behind = 'SELECT (SELECT max(seq) FROM tasks) - last FROM listed'

  it('is known before and after it is taken into the table, and when the file is opened again', async () => {
    const tasks = await createKeyed(30)
    expect(await count('task_keys')).toBe(0)
    await expectTaken(tasks)
    await reopen()
    await expectTaken(tasks)
    await take()
    expect(await count('task_keys')).toBe(30)
    await expectTaken(tasks)
    await reopen()
    await expectTaken(tasks)
    const others = { userId: 'bob' }
    expect(await submit('key-1', others)).toEqual(['created', expect.any(String)])
    expect(await submit('key-1', { taskType: 'Other' })).toEqual(['created', expect.any(String)])
    expect(await submit('key-1', others)).toEqual(['existing', expect.any(String)])
  })

  it('is free when the write that took it was undone, and stays taken when its move into the table was', async () => {
    const tasks = await createKeyed(20)
    fails = true
    await expect(store.tasks.prune({}, 1)).rejects.toThrow()
    await expect(submit('undone')).rejects.toThrow()
    fails = false
    await expectTaken(tasks)
    expect(await submit('undone')).toEqual(['created', expect.any(String)])
    await reopen()
    fails = true
    // The keys are read in the transaction that takes them, after it has.
    const taking = store.tasks.prune({}, 1)
    for (let turns = 0; turns < 5; turns++) await Promise.resolve()
    await Promise.allSettled([taking, submit('undone')])
    fails = false
    await expectTaken(tasks)
    expect(await submit('undone')).toEqual(['existing', expect.any(String)])
  })

  it('is free when its task was deleted, also where another task got its number', async () => {
    const [first, second] = await createKeyed(2)
    for (const task of [first, second]) if (task !== undefined) await complete(store, task, Date.now() - 10)
    while ((await store.tasks.prune({ COMPLETED: 0 }, 1)) > 0);
    expect(await count('task_keys')).toBe(0)
    expect(await submit('other')).toEqual(['created', expect.any(String)])
    expect(await submit('key-0')).toEqual(['created', expect.any(String)])
    expect(await submit('key-1')).toEqual(['created', expect.any(String)])
    expect(await submit('key-0')).toEqual(['existing', expect.any(String)])
  })

  it('is found again when the deletion of its task was undone', async () => {
    const [task] = await createKeyed(1)
    if (task === undefined) throw new Error('no task')
    await complete(store, task, Date.now() - 10)
    await take()
    fails = true
    const settled = await Promise.allSettled([store.tasks.prune({ COMPLETED: 0 }, 1), submit('key-0')])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fails = false
    await expectTaken([task])
  })

  it('is one of a bounded number in memory, however fast tasks are created', async () => {
    for (let made = 0; made < 5; made++)
      await store.tasks.create(
        Array.from({ length: 10_000 }, (_, index) => newTask({ idempotencyKey: `${made}-${index}` })),
        {},
        { allOrNone: () => true },
      )
    const left = await store.database.read(db => db.prepare(behind).pluck().get())
    expect(left).toBeLessThanOrEqual(40_000)
    expect(await submit('0-0')).toEqual(['existing', expect.any(String)])
    expect(await submit('4-9999')).toEqual(['existing', expect.any(String)])
  })
})
