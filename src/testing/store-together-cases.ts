import assert from 'node:assert/strict'
import type { Created, Store } from '../store/store.ts'
import type { AdmissionLimits } from '../task/admission.ts'
import type { NewTask, TaskRecord } from '../task/task.ts'
import { completed, givenBack } from '../task/transition.ts'
import {
  createAll,
  createMany,
  createOne,
  dueIds,
  each,
  ids,
  it,
  move,
  newTask,
  read,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** A few tasks, and so many that a store may write them in several steps. */
const sizes = [6, 600]

function many(count: number, changes: (index: number) => Partial<NewTask> = () => ({})): NewTask[] {
  return Array.from({ length: count }, (_, index) =>
    newTask({ parameters: `{"n":${index}}`, ...changes(index) }),
  )
}

/** Creates all or none; what is found is accepted where its parameters are the same. */
function createTogether(
  store: Store,
  tasks: readonly NewTask[],
  limits: AdmissionLimits = {},
): Promise<Created[]> {
  const allOrNone = (task: NewTask, found: TaskRecord) => task.parameters === found.parameters
  return store.tasks.create(tasks, limits, { allOrNone })
}

/** How often each outcome is among the answers. */
function outcomes(answers: readonly Created[]): Partial<Record<Created['outcome'], number>> {
  const counts: Partial<Record<Created['outcome'], number>> = {}
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** Nothing of these tasks is there, and nothing counts them. */
async function isNone(store: Store, tasks: readonly NewTask[], waiting = 0): Promise<void> {
  const found = await store.queries.get(ids(tasks))
  assert.ok(found.every(record => record === undefined))
  assert.equal((await store.queries.counts()).QUEUED, waiting)
  assert.equal((await store.lanes.lanes())[0]?.waiting ?? 0, waiting)
  assert.equal((await dueIds(store)).length, waiting)
}

/** Creations of all tasks of a call, or of none. */
export const togetherCases: readonly StoreCase[] = [
  it('all or none: all are created, answered in order, due, and can be run', async (store, context) => {
    const tasks = many(600, index => ({ tags: ['many'], userId: `user-${index % 3}` }))
    const answers = await createTogether(store, tasks)
    assert.deepEqual(outcomes(answers), { created: 600 })
    const found = await store.queries.get(ids(tasks))
    assert.deepEqual(
      answers.map(answer => answer.outcome === 'created' && answer.record),
      found,
    )
    assert.deepEqual(each(found, 'parameters'), each(tasks, 'parameters'))
    assert.equal((await store.queries.counts()).QUEUED, 600)
    assert.equal((await dueIds(store)).length, 600)
    const [first] = found
    assert.ok(first !== undefined)
    await move(store, completed(await start(store, first), '"done"', context.now))
    assert.deepEqual(await createTogether(store, []), [])
  }),
  ...sizes.flatMap(size => [
    it(`all or none: of ${size} none is created where a limit refuses one, and all where it does not`, async store => {
      const limits = { waitingPerUser: size - 1 }
      const tasks = many(size)
      const answers = await createTogether(store, tasks, limits)
      assert.deepEqual(outcomes(answers), { withheld: size - 1, refused: 1 })
      assert.deepEqual(answers.at(-1), { outcome: 'refused', code: 'USER_QUEUE_FULL' })
      await isNone(store, tasks)
      const fewer = await createTogether(store, tasks.slice(1), limits)
      assert.deepEqual(outcomes(fewer), { created: size - 1 })
      assert.deepEqual(outcomes(await createTogether(store, [newTask({ userId: 'bob' })], limits)), {
        created: 1,
      })
      assert.deepEqual(outcomes(await createTogether(store, [newTask(), newTask()], limits)), { refused: 2 })
    }),
    it(`all or none: of ${size} none is created where one was found and is not accepted`, async store => {
      const first = await createOne(store, { idempotencyKey: 'taken' })
      const tasks = many(size, index => (index === size - 2 ? { idempotencyKey: 'taken' } : {}))
      const answers = await createTogether(store, tasks)
      assert.deepEqual(outcomes(answers), { withheld: size - 1, existing: 1 })
      assert.deepEqual(answers[size - 2], { outcome: 'existing', record: first })
      await isNone(store, tasks, 1)
      const { parameters } = first
      const others = many(size, index => (index === size - 2 ? { idempotencyKey: 'taken', parameters } : {}))
      assert.deepEqual(outcomes(await createTogether(store, others)), { created: size - 1, existing: 1 })
      assert.equal((await store.queries.counts()).QUEUED, size)
    }),
    it(`all or none: ${size} that exist are found again, although the queue is full`, async store => {
      const limits = { waitingPerUser: size, waitingPerLane: size }
      const keyed = () => many(size, index => ({ idempotencyKey: `key-${index}` }))
      const made = await createTogether(store, keyed(), limits)
      const again = await createTogether(store, keyed(), limits)
      assert.deepEqual(outcomes(again), { existing: size })
      assert.deepEqual(
        again.map(answer => ({ ...answer, outcome: 'created' })),
        made,
      )
      assert.equal((await store.queries.counts()).QUEUED, size)
    }),
    it(`all or none: a parent adds ${size} sub-tasks, or none, and counts them once`, async store => {
      const parent = await startNew(store)
      const late = Array.from({ length: size }, (_, index) => subTaskOf(parent, `${index}`))
      const [early] = await createAll(store, late.slice(0, 1))
      const second = await start(store, await move(store, givenBack(parent)))
      const answers = await createTogether(store, late)
      assert.deepEqual(outcomes(answers), { existing: 1, refused: size - 1 })
      assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: 1 })
      const tasks = late.map((task, index) => ({ ...subTaskOf(second, `${index}`), id: task.id }))
      const made = await createTogether(store, tasks)
      assert.deepEqual(made[0], { outcome: 'existing', record: early })
      assert.deepEqual(outcomes(made), { existing: 1, created: size - 1 })
      assert.deepEqual(outcomes(await createTogether(store, tasks)), { existing: size })
      assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: size })
    }),
  ]),
  it('all or none: one key twice in a call is one task, or none where they differ', async store => {
    const twice = (parameters: string) => [
      newTask(),
      newTask({ idempotencyKey: 'k' }),
      newTask({ idempotencyKey: 'k', parameters }),
    ]
    const [, first] = twice('')
    const differing = twice('{"other":true}')
    const none = await createTogether(store, differing)
    assert.deepEqual(each(none, 'outcome'), ['withheld', 'withheld', 'existing'])
    await isNone(store, differing)
    const answers = await createTogether(store, twice(first?.parameters ?? ''))
    assert.deepEqual(each(answers, 'outcome'), ['created', 'created', 'existing'])
    assert.deepEqual(answers[2], { ...answers[1], outcome: 'existing' })
    assert.equal((await store.queries.counts()).QUEUED, 2)
  }),
  it('all or none: the same keys in several calls at once are created once, and each call has all', async store => {
    const keyed = () => many(20, index => ({ idempotencyKey: `key-${index}` }))
    const answers = await Promise.all(
      [keyed(), keyed().reverse(), keyed()].map(tasks => createTogether(store, tasks)),
    )
    assert.deepEqual(
      answers.map(outcomes).toSorted((one, other) => (one.existing ?? 0) - (other.existing ?? 0)),
      [{ created: 20 }, { existing: 20 }, { existing: 20 }],
    )
    assert.equal((await store.queries.counts()).QUEUED, 20)
  }),
  it('all or none: large parameters of many come back as they were, and those of none leave no trace', async (store, context) => {
    const parameters = JSON.stringify('文'.repeat(70_000))
    await createMany(store, 1, { idempotencyKey: 'taken', userId: 'bob' })
    const tasks = many(3, index => ({
      parameters,
      userId: 'bob',
      ...(index === 2 ? { idempotencyKey: 'taken' } : {}),
    }))
    assert.deepEqual(outcomes(await createTogether(store, tasks)), { withheld: 2, existing: 1 })
    const made = await createTogether(store, tasks.slice(0, 2))
    assert.deepEqual(outcomes(made), { created: 2 })
    const again = await (await context.reopenStore(store)).queries.get(ids(tasks))
    assert.deepEqual(each(again, 'parameters'), [parameters, parameters, undefined])
  }),
]
