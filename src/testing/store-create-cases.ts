/** What a store does with new tasks: `create`. */
import assert from 'node:assert/strict'
import { completed } from '../task/transition.ts'
import {
  claimOf,
  createAll,
  createOne,
  dueIn,
  ids,
  move,
  newTask,
  only,
  read,
  type StoreCase,
  start,
} from './store-case.ts'

/** New tasks: their records, what exists already, delays. */
export const createCases: readonly StoreCase[] = [
  {
    name: 'create: a task is QUEUED, without an attempt, with the times of the store',
    async run(context) {
      const store = await context.makeStore()
      const task = newTask({ tags: ['draft', 'Ärger'], traceparent: '00-1-2-01', idempotencyKey: 'k' })
      const record = only(await createAll(store, [task]))
      const { id, taskType, userId, lane, priority, tags, parameters, traceparent } = task
      assert.deepEqual(record, {
        ...{ id, taskType, userId, lane, priority, tags, parameters, parametersVersion: 1, traceparent },
        ...{ status: 'QUEUED', phase: 'executing', version: 1, attempt: 0, retryCount: 0, crashCount: 0 },
        ...{ round: 0, depth: 0, rootTaskId: id, idempotencyKey: 'k' },
        ...{ createdAt: context.now, updatedAt: context.now },
      })
      assert.deepEqual(await read(store, id), record)
    },
  },
  {
    name: 'create: many in one call are answered one for one, in order',
    async run(context) {
      const store = await context.makeStore()
      const tasks = Array.from({ length: 1_200 }, (_, index) => newTask({ parameters: `{"n":${index}}` }))
      const records = await createAll(store, tasks)
      assert.deepEqual(ids(records), ids(tasks))
      assert.deepEqual(
        (await store.queries.get(ids(tasks))).map(record => record?.parameters),
        tasks.map(task => task.parameters),
      )
      assert.deepEqual(await store.tasks.create([], {}), [])
    },
  },
  {
    name: 'create: an id that exists answers the record that was found, and changes nothing',
    async run(context) {
      const store = await context.makeStore()
      const first = await createOne(store)
      const again = newTask({ id: first.id, parameters: '{"words":2}' })
      const answers = await store.tasks.create([newTask(), again, newTask()], {})
      assert.deepEqual(
        answers.map(answer => answer.outcome),
        ['created', 'existing', 'created'],
      )
      assert.deepEqual(answers[1], { outcome: 'existing', record: first })
      assert.deepEqual(await read(store, first.id), first)
      assert.equal((await store.queries.counts()).QUEUED, 3)
    },
  },
  {
    name: 'create: an idempotency key is one task per user and type, for the life of the record',
    async run(context) {
      const store = await context.makeStore()
      const first = await createOne(store, { idempotencyKey: 'book-1' })
      const running = await start(store, first)
      await move(store, completed(running, '"done"', context.now))
      const answers = await store.tasks.create(
        [
          newTask({ idempotencyKey: 'book-1' }),
          newTask({ idempotencyKey: 'book-1', userId: 'bob' }),
          newTask({ idempotencyKey: 'book-1', taskType: 'Import' }),
          newTask({ idempotencyKey: 'book-2' }),
          newTask({ idempotencyKey: 'book-2' }),
        ],
        {},
      )
      assert.deepEqual(
        answers.map(answer => answer.outcome),
        ['existing', 'created', 'created', 'created', 'existing'],
      )
      assert.deepEqual(answers[0], { outcome: 'existing', record: await read(store, first.id) })
      const [, , , made, found] = answers
      assert.deepEqual(found, { ...made, outcome: 'existing' })
    },
  },
  {
    name: 'create: one key submitted twenty times at once makes one task',
    async run(context) {
      const store = await context.makeStore()
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.tasks.create([newTask({ idempotencyKey: 'once' })], {})),
      )
      const outcomes = answers.map(answer => only(answer).outcome)
      assert.equal(outcomes.filter(outcome => outcome === 'created').length, 1)
      assert.equal(outcomes.filter(outcome => outcome === 'existing').length, 19)
      const records = answers
        .map(answer => only(answer))
        .map(answer => 'record' in answer && answer.record.id)
      assert.equal(new Set(records).size, 1)
      assert.equal((await store.queries.counts()).QUEUED, 1)
    },
  },
  {
    name: 'create: a start time or a delay is kept, one that has passed is not; a deadline counts from now',
    async run(context) {
      const store = await context.makeStore()
      const records = await createAll(store, [
        newTask({ startAt: context.now + 500 }),
        newTask({ delay: 700 }),
        newTask({ startAt: context.now - 1 }),
        newTask({ delay: 0 }),
        newTask({ deadlineAfter: 9_000 }),
      ])
      const [later, delayed, ...now] = records
      assert.equal(later?.nextAttemptTimestamp, context.now + 500)
      assert.equal(delayed?.nextAttemptTimestamp, context.now + 700)
      for (const record of now) assert.equal(record.nextAttemptTimestamp, undefined)
      assert.equal(records[4]?.deadline, context.now + 9_000)
      assert.deepEqual(await store.queries.get(ids(records)), records)
    },
  },
  {
    name: 'create: texts of any size and any characters come back as they were',
    async run(context) {
      const store = await context.makeStore()
      const texts = ['""', JSON.stringify('\u0000"\u2028\ud83d\ude00'), JSON.stringify('文'.repeat(300_000))]
      const users = ["o'neil", 'a\nb', '张三 \ud83d\ude00']
      const records = await createAll(
        store,
        texts.map((parameters, index) => newTask({ parameters, userId: users[index] ?? 'ann' })),
      )
      const found = await (await context.reopenStore(store)).queries.get(ids(records))
      assert.deepEqual(found, records)
      assert.deepEqual(
        found.map(record => record?.parameters),
        texts,
      )
    },
  },
]

