/** How attempts begin, are kept alive, and are found when their lease expired: `claim`, `extend`, `overdue`. */
import assert from 'node:assert/strict'
import { decideOverdue } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  awaitingSubTasks,
  cancelled,
  cancelledWaiting,
  cancelRequested,
  completed,
  failed,
  givenBack,
  moved,
  reduceDue,
  retried,
  retrying,
} from '../task/transition.ts'
import {
  claimOf,
  createAll,
  createOne,
  dueIds,
  dueIn,
  each,
  family,
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

const retryAt = (at: number) => ({ at, error: problem(), retryCount: 1, crashCount: 0 })
const lease = ({ id, claimToken }: TaskRecord) => ({ taskId: id, token: claimToken ?? '' })

/** Claims, one atomic step that starts an attempt; heartbeats, by id and token. */
export const claimCases: readonly StoreCase[] = [
  it('claim: the attempt rises, the lease ends by the clock of the store, the record says who runs it', async (store, context) => {
    const record = await createOne(store)
    context.advance(40)
    const request = claimOf(record, { leaseMs: 5_000, executionNodeId: 'node-7' })
    const { waitedMs, ...claimed } = only(await store.tasks.claim([request]))
    assert.equal(waitedMs, 40)
    assert.deepEqual(claimed, {
      ...record,
      status: 'RUNNING',
      attempt: 1,
      claimToken: request.token,
      executionNodeId: 'node-7',
      leaseUntil: context.now + 5_000,
      startedAt: context.now,
      lastAttemptTimestamp: context.now,
      updatedAt: context.now,
      version: claimed.version,
    })
    assert.ok(claimed.version > record.version)
    assert.deepEqual(await read(store, record.id), claimed)
  }),
  it('claim: later attempts go on counting and keep the first start', async (store, context) => {
    const first = await startNew(store)
    context.advance(1_000)
    const back = await move(store, givenBack(first))
    const second = await start(store, back)
    assert.equal(second.attempt, 2)
    assert.equal(second.startedAt, first.startedAt)
    assert.equal(second.lastAttemptTimestamp, context.now)
    assert.notEqual(second.claimToken, first.claimToken)
  }),
  it('claim: returns for how long the task could have run: since its start time, its retry, or the write that made it wait', async (store, context) => {
    const claim = async (record: TaskRecord) => only(await store.tasks.claim([claimOf(record)]))
    const late = await createOne(store, { delay: 1_000 })
    const past = await createOne(store, { startAt: context.now - 5_000 })
    const retry = await move(store, retrying(await startNew(store), retryAt(context.now + 1_000)))
    const parent = await startNew(store)
    const waits = await move(store, awaitingSubTasks(parent, { reduces: true }))
    const held = await startNew(store)
    const ended = await move(store, failed(await startNew(store), problem(), 'permanent', context.now))
    context.advance(1_200)
    const back = await move(store, givenBack(held))
    const again = await move(store, retried(ended, context.now))
    const reduces = await move(store, reduceDue(await read(store, waits.id)))
    context.advance(100)
    assert.equal((await dueIds(store)).length, 6)
    for (const record of [late, retry]) assert.equal((await claim(record)).waitedMs, 300)
    assert.equal((await claim(past)).waitedMs, 1_300)
    for (const record of [back, again, reduces]) assert.equal((await claim(record)).waitedMs, 100)
  }),
  it('claim: refused when held, ended, not due, of another attempt, or missing; the others in the call win', async (store, context) => {
    const [free, other, late, alsoFree] = await createAll(store, [
      newTask(),
      newTask(),
      newTask({ delay: 1_000 }),
      newTask(),
    ])
    const held = await startNew(store)
    const ended = await move(store, completed(await startNew(store), '"done"', context.now))
    const refused = [held, ended, late, { ...other, attempt: 1 }, { id: 'nobody', attempt: 0 }]
    const claimed = await store.tasks.claim([free, ...refused, alsoFree].map(record => claimOf(record)))
    assert.deepEqual(ids(claimed), [free.id, ...refused.map(() => undefined), alsoFree.id])
    for (const record of [held, ended, late, other]) assert.deepEqual(await read(store, record.id), record)
  }),
  it('claim: of many claims of one task exactly one wins, in one call and at once', async store => {
    const record = await createOne(store)
    const together = await store.tasks.claim([claimOf(record), claimOf(record), claimOf(record)])
    assert.equal(together.filter(claimed => claimed !== undefined).length, 1)
    const next = await createOne(store)
    const apart = await Promise.all(
      Array.from({ length: 10 }, async () => store.tasks.claim([claimOf(next)])),
    )
    const winners = apart.flat().filter(claimed => claimed !== undefined)
    assert.equal(winners.length, 1)
    assert.equal((await read(store, next.id)).claimToken, winners[0]?.claimToken)
  }),
  it('claim: a retry or a start time is claimed when its time has come, not before', async (store, context) => {
    const retry = await move(store, retrying(await startNew(store), retryAt(context.now + 1_000)))
    const late = await createOne(store, { delay: 1_000 })
    context.advance(999)
    assert.deepEqual(await dueIds(store), [])
    assert.deepEqual(await store.tasks.claim([claimOf(retry), claimOf(late)]), [undefined, undefined])
    context.advance(1)
    assert.deepEqual((await dueIds(store)).sort(), [retry.id, late.id].sort())
    const claimed = await store.tasks.claim([claimOf(retry), claimOf(late)])
    assert.deepEqual(each(claimed, 'attempt'), [2, 1])
    for (const record of claimed) assert.equal(record?.nextAttemptTimestamp, undefined)
  }),
  it('claim: no sub-task of a parent that ended or was asked to stop begins an attempt', async (store, context) => {
    const asked = await startNew(store)
    const child = await createOne(store, subTaskOf(asked, 'a'))
    await move(store, cancelRequested(asked, context.now))
    assert.deepEqual(await store.tasks.claim([claimOf(child)]), [undefined])
    const [parent, waiting] = await family(store, ['a'])
    await move(store, cancelledWaiting(parent, problem(), context.now))
    assert.deepEqual(await store.tasks.claim([claimOf(waiting)]), [undefined])
    const [, free] = await family(store, ['a'])
    assert.equal((await start(store, free)).attempt, 1)
  }),
  it('claim: of a paused lane nothing is claimed, also of deliveries in flight; after it is resumed they are', async store => {
    const [one, two] = await createAll(store, [newTask(), newTask()])
    await store.outbox.published((await dueIn(store)).deliveries)
    const other = await createOne(store, { lane: 'batch' })
    await store.lanes.setPaused('default', true)
    const claims = [one, two, other].map(record => claimOf(record))
    const claimed = await store.tasks.claim(claims)
    assert.deepEqual(ids(claimed), [undefined, undefined, other.id])
    assert.deepEqual(await store.tasks.claim([claimOf(one)]), [undefined])
    await store.lanes.setPaused('default', false)
    store.outbox.requeue([one.id, two.id])
    assert.deepEqual(await dueIds(store), [one.id, two.id])
    assert.equal((await start(store, one)).status, 'RUNNING')
  }),
  it('claim: a task that was moved is claimed in its new lane alone, also where it was on its way in the earlier one', async (store, context) => {
    const [one, late] = await createAll(store, [newTask(), newTask({ delay: 1_000 })])
    await store.outbox.published((await dueIn(store)).deliveries)
    for (const { id } of [one, late]) await move(store, moved(await read(store, id), 'batch', context.now))
    assert.deepEqual(await store.tasks.claim([claimOf(one, { lane: 'default' })]), [undefined])
    store.outbox.requeue([one.id])
    const lanes = new Map((await store.lanes.lanes()).map(({ lane, waiting }) => [lane, waiting]))
    assert.deepEqual([lanes.get('default') ?? 0, lanes.get('batch')], [0, 2])
    context.advance(1)
    assert.deepEqual(await dueIds(store), [])
    assert.deepEqual(await dueIds(store, 'batch'), [one.id])
    assert.equal(only(await store.tasks.claim([claimOf(one, { lane: 'batch' })])).lane, 'batch')
    context.advance(1_000)
    assert.deepEqual(await dueIds(store, 'batch'), [late.id])
    const listed = await store.queries.list({ lane: 'batch' }, { pageSize: 10 })
    assert.deepEqual(ids(listed.items).sort(), [one.id, late.id].sort())
  }),
  it('claim: an expired lease is not claimed', async (store, context) => {
    const held = await startNew(store)
    context.advance(60_000)
    assert.deepEqual(await store.tasks.claim([claimOf(held)]), [undefined])
    assert.deepEqual(await store.tasks.claim([claimOf({ ...held, attempt: 0 })]), [undefined])
  }),
  it('extend: moves the lease ends of those it names by id and token, and no other', async (store, context) => {
    const [one, two, three] = [await startNew(store), await startNew(store), await startNew(store)]
    context.advance(10_000)
    const answers = await store.tasks.extend(
      [lease(one), { ...lease(two), token: 'another' }, lease(three), { taskId: 'nobody', token: 'x' }],
      30_000,
    )
    assert.deepEqual(each(answers, 'held'), [true, false, true, false])
    assert.equal((await read(store, one.id)).leaseUntil, context.now + 30_000)
    assert.equal((await read(store, three.id)).leaseUntil, context.now + 30_000)
    assert.equal((await read(store, two.id)).leaseUntil, two.leaseUntil)
  }),
  it('extend: an attempt that ended, waits for sub-tasks, or was claimed again is no longer held', async (store, context) => {
    const ended = await startNew(store)
    await move(store, completed(ended, '"done"', context.now))
    const waits = await startNew(store)
    await move(store, awaitingSubTasks(waits, { reduces: true }))
    const old = await startNew(store)
    const present = await start(store, await move(store, givenBack(old)))
    const answers = await store.tasks.extend([ended, waits, old, present].map(lease), 99_000)
    assert.deepEqual(each(answers, 'held'), [false, false, false, true])
    assert.equal((await read(store, waits.id)).leaseUntil, undefined)
  }),
  it('extend: reports which attempts were asked to stop', async (store, context) => {
    const [asked, other] = [await startNew(store), await startNew(store)]
    await move(store, cancelRequested(asked, context.now))
    assert.deepEqual(await store.tasks.extend([lease(asked), lease(other)], 30_000), [
      { held: true, cancelRequested: true },
      { held: true, cancelRequested: false },
    ])
  }),
]

/** What the sweep finds. */
export const overdueCases: readonly StoreCase[] = [
  it('overdue: a lease that has expired is found, one that was extended or settled is not', async (store, context) => {
    const [left, extended, settled] = [await startNew(store), await startNew(store), await startNew(store)]
    context.advance(29_999)
    assert.deepEqual(await store.tasks.overdue(10), [])
    await store.tasks.extend([lease(extended)], 30_000)
    await move(store, completed(settled, '"done"', context.now))
    context.advance(1)
    assert.deepEqual(await store.tasks.overdue(10), [{ record: await read(store, left.id), why: 'lease' }])
    await move(store, cancelled(left, problem(), context.now))
    assert.deepEqual(await store.tasks.overdue(10), [])
  }),
  it('overdue: a deadline that passed counts for what waits, not for what runs or has ended', async (store, context) => {
    const deadlineAfter = 5_000
    const queued = await createOne(store, { deadlineAfter })
    const delayed = await createOne(store, { deadlineAfter, delay: 50_000 })
    const retry = await startNew(store, { deadlineAfter })
    await move(store, retrying(retry, retryAt(context.now + 60_000)))
    const parent = await startNew(store, { deadlineAfter })
    await move(store, awaitingSubTasks(parent, { reduces: true }))
    await startNew(store, { deadlineAfter })
    await move(store, completed(await startNew(store, { deadlineAfter }), '"done"', context.now))
    await createOne(store, { deadlineAfter: 5_001 })
    context.advance(4_999)
    assert.deepEqual(await store.tasks.overdue(10), [])
    context.advance(1)
    const lapsed = await store.tasks.overdue(10)
    assert.deepEqual(
      lapsed.map(({ record, why }) => [record.id, why]).sort(),
      [queued, delayed, retry, parent].map(({ id }) => [id, 'deadline']).sort(),
    )
    for (const { record } of lapsed) await move(store, decideOverdue(record, context.now))
    assert.deepEqual(await store.tasks.overdue(10), [])
  }),
  it('overdue: the longest overdue come first, never more than asked for', async (store, context) => {
    const records = await createAll(store, [newTask(), newTask(), newTask()])
    const leases = [30_000, 10_000, 20_000]
    await store.tasks.claim(records.map((record, index) => claimOf(record, { leaseMs: leases[index] ?? 0 })))
    await createAll(store, [newTask({ deadlineAfter: 2_000 }), newTask({ deadlineAfter: 1_000 })])
    context.advance(60_000)
    const [first, second, third] = records
    const found = (await store.tasks.overdue(10)).filter(({ why }) => why === 'lease')
    assert.deepEqual(ids(each(found, 'record')), [second?.id, third?.id, first?.id])
    const overdue = (await store.tasks.overdue(10)).filter(({ why }) => why === 'deadline')
    assert.ok((overdue[0]?.record.deadline ?? 0) < (overdue[1]?.record.deadline ?? 0))
    for (const limit of [1, 2, 4]) assert.equal((await store.tasks.overdue(limit)).length, limit)
  }),
  {
    ...it('overdue: leases of the last owner of the store expire when it is opened again', async (store, context) => {
      const held = await startNew(store)
      const reopened = await context.reopenStore(store)
      const [found] = await reopened.tasks.overdue(10)
      assert.equal(found?.record.id, held.id)
      assert.equal(found?.record.attempt, 1)
    }),
    needs: 'void-leases',
  },
]
