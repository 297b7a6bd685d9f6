/** Each relay dispatches a share of the partitions: what is shared, taken over and given back, and that nothing rests on it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MongoStore } from '../../src/store/mongodb/index.ts'
import { awaitingSubTasks, completed, givenBack, retrying } from '../../src/task/transition.ts'
import {
  claimOf,
  createAll,
  createOne,
  dueIds,
  dueIn,
  ids,
  move,
  newTask,
  problem,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { until } from '../servers/until.ts'
import { MongoContext } from './mongodb-context.ts'

/** New tasks of so many users, one of each. */
const tasksOf = (users: number, changes = {}) =>
  Array.from({ length: users }, (_, user) => newTask({ userId: `user-${user}`, ...changes }))

/** What each of the relays sends, one after another, until none sends more. */
async function sentBy(relays: readonly MongoStore[]): Promise<string[][]> {
  const sent = relays.map((): string[] => [])
  for (let more = true; more; ) {
    more = false
    for (const [index, relay] of relays.entries()) {
      const { deliveries } = await dueIn(relay)
      await relay.outbox.published(deliveries)
      more ||= deliveries.length > 0
      sent[index]?.push(...deliveries.map(({ taskId }) => taskId))
    }
  }
  return sent
}

describeWithMongo('the partitions of a MongoDB store', () => {
  let context: MongoContext
  beforeEach(() => {
    context = new MongoContext()
  })
  afterEach(() => context.end())

  /** Relays that know each other. */
  async function relaysAtWork(count: number): Promise<MongoStore[]> {
    const relays = await context.makeRelays(count)
    for (const relay of relays) await dueIn(relay)
    context.advance(1_000)
    for (const relay of relays) await dueIn(relay)
    return relays
  }

  it('are shared by the relays: each sends a part, and no task is sent by two', async () => {
    const relays = await relaysAtWork(3)
    const made = await createAll(relays[0] as MongoStore, tasksOf(60))
    context.advance(1_000)
    const sent = await sentBy(relays)
    expect(sent.flat().sort()).toEqual(ids(made).sort())
    for (const part of sent) expect(part.length).toBeGreaterThan(5)
  })

  it('of a relay that died are taken over when its lease is over, and not before', async () => {
    const [dead, ...living] = await relaysAtWork(3)
    const made = await createAll(living[0] as MongoStore, tasksOf(60))
    // What is not claimed is sent again after a while.
    const sent = new Set<string>()
    // The other relays go on; the dead one renews its lease no more.
    for (const ms of [3_000, 3_000, 2_900]) {
      context.advance(ms)
      for (const id of (await sentBy(living)).flat()) sent.add(id)
    }
    expect(sent.size).toBeLessThan(60)
    context.advance(1_100)
    for (const id of (await sentBy(living)).flat()) sent.add(id)
    expect([...sent].sort()).toEqual(ids(made).sort())
    expect(await dueIds(dead as MongoStore)).toEqual([])
  })

  it('are given back at once by a process that stops, and the others are told', async () => {
    const [one, two] = (await relaysAtWork(2)) as [MongoStore, MongoStore]
    const made = await createAll(one, tasksOf(40))
    context.advance(1_000)
    const sent = (await sentBy([two])).flat()
    expect(sent.length).toBeLessThan(40)
    await one.partitions?.release()
    expect(context.notified.at(-1)).toEqual([])
    expect(await dueIds(one)).toEqual([])
    context.advance(1_000)
    sent.push(...(await sentBy([two])).flat())
    expect(sent.sort()).toEqual(ids(made).sort())
  })

  it.each(['poll', 'next in line', 'take the right to send'])(
    'of a relay that fails at "%s" are left to the others, and shared again after a while',
    async failing => {
      let isFailing = false
      context = new MongoContext({
        async before(operation) {
          if (isFailing && operation === failing) throw problem('failed')
        },
      })
      const relays = await relaysAtWork(2)
      const [one, two] = relays as [MongoStore, MongoStore]
      const made = await createAll(one, tasksOf(40))
      context.advance(1_000)
      isFailing = true
      await expect(dueIn(one)).rejects.toThrow()
      isFailing = false
      await expect.poll(() => context.count('task_relays')).toBe(2)
      context.advance(1_000)
      const sent = await sentBy([two, one])
      expect(sent[0]?.sort()).toEqual(ids(made).sort())
      context.advance(10_000)
      await sentBy(relays)
      await createAll(one, tasksOf(40))
      context.advance(1_000)
      for (const part of await sentBy(relays)) expect(part.length).toBeGreaterThan(5)
    },
  )

  it('of which every relay has failed are served by all', async () => {
    let isFailing = false
    context = new MongoContext({
      async before(operation) {
        if (isFailing && operation === 'poll') throw problem('failed')
      },
    })
    const relays = await relaysAtWork(2)
    const [one] = relays as [MongoStore]
    const made = await createAll(one, tasksOf(40))
    context.advance(1_000)
    isFailing = true
    for (const relay of relays) await expect(dueIn(relay)).rejects.toThrow()
    isFailing = false
    await expect.poll(() => context.count('task_relays')).toBe(1)
    context.advance(1_000)
    expect((await sentBy([one])).flat().sort()).toEqual(ids(made).sort())
  })

  it('of a relay whose deliveries the broker does not take are left to the others', async () => {
    const relays = await relaysAtWork(2)
    const [one, two] = relays as [MongoStore, MongoStore]
    const made = await createAll(one, tasksOf(40))
    context.advance(1_000)
    // It takes them, and none is published.
    expect(await dueIds(one)).not.toEqual([])
    await dueIn(one)
    // One lease, and the number of partitions.
    await expect.poll(() => context.count('task_relays')).toBe(2)
    context.advance(1_000)
    const sent = await sentBy([two, one])
    expect(sent[0]?.sort()).toEqual(ids(made).sort())
  })

  it('of others are looked at by a process whose broker is away, also for what crashed', async () => {
    const relays = await relaysAtWork(2)
    const [one] = relays as [MongoStore]
    const made = await createAll(one, tasksOf(12))
    const crashed = await Promise.all(tasksOf(8).map(({ userId }) => startNew(one, { userId })))
    const retry = { at: context.now, error: problem(), retryCount: 0, crashCount: 2 }
    for (const record of crashed) await move(one, retrying(record, retry))
    context.advance(1_000)
    const sent = new Set<string>()
    const lane = { lane: 'default', capacity: 40 }
    await expect
      .poll(async () => {
        const { deliveries } = await one.outbox.due([lane], { quarantined: 1, isAlone: true })
        await one.outbox.published(deliveries)
        const claims = deliveries.map(({ taskId: id, attempt }) => claimOf({ id, attempt }))
        for (const record of await one.tasks.claim(claims)) {
          sent.add(record?.id ?? '')
          if (record !== undefined) await move(one, completed(record, '"x"', context.now))
        }
        context.advance(1_000)
        return [...sent].sort()
      })
      .toEqual(ids([...made, ...crashed]).sort())
  })

  it('that several relays believe to hold: nothing is sent, claimed or counted twice', async () => {
    let isRacing = false
    let finds = 0
    context = new MongoContext({
      // None takes the right to send before all have read what they would send.
      async before(operation) {
        if (isRacing && operation === 'take the right to send')
          await until(() => finds >= 3, 'three relays that read')
      },
      after(operation) {
        if (operation === 'next in line') finds += 1
      },
    })
    const relays = await context.makeRelays(3)
    const [first] = relays as [MongoStore]
    const parents = await Promise.all(['ann', 'bob'].map(userId => startNew(first, { userId })))
    const children = await createAll(
      first,
      parents.flatMap(parent => Array.from({ length: 20 }, (_, key) => subTaskOf(parent, `${key}`))),
    )
    for (const parent of parents) await move(first, awaitingSubTasks(parent, { reduces: true }))
    const sent: string[] = []
    for (let round = 0; round < 6; round++) {
      context.advance(1_000)
      isRacing = round > 0
      finds = 0
      // None sees the others.
      await context.empty('task_relays')
      const due = await Promise.all(relays.map(relay => dueIn(relay, { lane: 'default', capacity: 12 })))
      await Promise.all(relays.map((relay, index) => relay.outbox.published(due[index]?.deliveries ?? [])))
      const deliveries = due.flatMap(each => each.deliveries)
      sent.push(...deliveries.map(({ taskId }) => taskId))
      const claims = relays.map(relay =>
        relay.tasks.claim(deliveries.map(({ taskId: id, attempt }) => claimOf({ id, attempt }))),
      )
      const claimed = (await Promise.all(claims)).flat().filter(record => record !== undefined)
      expect(claimed.length).toBe(deliveries.length)
      await Promise.all(
        claimed.map((record, index) =>
          relays[index % relays.length]?.tasks.apply([completed(record, '"x"', context.now)]),
        ),
      )
    }
    expect(sent.sort()).toEqual(ids(children).sort())
    await expect
      .poll(async () => {
        context.advance(1_000)
        for (const relay of relays) await dueIn(relay)
        return Promise.all(parents.map(async ({ id }) => (await read(first, id)).subTaskStatusSummary))
      })
      .toEqual([{ COMPLETED: 20 }, { COMPLETED: 20 }])
  })

  it.each([
    [64, 8],
    [8, 64],
  ])('may be another number after a restart: %i, then %i', async (before, after) => {
    const relays = await context.makeRelays(1, before)
    const [first] = relays as [MongoStore]
    await dueIn(first)
    const made = await createAll(first, tasksOf(80))
    await first.partitions?.release()
    const second = await context.joinRelays(relays, after)
    context.advance(1_000)
    made.push(...(await createAll(second, tasksOf(80))))
    expect((await sentBy([second])).flat().sort()).toEqual(ids(made).sort())
  })

  it('hold the tasks of an earlier version too', async () => {
    const relays = await relaysAtWork(3)
    const [one] = relays as [MongoStore]
    const parent = await startNew(one, { userId: 'zoe' })
    const child = await createOne(one, subTaskOf(parent, 'a'))
    await move(one, awaitingSubTasks(parent, { reduces: true }))
    const waiting = await createAll(one, [newTask(), newTask({ delay: 2_000 })])
    for (const [index, id] of ids(waiting).entries()) {
      const set = index === 0 ? { ready: 'default' } : {}
      await context.change(id ?? '', { $unset: { partition: 1 }, $set: set })
    }
    await context.change(child.id, { $unset: { partition: 1 }, $set: { ready: 'default', uncounted: true } })
    context.advance(3_000)
    const sent = await sentBy(relays)
    expect(sent.flat().sort()).toEqual([child.id, ...ids(waiting)].sort())
    // It ended in a process of an earlier build.
    await context.change(child.id, {
      $set: { status: 'COMPLETED', completedAt: new Date(context.now), uncounted: true },
      $unset: { sent: 1, sends: 1, lostAt: 1 },
      $inc: { version: 1 },
    })
    await expect
      .poll(async () => {
        context.advance(1_000)
        const due = await Promise.all(relays.map(relay => dueIn(relay)))
        return due.flatMap(({ parents }) => parents)
      })
      .toEqual([parent.id])
  })

  it('of a lane belong to the relays that send it', async () => {
    const [one, two] = (await context.makeRelays(2)) as [MongoStore, MongoStore]
    const both = () => dueIds(two, 'default', 'batch')
    for (let round = 0; round < 2; round++) {
      await dueIds(one)
      await both()
      context.advance(1_000)
    }
    const made = await createAll(one, tasksOf(30, { lane: 'batch' }))
    context.advance(1_000)
    expect(await dueIds(one)).toEqual([])
    expect((await both()).sort()).toEqual(ids(made).sort())
  })

  it('of what another process made due there, their holder is told', async () => {
    const [one, two] = (await relaysAtWork(2)) as [MongoStore, MongoStore]
    const users = await createAll(one, tasksOf(40))
    context.advance(1_000)
    const [first] = (await sentBy([two])).flat()
    const ofTwo = users.find(({ id }) => id === first)
    if (ofTwo === undefined) throw new RangeError('the second relay sent nothing')
    const { notified } = context
    await expect.poll(() => notified.length).toBeGreaterThan(0)
    const tells = async (act: () => Promise<unknown>) => {
      const before = notified.length
      await act()
      await expect.poll(() => notified.length).toBeGreaterThan(before)
    }
    const { userId } = ofTwo
    await tells(() => createOne(one, { userId }))
    const running = await start(one, ofTwo)
    await tells(() => one.tasks.apply([givenBack(running)]))
    const parent = await startNew(one, { userId })
    const child = await start(one, await createOne(one, subTaskOf(parent, 'a')))
    await tells(() => one.tasks.apply([completed(child, '"x"', context.now)]))
    let told = 0
    two.outbox.onDue(() => {
      told += 1
    })
    two.partitions?.becameDue(notified.at(-1) ?? [])
    expect(told).toBe(1)
    const summary = async () => (await read(one, parent.id)).subTaskStatusSummary
    await one.outbox.pendingParents(10)
    expect(await summary(), 'its holder alone aggregates a parent').not.toEqual({ COMPLETED: 1 })
    context.advance(1_000)
    await dueIn(two)
    expect(await summary()).toEqual({ COMPLETED: 1 })
  })

  it('where tasks of a lane wait in those of others, each relay uses its share of the capacity', async () => {
    const relays = await relaysAtWork(2)
    const [one, two] = relays as [MongoStore, MongoStore]
    await createAll(one, tasksOf(60))
    context.advance(1_000)
    const room = { lane: 'default', capacity: 10 }
    const due = [await dueIn(one, room), await dueIn(two, room)]
    expect(due.map(({ deliveries }) => deliveries.length)).toEqual([5, 5])
    expect(due.map(({ waitingElsewhere }) => [...(waitingElsewhere ?? [])])).toEqual([
      ['default'],
      ['default'],
    ])
  })
})
