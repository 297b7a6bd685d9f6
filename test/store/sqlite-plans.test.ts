import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { scriptedTasks } from 'quillwork/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteStore } from '../../src/store/sqlite/index.ts'
import { type TaskFilter, usageKinds } from '../../src/store/store.ts'
import { liveStatuses } from '../../src/task/status.ts'
import { complete, createAll, createOne, newTask, startNew, subTaskOf } from '../../src/testing/store-case.ts'

/** What a person may ask of live tasks, such as what works on a scene. */
const wanted = { userId: 'ann', tag: 'scene:1', taskType: ['Scripted'], rootsOnly: true }

/** Filters that name one field. */
const ofOneField: readonly TaskFilter[] = [
  { tag: 'scene:1' },
  { taskType: ['Scripted', 'Other'] },
  { lane: 'default' },
  { userId: 'ann' },
  { rootsOnly: true },
]

/** The texts that a store prepares while an engine does a bit of everything, with the plan of each. */
async function plansOfEverything(): Promise<{ sql: string; plan: string[] }[]> {
  const texts = new Set<string>()
  const store = sqlite({ file: ':memory:' })
  await store.database.write(db => {
    const prepare = db.prepare.bind(db)
    db.prepare = ((sql: string) => {
      texts.add(sql)
      return prepare(sql)
    }) as typeof db.prepare
  })
  const { scripted } = scriptedTasks()
  const engine = await createEngine({ tasks: [scripted], store, retention: { COMPLETED: 0 } })
  await engine.start()
  const parent = await engine.submit(scripted, {
    orders: [
      { do: 'submitMany', count: 5, orders: [] },
      { do: 'submit', subTasks: [{ key: 'last', after: ['0', '4'], orders: [] }] },
    ],
  })
  await parent.result()
  const failed = await engine.submit(scripted, { orders: [{ do: 'failForGood' }] })
  await failed.result().catch(() => undefined)
  await engine.deadLetters.retryAll({})
  const later = await engine.submit(scripted, { orders: [] }, { delay: '1h', idempotencyKey: 'later' })
  await later.cancel()
  await engine.tasks.list({ userId: '' }, { pageSize: 5 })
  await engine.tasks.list({ status: ['COMPLETED', 'RUNNING'] }, { pageSize: 5 })
  for (const order of ['newest', 'oldest'] as const) {
    const { nextPageToken = '' } = await engine.tasks.list({}, { pageSize: 1, order })
    await engine.tasks.list({}, { pageSize: 1, order, pageToken: nextPageToken })
    await engine.tasks.list({ userId: 'ann', rootsOnly: true }, { pageSize: 5, order })
    await engine.tasks.list({ status: [...liveStatuses], ...wanted }, { pageSize: 5, order })
    for (const filter of ofOneField) await engine.tasks.list(filter, { pageSize: 5, order })
  }
  await engine.tasks.counts()
  await engine.tasks.children(parent.taskId, { failedFirst: true }, { pageSize: 5 })
  await engine.tasks.children(parent.taskId, { predecessor: 'a' }, { pageSize: 5 })
  await engine.deadLetters.groups({})
  await engine.deadLetters.groups({
    code: 'HANDLER_FAILED',
    userId: 'ann',
    taskType: ['Scripted'],
    openedAfter: 1,
  })
  await engine.deadLetters.list({ fingerprint: 'f' }, { pageSize: 5 })
  await store.ended.since(1, { pageSize: 5 })
  await engine.lanes.list()
  await engine.budgets.set(parent.taskId, { tokens: 1 })
  await store.queries.waitingForBudget(parent.taskId, 5)
  const filters = [
    {},
    { userId: '' },
    { subject: 'novel' },
    { taskId: failed.taskId },
    { treeOf: failed.taskId },
  ]
  for (const filter of filters) for (const by of usageKinds) await engine.tasks.usageReport(filter, { by })
  for (const filter of [
    {},
    { outcome: 'refused' as const },
    { identity: 'a' },
    { action: 'a' },
    { target: 'a' },
  ])
    await store.audit.list(filter, { pageSize: 5 })
  await store.tasks.overdue(10)
  await store.tasks.prune({ COMPLETED: 0 }, 100)
  const plans = await store.database.read(db =>
    [...texts]
      .filter(
        sql =>
          /\b(FROM|UPDATE|INTO) (tasks|listing|task_tags|usage|audit)\b/.test(sql) &&
          !sql.startsWith('INSERT') &&
          !sql.startsWith('EXPLAIN'),
      )
      .map(sql => ({ sql, plan: explain(db, sql) })),
  )
  await engine.stop({ grace: 0 })
  return plans
}

