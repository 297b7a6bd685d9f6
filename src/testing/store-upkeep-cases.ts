import assert from 'node:assert/strict'
import type { Store } from '../store/store.ts'
import { decideParent } from '../task/decide.ts'
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
  afterCrash,
  allPages,
  claimOf,
  complete,
  createAll,
  createOne,
  dueIn,
  family,
  ids,
  it,
  move,
  newTask,
  only,
  problem,
  read,
  rejectsWith,
  type StoreCase,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** Upkeep: lanes, schedules, unparsable messages, retention, the end of a store, durability, and parents to reconcile. */

/** How many tasks wait, by lane; lanes in which none waits are left out. */
async function waitingIn(store: Store): Promise<Record<string, number>> {
  const lanes = await store.lanes.lanes()
  return Object.fromEntries(lanes.flatMap(({ lane, waiting }) => (waiting === 0 ? [] : [[lane, waiting]])))
}

const day = 86_400_000

/** An ended tree of a root, two sub-tasks, and one below the first of them. */
async function endedTree(store: Store, now: number, below: 'ends' | 'lives' = 'ends'): Promise<TaskRecord[]> {
  const root = await startNew(store, { taskType: 'Whole' })
  const [a, b] = await createAll(store, [subTaskOf(root, 'a'), subTaskOf(root, 'b')])
  const middle = await start(store, a)
  const leaf = await createOne(store, subTaskOf(middle, 'leaf'))
  if (below === 'ends') await complete(store, leaf, now)
  await move(store, completed(middle, '"x"', now))
  await complete(store, b, now)
  await move(store, awaitingSubTasks(root, { reduces: false, result: '"kept"' }))
  const ends = { failedSubTasks: [], error: problem() }
  await move(store, closed(await read(store, root.id), ends, now))
  return [root, a, b, leaf]
}

/** What an attempt leaves behind: two checkpoints, one of them a mark, and two pieces of output. */
async function leaveWork(store: Store, { id: taskId, attempt }: TaskRecord): Promise<void> {
  const step = { taskId, attempt, value: '1' }
  await store.attempts.checkpoint([
    { ...step, key: 'a' },
    { ...step, key: 'b', isMark: true },
  ])
  await store.output.append([1, 2].map(sequence => ({ taskId, attempt, sequence, text: 'x' })))
}

async function workOf(store: Store, taskId: string) {
  const { pieces } = await store.output.read(taskId, { attempt: 0, sequence: 0 }, 10)
  return { checkpoints: (await store.attempts.checkpoints(taskId)).size, pieces: pieces.length }
}

