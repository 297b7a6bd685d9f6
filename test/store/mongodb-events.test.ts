/** Events that others are told of: left in the record by the write that made them, numbered without a gap, dropped when they were told. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { publishIn } from '../../src/store/mongodb/events.ts'
import type { MongoStore } from '../../src/store/mongodb/index.ts'
import type { EventOutbox, PendingEvents } from '../../src/store/store.ts'
import {
  awaitingSubTasks,
  cancelledWaiting,
  completed,
  givenBack,
  retrying,
} from '../../src/task/transition.ts'
import { createOne, dueIn, move, only, problem, start, startNew } from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { until } from '../servers/until.ts'
import { MongoContext } from './mongodb-context.ts'

describeWithMongo('the events of a MongoDB store', () => {
  let context: MongoContext
  beforeEach(() => {
    context = new MongoContext()
  })
  afterEach(() => context.end())

  type Keeping = MongoStore & { events: EventOutbox }

  function keeping(store: MongoStore): Keeping {
    if (store.events === undefined) throw new TypeError('a store without events')
    store.events.keep()
    return { ...store, events: store.events }
  }

  async function keepingOne(): Promise<Keeping> {
    const [store] = await context.makeStores(1)
    return keeping(store)
  }

  it('tell each move, in order and numbered, with what an observer of this process would hear', async () => {
    const store = await keepingOne()
    const record = await createOne(store)
    context.advance(40)
    const running = await start(store, record)
    context.advance(60)
    const error = problem()
    const at = context.now + 500
    const waiting = await move(store, retrying(running, { at, error, retryCount: 1, crashCount: 0 }))
    context.advance(520)
    const again = await start(store, waiting)
    const done = await move(store, completed(again, '"$x"', context.now))
    const { taskId, events } = only(await untold(store.events))
    expect(taskId).toBe(record.id)
    const base = { taskId, taskType: 'Write', userId: 'ann', lane: 'default', rootTaskId: taskId }
    expect(events).toMatchObject([
      { ...base, name: 'submitted', sequence: 1, at: record.createdAt, version: 1, attempt: 0 },
      { name: 'started', sequence: 2, executionNodeId: 'node-1', waitedMs: 40, attempt: 1 },
      {
        ...{ name: 'retrying', sequence: 3, status: 'RETRYING', retryCount: 1, errorInfo: error },
        ...{ nextAttemptTimestamp: at, ranMs: 60, version: waiting.version },
      },
      { name: 'started', sequence: 4, waitedMs: 20, attempt: 2 },
      { name: 'completed', sequence: 5, status: 'COMPLETED', version: done.version, at: context.now },
    ])
  })

  it('name no time that an attempt ran where none ended', async () => {
    const store = await keepingOne()
    const cancelled = await createOne(store)
    const parent = await startNew(store)
    context.advance(60)
    await move(store, cancelledWaiting(cancelled, problem(), context.now))
    const waits = await move(store, awaitingSubTasks(parent, { reduces: true }))
    context.advance(1_000)
    await move(store, cancelledWaiting(waits, problem(), context.now))
    const ran = (await untold(store.events)).map(({ taskId, events }) => [
      taskId,
      events.flatMap(event => ('ranMs' in event ? [event.ranMs] : [])),
    ])
    expect(Object.fromEntries(ran)).toEqual({ [cancelled.id]: [], [parent.id]: [60] })
  })

  it('are told once, up to what was told, and the numbers go on', async () => {
    const store = await keepingOne()
    const record = await createOne(store)
    const running = await start(store, record)
    expect(sequences(await untold(store.events))).toEqual([[1, 2]])
    expect(await untold(store.events)).toEqual([])
    await store.events.published([{ taskId: record.id, sequence: 1 }])
    await move(store, givenBack(running))
    expect(sequences(await untold(store.events))).toEqual([[2, 3]])
    await store.events.published([{ taskId: record.id, sequence: 3 }])
    await store.events.published([{ taskId: record.id, sequence: 3 }])
    context.advance(60_000)
    expect(await store.events.due(10, { leftBehind: true })).toEqual([])
    await start(store, { ...record, attempt: 1 })
    expect(sequences(await untold(store.events))).toEqual([[4]])
  })

  it('that were told are dropped a moment later, all together, and when the store closes', async () => {
    const store = await keepingOne()
    const tellAll = async () => {
      const records = await untold(store.events)
      const upTo = records.map(({ taskId, events }) => ({ taskId, sequence: events.at(-1)?.sequence ?? 0 }))
      await store.events.published(upTo)
      return upTo
    }
    const record = await createOne(store)
    const running = await start(store, record)
    expect(await tellAll()).toEqual([{ taskId: record.id, sequence: 2 }])
    await move(store, completed(running, '"x"', context.now))
    expect(await tellAll()).toEqual([{ taskId: record.id, sequence: 3 }])
    const kept = async () => (await context.document(record.id))?.['events']
    expect(await kept()).toHaveLength(3)
    await until(async () => (await kept()) === undefined, 'a record without events')
    const last = await startNew(store)
    expect(await tellAll()).toHaveLength(1)
    await store.tasks.close()
    expect(await context.document(last.id)).not.toHaveProperty('events')
  })

  it('of a process that does not tell them are told by another, two seconds later', async () => {
    const [one, two] = (await context.makeStores(2)).map(keeping) as [Keeping, Keeping]
    await startNew(one)
    const leftBehind = async () => {
      await dueIn(two)
      return sequences(await two.events.due(10, { leftBehind: true }))
    }
    expect(await leftBehind()).toEqual([])
    context.advance(1_999)
    expect(await leftBehind()).toEqual([])
    context.advance(1_000)
    expect(await leftBehind()).toEqual([[1, 2]])
  })

  it('of a new task are published by the process that claims it soon, and by no other', async () => {
    const [one, two] = (await context.makeStores(2)).map(keeping) as [Keeping, Keeping]
    let calls = 0
    one.events.onPending(() => {
      calls += 1
    })
    const record = await createOne(one)
    expect(await untold(one.events)).toEqual([])
    context.advance(40)
    await start(two, record)
    expect(sequences(await untold(two.events))).toEqual([[1, 2]])
    // Before the other process has dropped them, and after.
    await until(() => calls > 0, 'a look at the new task')
    expect(await untold(one.events)).toEqual([])
    await two.events.published([{ taskId: record.id, sequence: 2 }])
    await until(async () => (await context.document(record.id))?.['events'] === undefined, 'dropped events')
    expect(await untold(one.events)).toEqual([])
  })

  it('of a new task that nobody claims are published by its process, and dropped at once', async () => {
    const store = await keepingOne()
    const record = await createOne(store)
    let found: readonly PendingEvents[] = []
    const take = async () => {
      found = await untold(store.events)
      return found.length > 0
    }
    await until(take, 'the event of a new task')
    expect(sequences(found)).toEqual([[1]])
    await store.events.published([{ taskId: record.id, sequence: 1 }])
    expect(await context.document(record.id)).not.toHaveProperty('events')
  })

  it.each([
    ['one’s own', ['ours'], ['started'], [0], 0],
    ['of an earlier version', [undefined], ['started'], [0], 0],
    ['a new task of another, claimed here soon', ['theirs', 'ours'], ['submitted', 'started'], [600, 400], 0],
    [
      'the same, claimed when the other may publish',
      ['theirs', 'ours'],
      ['submitted', 'started'],
      [300, 10],
      500,
    ],
    ['the same, when the other should have', ['theirs', 'ours'], ['submitted', 'started'], [900, 10], 0],
    ['what another wrote before one’s own', ['theirs', 'ours'], ['started', 'completed'], [100, 0], 400],
    ['what another wrote last', ['ours', 'theirs'], ['submitted', 'started'], [500, 20], undefined],
    ['nothing', [], [], [], undefined],
  ] as const)('%s: when they are published here', (_name, by, names, ages, inMs) => {
    const now = 1_000_000
    const left = by.map((writer, index) => ({
      ...{ sequence: index + 1, name: names[index] ?? 'started', version: 1, attempt: 1, fields: {} },
      at: new Date(now - (ages[index] ?? 0)),
      ...(writer === undefined ? {} : { by: writer }),
    }))
    expect(publishIn(left, 'ours', now)).toBe(inMs)
  })

  it('beyond thirty-two the newest merge into one that names its range', async () => {
    const store = await keepingOne()
    let running = await startNew(store)
    for (let round = 0; round < 20; round++)
      running = await start(store, await move(store, givenBack(running)))
    const { events } = only(await untold(store.events))
    expect(events).toHaveLength(32)
    expect(events.slice(0, 31).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 31 }, (_, i) => i + 1),
    )
    expect(events.at(-1)).toMatchObject({ name: 'started', sequence: 42, sequenceFrom: 32, attempt: 21 })
  })

  it('call back after each write that left some', async () => {
    const store = await keepingOne()
    let calls = 0
    const stop = store.events.onPending(() => {
      calls += 1
    })
    const record = await createOne(store)
    expect(calls).toBe(0)
    await until(() => calls === 1, 'a call a moment after the task came to be')
    await start(store, record)
    expect(calls).toBe(2)
    stop()
    await createOne(store)
    expect(calls).toBe(2)
  })

  it('are not kept before somebody asks for it', async () => {
    const [store] = await context.makeStores(1)
    const record = await startNew(store)
    expect(await context.document(record.id)).not.toHaveProperty('events')
  })
})

function untold(events: EventOutbox): Promise<readonly PendingEvents[]> {
  return events.due(10, { leftBehind: false })
}

const sequences = (untoldEvents: readonly PendingEvents[]) =>
  untoldEvents.map(({ events }) => events.map(({ sequence }) => sequence))
