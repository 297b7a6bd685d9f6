/** Dead letters: listings, filters, groups. */
import assert from 'node:assert/strict'
import type { Store } from '../store/store.ts'
import type { TaskRecord } from '../task/task.ts'
import { discarded, failedWaiting, retried } from '../task/transition.ts'
import {
  allPages,
  complete,
  createOne,
  dueIn,
  fail,
  ids,
  move,
  type newTask,
  problem,
  type StoreCase,
  type StoreCaseContext,
} from './store-case.ts'

/** A task that fails 100 ms after what was before it. */
async function failNew(
  context: StoreCaseContext,
  store: Store,
  changes: Parameters<typeof newTask>[0],
  error: ReturnType<typeof problem>,
): Promise<TaskRecord> {
  context.advance(100)
  return fail(store, await createOne(store, changes), context.now, error)
}

/** Dead letters. */
export const deadLetterCases: readonly StoreCase[] = [
  {
    name: 'dead letters: the open ones, filtered, page by page; a retry or a discard takes one out',
    async run(context) {
      const store = await context.makeStore()
      const one = await failNew(context, store, {}, problem('Broken'))
      const two = await failNew(context, store, { userId: 'bob' }, problem('Broken'))
      const three = await failNew(context, store, { taskType: 'Import' }, problem('Broken', 'RATE_LIMITED'))
      await complete(store, await createOne(store), context.now)
      const list = (filter: Parameters<Store['queries']['deadLetters']>[0], pageSize = 10) =>
        allPages(page => store.queries.deadLetters(filter, page), pageSize).then(ids)
      assert.deepEqual(await list({}), [three.id, two.id, one.id])
      assert.deepEqual(await list({}, 1), [three.id, two.id, one.id])
      assert.deepEqual(await list({ userId: 'bob' }), [two.id])
      assert.deepEqual(await list({ taskType: ['Import', 'Other'] }), [three.id])
      assert.deepEqual(await list({ taskType: [] }), [])
      assert.deepEqual(await store.queries.deadLetterGroups({ taskType: [] }), [])
      assert.deepEqual(await list({ code: 'RATE_LIMITED' }), [three.id])
      assert.deepEqual(await list({ fingerprint: one.deadLetter?.fingerprint ?? '' }), [two.id, one.id])
      assert.deepEqual(await list({ openedBefore: two.deadLetter?.openedAt ?? 0 }), [one.id])
      assert.deepEqual(await list({ openedAfter: two.deadLetter?.openedAt ?? 0 }), [three.id])
      await move(store, retried(one, context.now))
      const gone = await move(store, discarded(two, context.now))
      assert.deepEqual([gone.status, gone.deadLetterHistory?.length], ['FAILED', 1])
      assert.deepEqual(await list({}), [three.id])
    },
  },
  {
    name: 'dead letters: equal failures are one line, the most frequent first',
    async run(context) {
      const store = await context.makeStore()
      for (const message of ['Scene 1 is gone', 'No key', 'Scene 22 is gone'])
        await failNew(context, store, {}, problem(message))
      const waiting = await createOne(store, { taskType: 'Import' })
      await move(store, failedWaiting(waiting, problem('Scene 3 is gone'), context.now))
      const groups = await store.queries.deadLetterGroups({})
      assert.deepEqual(
        groups.map(({ count, taskType, code, lastAt, firstAt }) => [count, taskType, code, lastAt - firstAt]),
        [
          [2, 'Write', 'HANDLER_FAILED', 200],
          [1, 'Import', 'HANDLER_FAILED', 0],
          [1, 'Write', 'HANDLER_FAILED', 0],
        ],
      )
      const [scenes] = groups
      const { items } = await store.queries.deadLetters(
        { fingerprint: scenes?.fingerprint ?? '' },
        { pageSize: 9 },
      )
      assert.equal(items.length, 2)
      assert.ok(ids(items).includes(scenes?.sampleTaskId ?? ''))
      const counted = async (filter: Parameters<Store['queries']['deadLetterGroups']>[0]) =>
        (await store.queries.deadLetterGroups(filter)).map(({ count }) => count)
      assert.deepEqual(await counted({ userId: 'bob' }), [])
      assert.deepEqual(await counted({ code: 'HANDLER_FAILED', taskType: ['Write'] }), [2, 1])
      assert.deepEqual(await counted({ code: 'HANDLER' }), [])
      assert.deepEqual(await counted({ fingerprint: scenes?.fingerprint ?? '' }), [2])
      assert.deepEqual(await counted({ openedBefore: scenes?.lastAt ?? 0 }), [1, 1])
      assert.deepEqual(await counted({ openedAfter: scenes?.firstAt ?? 0 }), [1, 1, 1])
      assert.deepEqual((await dueIn(store)).deliveries, [])
    },
  },
]
