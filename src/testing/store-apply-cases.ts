/** How a task moves: every transition is one guarded write of one record, and the answer tells what became of it. */
import assert from 'node:assert/strict'
import type { Store } from '../store/store.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  awaitingSubTasks,
  cancelled,
  cancelledWaiting,
  cancelRequested,
  closed,
  completed,
  deadLettered,
  discarded,
  failed,
  failedWaiting,
  givenBack,
  type RecordChange,
  reduceDue,
  reopened,
  retried,
  retrying,
  snoozed,
  type Transition,
} from '../task/transition.ts'
import {
  complete,
  createOne,
  fail,
  family,
  move,
  only,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
} from './store-case.ts'

/** One constructor: how a record gets to where it may be used, what it makes, and what an observer of the record then sees. */
interface Move {
  name: string
  from(store: Store, now: number): Promise<TaskRecord>
  make(record: TaskRecord, now: number): Transition
  /** Telling it again finds the earlier write; a request is written again. */
  repeats?: 'writes'
}

const retry = (now: number) => ({ at: now + 1_000, error: problem(), retryCount: 1, crashCount: 1 })
const exhausted = { error: problem(), reason: 'attempts-exhausted', retryCount: 4, crashCount: 0 } as const

const byAttempt: readonly Move[] = [
  { name: 'completed', from: store => startNew(store), make: (record, now) => completed(record, '"x"', now) },
  {
    name: 'awaiting-subtasks',
    from: store => startNew(store),
    make: record => awaitingSubTasks(record, { reduces: true, result: '"x"' }),
  },
  { name: 'retrying', from: store => startNew(store), make: (record, now) => retrying(record, retry(now)) },
  {
    name: 'snoozed',
    from: store => startNew(store),
    make: (record, now) => snoozed(record, now + 500, problem()),
  },
  { name: 'given-back', from: store => startNew(store), make: record => givenBack(record) },
  {
    name: 'failed',
    from: store => startNew(store),
    make: (record, now) => failed(record, problem(), 'permanent', now),
  },
  {
    name: 'dead-lettered',
    from: store => startNew(store),
    make: (record, now) => deadLettered(record, exhausted, now),
  },
  {
    name: 'cancelled',
    from: store => startNew(store),
    make: (record, now) => cancelled(record, problem(), now),
  },
  {
    name: 'cancel-requested',
    from: store => startNew(store),
    make: (record, now) => cancelRequested(record, now),
    repeats: 'writes',
  },
]

async function awaiting(store: Store, now: number): Promise<TaskRecord> {
  const { parent, children } = await family(store, ['a'])
  await complete(store, only(children), now)
  return read(store, parent.id)
}

const byVersion: readonly Move[] = [
  {
    name: 'cancelled (waiting)',
    from: store => createOne(store),
    make: (record, now) => cancelledWaiting(record, problem(), now),
  },
  {
    name: 'failed (waiting)',
    from: store => createOne(store, { delay: 1_000 }),
    make: (record, now) => failedWaiting(record, problem(), now),
  },
  {
    name: 'cancelled (parent)',
    from: awaiting,
    make: (record, now) => cancelledWaiting(record, problem(), now),
  },
  { name: 'reduce-due', from: awaiting, make: record => reduceDue(record) },
  {
    name: 'closed',
    from: awaiting,
    make: (record, now) => closed(record, { failedSubTasks: [], error: problem() }, now),
  },
  {
    name: 'retried',
    from: async (store, now) => fail(store, await createOne(store), now),
    make: (record, now) => retried(record, now, { parameters: '{"edited":true}', parametersVersion: 2 }),
  },
  {
    name: 'reopened',
    from: async (store, now) => {
      const { parent, children } = await family(store, ['a', 'b'])
      const [a, b] = children
      assert.ok(a && b)
      await complete(store, a, now)
      await fail(store, b, now)
      return move(store, closed(await read(store, parent.id), { failedSubTasks: [], error: problem() }, now))
    },
    make: (record, now) => reopened(record, now),
  },
  {
    name: 'discarded',
    from: async (store, now) => fail(store, await createOne(store), now),
    make: (record, now) => discarded(record, now),
  },
]