/** Lanes, schedules, unparsable messages, retention, the end of a store, and what is durable. */
export const upkeepCases: readonly StoreCase[] = [
  it('lanes: how many tasks wait in each follows every move, and survives opening the store again', async (store, context) => {
    const since = context.now
    const [one, two] = await createAll(store, [
      newTask(),
      newTask(),
      newTask({ lane: 'batch', userId: 'bob' }),
      newTask({ lane: 'batch', priority: 'high' }),
    ])
    assert.deepEqual(await waitingIn(store), { batch: 2, default: 2 })
    const running = await start(store, one)
    await move(store, cancelledWaiting(two, problem(), context.now))
    assert.deepEqual(await waitingIn(store), { batch: 2 })
    const retry = { at: context.now + 500, error: problem(), retryCount: 1, crashCount: 0 }
    await move(store, retrying(running, retry))
    context.advance(500)
    await dueIn(store)
    assert.deepEqual(await waitingIn(store), { batch: 2, default: 1 })
    const again = await context.reopenStore(store)
    assert.deepEqual(await waitingIn(again), { batch: 2, default: 1 })
    assert.equal((await again.lanes.lanes()).find(({ lane }) => lane === 'batch')?.oldestWaitingAt, since)
  }),
  it('lanes: pausing is remembered, lane by lane; nothing waits, nothing is oldest', async (store, context) => {
    await store.lanes.setPaused('batch', true)
    await createOne(store)
    const again = await context.reopenStore(store)
    const found = await again.lanes.lanes()
    assert.deepEqual(found, [
      { lane: 'batch', paused: true, waiting: 0 },
      { lane: 'default', paused: false, waiting: 1, oldestWaitingAt: context.now },
    ])
    await again.lanes.setPaused('batch', false)
    assert.equal((await again.lanes.lanes())[0]?.paused, false)
  }),
  it('schedules: a tick is taken once: by the first who saw the one before', async (store, context) => {
    const nightly = { id: 'nightly', definition: '0 3 * * *' }
    assert.deepEqual(await store.schedules.schedules(), [])
    assert.equal(await store.schedules.advance(nightly, undefined), true)
    assert.equal(await store.schedules.advance({ ...nightly, lastTick: 5 }, 4), false)
    const rivals = await Promise.all(
      ['a', 'b', 'c'].map(lastTaskId =>
        store.schedules.advance({ ...nightly, lastTick: 10, lastTaskId }, undefined),
      ),
    )
    assert.deepEqual(rivals.filter(Boolean), [true])
    assert.equal(await store.schedules.advance({ ...nightly, lastTick: 20, lastTaskId: 'd' }, 10), true)
    assert.equal(await store.schedules.advance({ ...nightly, lastTick: 20, lastTaskId: 'e' }, 10), false)
    await store.schedules.advance({ id: 'hourly', definition: '0 * * * *' }, undefined)
    assert.deepEqual(await (await context.reopenStore(store)).schedules.schedules(), [
      { id: 'hourly', definition: '0 * * * *' },
      { ...nightly, lastTick: 20, lastTaskId: 'd' },
    ])
  }),
  it('unparsable: filed once each, listed newest first page by page, removed by id', async (store, context) => {
    const stray = (id: string) => ({ id, at: context.now, reason: 'not JSON', content: `\u0000<${id}>` })
    const all = ['a', 'b', 'c', 'd', 'e'].map(stray)
    await store.unparsable.file(all.slice(0, 3))
    await store.unparsable.file([stray('b'), ...all.slice(3), stray('e')])
    for (const pageSize of [1, 2, 9])
      assert.deepEqual(await allPages(page => store.unparsable.list(page), pageSize), [...all].reverse())
    assert.equal(await store.unparsable.remove(['b', 'nobody', 'd', 'b']), 2)
    assert.deepEqual(ids((await store.unparsable.list({ pageSize: 9 })).items), ['e', 'c', 'a'])
  }),
  it('unparsable: those that came before a time expire, the oldest first, at most so many', async (store, context) => {
    const at = (id: string, age: number) => ({ id, at: context.now - age, reason: 'not JSON', content: id })
    await store.unparsable.file([at('new', 0), at('limit', 1_000), at('old', 1_001), at('older', 5_000)])
    const expire = (limit: number) => store.unparsable.expire(context.now - 1_000, limit)
    assert.deepEqual([await expire(1), await expire(9), await expire(9)], [1, 1, 0])
    assert.deepEqual(ids((await store.unparsable.list({ pageSize: 9 })).items), ['new', 'limit'])
  }),
  it('prune: whole trees, by the age of their root and its status, and everything that belongs to them', async (store, context) => {
    const tree = await endedTree(store, context.now)
    const [root] = tree
    await store.attempts.log(root?.id ?? '', [{ at: 1, attempt: 1, level: 'info', message: 'x' }])
    const failing = await startNew(store)
    const single = await complete(store, await createOne(store), context.now)
    context.advance(day)
    assert.equal(await store.tasks.prune({ COMPLETED: day }, 100), 0, 'not yet older than its age')
    context.advance(1)
    const young = await complete(store, await createOne(store), context.now)
    assert.equal(await store.tasks.prune({}, 100), 0)
    assert.equal(await store.tasks.prune({ FAILED: 0, CANCELLED: 0 }, 100), 0)
    assert.equal(await store.tasks.prune({ COMPLETED: day }, 100), 5)
    const left = await store.queries.get([...ids(tree), single.id, young.id, failing.id])
    assert.deepEqual(ids(left), [undefined, undefined, undefined, undefined, undefined, young.id, failing.id])
    assert.deepEqual(await store.queries.logs(root?.id ?? '', 0, 10), [])
    const counts = await store.queries.counts()
    assert.deepEqual([counts.COMPLETED, counts.RUNNING], [1, 1])
  }),
  it('prune: a tag finds what is left, and nothing that is created after', async (store, context) => {
    const tagged = { tags: ['scene:1', 'draft'] }
    const kept = await createOne(store, tagged)
    await complete(store, await createOne(store, tagged), context.now)
    const list = async (tag: string) => ids((await store.queries.list({ tag }, { pageSize: 10 })).items)
    assert.equal((await list('scene:1')).length, 2)
    context.advance(1)
    assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 10), 1)
    const later = await createOne(store, { tags: ['draft'] })
    assert.deepEqual(await list('scene:1'), [kept.id])
    assert.deepEqual(await list('draft'), [later.id, kept.id])
  }),
  it('prune: in small steps leaves go first, the root last, and nothing of the tree runs again', async (store, context) => {
    const tree = await endedTree(store, context.now)
    context.advance(day)
    for (let left = tree.length; left > 0; left--) {
      assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 1), 1)
      const root = (await store.queries.get([tree[0]?.id ?? '']))[0]
      if (root !== undefined)
        assert.deepEqual(await store.tasks.apply([{ ...reopened(root, context.now), from: ['COMPLETED'] }]), [
          'stale',
        ])
      const found = (await store.queries.get(ids(tree))).filter(record => record !== undefined)
      assert.equal(found.length, left - 1)
      for (const { parentTaskId } of found)
        if (parentTaskId !== undefined) assert.ok(ids(found).includes(parentTaskId), 'a parent went first')
    }
    assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 1), 0)
  }),
  it('prune: nothing of a tree in which a task is live, however deep; other trees go', async (store, context) => {
    const alive = await endedTree(store, context.now, 'lives')
    const gone = await endedTree(store, context.now)
    context.advance(day)
    assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 100), gone.length)
    const found = await store.queries.get(ids(alive))
    assert.ok(found.every(record => record !== undefined))
    const leaf = found[3]
    assert.ok(leaf !== undefined)
    await move(store, cancelledWaiting(leaf, problem(), context.now))
    assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 100), alive.length)
  }),
  it('prune: a live root stays with all that ended below it; usage is kept', async (store, context) => {
    const [parent, waiting] = await family(store, ['a'])
    const child = await complete(store, waiting, context.now)
    const alone = await complete(store, await createOne(store), context.now)
    await store.attempts.usage(alone.id, [{ at: 1, attempt: 1, model: 'm', inputTokens: 1, outputTokens: 2 }])
    context.advance(day)
    assert.equal(await store.tasks.prune({ COMPLETED: 0 }, 100), 1)
    assert.deepEqual(ids(await store.queries.get([parent.id, child.id, alone.id])), [
      parent.id,
      child.id,
      undefined,
    ])
    const { items } = await store.queries.usageReport({ treeOf: alone.id }, { by: 'model', pageSize: 5 })
    assert.equal(items.length, 1)
  }),
  it('prune: a record that takes the place of a deleted one inherits nothing of it', async (store, context) => {
    const old = await createOne(store)
    await move(store, cancelledWaiting(old, problem(), context.now))
    context.advance(1)
    assert.equal(await store.tasks.prune({ CANCELLED: 0 }, 100), 1)
    const fresh = await createOne(store, { delay: 10, taskType: 'Import' })
    context.advance(10)
    assert.deepEqual(
      (await dueIn(store)).deliveries.map(({ taskId, taskType }) => [taskId, taskType]),
      [[fresh.id, 'Import']],
    )
  }),
  it('trim: of a COMPLETED task the checkpoints go at once and the output after its time, the record stays', async (store, context) => {
    const done = await startNew(store)
    await leaveWork(store, done)
    const record = await move(store, completed(done, '"x"', context.now))
    assert.equal(await store.tasks.trim(1_000, 10), false)
    assert.deepEqual(await workOf(store, done.id), { checkpoints: 0, pieces: 2 })
    context.advance(999)
    await store.tasks.trim(1_000, 10)
    assert.deepEqual(await workOf(store, done.id), { checkpoints: 0, pieces: 2 })
    context.advance(1)
    await store.tasks.trim(1_000, 10)
    for (const from of [
      { attempt: 0, sequence: 0 },
      { attempt: 1, sequence: 1 },
      { attempt: 1, sequence: 2 },
    ])
      assert.deepEqual(await store.output.read(done.id, from, 10), { attempt: 0, pieces: [] })
    assert.deepEqual(await workOf(store, done.id), { checkpoints: 0, pieces: 0 })
    assert.deepEqual(await read(store, done.id), record)
  }),
  it('trim: what may run again keeps both', async (store, context) => {
    const waits = await startNew(store)
    const awaits = await startNew(store)
    const dead = await startNew(store)
    const cancels = await startNew(store)
    const withErrors = await startNew(store)
    const [fails] = await createAll(store, [subTaskOf(withErrors, 'a'), subTaskOf(withErrors, 'b')])
    const tasks = [waits, awaits, dead, cancels, withErrors, await startNew(store)]
    for (const task of tasks) await leaveWork(store, task)
    await move(store, givenBack(waits))
    await move(store, awaitingSubTasks(awaits, { reduces: true }))
    await move(store, failed(dead, problem(), 'permanent', context.now))
    await move(store, cancelled(cancels, problem(), context.now))
    await move(store, awaitingSubTasks(withErrors, { reduces: false, result: '"kept"' }))
    await move(store, failed(await start(store, fails), problem(), 'permanent', context.now))
    const { items } = await store.queries.children(withErrors.id, { status: ['QUEUED'] }, { pageSize: 5 })
    await complete(store, only(items), context.now)
    const ends = { failedSubTasks: [], error: problem() }
    const closes = await move(store, closed(await read(store, withErrors.id), ends, context.now))
    assert.equal(closes.status, 'COMPLETED_WITH_ERRORS')
    context.advance(day)
    await store.tasks.trim(0, 10)
    for (const task of tasks)
      assert.deepEqual(await workOf(store, task.id), { checkpoints: 2, pieces: 2 }, task.status)
  }),
  it('trim: a few tasks at a time, past those that keep theirs, and from the start again', async (store, context) => {
    const running: TaskRecord[] = []
    for (let made = 0; made < 7; made++) running.push(await startNew(store))
    for (const task of running) await leaveWork(store, task)
    const [first, second, third, ...others] = running
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const complete = (tasks: readonly TaskRecord[]) =>
      store.tasks.apply(tasks.map(task => completed(task, '"x"', context.now)))
    await complete(others)
    const left = async () => {
      const counts = await Promise.all(running.map(({ id }) => workOf(store, id)))
      return counts.filter(({ checkpoints, pieces }) => checkpoints + pieces > 0).length
    }
    const trimAll = async () => {
      let calls = 1
      while (await store.tasks.trim(0, 2)) calls += 1
      return calls
    }
    assert.ok((await trimAll()) > 3)
    assert.equal(await left(), 3)
    await complete([first, third])
    await trimAll()
    assert.equal(await left(), 1)
    assert.deepEqual(await workOf(store, second.id), { checkpoints: 2, pieces: 2 })
  }),
  it('erase: a tree goes step by step, whenever it ended, with what it left, and no other; none of which a task lives', async (store, context) => {
    const tree = await endedTree(store, context.now)
    const live = await endedTree(store, context.now, 'lives')
    const left = await startNew(store, { taskType: 'Left' })
    await leaveWork(store, left)
    await move(store, failed(left, problem(), 'permanent', context.now))
    const [root, sub] = [tree[0], tree[1]]
    for (const id of ['nowhere', live[0]?.id ?? '', sub?.id ?? ''])
      assert.equal(await store.tasks.erase(id, 10), 0)
    assert.equal(await store.tasks.erase(root?.id ?? '', 3), 3)
    const [marked] = await store.queries.get([root?.id ?? ''])
    assert.ok(marked !== undefined)
    assert.deepEqual(await store.tasks.apply([retried(marked, context.now)]), ['stale'])
    assert.equal(await store.tasks.erase(root?.id ?? '', 3), 1)
    assert.equal(await store.tasks.erase(left.id, 3), 1)
    assert.deepEqual(await workOf(store, left.id), { checkpoints: 0, pieces: 0 })
    const found = await store.queries.get([...ids(tree), left.id, ...ids(live)])
    assert.deepEqual(ids(found.filter(each => each !== undefined)), ids(live))
    const { items } = await store.queries.deadLetters({}, { pageSize: 9 })
    assert.deepEqual(items, [])
  }),
  it('close: writes down what is pending, then refuses everything with a code', async (store, context) => {
    const task = newTask()
    const pending = store.tasks.create([task], {})
    await store.tasks.close()
    assert.equal(only(await pending).outcome, 'created')
    await store.tasks.close()
    const refused: readonly (() => Promise<unknown>)[] = [
      () => store.tasks.create([newTask()], {}),
      () => store.tasks.claim([claimOf({ id: task.id, attempt: 0 })]),
      () => store.tasks.apply([]),
      () => store.tasks.overdue(1),
      () => store.queries.get([task.id]),
      () => store.lanes.lanes(),
      () => dueIn(store),
    ]
    for (const ask of refused) await rejectsWith('STORE_CLOSED', ask())
    assert.equal((await read(await context.reopenStore(store), task.id)).status, 'QUEUED')
  }),
  it('reopen: every record is as it was', async (store, context) => {
    const [parent, a, b] = await family(store, ['a', 'b'])
    await complete(store, a, context.now)
    await move(store, cancelledWaiting(b, problem(), context.now))
    const written = await store.queries.get([parent.id, a.id, b.id])
    const again = await context.reopenStore(store)
    assert.deepEqual(await again.queries.get([parent.id, a.id, b.id]), written)
    assert.deepEqual((await dueIn(again)).parents, [parent.id])
  }),
  {
    ...it('durable: a read sees only what is durable: it waits for the disk, and so do the writers', async (_, context) => {
      const store = await context.makeStore({ syncDelayMs: 60 })
      const order: string[] = []
      const committed = new Promise<void>(resolve => {
        const stop = store.outbox.onDue(() => {
          stop()
          resolve()
        })
      })
      const task = newTask()
      const write = store.tasks.create([task], {}).then(() => order.push('write'))
      await committed
      const question = store.queries.get([task.id]).then(found => {
        order.push('read')
        return found
      })
      const [found] = await Promise.all([question, write])
      assert.equal(only(found).id, task.id)
      assert.deepEqual(order, ['write', 'read'])
    }),
    needs: 'slow-sync',
  },
]

