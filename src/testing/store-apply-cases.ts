/** How a task moves: every transition is one guarded write of one record, and the answer tells what became of it. */
import assert from 'node:assert/strict'
import type { Store } from '../store/store.ts'
import { subTaskId } from '../task/id.ts'
import { isLegal, taskStatuses } from '../task/status.ts'
import type { NewTask, TaskRecord } from '../task/task.ts'
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
  moved,
  type RecordChange,
  reduceDue,
  reopened,
  retried,
  retrying,
  runNow,
  snoozed,
  type Transition,
  tagged,
} from '../task/transition.ts'
import { notAttempted, signalled, stillWaiting, unblocked, waiting } from '../task/wait-transitions.ts'
import {
  afterCrash,
  atRest,
  claimOf,
  complete,
  createAll,
  createOne,
  dueIds,
  each,
  fail,
  family,
  ids,
  it,
  move,
  problem,
  read,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** One constructor: how a record gets to where it may be used, what it makes, and what an observer of the record then sees. */
interface Move {
  name: string
  from(store: Store, now: number): Promise<TaskRecord>
  make(record: TaskRecord, now: number): Transition
  /** Applying it again finds the earlier write; a request is written again. */
  repeats?: 'writes'
}

const exhausted = { error: problem(), reason: 'attempts-exhausted', retryCount: 4, crashCount: 0 } as const
const noneNamed = { failedSubTasks: [], error: problem() }

const forWord = { key: 'ctx.waitFor word 1', signal: 'word' }
const none = { signals: [], signalCount: 0 }
const wordAt = (at: number) => ({ id: `${at}`, name: 'word', at, payload: '"x"' })

/** A move that a running attempt makes. */
function byRunning(name: string, make: Move['make']): Move {
  return { name, from: store => startNew(store), make }
}

const byAttempt: readonly Move[] = [
  byRunning('completed', (record, now) => completed(record, '"x"', now)),
  byRunning('awaiting-subtasks', record => awaitingSubTasks(record, { reduces: true, result: '"x"' })),
  byRunning('retrying', (record, now) => retrying(record, afterCrash(now + 1_000))),
  byRunning('snoozed', (record, now) => snoozed(record, now + 500, problem())),
  byRunning('waiting', (record, now) => waiting(record, { waits: [forWord], seen: none }, now)),
  byRunning('given-back', givenBack),
  byRunning('failed', (record, now) => failed(record, problem(), 'permanent', now)),
  byRunning('dead-lettered', (record, now) => deadLettered(record, exhausted, now)),
  byRunning('cancelled', (record, now) => cancelled(record, problem(), now)),
  { ...byRunning('cancel-requested', cancelRequested), repeats: 'writes' },
]

/** A parent whose only sub-task has completed. */
async function awaiting(store: Store, now: number): Promise<TaskRecord> {
  const [parent, child] = await family(store, ['a'])
  await complete(store, child, now)
  return read(store, parent.id)
}

/** A parent that completed with errors. */
async function closedParent(store: Store, now: number): Promise<TaskRecord> {
  const [parent, a, b] = await family(store, ['a', 'b'])
  await complete(store, a, now)
  await fail(store, b, now)
  return move(store, closed(await read(store, parent.id), noneNamed, now))
}

/** A sub-task of a running parent, named as the engine names it. */
function siblingOf(parent: TaskRecord, key: string, changes: Partial<NewTask> = {}): NewTask {
  return subTaskOf(parent, key, { id: subTaskId(parent.id, key), ...changes })
}

const afterAll = (...keys: string[]) => ({ after: { keys, startWhen: 'completed' } }) as const

/** A sub-task that starts after two others. */
async function waitingForSibling(store: Store): Promise<TaskRecord> {
  const parent = await startNew(store)
  const siblings = [siblingOf(parent, 'a'), siblingOf(parent, 'b')] as const
  const [, , waiting] = await createAll(store, [...siblings, siblingOf(parent, 'c', afterAll('b', 'a'))])
  return waiting
}

const dead = async (store: Store, now: number) => fail(store, await createOne(store), now)
const edited = { parameters: '{"edited":true}', parametersVersion: 2 }
const cancelWaiting: Move['make'] = (record, now) => cancelledWaiting(record, problem(), now)

const byVersion: readonly Move[] = [
  { name: 'cancelled (waiting)', from: store => createOne(store), make: cancelWaiting },
  {
    name: 'failed (waiting)',
    from: store => createOne(store, { delay: 1_000 }),
    make: (record, now) => failedWaiting(record, problem(), now),
  },
  {
    name: 'signalled',
    from: store => createOne(store, { delay: 1_000 }),
    make: (record, now) => signalled(record, wordAt(now), now),
  },
  { name: 'cancelled (parent)', from: awaiting, make: cancelWaiting },
  { name: 'reduce-due', from: awaiting, make: reduceDue },
  { name: 'closed', from: awaiting, make: (record, now) => closed(record, noneNamed, now) },
  { name: 'retried', from: dead, make: (record, now) => retried(record, now, edited) },
  { name: 'reopened', from: closedParent, make: reopened },
  { name: 'discarded', from: dead, make: discarded },
  { name: 'tagged', from: store => startNew(store), make: record => tagged(record, ['a']) },
  { name: 'moved', from: store => createOne(store), make: (record, now) => moved(record, 'batch', now) },
  { name: 'unblocked', from: waitingForSibling, make: unblocked },
  { name: 'still-waiting', from: waitingForSibling, make: record => stillWaiting(record, 'b') },
  {
    name: 'not-attempted',
    from: waitingForSibling,
    make: (record, now) => notAttempted(record, 'b', problem(), now),
  },
  {
    name: 'retried (after a sibling)',
    from: async (store, now) =>
      move(store, notAttempted(await waitingForSibling(store), 'b', problem(), now)),
    make: retried,
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
  return it(`apply: ${name}: writes what it says, is applied once when sent twice, missing without a record`, async (store, context) => {
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
    const again = 'attempt' in transition.fence ? 'applied' : 'stale'
    assert.deepEqual(await store.tasks.apply([transition, transition]), [again, again])
    if (repeats === undefined) assert.deepEqual(await read(store, record.id), after)
    assert.deepEqual(await store.tasks.apply([{ ...transition, taskId: 'nobody' }]), ['missing'])
  })
}

/** Every other move of an attempt is refused once that attempt has ended in one way. */
function afterTheEnd({ name, from, make }: Move): StoreCase {
  return it(`apply: after ${name} the same attempt can make no other move`, async (store, context) => {
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
  })
}

/** An attempt that lost its task can write nothing, whatever it returns, and however the next attempt stands. */
function afterTheNextClaim({ name, from, make }: Move): StoreCase {
  return it(`apply: ${name} of an attempt that lost its task is stale`, async (store, context) => {
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
  })
}

/** A person or the aggregator that read an earlier version changes nothing. */
function afterTheVersion({ name, from, make }: Move): StoreCase {
  return it(`apply: ${name} by somebody who read an earlier version is stale`, async (store, context) => {
    const record = await from(store, context.now)
    const transition = make({ ...record, version: record.version - 1 }, context.now)
    const set = { ...transition.set, status: transition.set.status ?? record.status }
    assert.deepEqual(
      await store.tasks.apply([{ ...transition, fence: { version: record.version - 2 }, set }]),
      ['stale'],
    )
    assert.deepEqual(await read(store, record.id), record)
  })
}

/** One case per constructor and guard. */
export const moveCases: readonly StoreCase[] = [
  ...[...byAttempt, ...byVersion].map(eachMove),
  ...byAttempt.filter(({ repeats }) => repeats === undefined).map(afterTheEnd),
  ...byAttempt.map(afterTheNextClaim),
  ...byVersion.map(afterTheVersion),
]

/** The guards of `apply`, one by one. */
export const guardCases: readonly StoreCase[] = [
  it('a sub-task that starts after others stands in no line, and is pending when the one that it waits for has ended', async (store, context) => {
    const parent = await startNew(store)
    const [a, b, c] = await createAll(store, [
      siblingOf(parent, 'a'),
      siblingOf(parent, 'b'),
      siblingOf(parent, 'c', afterAll('a', 'b')),
    ])
    const pending = (of = store) => of.outbox.pendingParents(10)
    assert.deepEqual([c.predecessor, c.status], ['b', 'QUEUED'])
    assert.deepEqual((await dueIds(store)).sort(), [a.id, b.id].sort())
    assert.deepEqual(await store.tasks.claim([claimOf(c)]), [undefined])
    await complete(store, a, context.now)
    assert.deepEqual(await pending(), [], 'it waits for another one')
    await fail(store, b, context.now)
    assert.deepEqual(await pending(), [c.id])
    const again = await context.reopenStore(store)
    assert.deepEqual(await pending(again), [c.id], 'until it is reconciled')
    await move(again, stillWaiting(await read(again, c.id), 'a'))
    assert.deepEqual(await pending(again), [c.id], 'the other one has ended before')
    const directly = { predecessor: 'a' }
    const { items } = await again.queries.children(parent.id, directly, { pageSize: 5 })
    assert.deepEqual(ids(items), [c.id])
    await move(again, unblocked(await read(again, c.id), context.now))
    assert.deepEqual(await pending(again), [])
    assert.deepEqual(await dueIds(again), [c.id])
  }),
  it('a sub-task that starts after one with the empty key, as earlier builds accepted it, is pending when that one has ended', async (store, context) => {
    const parent = await startNew(store)
    const [first, second] = await createAll(store, [
      siblingOf(parent, ''),
      siblingOf(parent, 'b', afterAll('')),
    ])
    await complete(store, first, context.now)
    assert.deepEqual(await store.outbox.pendingParents(10), [second.id])
  }),
  it('apply: a rescuer that saw the lease end is fenced by an extension', async (store, context) => {
    const held = await startNew(store)
    const seen = held.leaseUntil ?? 0
    const rescued = {
      ...retrying(held, afterCrash(context.now)),
      fence: { attempt: held.attempt, leaseUntil: seen },
    }
    context.advance(40_000)
    await store.tasks.extend([{ taskId: held.id, token: held.claimToken ?? '' }], 30_000)
    assert.deepEqual(await store.tasks.apply([rescued]), ['stale'])
    assert.equal((await read(store, held.id)).status, 'RUNNING')
    const after = { ...rescued, fence: { attempt: held.attempt, leaseUntil: context.now + 30_000 } }
    context.advance(30_000)
    assert.deepEqual(await store.tasks.apply([after]), ['applied'])
  }),
  it('apply: an attempt that waits for signals is refused while one is there that it has not seen', async (store, context) => {
    const running = await startNew(store)
    const wait = waiting(running, { waits: [forWord], seen: none }, context.now)
    const told = await move(store, signalled(running, wordAt(context.now), context.now))
    assert.deepEqual(await store.tasks.apply([wait]), ['stale'])
    assert.deepEqual(await read(store, running.id), told)
    const { signals = [], signalCount = 0 } = told
    await move(store, waiting(told, { waits: [forWord], seen: { signals, signalCount } }, context.now))
    assert.deepEqual(await store.tasks.apply([wait]), ['applied'], 'told again, of the same attempt')
  }),
  it('apply: a signal is refused where another one, an attempt or a wait came since its sender read the task, and only there', async (store, context) => {
    const [parent, child] = await family(store, ['a'])
    const send = (record: TaskRecord, id: string) =>
      store.tasks.apply([signalled(record, { ...wordAt(context.now), id }, context.now)])
    await complete(store, child, context.now)
    await store.outbox.pendingParents(10)
    const counted = await read(store, parent.id)
    assert.ok(counted.version > parent.version)
    const asRead = { ...counted, version: parent.version }
    assert.deepEqual(await send(asRead, 'one'), ['applied'], 'only its sub-tasks moved')
    assert.deepEqual(await send(asRead, 'two'), ['stale'], 'another signal came')
    const running = await startNew(store)
    const waits = await move(store, waiting(running, { waits: [forWord], seen: none }, context.now))
    assert.deepEqual(await send(running, 'three'), ['stale'], 'it waits meanwhile')
    const back = await move(store, runNow(waits, context.now))
    context.advance(1)
    await dueIds(store)
    await start(store, back)
    assert.deepEqual(await send(waits, 'four'), ['stale'], 'it runs again')
  }),
  it('apply: a signal makes the task due that waits for it, and no other', async (store, context) => {
    const wait = { waits: [forWord], seen: none }
    const waits = await move(store, waiting(await startNew(store), wait, context.now))
    const other = await move(store, waiting(await startNew(store), wait, context.now))
    const foreign = { ...wordAt(context.now), name: 'another' }
    for (const each of [
      signalled(waits, wordAt(context.now), context.now),
      signalled(other, foreign, context.now),
    ])
      await move(store, each)
    const due = await store.outbox.due([{ lane: waits.lane, capacity: 10 }], { quarantined: 0 })
    assert.deepEqual(
      due.deliveries.map(({ taskId }) => taskId),
      [waits.id],
    )
  }),
  it('apply: a rescued attempt drops its result, even before the next claim', async (store, context) => {
    const held = await startNew(store)
    context.advance(40_000)
    const rescued = await move(store, retrying(held, afterCrash(context.now)))
    assert.deepEqual(await store.tasks.apply([completed(held, '"late"', context.now)]), ['stale'])
    assert.deepEqual(await read(store, held.id), rescued)
  }),
  it('apply: a request to cancel that comes after the attempt began to wait is stale', async (store, context) => {
    const running = await startNew(store)
    const asked = cancelRequested(running, context.now)
    const waits = await move(store, awaitingSubTasks(running, { reduces: true }))
    assert.deepEqual(await store.tasks.apply([asked]), ['stale'])
    assert.deepEqual(await read(store, running.id), waits)
  }),
  it('apply: a refused result leaves the stored one as it is, however long both are', async (store, context) => {
    const first = await startNew(store)
    await move(store, retrying(first, afterCrash(context.now)))
    const second = await start(store, await read(store, first.id))
    const result = JSON.stringify('second'.repeat(2_000))
    await move(store, completed(second, result, context.now))
    const late = completed(first, JSON.stringify('first'.repeat(2_000)), context.now)
    assert.deepEqual(await store.tasks.apply([late]), ['stale'])
    assert.equal((await read(store, first.id)).result, result)
  }),
  it('apply: a phase that the record has left refuses the write', async (store, context) => {
    const [parent] = await family(store, [])
    const before = cancelledWaiting(parent, problem(), context.now)
    const reducing = await move(store, reduceDue(parent))
    const fence = { version: reducing.version }
    const set = { ...before.set, status: 'CANCELLED' as const }
    assert.deepEqual(await store.tasks.apply([{ ...before, from: ['QUEUED'], fence, set }]), ['stale'])
    assert.equal((await read(store, parent.id)).status, 'QUEUED')
  }),
  it('apply: a status that the transition may not leave refuses it, whichever it is', async (store, context) => {
    const record = await createOne(store)
    for (const from of taskStatuses.filter(status => status !== 'QUEUED')) {
      const wrong = { ...cancelledWaiting(record, problem(), context.now), from: [from] }
      assert.deepEqual(await store.tasks.apply([wrong]), ['stale'], from)
    }
    assert.deepEqual(await read(store, record.id), record)
  }),
  it('apply: among many, one that is stale or missing harms no other, and answers are in order', async (store, context) => {
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
    assert.deepEqual(each(found, 'result'), ['1', undefined, '3'])
  }),
  it('apply: unless all that are required can be written none is; of the others each for itself', async (store, context) => {
    const [parent, ...children] = await family(store, ['a', 'b'])
    const a = await fail(store, children[0], context.now)
    const b = await fail(store, children[1], context.now)
    const ended = await move(store, closed(await read(store, parent.id), noneNamed, context.now))
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
      'applied',
      'applied',
      'stale',
      'missing',
    ])
    await atRest(store)
    assert.deepEqual((await read(store, parent.id)).subTaskStatusSummary, { QUEUED: 1, FAILED: 1 })
  }),
  it('apply: of many that settle one attempt at once exactly one is applied', async (store, context) => {
    const running = await startNew(store)
    const answers = await Promise.all([
      store.tasks.apply([completed(running, '"x"', context.now)]),
      store.tasks.apply([failed(running, problem(), 'permanent', context.now)]),
      store.tasks.apply([retrying(running, afterCrash(context.now))]),
      store.tasks.apply([cancelled(running, problem(), context.now)]),
    ])
    assert.deepEqual(answers.flat().sort(), ['applied', 'stale', 'stale', 'stale'])
    const { status } = await read(store, running.id)
    assert.ok(isLegal('RUNNING', 'executing', status, 'executing'))
  }),
  it('apply: an ended task is left by an explicit retry alone', async (store, context) => {
    for (const [end, mayBeRetried] of [
      [completed(await startNew(store), '"x"', context.now), false],
      [failed(await startNew(store), problem(), 'permanent', context.now), true],
      [cancelled(await startNew(store), problem(), context.now), true],
    ] as const) {
      const ended = await move(store, end)
      const wrong = [
        givenBack(ended),
        completed(ended, '"y"', context.now),
        cancelRequested(ended, context.now),
      ]
      const different = wrong.filter(({ set }) => set.status !== ended.status)
      assert.ok((await store.tasks.apply(different)).every(answer => answer === 'stale'))
      assert.deepEqual(await read(store, ended.id), ended)
      const [answer] = await store.tasks.apply([retried(ended, context.now)])
      assert.equal(answer === 'applied', mayBeRetried)
    }
  }),
]
