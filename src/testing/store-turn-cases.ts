/** Whose turn it is: the order of a lane, as `due` hands it out. */
import assert from 'node:assert/strict'
import type { Delivery, Store } from '../store/store.ts'
import { cancelledWaiting, completed, givenBack } from '../task/transition.ts'
import {
  claimOf,
  complete,
  createAll,
  createOne,
  dueIds,
  dueIn,
  ids,
  move,
  newTask,
  only,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
} from './store-case.ts'

/** Tells, claims and completes what is due, one task at a time, and answers the ids in the order in which they ran. */
async function drain(store: Store, now: number): Promise<string[]> {
  const order: string[] = []
  for (;;) {
    const [delivery] = (await dueIn(store, { lane: 'default', capacity: 1 })).deliveries
    if (delivery === undefined) return order
    await store.outbox.published([delivery])
    order.push(delivery.taskId)
    const claimed = only(
      await store.tasks.claim([claimOf({ id: delivery.taskId, attempt: delivery.attempt })]),
    )
    await move(store, completed(claimed, '"x"', now))
  }
}

/** The order of the lane. */
export const turnCases: readonly StoreCase[] = [
  {
    name: 'due: a delivery names the task, its lane and the attempt that a claim must find',
    async run(context) {
      const store = await context.makeStore()
      const fresh = await createOne(store)
      const back = await move(store, givenBack(await startNew(store, { lane: 'batch' })))
      const { deliveries } = await dueIn(store, 'default', 'batch')
      const base = { taskType: 'Write', quarantined: false }
      const bare = deliveries.map(({ headers: _, ...delivery }) => delivery)
      assert.deepEqual(bare, [
        { ...base, taskId: fresh.id, lane: 'default', attempt: 0 },
        { ...base, taskId: back.id, lane: 'batch', attempt: 1 },
      ] satisfies Delivery[])
      for (const { taskId, attempt } of deliveries) await start(store, { id: taskId, attempt })
      assert.deepEqual(await dueIds(store, 'default', 'batch'), [])
    },
  },
  {
    name: 'due: never more than the room of a lane, and only lanes that were asked for',
    async run(context) {
      const store = await context.makeStore()
      await createAll(store, [
        ...Array.from({ length: 5 }, () => newTask()),
        ...Array.from({ length: 5 }, () => newTask({ lane: 'batch' })),
        newTask({ lane: 'other' }),
      ])
      const { deliveries } = await dueIn(
        store,
        { lane: 'default', capacity: 3 },
        { lane: 'batch', capacity: 2 },
      )
      assert.deepEqual(
        deliveries.map(({ lane }) => lane),
        ['default', 'default', 'default', 'batch', 'batch'],
      )
      assert.deepEqual(
        await dueIds(store, { lane: 'default', capacity: 0 }, { lane: 'unknown', capacity: 9 }),
        [],
      )
    },
  },
  {
    name: 'due: in the order of submission for one user, high priority first',
    async run(context) {
      const store = await context.makeStore()
      const normal = await createAll(store, [newTask(), newTask(), newTask()])
      const high = await createAll(store, [newTask({ priority: 'high' }), newTask({ priority: 'high' })])
      assert.deepEqual(await drain(store, context.now), [...ids(high), ...ids(normal)])
    },
  },
  {
    name: 'due: users take turns: five hundred tasks of one do not delay the only one of another',
    async run(context) {
      const store = await context.makeStore()
      await createAll(
        store,
        Array.from({ length: 500 }, () => newTask()),
      )
      for (let round = 0; round < 10; round++) {
        const [delivery] = (await dueIn(store, { lane: 'default', capacity: 1 })).deliveries
        assert.ok(delivery !== undefined)
        await start(store, { id: delivery.taskId, attempt: delivery.attempt })
      }
      const single = await createOne(store, { userId: 'bob' })
      const next = await dueIds(store, { lane: 'default', capacity: 3 })
      assert.ok(next.includes(single.id), 'the single task is not among the next three')
      const others = await createAll(
        store,
        ['bob', 'cid', 'bob', 'cid'].map(userId => newTask({ userId })),
      )
      const soon = await dueIds(store, { lane: 'default', capacity: 12 })
      for (const other of others) assert.ok(soon.includes(other.id), `${other.userId} waits too long`)
    },
  },
  {
    name: 'due: turns go on after the store was opened again',
    async run(context) {
      const store = await context.makeStore()
      await createAll(
        store,
        Array.from({ length: 30 }, () => newTask()),
      )
      for (const taskId of await dueIds(store, { lane: 'default', capacity: 20 }))
        await complete(store, await read(store, taskId), context.now)
      const again = await context.reopenStore(store)
      const single = await createOne(again, { userId: 'bob' })
      assert.ok((await dueIds(again, { lane: 'default', capacity: 2 })).includes(single.id))
      assert.equal((await dueIds(again)).length, 11)
    },
  },
  {
    name: 'due: nothing of a paused lane, also after opening the store again, until it is resumed',
    async run(context) {
      const store = await context.makeStore()
      const [here] = await createAll(store, [newTask(), newTask({ lane: 'batch' })])
      await store.lanes.setPaused('batch', true)
      assert.deepEqual(await dueIds(store, 'default', 'batch'), [here?.id])
      const again = await context.reopenStore(store)
      assert.deepEqual(await dueIds(again, 'default', 'batch'), [here?.id])
      await again.lanes.setPaused('batch', false)
      assert.equal((await dueIds(again, 'default', 'batch')).length, 2)
    },
  },
  {
    name: 'due: a task that waits for a time is due then, and the next time is told',
    async run(context) {
      const store = await context.makeStore()
      const [later, latest] = await createAll(store, [newTask({ delay: 1_000 }), newTask({ delay: 3_000 })])
      assert.equal((await dueIn(store)).nextAt, context.now + 1_000)
      context.advance(1_000)
      const first = await dueIn(store)
      assert.deepEqual(
        first.deliveries.map(({ taskId }) => taskId),
        [later?.id],
      )
      assert.equal(first.nextAt, context.now + 2_000)
      context.advance(2_000)
      const second = await dueIn(store)
      assert.deepEqual(second.deliveries.map(({ taskId }) => taskId).sort(), [later?.id, latest?.id].sort())
      assert.equal(second.nextAt, undefined)
    },
  },
  {
    name: 'due: more tasks than one step wakes are all due in the end',
    async run(context) {
      const store = await context.makeStore()
      const delayed = await createAll(
        store,
        Array.from({ length: 1_300 }, () => newTask({ delay: 100 })),
      )
      context.advance(100)
      const seen = new Set<string>()
      for (let step = 0; step < 5; step++) {
        const due = await store.outbox.due([{ lane: 'default', capacity: 2_000 }], { quarantined: 1 })
        for (const { taskId } of due.deliveries) seen.add(taskId)
        if (seen.size < delayed.length) assert.ok((due.nextAt ?? context.now + 1) <= context.now)
      }
      assert.equal(seen.size, delayed.length)
    },
  },
  {
    name: 'due: a task that ended while it waited is not due',
    async run(context) {
      const store = await context.makeStore()
      const [one, two] = await createAll(store, [newTask(), newTask({ delay: 100 })])
      assert.ok(one && two)
      for (const record of [one, two]) await move(store, cancelledWaiting(record, problem(), context.now))
      context.advance(100)
      const due = await dueIn(store)
      assert.deepEqual(due, { deliveries: [], parents: [], nextAt: undefined })
    },
  },
]
