/** Whom a store lets in: limits on waiting tasks, and sub-tasks of running parents only. */
import assert from 'node:assert/strict'
import { awaitingSubTasks, cancelled, cancelRequested, completed, givenBack } from '../task/transition.ts'
import {
  createAll,
  createOne,
  move,
  newTask,
  only,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** Whom a store lets in: limits on waiting tasks. */
export const admissionCases: readonly StoreCase[] = [
  {
    name: 'admission: a user with as many waiting tasks as allowed is refused, others are not',
    async run(context) {
      const store = await context.makeStore()
      const limits = { waitingPerUser: 2 }
      const answers = await store.tasks.create(
        [newTask(), newTask({ lane: 'batch' }), newTask(), newTask({ userId: 'bob' })],
        limits,
      )
      assert.deepEqual(
        answers.map(answer => answer.outcome),
        ['created', 'created', 'refused', 'created'],
      )
      assert.deepEqual(answers[2], { outcome: 'refused', code: 'USER_QUEUE_FULL' })
      assert.equal((await store.queries.counts()).QUEUED, 3)
      const [first] = answers
      if (first?.outcome === 'created') await start(store, first.record)
      assert.equal(only(await store.tasks.create([newTask()], limits)).outcome, 'created')
    },
  },
  {
    name: 'admission: a full lane refuses, and a user over the own limit is told that first',
    async run(context) {
      const store = await context.makeStore()
      const limits = { waitingPerUser: 2, waitingPerLane: 3 }
      await createAll(store, [newTask(), newTask(), newTask({ userId: 'bob' })])
      const answers = await store.tasks.create(
        [newTask(), newTask({ userId: 'bob' }), newTask({ userId: 'bob', lane: 'batch' })],
        limits,
      )
      assert.deepEqual(answers.slice(0, 2), [
        { outcome: 'refused', code: 'USER_QUEUE_FULL' },
        { outcome: 'refused', code: 'LANE_QUEUE_FULL' },
      ])
      assert.equal(answers[2]?.outcome, 'created')
    },
  },
  {
    name: 'admission: what exists is found although the queue is full; sub-tasks do not count',
    async run(context) {
      const store = await context.makeStore()
      const limits = { waitingPerUser: 1, waitingPerLane: 1 }
      const parent = await startNew(store)
      await createAll(store, [subTaskOf(parent, 'a'), subTaskOf(parent, 'b')])
      const task = newTask({ idempotencyKey: 'k' })
      assert.equal(only(await store.tasks.create([task], limits)).outcome, 'created')
      assert.equal(only(await store.tasks.create([task], limits)).outcome, 'existing')
      assert.equal(
        only(await store.tasks.create([newTask({ idempotencyKey: 'k' })], limits)).outcome,
        'existing',
      )
      assert.equal(only(await store.tasks.create([newTask()], limits)).outcome, 'refused')
      assert.equal(only(await store.tasks.create([subTaskOf(parent, 'c')], limits)).outcome, 'created')
    },
  },
]

/** Sub-tasks: only the running attempt of a parent adds them. */
export const subTaskCases: readonly StoreCase[] = [
  {
    name: 'sub-tasks: the running attempt of a parent adds them, and the summary counts them',
    async run(context) {
      const store = await context.makeStore()
      const parent = await startNew(store)
      const [child, delayed] = await createAll(store, [
        subTaskOf(parent, 'a'),
        subTaskOf(parent, 'b', { delay: 5_000 }),
      ])
      assert.equal(child?.parentTaskId, parent.id)
      assert.equal(child?.rootTaskId, parent.id)
      assert.equal(child?.subTaskKey, 'a')
      assert.equal(child?.depth, 1)
      const grandParent = await read(store, parent.id)
      assert.deepEqual(grandParent.subTaskStatusSummary, { QUEUED: 2 })
      assert.ok(grandParent.version > parent.version, 'the record changed, so its version rose')
      assert.ok(delayed !== undefined && child !== undefined)
      const grandChild = await createOne(store, subTaskOf(await start(store, child), 'c'))
      assert.deepEqual([grandChild.rootTaskId, grandChild.depth], [parent.id, 2])
      assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: 1, RUNNING: 1 })
    },
  },
  {
    name: 'sub-tasks: refused when the parent does not run, waits, was asked to stop, ended, or is missing',
    async run(context) {
      const store = await context.makeStore()
      const queued = await createOne(store)
      const awaiting = await startNew(store)
      await move(store, awaitingSubTasks(awaiting, { reduces: true }))
      const asked = await startNew(store)
      await move(store, cancelRequested(asked, context.now))
      const ended = await startNew(store)
      await move(store, completed(ended, '"done"', context.now))
      const missing = { ...ended, id: 'nobody' }
      const parents = [queued, awaiting, asked, ended, missing]
      const answers = await store.tasks.create(
        parents.map(parent => subTaskOf(parent, 'a')),
        {},
      )
      for (const answer of answers)
        assert.deepEqual(answer, { outcome: 'refused', code: 'PARENT_NOT_RUNNING' })
      assert.equal((await read(store, awaiting.id)).subTaskStatusSummary, undefined)
    },
  },
  {
    name: 'sub-tasks: an earlier attempt adds none, beside the present one in the same call too',
    async run(context) {
      const store = await context.makeStore()
      const first = await startNew(store)
      const second = await start(store, await move(store, givenBack(first)))
      for (const [one, other] of [
        [first, second],
        [second, first],
      ] as const) {
        const answers = await store.tasks.create(
          [one, other].map(parent => subTaskOf(parent, `from-${one.attempt}-${parent.attempt}`)),
          {},
        )
        assert.deepEqual(
          answers.map(answer => answer.outcome),
          [one, other].map(parent => (parent === second ? 'created' : 'refused')),
        )
      }
      assert.deepEqual((await read(store, first.id)).subTaskStatusSummary, { QUEUED: 2 })
    },
  },
  {
    name: 'sub-tasks: one that exists is found again by a later attempt, and after the parent ended',
    async run(context) {
      const store = await context.makeStore()
      const first = await startNew(store)
      const task = subTaskOf(first, 'a')
      const child = only(await createAll(store, [task]))
      const second = await start(store, await move(store, givenBack(first)))
      const again = { ...subTaskOf(second, 'a'), id: task.id }
      assert.deepEqual(only(await store.tasks.create([again], {})), { outcome: 'existing', record: child })
      await move(store, cancelled(second, problem(), context.now))
      assert.equal(only(await store.tasks.create([again], {})).outcome, 'existing')
      assert.deepEqual((await read(store, first.id)).subTaskStatusSummary, { QUEUED: 1 })
    },
  },
]
