/** The guards of `apply`, one by one, and what a transition leaves behind: dead letters, summaries, the history of attempts. */
import assert from 'node:assert/strict'
import { isLegal, type TaskStatus, taskStatuses } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  awaitingSubTasks,
  cancelled,
  cancelledWaiting,
  cancelRequested,
  closed,
  completed,
  failed,
  givenBack,
  reduceDue,
  reopened,
  retried,
  retrying,
} from '../task/transition.ts'
import {
  atRest,
  complete,
  createOne,
  fail,
  family,
  move,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
} from './store-case.ts'

const retry = (at: number) => ({ at, error: problem(), retryCount: 1, crashCount: 1 })

/** Guards. */
export const guardCases: readonly StoreCase[] = [
  {
    name: 'apply: a rescuer that saw the lease end is fenced by an extension',
    async run(context) {
      const store = await context.makeStore()
      const held = await startNew(store)
      const seen = held.leaseUntil ?? 0
      const rescued = {
        ...retrying(held, retry(context.now)),
        fence: { attempt: held.attempt, leaseUntil: seen },
      }
      context.advance(40_000)
      await store.tasks.extend([{ taskId: held.id, token: held.claimToken ?? '' }], 30_000)
      assert.deepEqual(await store.tasks.apply([rescued]), ['stale'])
      assert.equal((await read(store, held.id)).status, 'RUNNING')
      const after = { ...rescued, fence: { attempt: held.attempt, leaseUntil: context.now + 30_000 } }
      context.advance(30_000)
      assert.deepEqual(await store.tasks.apply([after]), ['applied'])
    },
  },
  {
    name: 'apply: a rescued attempt drops its result, even before the next claim',
    async run(context) {
      const store = await context.makeStore()
      const held = await startNew(store)
      context.advance(40_000)
      const rescued = await move(store, retrying(held, retry(context.now)))
      assert.deepEqual(await store.tasks.apply([completed(held, '"late"', context.now)]), ['stale'])
      assert.deepEqual(await read(store, held.id), rescued)
    },
  },
  {
    name: 'apply: a request to cancel that comes after the attempt ended its turn is stale',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      const asked = cancelRequested(running, context.now)
      const waits = await move(store, awaitingSubTasks(running, { reduces: true }))
      assert.deepEqual(await store.tasks.apply([asked]), ['stale'])
      assert.deepEqual(await read(store, running.id), waits)
    },
  },
  {
    name: 'apply: a phase that the record has left refuses the write',
    async run(context) {
      const store = await context.makeStore()
      const { parent } = await family(store, [])
      const before = cancelledWaiting(parent, problem(), context.now)
      const reducing = await move(store, reduceDue(parent))
      const fence = { version: reducing.version }
      const set = { ...before.set, status: 'CANCELLED' as const }
      assert.deepEqual(await store.tasks.apply([{ ...before, from: ['QUEUED'], fence, set }]), ['stale'])
      assert.equal((await read(store, parent.id)).status, 'QUEUED')
    },
  },
  {
    name: 'apply: a status that the transition may not leave refuses it, whichever it is',
    async run(context) {
      const store = await context.makeStore()
      const record = await createOne(store)
      for (const from of taskStatuses.filter(status => status !== 'QUEUED')) {
        const wrong = { ...cancelledWaiting(record, problem(), context.now), from: [from] }
        assert.deepEqual(await store.tasks.apply([wrong]), ['stale'], from)
      }
      assert.deepEqual(await read(store, record.id), record)
    },
  },
  {
    name: 'apply: among many, one that is stale or missing harms no other, and answers are in order',
    async run(context) {
      const store = await context.makeStore()
      const [one, two, three] = [await startNew(store), await startNew(store), await startNew(store)]
      const answers = await store.tasks.apply([
        completed(one, '1', context.now),
        { ...completed(two, '2', context.now), taskId: 'nobody' },
        completed({ ...two, attempt: 9 }, '2', context.now),
        failed(one, problem(), 'permanent', context.now),
        completed(three, '3', context.now),
      ])
      assert.deepEqual(answers, ['applied', 'missing', 'stale', 'stale', 'applied'])
      const found = await store.queries.get([one.id, two.id, three.id])
      assert.deepEqual(
        found.map(record => record?.result),
        ['1', undefined, '3'],
      )
    },
  },
  {
    name: 'apply: unless all that are required can be written none is; of the others each for itself',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a', 'b'])
      const failures: TaskRecord[] = []
      for (const child of children) failures.push(await fail(store, child, context.now))
      const end = closed(await read(store, parent.id), { failedSubTasks: [], error: problem() }, context.now)
      const ended = await move(store, end)
      const [a, b] = failures
      assert.ok(a && b)
      const again = (record: TaskRecord) => retried(record, context.now)
      const missing = { ...again(b), taskId: 'nobody' }
      const old = reopened({ ...ended, version: ended.version - 1 }, context.now)
      const refused = await store.tasks.apply([again(a), old, again(b), missing], { required: 2 })
      assert.deepEqual(refused, ['stale', 'stale', 'stale', 'missing'])
      const gone = await store.tasks.apply([again(a), missing], { required: 2 })
      assert.deepEqual(gone, ['stale', 'missing'])
      assert.deepEqual(await store.queries.get([a.id, parent.id, b.id]), [a, ended, b])
      const first = again({ ...b, version: b.version - 1 })
      const written = [again(a), reopened(ended, context.now), first, missing]
      assert.deepEqual(await store.tasks.apply(written, { required: 2 }), [
        ...['applied', 'applied', 'stale', 'missing'],
      ])
      await atRest(store)
      assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: 1, FAILED: 1 })
    },
  },
  {
    name: 'apply: of many who settle one attempt at once exactly one is heard',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      const answers = await Promise.all([
        store.tasks.apply([completed(running, '"x"', context.now)]),
        store.tasks.apply([failed(running, problem(), 'permanent', context.now)]),
        store.tasks.apply([retrying(running, retry(context.now))]),
        store.tasks.apply([cancelled(running, problem(), context.now)]),
      ])
      assert.deepEqual(answers.flat().sort(), ['applied', 'stale', 'stale', 'stale'])
      const { status } = await read(store, running.id)
      assert.ok(isLegal('RUNNING', 'executing', status, 'executing'))
    },
  },
  {
    name: 'apply: an ended task is left by an explicit retry alone',
    async run(context) {
      const store = await context.makeStore()
      const ends: readonly ((running: TaskRecord) => Promise<TaskRecord>)[] = [
        running => move(store, completed(running, '"x"', context.now)),
        running => move(store, failed(running, problem(), 'permanent', context.now)),
        running => move(store, cancelled(running, problem(), context.now)),
      ]
      const may: Partial<Record<TaskStatus, boolean>> = { FAILED: true, CANCELLED: true, COMPLETED: false }
      for (const end of ends) {
        const ended = await end(await startNew(store))
        const wrong = [
          givenBack(ended),
          completed(ended, '"y"', context.now),
          cancelRequested(ended, context.now),
        ]
        const different = wrong.filter(({ set }) => set.status !== ended.status)
        assert.ok((await store.tasks.apply(different)).every(answer => answer === 'stale'))
        assert.deepEqual(await read(store, ended.id), ended)
        const [answer] = await store.tasks.apply([retried(ended, context.now)])
        assert.equal(answer === 'applied', may[ended.status])
      }
    },
  },
]