/** Parents that the aggregator must reconcile. */
export const parentCases: readonly StoreCase[] = [
  it('pendingParents: a parent is reconciled when its sub-tasks have ended, not before, and until it moved', async (store, context) => {
    const [parent, a, b] = await family(store, ['a', 'b'])
    const parents = async () => (await dueIn(store)).parents
    assert.deepEqual(await parents(), [])
    await complete(store, a, context.now)
    assert.deepEqual(await parents(), [])
    await move(store, failed(await start(store, b), problem(), 'permanent', context.now))
    assert.deepEqual(await parents(), [parent.id])
    assert.deepEqual(await parents(), [parent.id])
    await move(store, reduceDue(await read(store, parent.id)))
    assert.deepEqual(await parents(), [])
  }),
  it('pendingParents: a parent without sub-tasks is reconciled at once; one whose attempt runs is not', async store => {
    const running = await startNew(store)
    assert.deepEqual((await dueIn(store)).parents, [])
    await move(store, awaitingSubTasks(running, { reduces: true }))
    assert.deepEqual((await dueIn(store)).parents, [running.id])
  }),
  it('pendingParents: a parent that ended while sub-tasks are live is reconciled until none is', async (store, context) => {
    const [parent, child] = await family(store, ['a'])
    await move(store, cancelledWaiting(parent, problem(), context.now))
    assert.deepEqual((await dueIn(store)).parents, [parent.id])
    await move(store, cancelledWaiting(child, problem(), context.now))
    assert.deepEqual((await dueIn(store)).parents, [])
  }),
  it('pendingParents: a parent that ended by itself while sub-tasks are live is reconciled, whatever it ended as', async (store, context) => {
    for (const end of ['completed', 'failed'] as const) {
      const running = await startNew(store)
      await createOne(store, subTaskOf(running, 'a'))
      assert.deepEqual((await dueIn(store)).parents, [])
      if (end === 'completed') await move(store, completed(running, '"x"', context.now))
      else await move(store, failed(running, problem(), 'permanent', context.now))
      const { parents } = await dueIn(store)
      assert.deepEqual(parents, [running.id], end)
      const { items } = await store.queries.children(running.id, {}, { pageSize: 5 })
      await move(store, cancelledWaiting(only(items), problem(), context.now))
    }
  }),
  it('pendingParents: a task whose attempt ended before it saw its cancel request is reconciled, and not claimed', async (store, context) => {
    const ends = [
      (running: TaskRecord) => awaitingSubTasks(running, { reduces: true }),
      givenBack,
      (running: TaskRecord) => retrying(running, afterCrash(context.now)),
      (running: TaskRecord) => retrying(running, afterCrash(context.now + 1_000)),
    ]
    for (const end of ends) {
      const running = await startNew(store)
      const child = await createOne(store, subTaskOf(running, 'a'))
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
  }),
  it('pendingParents: no more parents than asked for', async store => {
    for (let count = 0; count < 4; count++)
      await move(store, awaitingSubTasks(await startNew(store), { reduces: true }))
    assert.equal((await store.outbox.pendingParents(3)).length, 3)
    assert.equal((await store.outbox.pendingParents(9)).length, 4)
  }),
]
