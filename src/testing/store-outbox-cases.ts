/** What a store still has to tell: `due` and its parents, `told`, `forget`, `onTelling`. */
import assert from 'node:assert/strict'
import type { Store } from '../store/store.ts'
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
async function quarantined(store: Store, now: number, lane = 'default'): Promise<TaskRecord> {
  return move(store, retrying(await startNew(store, { lane }), crash(now)))
}

/** Telling, forgetting, and calling back. */
export const tellingCases: readonly StoreCase[] = [
  {
    name: 'published: what was told is not due again until it is forgotten; what was offered and not told still is',
    async run(context) {
      const store = await context.makeStore()
      const records = await createAll(store, [newTask(), newTask(), newTask()])
      const { deliveries } = await dueIn(store)
      await store.outbox.published(deliveries.slice(0, 2))
      assert.deepEqual(await dueIds(store), ids(records).slice(2))
      store.outbox.requeue([deliveries[0]?.taskId ?? '', 'nobody'])
      assert.deepEqual(await dueIds(store), [records[0]?.id, records[2]?.id])
      assert.deepEqual(await dueIds(store, { lane: 'default', capacity: 1 }), [records[0]?.id])
    },
  },
  {
    name: 'published: what was told and settled is due again when it waits again',
    async run(context) {
      const store = await context.makeStore()
      const record = await createOne(store)
      await store.outbox.published((await dueIn(store)).deliveries)
      await move(store, givenBack(await start(store, record)))
      const { deliveries } = await dueIn(store)
      assert.equal(only(deliveries).attempt, 1)
    },
  },
  {
    name: 'published: a delivery of a task that was cancelled and retried meanwhile is claimed as it is now',
    async run(context) {
      const store = await context.makeStore()
      const record = await createOne(store)
      await store.outbox.published((await dueIn(store)).deliveries)
      const ended = await move(store, cancelledWaiting(record, problem(), context.now))
      assert.deepEqual(await store.tasks.claim([claimOf(record)]), [undefined])
      assert.deepEqual(await read(store, record.id), ended)
      store.outbox.requeue([record.id])
      assert.deepEqual(await dueIds(store), [])
      await move(store, retried(ended, context.now))
      await store.outbox.published((await dueIn(store)).deliveries)
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
    name: 'published: deliveries die with the process and are due again at the next start',
    needs: 'in-process-deliveries',
    async run(context) {
      const store = await context.makeStore()
      const records = await createAll(store, [newTask(), newTask()])
      await store.outbox.published((await dueIn(store)).deliveries)
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
        await quarantined(store, context.now),
        await quarantined(store, context.now),
        await quarantined(store, context.now, 'batch'),
      ]
      const order: string[] = []
      for (let round = 0; round < crashed.length; round++) {
        const { deliveries } = await dueIn(store, 'default', 'batch')
        const mine = only(deliveries.filter(delivery => delivery.quarantined))
        order.push(mine.taskId)
        assert.ok(deliveries.some(({ taskId }) => taskId === healthy.id))
        await store.outbox.published([mine])
        const none = async () =>
          (await dueIn(store, 'default', 'batch')).deliveries.filter(d => d.quarantined)
        assert.deepEqual(await none(), [], 'while one is in the hands of the broker')
        const running = await start(store, { id: mine.taskId, attempt: mine.attempt })
        assert.deepEqual(await none(), [], 'while one runs')
        await move(store, completed(running, '"x"', context.now))
      }
      assert.deepEqual(order.sort(), ids(crashed).sort())
    },
  },
  {
    name: 'due: of the tasks whose last attempt crashed as many are out as asked for, over all lanes',
    async run(context) {
      const store = await context.makeStore()
      const waiting = [
        await quarantined(store, context.now),
        await quarantined(store, context.now),
        await quarantined(store, context.now, 'batch'),
        await quarantined(store, context.now, 'batch'),
      ]
      const rooms = ['default', 'batch'].map(lane => ({ lane, capacity: 10 }))
      const due = async (quarantined: number) => {
        const { deliveries } = await store.outbox.due(rooms, { quarantined })
        await store.outbox.published(deliveries)
        return deliveries
      }
      const first = await due(3)
      assert.equal(first.length, 3)
      assert.deepEqual(await due(3), [])
      for (const { taskId, attempt } of first.slice(1)) {
        const running = await start(store, { id: taskId, attempt })
        await move(store, completed(running, '"x"', context.now))
      }
      assert.deepEqual(await due(1), [])
      const last = only(await due(3))
      assert.deepEqual([...first, last].map(({ taskId }) => taskId).sort(), ids(waiting).sort())
    },
  },
  {
    name: 'due: one whose last attempt crashed is handed out without room where the lane takes what is urgent',
    async run(context) {
      const store = await context.makeStore()
      await createOne(store)
      await quarantined(store, context.now)
      const crashed = await quarantined(store, context.now)
      const full = { lane: 'default', capacity: 0 }
      assert.deepEqual((await dueIn(store, full)).deliveries, [])
      await store.lanes.setPaused('default', true)
      assert.deepEqual((await dueIn(store, { ...full, takesUrgent: true })).deliveries, [])
      await store.lanes.setPaused('default', false)
      const { deliveries } = await dueIn(store, { ...full, takesUrgent: true })
      assert.deepEqual([only(deliveries).quarantined, only(deliveries).taskType], [true, crashed.taskType])
      const narrow = await store.outbox.due([{ lane: 'default', capacity: 1 }], { quarantined: 2 })
      assert.equal(narrow.deliveries.length, 1)
    },
  },
  {
    name: 'due: without capacity for quarantined tasks none is handed out',
    async run(context) {
      const store = await context.makeStore()
      await quarantined(store, context.now)
      const healthy = await createOne(store)
      const due = await store.outbox.due([{ lane: 'default', capacity: 10 }], { quarantined: 0 })
      assert.deepEqual(
        due.deliveries.map(({ taskId }) => taskId),
        [healthy.id],
      )
    },
  },
  {
    name: 'onDue: calls back after a write that makes something due, until it is stopped',
    async run(context) {
      const store = await context.makeStore()
      let calls = 0
      const stop = store.outbox.onDue(() => {
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
    name: 'pendingParents: a parent is to be looked at when its sub-tasks have ended, not before, and until it moved',
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
    name: 'pendingParents: a parent without sub-tasks is looked at at once; one whose attempt runs is not',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      assert.deepEqual((await dueIn(store)).parents, [])
      await move(store, awaitingSubTasks(running, { reduces: true }))
      assert.deepEqual((await dueIn(store)).parents, [running.id])
    },
  },
  {
    name: 'pendingParents: a parent that ended while sub-tasks are live is looked at until none is',
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
    name: 'pendingParents: a parent that ended by itself while sub-tasks are live is looked at, whatever it ended as',
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
    name: 'pendingParents: a task whose attempt ended before it heard that it should stop is looked at, and not claimed',
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
    name: 'pendingParents: no more parents than asked for',
    async run(context) {
      const store = await context.makeStore()
      for (let count = 0; count < 4; count++)
        await move(store, awaitingSubTasks(await startNew(store), { reduces: true }))
      assert.equal((await store.outbox.pendingParents(3)).length, 3)
      assert.equal((await store.outbox.pendingParents(9)).length, 4)
    },
  },
]

function parentOf({ id, attempt, rootTaskId, depth }: TaskRecord) {
  return { taskId: id, attempt, rootTaskId, key: 'a', depth: depth + 1 }
}