/** What transitions leave behind. */
export const traceCases: readonly StoreCase[] = [
  {
    name: 'apply: a dead letter is open while the task is FAILED; retries close it and keep the last ten',
    async run(context) {
      const store = await context.makeStore()
      let record = await createOne(store)
      for (let round = 1; round <= 12; round++) {
        record = await fail(store, record, context.now, problem(`Number ${round}`))
        assert.equal(record.deadLetter?.error.message, `Number ${round}`)
        assert.equal(record.deadLetter?.attempt, round)
        context.advance(1)
        record = await move(store, retried(record, context.now))
        assert.equal(record.deadLetter, undefined)
        assert.deepEqual(record.deadLetterHistory?.at(-1)?.closedAt, context.now)
      }
      assert.equal(record.deadLetterHistory?.length, 10)
      assert.equal(record.deadLetterHistory?.[0]?.error.message, 'Number 3')
      assert.deepEqual([record.attempt, record.retryCount, record.status], [12, 0, 'QUEUED'])
    },
  },
  {
    name: 'apply: a large result, progress or new parameters come back, and a smaller one replaces it',
    async run(context) {
      const store = await context.makeStore()
      const large = JSON.stringify('长'.repeat(200_000))
      const ended = await complete(store, await createOne(store, { parameters: large }), context.now)
      const running = await startNew(store)
      const failing = await move(store, failed(running, problem(), 'permanent', context.now))
      const edited = { parameters: large, parametersVersion: 2 }
      const again = await move(store, retried(failing, context.now, edited))
      const second = await start(store, again)
      assert.equal(second.parameters, large)
      const done = await move(store, completed(second, large, context.now))
      const kept = await (await context.reopenStore(store)).queries.get([ended.id, done.id])
      assert.deepEqual(kept, [ended, done])
      assert.equal(done.result, large)
    },
  },
  {
    name: 'apply: the attempts that did not complete are kept, once each',
    async run(context) {
      const store = await context.makeStore()
      const first = await startNew(store)
      const startedAt = context.now
      context.advance(10)
      const back = givenBack(first)
      const second = await start(store, await move(store, back))
      assert.deepEqual(await store.tasks.apply([back]), ['stale'])
      const failing = failed(second, problem('Broken'), 'permanent', context.now)
      await store.tasks.apply([failing, failing])
      const rows = await store.queries.attempts(first.id)
      assert.deepEqual(rows, [
        { attempt: 1, executionNodeId: 'node-1', startedAt, endedAt: context.now, outcome: 'given-back' },
        {
          ...{ attempt: 2, executionNodeId: 'node-1', startedAt: context.now, endedAt: context.now },
          ...{ outcome: 'failed', code: 'HANDLER_FAILED', message: 'Broken' },
        },
      ])
      assert.deepEqual(await store.queries.attempts('nobody'), [])
    },
  },
  {
    name: 'apply: of the attempts that did not complete the last fifty are kept',
    async run(context) {
      const store = await context.makeStore()
      let record = await createOne(store)
      for (let attempt = 1; attempt <= 52; attempt++)
        record = await move(store, givenBack(await start(store, record)))
      const kept = (await store.queries.attempts(record.id)).map(({ attempt }) => attempt)
      assert.deepEqual(
        kept,
        Array.from({ length: 50 }, (_, index) => index + 3),
      )
    },
  },
  {
    name: 'apply: the summary of a parent follows its sub-tasks through every move, and sums to their number',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a', 'b', 'c'])
      const [a, b, c] = children
      assert.ok(a && b && c)
      const summary = async () => (await read(store, parent.id)).subTaskStatusSummary
      assert.deepEqual(await summary(), { QUEUED: 3 })
      await complete(store, a, context.now)
      const failing = await fail(store, b, context.now)
      const running = await start(store, c)
      assert.deepEqual(await summary(), { COMPLETED: 1, FAILED: 1, RUNNING: 1 })
      await move(store, retrying(running, retry(context.now + 1_000)))
      assert.deepEqual(await summary(), { COMPLETED: 1, FAILED: 1, RETRYING: 1 })
      await move(store, retried(failing, context.now))
      assert.deepEqual(await summary(), { COMPLETED: 1, QUEUED: 1, RETRYING: 1 })
      await store.tasks.apply([completed(running, '"stale"', context.now)])
      assert.deepEqual(await summary(), { COMPLETED: 1, QUEUED: 1, RETRYING: 1 })
      assert.equal((await read(store, parent.id)).status, 'RUNNING')
    },
  },
  {
    name: 'apply: a parent is closed as its sub-tasks ended, and waits again when one is retried',
    async run(context) {
      const store = await context.makeStore()
      const { parent, children } = await family(store, ['a', 'b'])
      const [a, b] = children
      assert.ok(a && b)
      await complete(store, a, context.now)
      const failing = await fail(store, b, context.now)
      const failedSubTasks = [
        { taskId: b.id, key: 'b', status: 'FAILED' as const, reason: 'The provider said no.' },
      ]
      const ends = { failedSubTasks, error: problem() }
      const ended = await move(store, closed(await read(store, parent.id), ends, context.now))
      assert.deepEqual(
        [ended.status, ended.result, ended.failedSubTasks],
        ['COMPLETED_WITH_ERRORS', '"kept"', failedSubTasks],
      )
      const together = [retried(failing, context.now), reopened(ended, context.now)]
      assert.deepEqual(await store.tasks.apply(together), ['applied', 'applied'])
      await atRest(store)
      const again = await read(store, parent.id)
      assert.deepEqual([again.status, again.phase, again.round], ['RUNNING', 'awaiting-subtasks', 1])
      assert.deepEqual(again.subTaskStatusSummary, { COMPLETED: 1, QUEUED: 1 })
      assert.equal(again.failedSubTasks, undefined)
    },
  },
]