function explain(
  db: { prepare(sql: string): { all(...values: unknown[]): unknown } },
  sql: string,
): string[] {
  const values = Array.from(sql.matchAll(/\?/g), () => 1)
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[]
  return rows.map(({ detail }) => detail)
}

/** A page of a listing of tasks, the one thing that may read rows in the order of their numbers. */
const isListing = ({ sql }: { sql: string }) => /ORDER BY (listing\.|task_)?seq (ASC|DESC) LIMIT/.test(sql)

it('no question walks the table: each goes by an index, or by the rows of one page', async () => {
  const plans = await plansOfEverything()
  expect(plans.length).toBeGreaterThan(15)
  const walks = plans.filter(({ plan }) =>
    plan.some(step => /^SCAN (tasks|listing|task_tags|open|usage|audit)(?! USING)/.test(step)),
  )
  expect(walks.filter(each => !isListing(each))).toEqual([])
  // A range of rows is a page of a listing, or those that the index of listings leaves out: anywhere else it is the whole table.
  const ranges = plans.filter(({ plan }) => plan.some(step => /PRIMARY KEY \(rowid[<>]/.test(step)))
  const isLeftOut = ({ sql }: { sql: string }) =>
    /FROM tasks WHERE seq > \? AND (status = \?|idempotency_key IS NOT NULL)/.test(sql)
  expect(ranges.filter(each => !isListing(each) && !isLeftOut(each))).toEqual([])
  // What a listing reads is in its order: the page is where it ends.
  const listings = plans.filter(isListing)
  expect(listings.filter(({ sql }) => sql.includes('ASC')).length).toBeGreaterThan(3)
  expect(listings.filter(({ plan }) => plan.some(step => step.includes('TEMP B-TREE')))).toEqual([])
  const trail = plans.filter(({ sql }) => sql.includes('FROM audit'))
  expect(trail.length).toBeGreaterThan(4)
  expect(trail.filter(({ plan }) => plan.some(step => step.includes('TEMP B-TREE')))).toEqual([])
  // The end of a sub-task reads those that wait for it, and no other sibling.
  const successors = plans.filter(
    ({ sql }) => sql.includes('SET predecessor_ended = 1') && /predecessor = \?/.test(sql),
  )
  expect(successors.map(({ plan }) => plan)).toEqual([
    ['SEARCH tasks USING INDEX tasks_predecessor (parent_id=? AND predecessor=?)'],
  ])
  // The letters of a group are found by it. Equal failures are grouped, however many letters are open, without reading one of them.
  const groups = plans.filter(({ sql }) => sql.includes('GROUP BY fingerprint'))
  expect(groups.map(({ plan }) => plan[0])).toEqual([
    'SEARCH tasks USING COVERING INDEX tasks_letters (fingerprint>?)',
    'SEARCH tasks USING COVERING INDEX tasks_letters (fingerprint>?)',
  ])
  const ofOneGroup = listings.filter(({ sql }) => sql.includes('fingerprint = ?'))
  expect(ofOneGroup.map(({ plan }) => plan[0])).toEqual([
    'SEARCH tasks USING INDEX tasks_letters (fingerprint=?)',
  ])
  // An index that is read from end to end holds few rows of many; that of all tasks is never, not even to count them.
  const whole = plans.flatMap(({ plan }) => plan).filter(step => /^SCAN (tasks|listing) USING/.test(step))
  expect(whole.filter(step => !/INDEX (tasks_(dead|look|wake)|listing_roots)\b/.test(step))).toEqual([])
})

describe('a listing of tasks', () => {
  let store: SqliteStore
  let ran: string[]
  beforeEach(async () => {
    store = sqlite({ file: ':memory:' })
    ran = []
    await store.database.write(db => {
      const prepare = db.prepare.bind(db)
      db.prepare = ((sql: string) => {
        const statement = prepare(sql)
        const all = statement.all.bind(statement)
        return Object.assign(statement, {
          all(...values: unknown[]) {
            ran.push(sql)
            return all(...values)
          },
        })
      }) as typeof db.prepare
    })
    await fillUnevenly(store)
    // What prunes has the index of listings complete.
    await store.tasks.prune({}, 1)
  })
  afterEach(() => store.tasks.close())

  /** The first step of each statement that reads some of a page. */
  async function stepsOf(filter: TaskFilter): Promise<(string | undefined)[]> {
    ran.length = 0
    await store.queries.list(filter, { pageSize: 50 })
    const texts = [...ran]
    return store.database.read(db => texts.map(sql => explain(db, sql)[0]))
  }

  const byTag = 'SEARCH task_tags USING PRIMARY KEY (tag=?)'
  const by = (index: string, column: string) =>
    `SEARCH listing USING COVERING INDEX listing_${index} (${column}=?)`
  const byType = by('type', 'task_type')
  const cases: readonly (readonly [string, TaskFilter, readonly string[]])[] = [
    ['a tag', { tag: 'novel' }, [byTag]],
    ['a type', { taskType: ['Write'] }, [byType]],
    ['a type twice', { taskType: ['Write', 'Write'] }, [byType]],
    ['two types', { taskType: ['Write', 'Import'] }, [byType, byType]],
    ['a lane', { lane: 'default' }, [by('lane', 'lane')]],
    ['a user', { userId: 'ann' }, [by('user', 'user_id')]],
    ['a status', { status: ['COMPLETED'] }, [by('status', 'status')]],
    ['roots', { rootsOnly: true }, ['SCAN listing USING COVERING INDEX listing_roots']],
    ['nothing', {}, ['SCAN tasks']],
    ['a rare tag of live tasks', { tag: 'scene', status: ['QUEUED'], userId: 'ann' }, [byTag]],
    ['live tasks of a common tag', { tag: 'novel', status: ['RUNNING'] }, [by('status', 'status')]],
    ['a rare type of a common user', { taskType: ['Import'], userId: 'ann', rootsOnly: true }, [byType]],
    ['a rare user of a common type', { taskType: ['Write'], userId: 'bob' }, [by('user', 'user_id')]],
    ['what ended of a type', { taskType: ['Write'], status: ['COMPLETED'] }, [by('status', 'status')]],
    [
      'the few sub-tasks of a type',
      { parentTaskId: 'p', taskType: ['Write'] },
      ['SEARCH tasks USING INDEX tasks_parent (parent_id=?)'],
    ],
    ['no type at all', { taskType: [], tag: 'novel' }, []],
  ]
  for (const [name, filter, steps] of cases)
    it(`of ${name} is read in its order from the index of what is rarest`, async () => {
      expect(await stepsOf(filter)).toEqual(steps)
    })
})

/** Forty tasks: few are of the type Import, of bob, of the tag scene; two run, and two have ended. */
async function fillUnevenly(store: SqliteStore): Promise<void> {
  const parent = await startNew(store, { id: 'p', taskType: 'Whole', tags: ['novel'] })
  await startNew(store, { tags: ['novel'] })
  await createOne(store, { ...subTaskOf(parent, 'part', { taskType: 'Write' }), tags: ['novel', 'scene'] })
  for (let index = 0; index < 2; index++) {
    const ended = await createOne(store, { taskType: 'Import', lane: 'night', tags: ['novel'] })
    await complete(store, ended, 1)
  }
  const others = Array.from({ length: 35 }, (_, index) =>
    newTask({ tags: ['novel'], lane: index < 5 ? 'night' : 'default', userId: index < 2 ? 'bob' : 'ann' }),
  )
  await createAll(store, others)
}
