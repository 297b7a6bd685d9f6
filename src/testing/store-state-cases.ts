/** Shared states, the budget of a task, and who waits for it. */
import assert from 'node:assert/strict'
import { budgetKey, type Store } from '../store/store.ts'
import type { ErrorInfo } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelledWaiting, completed, snoozed, turnCame } from '../task/transition.ts'
import {
  atRest,
  createAll,
  createOne,
  dueIn,
  family,
  ids,
  move,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** Shared states. */
export const stateCases: readonly StoreCase[] = [
  {
    name: 'states: written by whoever saw the version before, by one of several, and kept',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'states: that of a budget is deleted with its root, and no other',
    async run(context) {
      const store = await context.makeStore()
      const [one, other] = [await startNew(store), await startNew(store)]
      for (const key of [budgetKey(one.id), budgetKey(other.id), one.id])
        await store.states.save({ key, state: 's', version: 0 })
      await move(store, completed(one, '"x"', context.now))
      context.advance(10)
      assert.equal(await store.tasks.prune({ COMPLETED: 1 }, 10), 1)
      const left = await store.states.load([budgetKey(one.id), budgetKey(other.id), one.id])
      assert.deepEqual(
        left.map(({ version }) => version),
        [0, 1, 1],
      )
    },
  },
]

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

/** Budgets. */
export const budgetCases: readonly StoreCase[] = [
  {
    name: 'budget: what a task was submitted with is part of its record',
    async run(context) {
      const store = await context.makeStore()
      const budget = { tokens: 1_000, cost: 0.25 }
      const record = await createOne(store, { budget })
      assert.deepEqual(record.budget, budget)
      assert.deepEqual((await start(store, record)).budget, budget)
      const again = await context.reopenStore(store)
      assert.deepEqual((await read(again, record.id)).budget, budget)
      assert.equal((await createOne(again)).budget, undefined)
    },
  },
  {
    name: 'budget: who waits for it is found by the tree, the first submitted first',
    async run(context) {
      const store = await context.makeStore()
      const until = context.now + 60_000
      const { parent, children } = await family(store, ['a', 'b', 'c', 'd', 'e'])
      const [a, b, c, d, e] = children
      assert.ok(a && b && c && d && e)
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
    },
  },
  {
    name: 'budget: who was woken, came to its time, or was cancelled, waits no longer',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a', 'b', 'c', 'd'])
      const waiting = await Promise.all(
        children.map(async (child, index) => wait(store, child, context.now + (index === 2 ? 100 : 60_000))),
      )
      const [a, b, , d] = waiting
      assert.ok(a && b && d)
      await move(store, turnCame(a, context.now))
      await move(store, cancelledWaiting(b, problem(), context.now))
      context.advance(100)
      const due = await dueIn(store)
      assert.equal(due.deliveries.length, 2)
      const left = await store.queries.waitingForBudget(parent.id, 9)
      const notDue = left.tasks.filter(({ nextAttemptTimestamp = 0 }) => nextAttemptTimestamp > context.now)
      assert.deepEqual(ids(notDue), [d.id])
    },
  },
]
