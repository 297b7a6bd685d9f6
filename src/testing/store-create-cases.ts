import assert from 'node:assert/strict'
import { awaitingSubTasks, cancelled, cancelRequested, completed, givenBack } from '../task/transition.ts'
import {
  claimOf,
  createAll,
  createOne,
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
  subTaskOf,
} from './store-case.ts'

/** New tasks: `create`, the limits of admission, and sub-tasks of running parents only. */

/** New tasks: their records, what exists already, delays; sub-tasks, which only the running attempt of a parent adds. */
export const createCases: readonly StoreCase[] = [
  it('create: a task is QUEUED, without an attempt, with the times of the store', async (store, context) => {
    const task = newTask({ tags: ['draft', 'Ärger'], traceparent: '00-1-2-01', idempotencyKey: 'k' })
    const record = only(await createAll(store, [task]))
    assert.deepEqual(record, {
      ...task,
      status: 'QUEUED',
      phase: 'executing',
      version: 1,
      attempt: 0,
      retryCount: 0,
      crashCount: 0,
      round: 0,
      depth: 0,
      rootTaskId: task.id,
      createdAt: context.now,
      updatedAt: context.now,
    })
    assert.deepEqual(await read(store, task.id), record)
  }),
  it('create: many in one call are answered one for one, in order', async store => {
    const tasks = Array.from({ length: 1_200 }, (_, index) => newTask({ parameters: `{"n":${index}}` }))
    const records = await createAll(store, tasks)
    assert.deepEqual(ids(records), ids(tasks))
    const found = await store.queries.get(ids(tasks))
    assert.deepEqual(each(found, 'parameters'), each(tasks, 'parameters'))
    assert.deepEqual(await store.tasks.create([], {}), [])
  }),
  it('create: an id that exists returns the record that was found, and changes nothing', async store => {
    const first = await createOne(store)
    const again = newTask({ id: first.id, parameters: '{"words":2}' })
    const answers = await store.tasks.create([newTask(), again, newTask()], {})
    assert.deepEqual(each(answers, 'outcome'), ['created', 'existing', 'created'])
    assert.deepEqual(answers[1], { outcome: 'existing', record: first })
    assert.deepEqual(await read(store, first.id), first)
    assert.equal((await store.queries.counts()).QUEUED, 3)
  }),
  it('create: an idempotency key is one task per user and type, for the life of the record', async (store, context) => {
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
    assert.deepEqual(each(answers, 'outcome'), ['existing', 'created', 'created', 'created', 'existing'])
    assert.deepEqual(answers[0], { outcome: 'existing', record: await read(store, first.id) })
    const [, , , made, found] = answers
    assert.deepEqual(found, { ...made, outcome: 'existing' })
  }),
  it('create: one key submitted twenty times at once makes one task', async store => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => store.tasks.create([newTask({ idempotencyKey: 'once' })], {})),
    )
    const all = answers.map(answer => only(answer))
    assert.equal(all.filter(({ outcome }) => outcome === 'created').length, 1)
    assert.equal(all.filter(({ outcome }) => outcome === 'existing').length, 19)
    assert.equal(new Set(all.map(answer => 'record' in answer && answer.record.id)).size, 1)
    assert.equal((await store.queries.counts()).QUEUED, 1)
  }),
  it('create: a start time or a delay is kept, one that has passed is not; a deadline counts from now', async (store, context) => {
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
  }),
  it('create: texts of any size and any characters come back as they were', async (store, context) => {
    const texts = ['""', JSON.stringify('\u0000"\u2028\ud83d\ude00'), JSON.stringify('文'.repeat(300_000))]
    const users = ["o'neil", 'a\nb', '张三 \ud83d\ude00']
    const records = await createAll(
      store,
      texts.map((parameters, index) => newTask({ parameters, userId: users[index] ?? 'ann' })),
    )
    const found = await (await context.reopenStore(store)).queries.get(ids(records))
    assert.deepEqual(found, records)
    assert.deepEqual(each(found, 'parameters'), texts)
  }),
  it('sub-tasks: the running attempt of a parent adds them, and the summary counts them', async store => {
    const parent = await startNew(store)
    const [child] = await createAll(store, [subTaskOf(parent, 'a'), subTaskOf(parent, 'b', { delay: 5_000 })])
    const { parentTaskId, rootTaskId, subTaskKey, depth } = child
    assert.deepEqual([parentTaskId, rootTaskId, subTaskKey, depth], [parent.id, parent.id, 'a', 1])
    const grandParent = await read(store, parent.id)
    assert.deepEqual(grandParent.subTaskStatusSummary, { QUEUED: 2 })
    assert.ok(grandParent.version > parent.version, 'the record changed, so its version rose')
    const grandChild = await createOne(store, subTaskOf(await start(store, child), 'c'))
    assert.deepEqual([grandChild.rootTaskId, grandChild.depth], [parent.id, 2])
    assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: 1, RUNNING: 1 })
  }),
  it('sub-tasks: refused when the parent does not run, waits, was asked to stop, ended, or is missing', async (store, context) => {
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
    for (const answer of answers) assert.deepEqual(answer, { outcome: 'refused', code: 'PARENT_NOT_RUNNING' })
    assert.equal((await read(store, awaiting.id)).subTaskStatusSummary, undefined)
  }),
  it('sub-tasks: an earlier attempt adds none, beside the present one in the same call too', async store => {
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
        each(answers, 'outcome'),
        [one, other].map(parent => (parent === second ? 'created' : 'refused')),
      )
    }
    assert.deepEqual((await read(store, first.id)).subTaskStatusSummary, { QUEUED: 2 })
  }),
  it('sub-tasks: one that exists is found again by a later attempt, and after the parent ended', async (store, context) => {
    const first = await startNew(store)
    const task = subTaskOf(first, 'a')
    const child = only(await createAll(store, [task]))
    const second = await start(store, await move(store, givenBack(first)))
    const again = { ...subTaskOf(second, 'a'), id: task.id }
    assert.deepEqual(only(await store.tasks.create([again], {})), { outcome: 'existing', record: child })
    await move(store, cancelled(second, problem(), context.now))
    assert.equal(only(await store.tasks.create([again], {})).outcome, 'existing')
    assert.deepEqual((await read(store, first.id)).subTaskStatusSummary, { QUEUED: 1 })
  }),
]

/** Creations that come with a claim, which a store may leave to the queue; the limits on waiting tasks. */
export const admissionCases: readonly StoreCase[] = [
  it('create: a task that comes with a claim starts in the same write, or waits as any other', async (store, context) => {
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
  }),
  it('create: a claim overtakes nobody, starts nothing early, and starts nothing twice', async store => {
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
  }),
  it('admission: a user with as many waiting tasks as allowed is refused, others are not', async store => {
    const limits = { waitingPerUser: 2 }
    const answers = await store.tasks.create(
      [newTask(), newTask({ lane: 'batch' }), newTask(), newTask({ userId: 'bob' })],
      limits,
    )
    assert.deepEqual(each(answers, 'outcome'), ['created', 'created', 'refused', 'created'])
    assert.deepEqual(answers[2], { outcome: 'refused', code: 'USER_QUEUE_FULL' })
    assert.equal((await store.queries.counts()).QUEUED, 3)
    const [first] = answers
    if (first?.outcome === 'created') await start(store, first.record)
    assert.equal(only(await store.tasks.create([newTask()], limits)).outcome, 'created')
  }),
  it('admission: a full lane refuses, and a user over the own limit gets that error first', async store => {
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
  }),
  it('admission: what exists is found although the queue is full; sub-tasks do not count', async store => {
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
  }),
]
