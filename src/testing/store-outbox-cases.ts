import assert from 'node:assert/strict'
import type { Delivery, Store } from '../store/store.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelledWaiting, completed, givenBack, retried, retrying, runNow } from '../task/transition.ts'
import { signalled, waiting } from '../task/wait-transitions.ts'
import {
  afterCrash,
  claimOf,
  complete,
  createAll,
  createMany,
  createOne,
  dueIds,
  dueIn,
  each,
  ids,
  it,
  move,
  newTask,
  only,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
} from './store-case.ts'

/** Tasks whose last attempts crashed twice in a row, waiting to run again: one in each of these lanes. */
async function quarantined(store: Store, now: number, ...lanes: string[]): Promise<TaskRecord[]> {
  const crashed: TaskRecord[] = []
  for (const lane of lanes)
    crashed.push(await move(store, retrying(await startNew(store, { lane }), afterCrash(now, 2))))
  return crashed
}

/** Publishes, claims and completes what is due, one task at a time. Returns the ids in the order in which they ran. */
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

/** What a store still has to publish, and in which order: `due`, `published`, `requeue`, `onDue`. */
export const outboxCases: readonly StoreCase[] = [
  it('published: a published delivery is not due again until it is requeued; one that was only handed out still is', async store => {
    const records = await createAll(store, [newTask(), newTask(), newTask()])
    const { deliveries } = await dueIn(store)
    await store.outbox.published(deliveries.slice(0, 2))
    assert.deepEqual(await dueIds(store), ids(records).slice(2))
    store.outbox.requeue([deliveries[0]?.taskId ?? '', 'nobody'])
    assert.deepEqual(await dueIds(store), [records[0]?.id, records[2]?.id])
    assert.deepEqual(await dueIds(store, { lane: 'default', capacity: 1 }), [records[0]?.id])
  }),
  it('published: a delivery that was published and settled is due again when its task waits again', async store => {
    const record = await createOne(store)
    await store.outbox.published((await dueIn(store)).deliveries)
    await move(store, givenBack(await start(store, record)))
    const { deliveries } = await dueIn(store)
    assert.equal(only(deliveries).attempt, 1)
  }),
  it('published: a delivery of a task that was cancelled and retried meanwhile is claimed as it is now', async (store, context) => {
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
  }),
  {
    ...it('published: deliveries die with the process and are due again at the next start', async (store, context) => {
      const records = await createAll(store, [newTask(), newTask()])
      await store.outbox.published((await dueIn(store)).deliveries)
      assert.deepEqual(await dueIds(store), [])
      assert.deepEqual(await dueIds(await context.reopenStore(store)), ids(records))
    }),
    needs: 'in-process-deliveries',
  },
  it('due: quarantined tasks are handed out one at a time, over all lanes', async (store, context) => {
    const healthy = await createOne(store)
    const crashed = await quarantined(store, context.now, 'default', 'default', 'batch')
    const order: string[] = []
    for (let round = 0; round < crashed.length; round++) {
      const { deliveries } = await dueIn(store, 'default', 'batch')
      const mine = only(deliveries.filter(({ crashCount }) => crashCount === 2))
      order.push(mine.taskId)
      assert.ok(deliveries.some(({ taskId }) => taskId === healthy.id))
      await store.outbox.published([mine])
      const none = async () =>
        (await dueIn(store, 'default', 'batch')).deliveries.filter(({ crashCount }) => crashCount === 2)
      assert.deepEqual(await none(), [], 'while one is in the hands of the broker')
      const running = await start(store, { id: mine.taskId, attempt: mine.attempt })
      assert.deepEqual(await none(), [], 'while one runs')
      await move(store, completed(running, '"x"', context.now))
    }
    assert.deepEqual(order.sort(), ids(crashed).sort())
  }),
  it('due: as many quarantined tasks are in flight as asked for, over all lanes', async (store, context) => {
    const waiting = await quarantined(store, context.now, 'default', 'default', 'batch', 'batch')
    const capacities = ['default', 'batch'].map(lane => ({ lane, capacity: 10 }))
    const due = async (quarantined: number) => {
      const { deliveries } = await store.outbox.due(capacities, { quarantined })
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
    assert.deepEqual(each([...first, last], 'taskId').sort(), ids(waiting).sort())
  }),
  it('due: a quarantined task is handed out without capacity where the lane takes urgent deliveries', async (store, context) => {
    await createOne(store)
    const [crashed] = await quarantined(store, context.now, 'default', 'default')
    const full = { lane: 'default', capacity: 0 }
    assert.deepEqual((await dueIn(store, full)).deliveries, [])
    await store.lanes.setPaused('default', true)
    assert.deepEqual((await dueIn(store, { ...full, takesUrgent: true })).deliveries, [])
    await store.lanes.setPaused('default', false)
    const { deliveries } = await dueIn(store, { ...full, takesUrgent: true })
    assert.deepEqual([only(deliveries).crashCount, only(deliveries).taskType], [2, crashed?.taskType])
    const narrow = await store.outbox.due([{ lane: 'default', capacity: 1 }], { quarantined: 2 })
    assert.equal(narrow.deliveries.length, 1)
  }),
  it('due: without capacity for quarantined tasks none is handed out', async (store, context) => {
    await quarantined(store, context.now, 'default')
    const healthy = await createOne(store)
    const due = await store.outbox.due([{ lane: 'default', capacity: 10 }], { quarantined: 0 })
    assert.deepEqual(each(due.deliveries, 'taskId'), [healthy.id])
  }),
  it('due: tasks on probation are handed out with the others, in their order', async (store, context) => {
    const first = await startNew(store)
    const second = await startNew(store)
    const healthy = await createOne(store)
    const crashed = [first, second].map(record => retrying(record, afterCrash(context.now, 1)))
    await store.tasks.apply(crashed)
    const due = await store.outbox.due([{ lane: 'default', capacity: 10 }], { quarantined: 0 })
    assert.deepEqual(each(due.deliveries, 'taskId'), ids([first, second, healthy]))
    assert.deepEqual(each(due.deliveries, 'crashCount'), [1, 1, 0])
  }),
  it('onDue: calls back after a write that makes something due, until it is stopped', async store => {
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
  }),
  it('due: a delivery names the task, its lane and the attempt that a claim must find', async store => {
    const fresh = await createOne(store)
    const back = await move(store, givenBack(await startNew(store, { lane: 'batch' })))
    const { deliveries } = await dueIn(store, 'default', 'batch')
    const base = { taskType: 'Write', crashCount: 0 }
    const bare = deliveries.map(({ headers: _, ...delivery }) => delivery)
    assert.deepEqual(bare, [
      { ...base, taskId: fresh.id, lane: 'default', attempt: 0 },
      { ...base, taskId: back.id, lane: 'batch', attempt: 1 },
    ] satisfies Delivery[])
    for (const { taskId, attempt } of deliveries) await start(store, { id: taskId, attempt })
    assert.deepEqual(await dueIds(store, 'default', 'batch'), [])
  }),
  it('due: never more than the capacity of a lane, and only lanes that were asked for', async store => {
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
    assert.deepEqual(each(deliveries, 'lane'), ['default', 'default', 'default', 'batch', 'batch'])
    assert.deepEqual(
      await dueIds(store, { lane: 'default', capacity: 0 }, { lane: 'unknown', capacity: 9 }),
      [],
    )
  }),
  it('due: in the order of submission for one user, high priority first', async (store, context) => {
    const normal = await createAll(store, [newTask(), newTask(), newTask()])
    const high = await createAll(store, [newTask({ priority: 'high' }), newTask({ priority: 'high' })])
    assert.deepEqual(await drain(store, context.now), [...ids(high), ...ids(normal)])
  }),
  it('due: users take turns: five hundred tasks of one do not delay the only one of another', async store => {
    await createMany(store, 500)
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
  }),
  it('due: the fair order goes on after the store was opened again', async (store, context) => {
    await createMany(store, 30)
    for (const taskId of await dueIds(store, { lane: 'default', capacity: 20 }))
      await complete(store, await read(store, taskId), context.now)
    const again = await context.reopenStore(store)
    const single = await createOne(again, { userId: 'bob' })
    assert.ok((await dueIds(again, { lane: 'default', capacity: 2 })).includes(single.id))
    assert.equal((await dueIds(again)).length, 11)
  }),
  it('due: nothing of a paused lane, also after opening the store again, until it is resumed', async (store, context) => {
    const [here] = await createAll(store, [newTask(), newTask({ lane: 'batch' })])
    await store.lanes.setPaused('batch', true)
    assert.deepEqual(await dueIds(store, 'default', 'batch'), [here?.id])
    const again = await context.reopenStore(store)
    assert.deepEqual(await dueIds(again, 'default', 'batch'), [here?.id])
    await again.lanes.setPaused('batch', false)
    assert.equal((await dueIds(again, 'default', 'batch')).length, 2)
  }),
  it('due: a task that waits for a time is due then, and the next time is returned', async (store, context) => {
    const [later, latest] = await createAll(store, [newTask({ delay: 1_000 }), newTask({ delay: 3_000 })])
    assert.equal((await dueIn(store)).nextAt, context.now + 1_000)
    context.advance(1_000)
    const first = await dueIn(store)
    assert.deepEqual(each(first.deliveries, 'taskId'), [later?.id])
    assert.equal(first.nextAt, context.now + 2_000)
    context.advance(2_000)
    const second = await dueIn(store)
    assert.deepEqual(each(second.deliveries, 'taskId').sort(), [later?.id, latest?.id].sort())
    assert.equal(second.nextAt, undefined)
  }),
  it('due: tasks whose handlers waited join the line when they are due, also where a signal wakes them', async (store, context) => {
    const slept = await createMany(store, 4)
    const until = context.now + 1_000
    for (const record of slept) {
      const wait = record === slept[3] ? { key: 'word', signal: 'word' } : { key: 'sleep', until }
      const seen = { signals: [], signalCount: 0 }
      await move(store, waiting(await start(store, record), { waits: [wait], seen }, context.now))
    }
    // The turns of the lane go on meanwhile.
    for (const record of await createMany(store, 10, { userId: 'bea' }))
      await complete(store, record, context.now)
    const other = await createMany(store, 2, { userId: 'cid' })
    context.advance(1_000)
    const signal = { id: 'told', name: 'word', at: context.now, payload: '1' }
    const told = await move(store, signalled(await read(store, slept[3]?.id ?? ''), signal, context.now))
    const order = await drain(store, context.now)
    assert.deepEqual([...order].sort(), ids([...slept, ...other]).sort())
    assert.ok(order.indexOf(other[1]?.id ?? '') < 4, `${order}`)
    assert.equal((await read(store, told.id)).status, 'COMPLETED')
  }),
  it('due: a task that a person runs before its start comes after those that wait already', async (store, context) => {
    const delayed = await createOne(store, { delay: 3_600_000 })
    const waiting = await createMany(store, 3)
    // The write may come later than the time that it names.
    await move(store, runNow(delayed, context.now - 10))
    assert.deepEqual(await dueIds(store), [...ids(waiting), delayed.id])
  }),
  it('due: more tasks than one step wakes are all due in the end', async (store, context) => {
    const delayed = await createMany(store, 1_300, { delay: 100 })
    context.advance(100)
    const seen = new Set<string>()
    for (let step = 0; step < 5; step++) {
      const due = await store.outbox.due([{ lane: 'default', capacity: 2_000 }], { quarantined: 1 })
      for (const { taskId } of due.deliveries) seen.add(taskId)
      if (seen.size < delayed.length) assert.ok((due.nextAt ?? context.now + 1) <= context.now)
    }
    assert.equal(seen.size, delayed.length)
  }),
  it('due: a task that ended while it waited is not due', async (store, context) => {
    const [one, two] = await createAll(store, [newTask(), newTask({ delay: 100 })])
    for (const record of [one, two]) await move(store, cancelledWaiting(record, problem(), context.now))
    context.advance(100)
    const due = await dueIn(store)
    assert.deepEqual(due, { deliveries: [], parents: [], nextAt: undefined })
  }),
]
