/** The roll-up of what calls of models used: old calls become sums by day, and no sum changes but those by task. */
import assert from 'node:assert/strict'
import type { Store, UsageFilter, UsageKind, UsageRow, UsageSum } from '../store/store.ts'
import { closed, completed, failed } from '../task/transition.ts'
import {
  allPages,
  complete,
  createOne,
  fail,
  family,
  it,
  move,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

const day = 86_400_000
const first = Date.parse('2031-01-01T00:00:00Z')

const call = (changes: Partial<UsageRow> = {}): UsageRow => ({
  at: first,
  attempt: 1,
  model: 'small',
  inputTokens: 10,
  outputTokens: 2,
  ...changes,
})

function report(store: Store, filter: UsageFilter, by: UsageKind, pageSize = 50): Promise<UsageSum[]> {
  return allPages(page => store.queries.usageReport(filter, { by, ...page }), pageSize)
}

/** Walks over the old calls, a few at a time. Returns how many steps that took. */
async function rollUp(store: Store, before: number, limit = 3): Promise<number> {
  let steps = 1
  for (
    let from = await store.usage.rollUp({ before, limit });
    from !== undefined;
    from = await store.usage.rollUp({ before, from, limit })
  )
    steps += 1
  return steps
}

const kinds = ['user', 'subject', 'day', 'model'] as const

/** Every sum that a roll-up must not change. */
async function allSums(store: Store): Promise<unknown[]> {
  const filters: UsageFilter[] = [
    {},
    { userId: 'ann' },
    { userId: 'bob' },
    { subject: 'novel' },
    { model: 'small', userId: 'ann' },
    { after: first + day },
    { before: first + 2 * day, subject: 'novel' },
    { after: first + day, before: first + 2 * day },
  ]
  const sums: unknown[] = []
  for (const filter of filters)
    for (const by of kinds) sums.push([filter, by, await report(store, filter, by)])
  return sums
}

/** Ended tasks of two users, with calls over some days, some of one moment, priced, unpriced and estimated. */
async function oldCalls(store: Store, now: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < 6; index++) {
    const task = await startNew(store, { userId: index % 2 === 0 ? 'ann' : 'bob' })
    const at = first + (index % 3) * day
    await store.attempts.usage(task.id, [
      call({ at, cost: 0.1 * (index + 1), subject: 'novel', cachedInputTokens: index }),
      call({ at: at + day - 1, model: 'large', call: 'named' }),
      call({ at, isEstimated: true, call: 'estimated', cost: 0.000_7 }),
      call({ at: at + 5_000, cost: 0 }),
    ])
    await move(store, completed(task, '"x"', now))
    ids.push(task.id)
  }
  return ids
}

