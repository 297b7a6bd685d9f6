import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { obedientTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { usageKinds } from '../../src/store/store.ts'
import { liveStatuses } from '../../src/task/status.ts'

/** What a person may ask of live tasks, such as what works on a scene. */
const wanted = { userId: 'ann', tag: 'scene:1', taskType: ['Obedient'], rootsOnly: true }

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
  const { obedient } = obedientTasks()
  const engine = await createEngine({ tasks: [obedient], store, retention: { COMPLETED: 0 } })
  await engine.start()
  const parent = await engine.submit(obedient, {
    orders: [{ do: 'submitMany', count: 5, orders: [] }],
  })
  await parent.result()
  const failed = await engine.submit(obedient, { orders: [{ do: 'failForGood' }] })
  await failed.result().catch(() => undefined)
  await engine.deadLetters.retryAll({})
  const later = await engine.submit(obedient, { orders: [] }, { delay: '1h', idempotencyKey: 'later' })
  await later.cancel()
  await engine.tasks.list({ userId: '' }, { pageSize: 5 })
  await engine.tasks.list({ status: ['COMPLETED', 'RUNNING'] }, { pageSize: 5 })
  for (const order of ['newest', 'oldest'] as const) {
    const { nextPageToken = '' } = await engine.tasks.list({}, { pageSize: 1, order })
    await engine.tasks.list({}, { pageSize: 1, order, pageToken: nextPageToken })
    await engine.tasks.list({ userId: 'ann', rootsOnly: true }, { pageSize: 5, order })
    await engine.tasks.list({ status: [...liveStatuses], ...wanted }, { pageSize: 5, order })
  }
  await engine.tasks.counts()
  await engine.tasks.children(parent.taskId, { failedFirst: true }, { pageSize: 5 })
  await engine.deadLetters.groups({})
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
  await store.tasks.lapsed(10)
  await store.tasks.prune({ COMPLETED: 0 }, 100)
  const plans = await store.database.read(db =>
    [...texts]
      .filter(
        sql =>
          /\b(FROM|UPDATE|INTO) (tasks|usage)\b/.test(sql) &&
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
const isListing = ({ sql }: { sql: string }) => /ORDER BY seq (ASC|DESC) LIMIT/.test(sql)

it('no question walks the table: each goes by an index, or by the rows of one page', async () => {
  const plans = await plansOfEverything()
  expect(plans.length).toBeGreaterThan(15)
  const walks = plans.filter(({ plan }) => plan.some(step => /^SCAN (tasks|open|usage)(?! USING)/.test(step)))
  expect(walks.filter(each => !isListing(each))).toEqual([])
  // A range of rows is a page of a listing and nothing else: anywhere else it is the whole table.
  const ranges = plans.filter(({ plan }) => plan.some(step => /PRIMARY KEY \(rowid[<>]/.test(step)))
  expect(ranges.filter(each => !isListing(each))).toEqual([])
  // What a listing reads is in its order: the page is where it ends.
  const listings = plans.filter(isListing)
  expect(listings.filter(({ sql }) => sql.includes('ASC')).length).toBeGreaterThan(3)
  expect(listings.filter(({ plan }) => plan.some(step => step.includes('TEMP B-TREE')))).toEqual([])
  // However many have ended: live ones are read by their status alone, and counts are counters.
  const ofLive = listings.filter(({ sql }) => /json_each/.test(sql) && /status = \?/.test(sql))
  expect(ofLive.length).toBe(2)
  for (const { plan } of ofLive) expect(plan[0]).toBe('SEARCH tasks USING INDEX tasks_status (status=?)')
  // An index that is read from end to end holds few rows of many; that of all tasks is never, not even to count them.
  const whole = plans.flatMap(({ plan }) => plan).filter(step => /^SCAN tasks USING/.test(step))
  expect(whole.filter(step => !/INDEX tasks_(dead|look|wake)\b/.test(step))).toEqual([])
})
