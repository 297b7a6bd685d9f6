import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { obedientTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { usageKinds } from '../../src/store/store.ts'

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

it('no question walks the table: each goes by an index, or by the rows of one page', async () => {
  const plans = await plansOfEverything()
  expect(plans.length).toBeGreaterThan(15)
  const walks = plans.filter(({ plan }) => plan.some(step => /^SCAN (tasks|open|usage)(?! USING)/.test(step)))
  expect(walks.filter(({ sql }) => !sql.includes('ORDER BY seq DESC'))).toEqual([])
  // A range of rows is a page of a listing and nothing else: anywhere else it is the whole table.
  const ranges = plans.filter(({ plan }) => plan.some(step => /PRIMARY KEY \(rowid[<>]/.test(step)))
  expect(ranges.filter(({ sql }) => !sql.includes('ORDER BY seq DESC'))).toEqual([])
})