/** A record as a change leaves it: null clears a field, the lease goes with the token. */
function expected(record: TaskRecord, set: RecordChange, now: number): Record<string, unknown> {
  const after: Record<string, unknown> = { ...record, updatedAt: now }
  for (const [field, value] of Object.entries(set)) {
    if (value === null || value === undefined) delete after[field]
    else after[field] = value
  }
  return after
}

/** Applied exactly as it says, found again by the attempt that wrote it, and unknown of a record that is not there. */
function eachMove({ name, from, make, repeats }: Move): StoreCase {
  return {
    name: `apply: ${name}: writes what it says, told twice is applied once, missing without a record`,
    async run(context) {
      const store = await context.makeStore()
      const record = await from(store, context.now)
      context.advance(7)
      const transition = make(record, context.now)
      assert.deepEqual(await store.tasks.apply([transition]), ['applied'])
      const after = await read(store, record.id)
      assert.ok(after.version > record.version, 'the version rose')
      assert.deepEqual(
        { ...after, version: 0 },
        { ...expected(record, transition.set, context.now), version: 0 },
      )
      const again = 'version' in transition.fence ? 'stale' : 'applied'
      assert.deepEqual(await store.tasks.apply([transition, transition]), [again, again])
      if (repeats === undefined) assert.deepEqual(await read(store, record.id), after)
      assert.deepEqual(await store.tasks.apply([{ ...transition, taskId: 'nobody' }]), ['missing'])
    },
  }
}

/** Every other move of an attempt is refused once that attempt has ended in one way. */
function afterTheEnd({ name, from, make }: Move): StoreCase {
  return {
    name: `apply: after ${name} the same attempt can make no other move`,
    async run(context) {
      const store = await context.makeStore()
      const record = await from(store, context.now)
      const after = await move(store, make(record, context.now))
      const others = byAttempt
        .map(other => other.make(record, context.now))
        .filter(other => other.set.status !== after.status || other.set.status === undefined)
        .filter(other => other.name !== name)
      const answers = await store.tasks.apply(others)
      assert.deepEqual(
        answers.map((answer, index) => [others[index]?.name, answer]),
        others.map(other => [other.name, 'stale']),
      )
      assert.deepEqual(await read(store, record.id), after)
    },
  }
}

/** An attempt that lost its task can write nothing, whatever it returns, and however the next attempt stands. */
function afterTheNextClaim({ name, from, make }: Move): StoreCase {
  return {
    name: `apply: ${name} of an attempt that lost its task is stale`,
    async run(context) {
      const store = await context.makeStore()
      const old = await from(store, context.now)
      const transition = make(old, context.now)
      const back = await move(store, givenBack(old))
      if (transition.name !== 'given-back')
        assert.deepEqual(await store.tasks.apply([transition]), ['stale'], 'while it waits')
      const present = await start(store, back)
      assert.deepEqual(await store.tasks.apply([transition]), ['stale'], 'while the next attempt runs')
      assert.deepEqual(await read(store, old.id), present)
      const ended = await move(store, completed(present, '"mine"', context.now))
      assert.deepEqual(await store.tasks.apply([transition]), ['stale'], 'after the next attempt ended')
      assert.deepEqual(await read(store, old.id), ended)
    },
  }
}

/** A person or the aggregator that read an earlier version changes nothing. */
function afterTheVersion({ name, from, make }: Move): StoreCase {
  return {
    name: `apply: ${name} by somebody who read an earlier version is stale`,
    async run(context) {
      const store = await context.makeStore()
      const record = await from(store, context.now)
      const transition = make({ ...record, version: record.version - 1 }, context.now)
      const set = { ...transition.set, status: transition.set.status ?? record.status }
      assert.deepEqual(
        await store.tasks.apply([{ ...transition, fence: { version: record.version - 2 }, set }]),
        ['stale'],
      )
      assert.deepEqual(await read(store, record.id), record)
    },
  }
}

/** One case per constructor and guard. */
export const moveCases: readonly StoreCase[] = [
  ...[...byAttempt, ...byVersion].map(eachMove),
  ...byAttempt.filter(({ repeats }) => repeats === undefined).map(afterTheEnd),
  ...byAttempt.map(afterTheNextClaim),
  ...byVersion.map(afterTheVersion),
]
