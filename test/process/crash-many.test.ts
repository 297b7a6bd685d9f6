import { existsSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { beforeAll, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

/** So many that a store writes them over several turns of the event loop. */
const count = 3_000
/** Turns after which a process dies. */
const deaths = [7, 9, 12]

it('a process that is killed while it submits many tasks has submitted all of them, or none', {
  timeout: 180_000,
}, async () => {
  const numbers: number[] = []
  for (const turns of deaths) {
    await using runs = new Runs()
    expect((await runs.run('run-many.mjs', { count, roots: true, turns })).signal).toBe('SIGKILL')
    numbers.push((await runs.read()).tasks.length)
  }
  expect(numbers.filter(number => number !== 0 && number !== count)).toEqual([])
  expect(numbers).toContain(0)
})

it('a parent whose process is killed while it submits many sub-tasks has all of them, or none, and at the end each once', {
  timeout: 180_000,
}, async () => {
  await using runs = new Runs()
  expect((await runs.run('run-many.mjs', { count, turns: deaths[0] })).signal).toBe('SIGKILL')
  const { tasks } = await runs.read()
  expect([0, count]).toContain(tasks.filter(({ parentTaskId }) => parentTaskId !== undefined).length)
  const last = runs.start('run-many.mjs', { count })
  expect(await last.says('done')).toMatchObject({ found: count, subTaskStatusSummary: { COMPLETED: count } })
  expect(await last.ended).toEqual({ code: 0, signal: null })
})

it.each([
  { within: 3, acknowledged: 0 },
  { within: 12, acknowledged: 10 },
  { turns: 0, acknowledged: 15 },
  { turns: 1, acknowledged: 15 },
  { turns: 3, acknowledged: 15 },
])(
  'a process that is killed with $within inserts, or $turns turns after some, has each order with its task, or neither',
  { timeout: 180_000 },
  async ({ acknowledged, ...kill }) => {
    await using runs = new Runs()
    expect((await runs.run('run-transactions.mjs', kill)).signal).toBe('SIGKILL')
    const { tasks } = await runs.read()
    const db = new Database(runs.file)
    const orders = db.prepare('SELECT id FROM app_orders').pluck().all()
    db.close()
    expect(tasks.map(({ id }) => id).toSorted()).toEqual(orders.toSorted())
    const known = existsSync(runs.ledgerFile) ? readFileSync(runs.ledgerFile, 'utf8').trim().split('\n') : []
    expect(known.length).toBeGreaterThanOrEqual(acknowledged)
    expect(orders).toEqual(expect.arrayContaining(known))
  },
)