/** Each runs on its own store, whose clock stands. */
export const usageDayCases: readonly StoreCase[] = [
  it('usage by day: no sum by user, subject, day or model changes when old calls are rolled up, however far', async (store, context) => {
    const [task = ''] = await oldCalls(store, context.now)
    const before = await allSums(store)
    for (const days of [1, 1, 2, 3, 4]) {
      await rollUp(store, first + days * day)
      assert.deepEqual(await allSums(store), before, `${days} days`)
    }
    assert.deepEqual(await report(store, {}, 'task'), [], 'no call is kept by task')
    assert.deepEqual(await report(store, { taskId: task }, 'model'), [])
    const again = await context.reopenStore(store)
    assert.deepEqual(await allSums(again), before)
    for (const by of kinds)
      for (const pageSize of [1, 2])
        assert.deepEqual(await report(again, {}, by, pageSize), await report(again, {}, by), `by ${by}`)
  }),
  it('usage by day: pages hold each day once where some of its calls are rolled up and some are not', async (store, context) => {
    const ended = await startNew(store)
    const live = await startNew(store, { userId: 'bob' })
    const days = Array.from({ length: 7 }, (_, index) => first + index * day)
    await store.attempts.usage(
      ended.id,
      days.map(at => call({ at: at + 1 })),
    )
    await store.attempts.usage(
      live.id,
      days.filter((_, index) => index % 2 === 0).map(at => call({ at })),
    )
    await move(store, completed(ended, '"x"', context.now))
    const whole = await report(store, {}, 'day')
    await rollUp(store, first + 5 * day)
    for (const pageSize of [1, 2, 3, 50])
      assert.deepEqual(await report(store, {}, 'day', pageSize), whole, `pages of ${pageSize}`)
  }),
  it('usage by day: a day that was rolled up counts by its beginning: reports of adjacent times add up', async (store, context) => {
    const task = await startNew(store)
    await store.attempts.usage(task.id, [call({ at: first + 1_000 }), call({ at: first + day / 2 })])
    await move(store, completed(task, '"x"', context.now))
    await rollUp(store, first + day)
    const countOf = async (filter: UsageFilter) => (await report(store, filter, 'model'))[0]?.calls ?? 0
    assert.equal(await countOf({ before: first + day / 4 }), 2)
    assert.equal(await countOf({ after: first + day / 4 }), 0)
    assert.equal(await countOf({ after: first, before: first + 1 }), 2)
    assert.equal(await countOf({ before: first }), 0)
  }),
  it('usage by day: calls of a live tree are left, and those behind them are not held up', async (store, context) => {
    const root = await startNew(store)
    const child = await start(store, await createOne(store, subTaskOf(root, 'a')))
    const other = await startNew(store, { userId: 'bob' })
    await store.attempts.usage(
      root.id,
      Array.from({ length: 8 }, () => call()),
    )
    await store.attempts.usage(child.id, [call({ at: first + 1 })])
    await move(store, completed(child, '"x"', context.now))
    await store.attempts.usage(other.id, [call(), call({ at: first + 2 })])
    await move(store, completed(other, '"x"', context.now))
    assert.ok((await rollUp(store, first + day)) < 7)
    assert.equal((await report(store, { treeOf: root.id }, 'model'))[0]?.calls, 9)
    assert.deepEqual(await report(store, { taskId: other.id }, 'model'), [])
    assert.equal((await report(store, {}, 'model'))[0]?.calls, 11)
    await move(store, completed(root, '"x"', context.now))
    await rollUp(store, first + day)
    assert.deepEqual(await report(store, { treeOf: root.id }, 'model'), [])
    assert.equal((await report(store, {}, 'model'))[0]?.calls, 11)
  }),
  it('usage by day: calls of a task that may be retried are left, and count once when they are recorded again', async (store, context) => {
    const task = await startNew(store)
    const estimate = call({ call: 'draft', isEstimated: true })
    await store.attempts.usage(task.id, [estimate])
    await move(store, failed(task, problem(), 'permanent', context.now))
    await rollUp(store, first + day)
    await store.attempts.usage(task.id, [estimate])
    assert.equal((await report(store, { taskId: task.id }, 'model'))[0]?.calls, 1)
    assert.equal((await report(store, {}, 'model'))[0]?.calls, 1)
  }),
  it('usage by day: calls of a tree that completed with errors are left, for a part of it may be retried', async (store, context) => {
    const [parent, done, dead] = await family(store, ['done', 'dead'])
    const estimate = call({ call: 'draft', isEstimated: true })
    await store.attempts.usage(dead.id, [estimate])
    await complete(store, done, context.now)
    await fail(store, dead, context.now)
    const ends = { failedSubTasks: [], error: problem() }
    const ended = await move(store, closed(await read(store, parent.id), ends, context.now))
    assert.equal(ended.status, 'COMPLETED_WITH_ERRORS')
    await rollUp(store, first + day)
    await store.attempts.usage(dead.id, [estimate])
    assert.equal((await report(store, { taskId: dead.id }, 'model'))[0]?.calls, 1)
    assert.equal((await report(store, {}, 'model'))[0]?.calls, 1)
  }),
  it('usage by day: calls that are recorded late, and those of unknown tasks, join their day', async (store, context) => {
    const task = await startNew(store)
    await move(store, completed(task, '"x"', context.now))
    for (const taskId of [task.id, task.id, 'nobody']) {
      await store.attempts.usage(taskId, [call({ at: first + 7, cost: 0.25 }), call({ at: first + 3 * day })])
      await rollUp(store, first + day)
    }
    const days = (await report(store, {}, 'day')).map(({ key, calls, cost }) => [key, calls, cost])
    assert.deepEqual(days, [
      ['2031-01-04', 3, undefined],
      ['2031-01-01', 3, 0.75],
    ])
    assert.deepEqual(
      (await report(store, { before: first + day }, 'user')).map(({ key }) => key),
      ['', 'ann'],
    )
    assert.equal((await report(store, { taskId: task.id }, 'task'))[0]?.calls, 2, 'what is not old is kept')
  }),
  it('usage by day: several who do it at once count each call once', async (store, context) => {
    await oldCalls(store, context.now)
    const before = await allSums(store)
    const walks = [1, 2, 3, 5].map(limit => rollUp(store, first + 4 * day, limit))
    await Promise.all(walks)
    await rollUp(store, first + 4 * day)
    assert.deepEqual(await allSums(store), before)
    assert.deepEqual(await report(store, {}, 'task'), [])
  }),
  it('usage by day: a report that is read meanwhile sees each call once', async (store, context) => {
    const task = await startNew(store)
    const rows = Array.from({ length: 9_000 }, (_, index) => call({ at: first + index * 20_000 }))
    for (let from = 0; from < rows.length; from += 1_000)
      await store.attempts.usage(task.id, rows.slice(from, from + 1_000))
    await move(store, completed(task, '"x"', context.now))
    const walk = rollUp(store, first + 3 * day, 900)
    for (let times = 0; times < 5; times++)
      assert.equal((await report(store, {}, 'model'))[0]?.calls, rows.length)
    await walk
    assert.equal((await report(store, {}, 'model'))[0]?.calls, rows.length)
  }),
  it('usage by day: sums are deleted when they are older than they are kept, the oldest first', async (store, context) => {
    await oldCalls(store, context.now)
    await rollUp(store, first + 4 * day)
    const keysLeft = async () => (await report(store, {}, 'day')).map(({ key }) => key)
    assert.equal(await store.usage.expire(first, 100), 0)
    assert.equal(await store.usage.expire(first + 2 * day, 3), 3)
    assert.deepEqual(await keysLeft(), ['2031-01-03', '2031-01-02', '2031-01-01'])
    assert.equal((await store.usage.expire(first + 2 * day, 100)) > 0, true)
    assert.equal(await store.usage.expire(first + 2 * day, 100), 0)
    assert.deepEqual(await keysLeft(), ['2031-01-03'])
  }),
  it('usage by day: random calls, steps and restarts: every sum stays what the calls come to', async (opened, context) => {
    let store = opened
    const random = randomOf(20_310_101)
    const below = (most: number) => Math.floor(random() * most)
    const tasks = await Promise.all(['ann', 'bob', 'eve'].map(userId => startNew(opened, { userId })))
    const told: (UsageRow & { userId: string })[] = []
    let from: Awaited<ReturnType<Store['usage']['rollUp']>>
    for (let step = 0; step < 60; step++) {
      const task = tasks[below(3)]
      assert.ok(task !== undefined)
      const rows = Array.from({ length: below(8) }, () =>
        call({
          at: first + below(5) * day + below(3) * 1_000,
          model: `m${below(3)}`,
          inputTokens: below(1_000),
          ...(random() < 0.5 ? { cost: below(1_000_000) / 1_000_000 } : {}),
          ...(random() < 0.5 ? { subject: `novel-${below(3)}` } : {}),
          ...(random() < 0.2 ? { isEstimated: true as const } : {}),
        }),
      )
      await store.attempts.usage(task.id, rows)
      told.push(...rows.map(row => ({ ...row, userId: task.userId })))
      const before = first + below(6) * day
      if (random() < 0.6) from = await store.usage.rollUp({ before, from, limit: 1 + below(9) })
      if (step === 20) await move(store, completed(task, '"x"', context.now))
      if (step % 13 === 0) store = await context.reopenStore(store)
      if (step % 6 === 0) assert.deepEqual(await totals(store), expected(told), `step ${step}`)
    }
    assert.deepEqual(await totals(store), expected(told))
  }),
]

/** Calls and millionths of cost, by key of each kind. */
async function totals(store: Store): Promise<Record<string, [number, number, number]>> {
  const found: Record<string, [number, number, number]> = {}
  for (const by of kinds)
    for (const { key, calls, inputTokens, cost = 0 } of await report(store, {}, by))
      found[`${by} ${key}`] = [calls, inputTokens, cost]
  return found
}

function expected(
  told: readonly (UsageRow & { userId: string })[],
): Record<string, [number, number, number]> {
  const found: Record<string, [number, number, number]> = {}
  for (const { at, userId, subject = '', model, inputTokens, cost = 0 } of told) {
    const date = new Date(at).toISOString().slice(0, 10)
    for (const key of [`user ${userId}`, `subject ${subject}`, `day ${date}`, `model ${model}`]) {
      const [calls, input, millionths] = found[key] ?? [0, 0, 0]
      found[key] = [calls + 1, input + inputTokens, millionths + Math.round(cost * 1_000_000)]
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([key, [calls, input, millionths]]) => [
      key,
      [calls, input, millionths / 1_000_000],
    ]),
  )
}

/** Returns a generator of numbers in [0, 1) that repeats itself (Park and Miller). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
