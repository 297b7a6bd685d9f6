/** What a store still has to tell, and whose turn it is: `due`, `told`, `forget`, `onTelling`. */
import assert from 'node:assert/strict'
import type { Delivery, Store } from '../store/store.ts'
import { decideParent } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  awaitingSubTasks,
  cancelledWaiting,
  cancelRequested,
  completed,
  failed,
  givenBack,
  reduceDue,
  retried,
  retrying,
} from '../task/transition.ts'
import {
  claimOf,
  complete,
  createAll,
  createOne,
  dueIds,
  dueIn,
  family,
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

const crash = (now: number, crashCount = 1) => ({ at: now, error: problem(), retryCount: 1, crashCount })

/** A task whose last attempt crashed, waiting to run again. */
async function suspect(store: Store, now: number, lane = 'default'): Promise<TaskRecord> {
  return move(store, retrying(await startNew(store, { lane }), crash(now)))
}

/** Tells, claims and completes what is due, one task at a time, and answers the ids in the order in which they ran. */
async function drain(store: Store, now: number): Promise<string[]> {
  const order: string[] = []
  for (;;) {
    const [delivery] = (await dueIn(store, { lane: 'default', room: 1 })).deliveries
    if (delivery === undefined) return order
    await store.outbox.told([delivery])
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
      const base = { taskType: 'Write', suspect: false }
      assert.deepEqual(deliveries, [
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
      const { deliveries } = await dueIn(store, { lane: 'default', room: 3 }, { lane: 'batch', room: 2 })
      assert.deepEqual(
        deliveries.map(({ lane }) => lane),
        ['default', 'default', 'default', 'batch', 'batch'],
      )
      assert.deepEqual(await dueIds(store, { lane: 'default', room: 0 }, { lane: 'unknown', room: 9 }), [])
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
        const [delivery] = (await dueIn(store, { lane: 'default', room: 1 })).deliveries
        assert.ok(delivery !== undefined)
        await start(store, { id: delivery.taskId, attempt: delivery.attempt })
      }
      const single = await createOne(store, { userId: 'bob' })
      const next = await dueIds(store, { lane: 'default', room: 3 })
      assert.ok(next.includes(single.id), 'the single task is not among the next three')
      const others = await createAll(
        store,
        ['bob', 'cid', 'bob', 'cid'].map(userId => newTask({ userId })),
      )
      const soon = await dueIds(store, { lane: 'default', room: 12 })
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
      for (const taskId of await dueIds(store, { lane: 'default', room: 20 }))
        await complete(store, await read(store, taskId), context.now)
      const again = await context.reopenStore(store)
      const single = await createOne(again, { userId: 'bob' })
      assert.ok((await dueIds(again, { lane: 'default', room: 2 })).includes(single.id))
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
        const due = await store.outbox.due([{ lane: 'default', room: 2_000 }], { suspects: true, parents: 0 })
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

/** Telling, forgetting, and calling back. */
export const tellingCases: readonly StoreCase[] = [
  {
    name: 'told: what was told is not due again until it is forgotten; what was offered and not told still is',
    async run(context) {
      const store = await context.makeStore()
      const records = await createAll(store, [newTask(), newTask(), newTask()])
      const { deliveries } = await dueIn(store)
      await store.outbox.told(deliveries.slice(0, 2))
      assert.deepEqual(await dueIds(store), ids(records).slice(2))
      store.outbox.forget([deliveries[0]?.taskId ?? '', 'nobody'])
      assert.deepEqual(await dueIds(store), [records[0]?.id, records[2]?.id])
      assert.deepEqual(await dueIds(store, { lane: 'default', room: 1 }), [records[0]?.id])
    },
  },
  {
    name: 'told: what was told and settled is due again when it waits again',
    async run(context) {
      const store = await context.makeStore()
      const record = await createOne(store)
      await store.outbox.told((await dueIn(store)).deliveries)
      await move(store, givenBack(await start(store, record)))
      const { deliveries } = await dueIn(store)
      assert.equal(only(deliveries).attempt, 1)
    },
  },
  {
    name: 'told: a delivery of a task that was cancelled and retried meanwhile is claimed as it is now',
    async run(context) {
      const store = await context.makeStore()
      const record = await createOne(store)
      await store.outbox.told((await dueIn(store)).deliveries)
      const ended = await move(store, cancelledWaiting(record, problem(), context.now))
      assert.deepEqual(await store.tasks.claim([claimOf(record)]), [undefined])
      assert.deepEqual(await read(store, record.id), ended)
      store.outbox.forget([record.id])
      assert.deepEqual(await dueIds(store), [])
      await move(store, retried(ended, context.now))
      await store.outbox.told((await dueIn(store)).deliveries)
      const waiting = await read(store, record.id)
      const again = await move(store, cancelledWaiting(waiting, problem(), context.now))
      const edited = { parameters: '{"edited":true}', parametersVersion: 2 }
      await move(store, retried(again, context.now, edited))
      const claimed = await start(store, record)
      assert.equal(claimed.parameters, edited.parameters)
      assert.deepEqual(await read(store, record.id), claimed)
    },
  },
  {
    name: 'told: deliveries die with the process and are due again at the next start',
    needs: 'in-process-deliveries',
    async run(context) {
      const store = await context.makeStore()
      const records = await createAll(store, [newTask(), newTask()])
      await store.outbox.told((await dueIn(store)).deliveries)
      assert.deepEqual(await dueIds(store), [])
      assert.deepEqual(await dueIds(await context.reopenStore(store)), ids(records))
    },
  },
  {
    name: 'due: tasks whose last attempt crashed are handed out one at a time, over all lanes',
    async run(context) {
      const store = await context.makeStore()
      const healthy = await createOne(store)
      const crashed = [
        await suspect(store, context.now),
        await suspect(store, context.now),
        await suspect(store, context.now, 'batch'),
      ]
      const order: string[] = []
      for (let round = 0; round < crashed.length; round++) {
        const { deliveries } = await dueIn(store, 'default', 'batch')
        const mine = only(deliveries.filter(delivery => delivery.suspect))
        order.push(mine.taskId)
        assert.ok(deliveries.some(({ taskId }) => taskId === healthy.id))
        await store.outbox.told([mine])
        const none = async () => (await dueIn(store, 'default', 'batch')).deliveries.filter(d => d.suspect)
        assert.deepEqual(await none(), [], 'while one is in the hands of the broker')
        const running = await start(store, { id: mine.taskId, attempt: mine.attempt })
        assert.deepEqual(await none(), [], 'while one runs')
        await move(store, completed(running, '"x"', context.now))
      }
      assert.deepEqual(order.sort(), ids(crashed).sort())
    },
  },
  {
    name: 'due: without room for suspects none is handed out',
    async run(context) {
      const store = await context.makeStore()
      await suspect(store, context.now)
      const healthy = await createOne(store)
      const due = await store.outbox.due([{ lane: 'default', room: 10 }], { suspects: false, parents: 0 })
      assert.deepEqual(
        due.deliveries.map(({ taskId }) => taskId),
        [healthy.id],
      )
    },
  },
  {
    name: 'onTelling: calls back after a write that makes something due, until it is stopped',
    async run(context) {
      const store = await context.makeStore()
      let calls = 0
      const stop = store.outbox.onTelling(() => {
        calls += 1
      })
      const record = await createOne(store)
      const afterCreate = calls
      assert.ok(afterCreate > 0, 'not after a creation')
      await move(store, givenBack(await start(store, record)))
      assert.ok(calls > afterCreate, 'not after a transition')
      stop()
      const stopped = calls
      await createOne(store)
      assert.equal(calls, stopped)
    },
  },
]

/** Parents that the aggregator must look at. */
export const parentCases: readonly StoreCase[] = [
  {
    name: 'due: a parent is to be looked at when its sub-tasks have ended, not before, and until it moved',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a', 'b'])
      const [a, b] = children
      assert.ok(a && b)
      const parents = async () => (await dueIn(store)).parents
      assert.deepEqual(await parents(), [])
      await complete(store, a, context.now)
      assert.deepEqual(await parents(), [])
      await move(store, failed(await start(store, b), problem(), 'permanent', context.now))
      assert.deepEqual(await parents(), [parent.id])
      assert.deepEqual(await parents(), [parent.id])
      await move(store, reduceDue(await read(store, parent.id)))
      assert.deepEqual(await parents(), [])
    },
  },
  {
    name: 'due: a parent without sub-tasks is looked at at once; one whose attempt runs is not',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      assert.deepEqual((await dueIn(store)).parents, [])
      await move(store, awaitingSubTasks(running, { reduces: true }))
      assert.deepEqual((await dueIn(store)).parents, [running.id])
    },
  },
  {
    name: 'due: a parent that ended while sub-tasks are live is looked at until none is',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a'])
      await move(store, cancelledWaiting(parent, problem(), context.now))
      assert.deepEqual((await dueIn(store)).parents, [parent.id])
      await move(store, cancelledWaiting(only(children), problem(), context.now))
      assert.deepEqual((await dueIn(store)).parents, [])
    },
  },
  {
    name: 'due: a parent that ended by itself while sub-tasks are live is looked at, whatever it ended as',
    async run(context) {
      const store = await context.makeStore()
      for (const end of ['completed', 'failed'] as const) {
        const running = await startNew(store)
        await createOne(store, { ...newTask(), parent: parentOf(running) })
        assert.deepEqual((await dueIn(store)).parents, [])
        if (end === 'completed') await move(store, completed(running, '"x"', context.now))
        else await move(store, failed(running, problem(), 'permanent', context.now))
        const { parents } = await dueIn(store)
        assert.deepEqual(parents, [running.id], end)
        const { items } = await store.queries.children(running.id, {}, { pageSize: 5 })
        await move(store, cancelledWaiting(only(items), problem(), context.now))
      }
    },
  },
  {
    name: 'due: a task whose attempt ended before it heard that it should stop is looked at, and not claimed',
    async run(context) {
      const store = await context.makeStore()
      const ends = [
        (running: TaskRecord) => awaitingSubTasks(running, { reduces: true }),
        givenBack,
        (running: TaskRecord) => retrying(running, crash(context.now)),
        (running: TaskRecord) => retrying(running, crash(context.now + 1_000)),
      ]
      for (const end of ends) {
        const running = await startNew(store)
        const child = await createOne(store, { ...newTask(), parent: parentOf(running) })
        await store.tasks.apply([cancelRequested(running, context.now), end(running)])
        assert.deepEqual((await dueIn(store)).parents, [running.id])
        assert.deepEqual(await store.tasks.claim([claimOf(running), claimOf(child)]), [undefined, undefined])
        const record = await read(store, running.id)
        const stopped = decideParent(record, [], context.now)
        assert.ok(stopped !== undefined)
        assert.equal((await move(store, stopped)).status, 'CANCELLED')
        await move(store, cancelledWaiting(child, problem(), context.now))
      }
      assert.deepEqual((await dueIn(store)).parents, [])
    },
  },
  {
    name: 'due: no more parents than asked for',
    async run(context) {
      const store = await context.makeStore()
      for (let count = 0; count < 4; count++)
        await move(store, awaitingSubTasks(await startNew(store), { reduces: true }))
      const due = (parents: number) => store.outbox.due([], { suspects: true, parents })
      assert.equal((await due(3)).parents.length, 3)
      assert.equal((await due(0)).parents.length, 0)
      assert.equal((await due(9)).parents.length, 4)
    },
  },
]

function parentOf({ id, attempt, rootTaskId, depth }: TaskRecord) {
  return { taskId: id, attempt, rootTaskId, key: 'a', depth: depth + 1 }
}