/** Creations that come with a claim: the submitter has a free worker slot. A store may leave the task to the queue. */
export const startedCases: readonly StoreCase[] = [
  {
    name: 'create: a task that comes with a claim starts in the same write, or waits as any other',
    async run(context) {
      const store = await context.makeStore()
      const claim = { token: 'mine', executionNodeId: 'node-1', leaseMs: 5_000 }
      // Some stores know only after a look that nothing waits.
      await dueIn(store)
      const record = only(await createAll(store, [newTask({ claim })]))
      assert.deepEqual(await read(store, record.id), record)
      if (record.status === 'RUNNING') {
        assert.deepEqual([record.attempt, record.claimToken, record.executionNodeId], [1, 'mine', 'node-1'])
        assert.deepEqual([record.leaseUntil, record.startedAt], [context.now + 5_000, context.now])
        assert.deepEqual(await store.tasks.claim([claimOf({ ...record, attempt: 0 })]), [undefined])
        assert.deepEqual((await dueIn(store)).deliveries, [])
      }
      const running = record.status === 'RUNNING' ? record : await start(store, record)
      const done = await move(store, completed(running, '"x"', context.now))
      assert.equal(done.status, 'COMPLETED')
      assert.equal((await store.lanes.lanes())[0]?.waiting ?? 0, 0)
    },
  },
  {
    name: 'create: a claim overtakes nobody, starts nothing early, and starts nothing twice',
    async run(context) {
      const store = await context.makeStore()
      const claim = { token: 'mine', executionNodeId: 'node-1', leaseMs: 5_000 }
      await dueIn(store)
      const late = await createOne(store, { claim, delay: 1_000 })
      assert.equal(late.status, 'QUEUED')
      const first = await createOne(store)
      const behind = await createOne(store, { claim })
      assert.deepEqual([behind.status, behind.attempt, behind.claimToken], ['QUEUED', 0, undefined])
      const again = only(await store.tasks.create([newTask({ id: first.id, claim })], {}))
      assert.deepEqual(again, { outcome: 'existing', record: first })
      await store.lanes.setPaused('batch', true)
      assert.equal((await createOne(store, { claim, lane: 'batch' })).status, 'QUEUED')
      assert.equal((await store.queries.counts()).QUEUED, 4)
    },
  },
]
