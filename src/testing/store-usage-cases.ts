import assert from 'node:assert/strict'
import {
  budgetKey,
  type Store,
  type UsageFilter,
  type UsageKind,
  type UsageRow,
  type UsageSum,
} from '../store/store.ts'
import type { ErrorInfo } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelledWaiting, completed, dueEarly, snoozed } from '../task/transition.ts'
import {
  allPages,
  atRest,
  createAll,
  createOne,
  dueIn,
  each,
  family,
  ids,
  it,
  move,
  newTask,
  problem,
  read,
  rejectsWith,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

const hour = 3_600_000
const day = 24 * hour
const start2031 = Date.parse('2031-01-01T00:00:00Z')

const call = (changes: Partial<UsageRow> = {}): UsageRow => ({
  at: start2031,
  attempt: 1,
  model: 'small',
  inputTokens: 10,
  outputTokens: 2,
  ...changes,
})

const sum = (key: string, calls: number, changes: Partial<UsageSum> = {}): UsageSum => ({
  key,
  calls,
  inputTokens: 10 * calls,
  cachedInputTokens: 0,
  outputTokens: 2 * calls,
  unpricedCalls: calls,
  estimatedCalls: 0,
  ...changes,
})

const callsOf = (sums: readonly UsageSum[]) => sums.reduce((count, { calls }) => count + calls, 0)

/** All rows of a report, in its order. */
function report(store: Store, filter: UsageFilter, by: UsageKind, pageSize = 50): Promise<UsageSum[]> {
  return allPages(page => store.queries.usageReport(filter, { by, ...page }), pageSize)
}

/** A tree of three levels, a task of another user, and calls of all of them over some days. */
async function calls(store: Store) {
  const root = await startNew(store)
  const child = await start(store, await createOne(store, subTaskOf(root, 'a')))
  const grandChild = await createOne(store, subTaskOf(child, 'b'))
  const other = await startNew(store, { userId: 'bob' })
  await store.attempts.usage(root.id, [
    call({ cost: 0.5, subject: 'novel-1' }),
    call({ model: 'large', outputTokens: 7, at: start2031 + day }),
  ])
  await store.attempts.usage(child.id, [call({ cost: 0.25, subject: 'novel-1', at: start2031 + day - 1 })])
  await store.attempts.usage(grandChild.id, [
    call({ attempt: 99, subject: 'novel-2', at: start2031 + 2 * day }),
  ])
  await store.attempts.usage(other.id, [
    call({ inputTokens: 1_000, cost: 0, subject: 'novel-1', at: start2031 - hour }),
  ])
  return { root, child, grandChild, other }
}

const exhausted: ErrorInfo = {
  ...problem('The budget is used up.', 'BUDGET_EXHAUSTED'),
  retryable: true,
  errorClass: 'rate-limited',
  need: { tokens: 10, cost: 0.5 },
  since: 1,
}

/** Runs the next attempt of a task and has it wait. */
async function wait(store: Store, record: TaskRecord, until: number, error = exhausted): Promise<TaskRecord> {
  return move(store, snoozed(await start(store, record), until, error))
}

/** What calls of models used: kept also for attempts that lost their task, and summed by task, user, subject, day and model; shared states and budgets. */
export const usageCases: readonly StoreCase[] = [
  it('calls: returns the last calls of a task by itself, the oldest of them first', async store => {
    const [one, two] = await createAll(store, [newTask(), newTask()])
    const rows = [3, 1, 2].map(at =>
      call({ at: start2031 + at, attempt: at, ...(at === 2 && { cost: 0.5, cachedInputTokens: 4 }) }),
    )
    await store.attempts.usage(one.id, rows)
    await store.attempts.usage(two.id, [call({ call: 'known', isEstimated: true })])
    const [last, first, middle] = rows
    assert.deepEqual(await store.queries.calls(one.id, 10), [first, middle, last])
    assert.deepEqual(await store.queries.calls(one.id, 2), [middle, last])
    assert.deepEqual(await store.queries.calls(two.id, 10), [call({ isEstimated: true })])
    assert.deepEqual(await store.queries.calls('nobody', 10), [])
  }),
  it('usage: what was paid is kept when the attempt is stale, and summed over a task or its tree', async (store, context) => {
    const { root, child } = await calls(store)
    await move(store, completed(child, '"x"', context.now))
    await store.attempts.usage(child.id, [call({ attempt: 1 })])
    const large = sum('large', 1, { outputTokens: 7 })
    assert.deepEqual(await report(store, { taskId: root.id }, 'model'), [
      large,
      sum('small', 1, { cost: 0.5, unpricedCalls: 0 }),
    ])
    assert.deepEqual(await report(store, { treeOf: root.id }, 'model'), [
      large,
      sum('small', 4, { cost: 0.75, unpricedCalls: 2 }),
    ])
    assert.deepEqual(await report(store, { treeOf: child.id }, 'model'), [
      sum('small', 3, { cost: 0.25, unpricedCalls: 2 }),
    ])
    assert.deepEqual(await report(store, { treeOf: 'nobody' }, 'model'), [])
    assert.deepEqual(await report(store, { taskId: 'nobody' }, 'task'), [])
  }),
  it('usage: calls that are reported at once are all counted', async store => {
    const running = await startNew(store)
    await Promise.all(Array.from({ length: 50 }, () => store.attempts.usage(running.id, [call()])))
    assert.deepEqual(await report(store, { taskId: running.id }, 'model'), [sum('small', 50)])
  }),
  it('usage: a named call counts once in its task, and what was heard of it in the place of an estimate', async (store, context) => {
    const running = await startNew(store)
    const other = await startNew(store)
    await store.attempts.usage(running.id, [call({ call: 'one', cost: 0.5 })])
    await store.attempts.usage(running.id, [
      call({ call: 'one', outputTokens: 900, isEstimated: true }),
      call({ call: 'two', isEstimated: true }),
    ])
    await store.attempts.usage(running.id, [call({ call: 'two', outputTokens: 900, isEstimated: true })])
    await store.attempts.usage(other.id, [call({ call: 'one' })])
    const two = sum('small', 2, { cost: 0.5, unpricedCalls: 1, estimatedCalls: 1 })
    assert.deepEqual(await report(store, { taskId: running.id }, 'model'), [two])
    const again = await context.reopenStore(store)
    for (const outputTokens of [7, 900])
      await again.attempts.usage(running.id, [
        call({ call: 'two', cachedInputTokens: 4, outputTokens }),
        call({ call: 'one', outputTokens }),
      ])
    const heard = { ...two, cachedInputTokens: 4, outputTokens: 9, estimatedCalls: 0 }
    assert.deepEqual(await report(again, { taskId: running.id }, 'model'), [heard])
    assert.deepEqual(await report(again, { taskId: other.id }, 'model'), [sum('small', 1)])
  }),
  it('usage: what was heard of a call has its own subject, whatever its estimate had', async store => {
    const running = await startNew(store)
    await store.attempts.usage(running.id, [call({ call: 'one', subject: 'old', isEstimated: true })])
    await store.attempts.usage(running.id, [call({ call: 'one', subject: 'new' })])
    assert.deepEqual(await report(store, { taskId: running.id }, 'subject'), [sum('new', 1)])
  }),
  it('usage: cached tokens are summed, and calls that tell none have none', async (store, context) => {
    const running = await startNew(store)
    await store.attempts.usage(running.id, [
      call({ cachedInputTokens: 8 }),
      call({ cachedInputTokens: 0 }),
      call(),
      call({ model: 'untold' }),
    ])
    const sums = [sum('small', 3, { cachedInputTokens: 8 }), sum('untold', 1)]
    assert.deepEqual(await report(store, {}, 'model'), sums)
    assert.deepEqual(await report(await context.reopenStore(store), { treeOf: running.id }, 'model'), sums)
  }),
  it('usage: a sum of unknown costs is not zero, and a cost of zero is one', async store => {
    const running = await startNew(store)
    await store.attempts.usage(running.id, [
      call({ model: 'free', cost: 0 }),
      call({ model: 'free', cost: 0 }),
      call({ model: 'mixed', cost: 0 }),
      call({ model: 'mixed' }),
      call({ model: 'unpriced' }),
    ])
    assert.deepEqual(await report(store, {}, 'model'), [
      sum('free', 2, { cost: 0, unpricedCalls: 0 }),
      sum('mixed', 2, { cost: 0, unpricedCalls: 1 }),
      sum('unpriced', 1),
    ])
  }),
  it('usage: summed by task, user, subject, day and model; the newest days and tasks first', async store => {
    const { root, child, grandChild, other } = await calls(store)
    const bobs = { inputTokens: 1_000, cost: 0, unpricedCalls: 0 }
    const tasks = [
      sum(root.id, 2, { outputTokens: 9, cost: 0.5, unpricedCalls: 1 }),
      sum(child.id, 1, { cost: 0.25, unpricedCalls: 0 }),
      sum(grandChild.id, 1),
      sum(other.id, 1, bobs),
    ]
    const newest = tasks.sort((one, two) => (one.key < two.key ? 1 : -1))
    assert.deepEqual(await report(store, {}, 'task'), newest)
    assert.deepEqual(await report(store, {}, 'user'), [
      sum('ann', 4, { outputTokens: 13, cost: 0.75, unpricedCalls: 2 }),
      sum('bob', 1, bobs),
    ])
    assert.deepEqual(await report(store, {}, 'subject'), [
      sum('', 1, { outputTokens: 7 }),
      sum('novel-1', 3, { inputTokens: 1_020, cost: 0.75, unpricedCalls: 0 }),
      sum('novel-2', 1),
    ])
    assert.deepEqual(await report(store, {}, 'day'), [
      sum('2031-01-03', 1),
      sum('2031-01-02', 1, { outputTokens: 7 }),
      sum('2031-01-01', 2, { cost: 0.75, unpricedCalls: 0 }),
      sum('2030-12-31', 1, bobs),
    ])
    assert.deepEqual(await report(store, {}, 'model'), [
      sum('large', 1, { outputTokens: 7 }),
      sum('small', 4, { inputTokens: 1_030, cost: 0.75, unpricedCalls: 1 }),
    ])
  }),
  it('usage: a filter lets through what it names, alone and with others; from its first time to before its last', async store => {
    const { root, child } = await calls(store)
    const filters: [UsageFilter, number][] = [
      [{}, 5],
      [{ userId: 'ann' }, 4],
      [{ userId: 'nobody' }, 0],
      [{ subject: 'novel-1' }, 3],
      [{ subject: 'novel-1', userId: 'ann' }, 2],
      [{ subject: 'novel-1', treeOf: child.id }, 1],
      [{ model: 'large' }, 1],
      [{ model: 'large', userId: 'bob' }, 0],
      [{ treeOf: root.id, userId: 'ann', after: start2031 + day }, 2],
      [{ taskId: root.id, subject: 'novel-1', model: 'small' }, 1],
      [{ taskId: root.id, treeOf: child.id }, 0],
      [{ after: start2031, before: start2031 + day }, 2],
      [{ after: start2031 + day, before: start2031 + 2 * day }, 1],
      [{ after: start2031 + 2 * day }, 1],
      [{ before: start2031 }, 1],
      [{ userId: 'ann', subject: 'novel-1', after: start2031 + 1 }, 1],
    ]
    for (const [filter, expected] of filters)
      assert.equal(callsOf(await report(store, filter, 'model')), expected, JSON.stringify(filter))
  }),
  it('usage: pages hold every key once, and a token of another report is refused', async store => {
    for (let index = 0; index < 9; index++) {
      const task = await startNew(store, { userId: `user-${index % 4}` })
      const at = start2031 + (index % 5) * day
      await store.attempts.usage(task.id, [
        call({ at, model: `m${index % 3}`, subject: ['a', 'ä', '\u{ff5e}', '\u{1f600}'][index % 4] ?? '' }),
        call({ at: at + hour, model: `m${index % 2}`, cost: 1 }),
      ])
    }
    for (const by of ['task', 'user', 'subject', 'day', 'model'] as const) {
      const whole = await report(store, {}, by)
      for (const pageSize of [1, 2, 3, 8])
        assert.deepEqual(await report(store, {}, by, pageSize), whole, `${pageSize} by ${by}`)
      assert.equal(callsOf(whole), 18)
    }
    const { nextPageToken = '' } = await store.queries.usageReport({}, { by: 'user', pageSize: 2 })
    for (const [filter, by] of [
      [{}, 'model'],
      [{ userId: 'user-1' }, 'user'],
    ] as const) {
      const page = { by, pageSize: 2, pageToken: nextPageToken }
      await rejectsWith('PAGE_TOKEN_INVALID', store.queries.usageReport(filter, page))
    }
  }),
  it('usage: thousands of calls are summed exactly, those of one moment too, and kept over a restart', async (store, context) => {
    const running = await startNew(store)
    const rows = Array.from({ length: 13_000 }, (_, index) =>
      call({
        at: index < 5_000 ? start2031 : start2031 + index * 60_000,
        model: `m${index % 7}`,
        ...(index % 2 === 0 ? { cost: 0.5, subject: 'novel' } : {}),
      }),
    )
    for (let from = 0; from < rows.length; from += 1_000)
      await store.attempts.usage(running.id, rows.slice(from, from + 1_000))
    const reopened = await context.reopenStore(store)
    const modelled = await report(reopened, { userId: 'ann' }, 'model', 2)
    assert.deepEqual(each(modelled, 'calls'), [1_858, 1_857, 1_857, 1_857, 1_857, 1_857, 1_857])
    assert.deepEqual(await report(reopened, { subject: 'novel' }, 'subject'), [
      sum('novel', 6_500, { cost: 3_250, unpricedCalls: 0 }),
    ])
    const days = await report(reopened, {}, 'day', 4)
    const dates = ['10', '09', '08', '07', '06', '05', '04', '01'].map(date => `2031-01-${date}`)
    assert.deepEqual(each(days, 'key'), dates)
    assert.equal(callsOf(days), 13_000)
    assert.equal(days.at(-1)?.calls, 5_000)
  }),
  it('states: written by one of several that saw the version before, and kept', async (store, context) => {
    const { states } = store
    assert.deepEqual(await states.load(['a', 'b']), [
      { key: 'a', state: '', version: 0 },
      { key: 'b', state: '', version: 0 },
    ])
    assert.deepEqual(await states.load([]), [])
    assert.equal(await states.save({ key: 'a', state: 'early', version: 1 }), false, 'it is not there yet')
    const rivals = await Promise.all(
      ['x', 'y', 'z'].map(state => states.save({ key: 'a', state, version: 0 })),
    )
    assert.deepEqual(rivals.filter(Boolean), [true])
    assert.equal(await states.save({ key: 'a', state: 'late', version: 0 }), false)
    assert.equal(await states.save({ key: 'a', state: 'second "état"', version: 1 }), true)
    assert.equal(await states.save({ key: 'a', state: 'stale', version: 1 }), false)
    const again = await context.reopenStore(store)
    assert.deepEqual(await again.states.load(['b', 'a']), [
      { key: 'b', state: '', version: 0 },
      { key: 'a', state: 'second "état"', version: 2 },
    ])
  }),
  it('states: that of a budget is deleted with its root, and no other', async (store, context) => {
    const [one, other] = [await startNew(store), await startNew(store)]
    for (const key of [budgetKey(one.id), budgetKey(other.id), one.id])
      await store.states.save({ key, state: 's', version: 0 })
    await move(store, completed(one, '"x"', context.now))
    context.advance(10)
    assert.equal(await store.tasks.prune({ COMPLETED: 1 }, 10), 1)
    const left = await store.states.load([budgetKey(one.id), budgetKey(other.id), one.id])
    assert.deepEqual(each(left, 'version'), [0, 1, 1])
  }),
  it('budget: what a task was submitted with is part of its record', async (store, context) => {
    const budget = { tokens: 1_000, cost: 0.25 }
    const record = await createOne(store, { budget })
    assert.deepEqual(record.budget, budget)
    assert.deepEqual((await start(store, record)).budget, budget)
    const again = await context.reopenStore(store)
    assert.deepEqual((await read(again, record.id)).budget, budget)
    assert.equal((await createOne(again)).budget, undefined)
  }),
  it('budget: tasks that wait for it are found by the tree, the first submitted first', async (store, context) => {
    const until = context.now + 60_000
    const [parent, a, b, c, d, e] = await family(store, ['a', 'b', 'c', 'd', 'e'])
    for (const record of [c, a, d]) await wait(store, record, until)
    await wait(store, b, until, { ...exhausted, code: 'RATE_LIMITED' })
    const stranger = await wait(store, await createOne(store), until)
    const running = await start(store, e)
    const [leaf] = await createAll(store, [subTaskOf(running, 'leaf', {})])
    assert.ok(leaf)
    await atRest(store)
    await wait(store, { ...leaf, attempt: 0 }, until)
    const waiting = await store.queries.waitingForBudget(parent.id, 3)
    assert.equal(waiting.total, 4)
    assert.deepEqual(ids(waiting.tasks), ids([a, c, d]))
    assert.deepEqual(waiting.tasks[0]?.errorInfo?.need, { tokens: 10, cost: 0.5 })
    assert.deepEqual(await store.queries.waitingForBudget(parent.id, 0), { total: 4, tasks: [] })
    assert.deepEqual(ids((await store.queries.waitingForBudget(stranger.id, 9)).tasks), [stranger.id])
    assert.deepEqual(await store.queries.waitingForBudget('nobody', 9), { total: 0, tasks: [] })
  }),
  it('budget: a task that was woken, came to its time, or was cancelled, waits no longer', async (store, context) => {
    const [parent, ...children] = await family(store, ['a', 'b', 'c', 'd'])
    const waiting = await Promise.all(
      children.map(async (child, index) => wait(store, child, context.now + (index === 2 ? 100 : 60_000))),
    )
    const [a, b, , d] = waiting
    assert.ok(a && b && d)
    await move(store, dueEarly(a, context.now))
    await move(store, cancelledWaiting(b, problem(), context.now))
    context.advance(100)
    const due = await dueIn(store)
    assert.equal(due.deliveries.length, 2)
    const left = await store.queries.waitingForBudget(parent.id, 9)
    const notDue = left.tasks.filter(({ nextAttemptTimestamp = 0 }) => nextAttemptTimestamp > context.now)
    assert.deepEqual(ids(notDue), [d.id])
  }),
]
