import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteStore } from '../../src/store/sqlite/index.ts'
import type { TaskFilter } from '../../src/store/store.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { allPages, complete, createAll, createOne, newTask, start } from '../../src/testing/store-case.ts'
import { until } from '../servers/until.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

/** More than are left out of the index when somebody lists, and not a whole number of the parts in which it is filled. */
const many = 1_730

/** Each field of a filter, alone and with others. */
const filters: readonly TaskFilter[] = [
  {},
  { status: ['QUEUED'] },
  { status: ['RUNNING', 'COMPLETED'] },
  { userId: 'bob' },
  { userId: 'bob', status: ['COMPLETED'] },
  { taskType: ['Write', 'Import'], lane: 'night' },
  { lane: 'default', rootsOnly: true },
  { tag: 'scene' },
  { tag: 'scene', userId: 'ann' },
  { tag: 'none' },
]

describe('the index of listings', () => {
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

  const reads = <T>(sql: string) => store.database.read(db => db.prepare(sql).pluck().all() as T[])
  const listed = async () => (await reads<number>('SELECT count(*) FROM listing'))[0]

  function createMixed(count: number): Promise<TaskRecord[]> {
    return createAll(
      store,
      Array.from({ length: count }, (_, index) =>
        newTask({
          userId: index % 7 === 0 ? 'bob' : 'ann',
          taskType: index % 5 === 0 ? 'Import' : 'Write',
          lane: index % 3 === 0 ? 'night' : 'default',
          tags: index % 11 === 0 ? ['scene', `part:${index}`, 'scene'] : [],
        }),
      ),
    )
  }

  /** Every filter, read from the newest and from the oldest, answers what a walk over all tasks does. */
  async function expectRight(): Promise<void> {
    const all = await reads<string>('SELECT id FROM tasks ORDER BY seq')
    const records = await store.queries.get(all)
    for (const filter of filters)
      for (const order of ['newest', 'oldest'] as const) {
        const found = await allPages(request => store.queries.list(filter, { ...request, order }), 400)
        const wanted = records.filter(record => record !== undefined && fits(record, filter))
        if (order === 'newest') wanted.reverse()
        expect(
          found.map(({ id }) => id),
          `${order} of ${JSON.stringify(filter)}`,
        ).toEqual(wanted.map(record => record?.id))
      }
  }

  it('is filled when somebody lists, and follows what was listed', async () => {
    const tasks = await createMixed(many)
    expect(await listed()).toBe(0)
    expect(await reads('SELECT tag FROM task_tags')).toEqual([])
    await expectRight()
    expect(await listed()).toBeGreaterThan(many - 500)
    expect((await reads('SELECT tag FROM task_tags')).length).toBeGreaterThan(200)
    for (const task of [...tasks.slice(0, 40), ...tasks.slice(-40)]) await complete(store, task, 5)
    for (const task of tasks.slice(40, 60)) await start(store, task)
    await createMixed(40)
    await expectRight()
  })

  it('is filled in the background when many tasks are left out', async () => {
    for (let made = 0; made <= 20_000; made += 1_000) await createMixed(1_000)
    await until(async () => ((await listed()) ?? 0) > 20_000, 'an index that has most of the tasks')
  })

  it('forgets what was deleted, and takes a new task that gets its number', async () => {
    const tasks = await createMixed(many)
    await expectRight()
    for (const task of tasks.slice(-3)) await complete(store, task, Date.now() - 10)
    while ((await store.tasks.prune({ COMPLETED: 0 }, 100)) > 0);
    expect(await listed()).toBe(many - 3)
    await createMixed(2)
    await expectRight()
    expect(
      await reads('SELECT 1 FROM task_tags LEFT JOIN tasks ON seq = task_seq WHERE seq IS NULL'),
    ).toEqual([])
  })

  it('has every task when somebody prunes', async () => {
    const tasks = await createMixed(450)
    for (const task of tasks) await complete(store, task, Date.now() - 10)
    expect(await store.tasks.prune({ COMPLETED: 0 }, 1_000)).toBe(450)
  })

  it('is left alone by who prunes once it has every task', async () => {
    await createMixed(3)
    await store.tasks.prune({}, 1)
    const changes = () => store.database.read(db => db.prepare('SELECT total_changes()').pluck().get())
    const before = await changes()
    await store.tasks.prune({}, 1)
    expect(await changes()).toBe(before)
  })

  it('goes on where it was when the file is opened again, and voids the leases of tasks that it has and has not', async () => {
    const [first] = await createMixed(many)
    await expectRight()
    const last = await createOne(store, { userId: 'bob' })
    for (const task of [first, last]) if (task !== undefined) await start(store, task)
    await store.tasks.close()
    store = open()
    await expectRight()
    const overdue = await store.tasks.overdue(10)
    expect(overdue.map(({ record }) => record.id)).toEqual([first?.id, last.id])
  })

  it('is not needed: on a full disk, where nothing can be taken, tasks are listed all the same', async () => {
    await createMixed(many)
    fails = true
    await expectRight()
    expect(await listed()).toBe(0)
    fails = false
    await createOne(store)
    await expectRight()
    expect(await listed()).toBeGreaterThan(many - 500)
  })
})

function fits(record: TaskRecord, filter: TaskFilter): boolean {
  return (
    filter.status?.includes(record.status) !== false &&
    filter.taskType?.includes(record.taskType) !== false &&
    (filter.userId ?? record.userId) === record.userId &&
    (filter.lane ?? record.lane) === record.lane &&
    (filter.tag === undefined || record.tags.includes(filter.tag))
  )
}
