/** The right to send: who has it, for how long, and what is told of a delivery, a delay, a dead letter. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Delivery } from '../../src/store/store.ts'
import { completed, deadLettered, retried, retrying } from '../../src/task/transition.ts'
import {
  claimOf,
  createAll,
  createOne,
  dueIds,
  dueIn,
  ids,
  move,
  newTask,
  only,
  problem,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

const retryAt = (at: number) => ({ at, error: problem(), retryCount: 1, crashCount: 0 })
const exhausted = { error: problem(), reason: 'attempts-exhausted', retryCount: 4, crashCount: 0 } as const

describeWithMongo('the right to send in MongoDB', () => {
  let context: MongoContext
  beforeEach(() => {
    context = new MongoContext()
  })
  afterEach(() => context.end())

  it('is given to one process of several that look at the same moment', async () => {
    const [one, two] = await context.makeStores(2)
    const made = await createAll(
      one,
      Array.from({ length: 60 }, () => newTask()),
    )
    const room = { lane: 'default', capacity: 50 }
    const taken = await Promise.all([
      dueIds(one, room),
      dueIds(two, room),
      dueIds(one, room),
      dueIds(two, room),
    ])
    const [first = [], second = []] = [[taken[0], taken[2]].flat(), [taken[1], taken[3]].flat()]
    expect(first.filter(id => second?.includes(id))).toEqual([])
    expect(ids(made)).toEqual(expect.arrayContaining([...first, ...second] as string[]))
  })

  it('comes with the creation, where it is wished for and nothing stands against it', async () => {
    const [one, two] = await context.makeStores(2)
    await one.lanes.setPaused('batch', true)
    const running = await startNew(one)
    const answers = await one.tasks.create(
      [
        newTask({ send: true }),
        newTask(),
        newTask({ send: true, delay: 1_000 }),
        newTask({ send: true, lane: 'batch' }),
        { ...subTaskOf(running, 'a'), send: true },
      ],
      {},
    )
    const deliveries = answers.map(answer => (answer.outcome === 'created' ? answer.delivery : undefined))
    const [first, ...others] = answers.map(answer => 'record' in answer && answer.record.id)
    expect(deliveries.map(delivery => delivery?.taskId)).toEqual([first, ...Array(4).fill(undefined)])
    expect(deliveries[0]?.headers).toEqual({
      userId: 'ann',
      priority: 'normal',
      retryCount: 0,
      parametersVersion: 1,
    })
    expect((await dueIds(two)).sort()).toEqual([others[0], others[3]].sort())
  })

  it('ends five seconds after a sending that nobody confirmed', async () => {
    const [one, two] = await context.makeStores(2)
    const created = only(await one.tasks.create([newTask({ send: true })], {}))
    const id = 'record' in created ? created.record.id : ''
    context.advance(4_999)
    expect(await dueIds(two)).toEqual([])
    context.advance(2_001)
    expect(await dueIds(two)).toEqual([id])
  })

  it('lasts half a minute when the broker confirmed, and twice as long each time', async () => {
    const [one, two] = await context.makeStores(2)
    const record = await createOne(one)
    for (const wait of [30_000, 60_000, 120_000]) {
      const { deliveries } = await dueIn(one)
      expect(deliveries.map(({ taskId }) => taskId)).toEqual([record.id])
      await one.outbox.published(deliveries)
      await confirmed(context, record.id)
      context.advance(wait - 1)
      expect(await dueIds(two)).toEqual([])
      context.advance(2_000)
    }
  })

  it('is given up by a process that ends in order, and by one that could not use it', async () => {
    const [one, two] = await context.makeStores(2)
    const made = await createAll(one, [newTask(), newTask(), newTask()])
    const { deliveries } = await dueIn(one)
    await one.outbox.published(deliveries.slice(0, 1))
    one.outbox.requeue([made[0]?.id ?? ''])
    await one.tasks.close()
    expect(await dueIds(two)).toEqual(ids(made))
  })

  it('is put aside by one that could not use it, for any process, until its time and not before', async () => {
    const [one, two] = await context.makeStores(2)
    const made = await createOne(one)
    await one.outbox.published((await dueIn(one)).deliveries)
    await two.outbox.defer?.([made.id], 1_500)
    await confirmed(context, made.id)
    context.advance(1_400)
    expect(await dueIds(two)).toEqual([])
    context.advance(1_000)
    expect(await dueIds(two)).toEqual([made.id])
    await two.outbox.published((await dueIn(two)).deliveries)
    await start(two, made)
    await one.outbox.defer?.([made.id], 0)
    context.advance(5_000)
    expect(await dueIds(one), 'one that runs').toEqual([])
  })

  it('ends after a second while the broker is away, of a quarantined task too, as far as there is capacity', async () => {
    const [one, two] = await context.makeStores(2)
    const crashed = await startNew(one)
    await move(one, retrying(crashed, { at: context.now, error: problem(), retryCount: 0, crashCount: 2 }))
    const [second, urgent, third] = ids(
      await createAll(one, [newTask(), newTask({ priority: 'high' }), newTask()]),
    )
    await one.outbox.published((await dueIn(one)).deliveries)
    const alone = async (capacity: number) => {
      const due = await two.outbox.due([{ lane: 'default', capacity }], { quarantined: 1, isAlone: true })
      await two.outbox.published(due.deliveries)
      return due.deliveries.map(({ taskId }) => taskId)
    }
    expect(await alone(10)).toEqual([])
    context.advance(1_000)
    expect(await alone(0)).toEqual([])
    expect(await alone(10)).toEqual([crashed.id, urgent, second, third])
  })

  it('of a waiting task goes to the broker ahead of its time, by the longest delay that fits', async () => {
    const [store] = await context.makeStores(1)
    store.outbox.useDelayTiers?.([60_000, 1_000, 15_000])
    const retry = await move(store, retrying(await startNew(store), retryAt(context.now + 20_000)))
    const brief = await createOne(store, { delay: 500 })
    expect((await dueIn(store)).nextAt).toBe(context.now + 500)
    context.advance(500)
    expect(await dueIds(store)).toEqual([brief.id])
    await start(store, brief)
    context.advance(4_499)
    expect(await dueIds(store)).toEqual([])
    context.advance(1)
    const { deliveries, nextAt } = await dueIn(store)
    expect(deliveries.map(delayOf)).toEqual([[retry.id, 15_000]])
    expect(nextAt).toBeUndefined()
    await store.outbox.published(deliveries)
    context.advance(14_900)
    expect(await store.tasks.claim([claimOf(retry)])).toEqual([undefined])
    context.advance(60)
    expect(await store.tasks.claim([claimOf(retry)])).toEqual([expect.objectContaining({ attempt: 2 })])
  })

  it('of a delayed delivery ends a second and a half after its time', async () => {
    const [store] = await context.makeStores(1)
    store.outbox.useDelayTiers?.([1_000])
    const late = await move(store, retrying(await startNew(store), retryAt(context.now + 1_000)))
    await store.outbox.published((await dueIn(store)).deliveries)
    // The confirmation is written a moment later; once its time has come, it would be presumed lost in half a minute.
    await confirmed(context, late.id)
    context.advance(2_499)
    expect(await dueIds(store)).toEqual([])
    context.advance(1_001)
    const again = await dueIn(store)
    expect(again.deliveries.map(delayOf)).toEqual([[late.id, undefined]])
  })

  it('of a task with a start time joins the line when that has come: the broker knows no turns', async () => {
    const [store] = await context.makeStores(1)
    store.outbox.useDelayTiers?.([1_000])
    const tonight = await createAll(
      store,
      [1, 2, 3].map(() => newTask({ userId: 'ann', delay: 1_000 })),
    )
    const [first, ...others] = await createAll(
      store,
      [1, 2, 3].map(() => newTask({ userId: 'bob' })),
    )
    context.advance(500)
    const next = only((await dueIn(store, { lane: 'default', capacity: 1 })).deliveries)
    expect(next.taskId).toBe(first?.id)
    await start(store, { id: next.taskId, attempt: 0 })
    context.advance(500)
    const users = new Map([...tonight, ...others].map(({ id, userId }) => [id, userId]))
    const due = await dueIds(store)
    expect(due).toHaveLength(5)
    expect(due.slice(0, 4).filter(id => users.get(id) === 'bob')).toHaveLength(2)
  })

  it('waits in the store, ahead of its time too, while the lane is paused', async () => {
    const [store] = await context.makeStores(1)
    store.outbox.useDelayTiers?.([1_000])
    const running = await startNew(store)
    await store.lanes.setPaused('default', true)
    const late = await move(store, retrying(running, retryAt(context.now + 1_000)))
    expect(await dueIds(store)).toEqual([])
    context.advance(1_500)
    expect(await dueIds(store)).toEqual([])
    await store.lanes.setPaused('default', false)
    expect(await dueIds(store)).toEqual([late.id])
  })

  it('a pause is seen by other processes within a second', async () => {
    const [one, two] = await context.makeStores(2)
    const record = await createOne(one)
    expect(await dueIds(two, { lane: 'default', capacity: 0 })).toEqual([])
    await two.lanes.setPaused('default', true)
    context.advance(1_000)
    expect(await dueIds(one)).toEqual([])
    await two.lanes.setPaused('default', false)
    context.advance(1_000)
    expect(await dueIds(one)).toEqual([record.id])
  })

  it('dead letters are noticed half a minute later, by one process, until somebody was told', async () => {
    const [one, two] = await context.makeStores(2)
    await move(one, deadLettered(await startNew(one), exhausted, context.now))
    for (const store of [one, two]) store.outbox.keepNotifications?.()
    const dead = await move(one, deadLettered(await startNew(one), exhausted, context.now))
    const notices = async () =>
      (await Promise.all([dueIn(one), dueIn(two)])).flatMap(due => due.notifications ?? [])
    expect(await notices()).toEqual([])
    context.advance(30_000)
    const notice = { taskId: dead.id, attempt: 1, reason: 'attempts-exhausted', code: 'HANDLER_FAILED' }
    expect(await notices()).toMatchObject([notice])
    context.advance(29_999)
    expect(await notices()).toEqual([])
    context.advance(2_000)
    expect(await notices()).toMatchObject([notice])
    await one.outbox.notified?.([
      { taskId: dead.id, attempt: 1, story: 'rejected' },
      { taskId: 'nobody', attempt: 1 },
    ])
    await two.outbox.notified?.([{ taskId: dead.id, attempt: 1, story: 'told again' }])
    context.advance(60_000)
    expect(await notices()).toEqual([])
    expect((await read(one, dead.id)).deadLetter?.story).toBe('rejected')
  })

  it('a dead letter that a retry closed is not told any more', async () => {
    const [store] = await context.makeStores(1)
    store.outbox.keepNotifications?.()
    const dead = await move(store, deadLettered(await startNew(store), exhausted, context.now))
    const again = await move(store, retried(dead, context.now))
    await store.outbox.notified?.([{ taskId: dead.id, attempt: 1, story: 'too late' }])
    expect(await read(store, dead.id)).toEqual(again)
    context.advance(31_000)
    expect((await dueIn(store)).notifications).toBeUndefined()
    const done = await move(store, completed(await start(store, again), '"x"', context.now))
    expect(done.deadLetterHistory).toHaveLength(1)
  })
})

const delayOf = ({ taskId, headers }: Delivery) => [taskId, headers?.delayMs]

/** Waits until the confirmation of a delivery was written down: it is gathered for a moment of real time. */
async function confirmed(context: MongoContext, taskId: string): Promise<void> {
  await expect.poll(() => context.document(taskId)).toMatchObject({ sent: { confirmed: true } })
}
