import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { OpenableDatabase } from '../../src/store/mongodb/database.ts'
import { UnknownOutcome } from '../../src/store/mongodb/failures.ts'
import { type MongoOptions, type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import { cancelledWaiting, completed, givenBack } from '../../src/task/transition.ts'
import {
  complete,
  createAll,
  createOne,
  dueIn,
  fail,
  move,
  newTask,
  problem,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo, type FreshDatabase, freshDatabase } from '../servers/mongo.ts'

/** A store whose transactions nobody uses here. */
type TestStore = Omit<MongoStore, '~transaction'>

describeWithMongo('what a MongoDB store answers and keeps', () => {
  let home: FreshDatabase
  let now = 0
  const opened: TestStore[] = []

  beforeEach(() => {
    home = freshDatabase()
    now = Date.parse('2031-05-04T03:02:01Z')
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.tasks.close()
    await home.drop()
  })

  /** One of several processes that share the database of the test. */
  async function openStore(options: Partial<MongoOptions> = {}): Promise<TestStore> {
    const store = mongodb({ url: home.url, now: () => now, ...options })
    opened.push(store)
    await store.open()
    return store
  }

  /** A store whose operations of that name are executed, and then told as unknown, the first time. */
  async function openForgetful(operation: string): Promise<TestStore> {
    let isForgotten = false
    return openStore({
      faults: {
        after(executed) {
          if (executed !== operation || isForgotten) return
          isForgotten = true
          throw new UnknownOutcome(`nobody was told of "${operation}"`)
        },
      },
    })
  }

  it('what a filter names is compared, whatever it is, and never read as a query', async () => {
    const store = await openStore()
    await createOne(store, { tags: ['x'] })
    await fail(store, await createOne(store), now)
    const hostile = [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, /./, ['ann']]
    for (const value of hostile as unknown as string[]) {
      const none = { items: [] }
      for (const filter of [{ userId: value }, { lane: value }, { tag: value }, { parentTaskId: value }])
        expect(await store.queries.list(filter, { pageSize: 5 })).toEqual(none)
      expect(await store.queries.children(value, {}, { pageSize: 5 })).toEqual(none)
      for (const filter of [{ userId: value }, { code: value }, { fingerprint: value }]) {
        expect(await store.queries.deadLetters(filter, { pageSize: 5 })).toEqual(none)
        expect(await store.queries.deadLetterGroups(filter)).toEqual([])
      }
      expect(await store.queries.logs(value, 0, 5)).toEqual([])
      expect(await store.queries.waitingForBudget(value, 5)).toEqual({ total: 0, tasks: [] })
      expect(await store.attempts.checkpoints(value)).toEqual(new Map())
    }
    expect(await createOne(store, { userId: '$userId', tags: ['$$NOW'] })).toMatchObject({
      userId: '$userId',
    })
    expect(
      (await store.queries.list({ userId: '$userId', tag: '$$NOW' }, { pageSize: 5 })).items,
    ).toHaveLength(1)
  })

  it('a value that a lost attempt leaves late never takes the place of a later attempt’s', async () => {
    let go = () => undefined as void
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    let checkpoints = 0
    const late = await openStore({
      faults: {
        // The first send of a checkpoint is the guarded one, the second the value.
        before: operation => (operation === 'checkpoint' && ++checkpoints === 2 ? gate : undefined),
      },
    })
    const store = await openStore()
    const first = await startNew(store)
    const write = (attempt: number, value: string) => ({ taskId: first.id, attempt, key: 'step', value })
    const slow = late.attempts.checkpoint([write(1, '"of the first"')])
    await expect.poll(() => checkpoints).toBe(2)
    await start(store, await move(store, givenBack(first)))
    expect(await store.attempts.checkpoint([write(2, '"of the second"')])).toEqual(['applied'])
    go()
    await slow
    expect(await store.attempts.checkpoints(first.id)).toEqual(new Map([['step', '"of the second"']]))
  })

  it('a large text that is replaced while it is read is read again, and the old one is gone', async () => {
    let reads = 0
    let replace = async () => undefined as void
    const store = await openStore()
    const reader = await openStore({
      faults: {
        before: operation => (operation === 'read payloads' && ++reads === 1 ? replace() : undefined),
      },
    })
    const running = await startNew(store)
    const text = (letter: string) => JSON.stringify(letter.repeat(100_000))
    const write = (letter: string) =>
      store.attempts.progress([{ taskId: running.id, attempt: 1, progress: text(letter) }])
    await write('a')
    const payloads = (store.database as OpenableDatabase).db.collection('task_payloads')
    replace = async () => {
      await write('b')
      await expect.poll(() => payloads.countDocuments()).toBe(1)
    }
    expect((await read(reader, running.id)).progress).toBe(text('b'))
    expect(reads).toBeGreaterThan(1)
    await store.attempts.progress([{ taskId: running.id, attempt: 1, progress: '"small"' }])
    await expect.poll(() => payloads.countDocuments()).toBe(0)
  })

  it('log lines of several processes are numbered without a gap', async () => {
    const store = await openStore()
    const stores = [store, await openStore(), await openStore()]
    const running = await startNew(store)
    const line = (message: string) => ({ at: 1, attempt: 1, level: 'info' as const, message })
    await Promise.all(
      stores.map((each, index) => each.attempts.log(running.id, [line(`${index}a`), line(`${index}b`)])),
    )
    const lines = await store.queries.logs(running.id, 0, 100)
    expect(lines.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
    for (const index of [0, 1, 2]) {
      const at = lines.findIndex(({ message }) => message === `${index}a`)
      expect(lines[at + 1]?.message).toBe(`${index}b`)
    }
  })

  it('a write that was executed but not told is written once', async () => {
    const plain = await openStore()
    const running = await startNew(plain)
    const fence = { taskId: running.id, attempt: 1 }
    const row = { at: 1, attempt: 1, model: 'm', inputTokens: 1, outputTokens: 1 }
    const line = { at: 1, attempt: 1, level: 'info' as const, message: 'x' }

    const usage = await openForgetful('usage')
    await usage.attempts.usage(running.id, [row, row])
    const report = await plain.queries.usageReport({ treeOf: running.id }, { by: 'model', pageSize: 5 })
    expect(report.items).toMatchObject([{ calls: 2 }])
    await plain.attempts.usage('gone', [row, row])
    const byDay = await openForgetful('sum usage by day')
    await byDay.usage.rollUp({ before: 86_400_000, limit: 10 })
    const users = await plain.queries.usageReport({}, { by: 'user', pageSize: 5 })
    expect(users.items).toMatchObject([
      { key: '', calls: 2 },
      { key: 'ann', calls: 2 },
    ])
    const log = await openForgetful('log')
    await log.attempts.log(running.id, [line, line])
    expect(await plain.queries.logs(running.id, 0, 9)).toHaveLength(2)
    const checkpoint = await openForgetful('checkpoint')
    expect(await checkpoint.attempts.checkpoint([{ ...fence, key: 'a', value: '1' }])).toEqual(['applied'])
    const progress = await openForgetful('progress')
    const large = JSON.stringify('p'.repeat(100_000))
    expect(await progress.attempts.progress([{ ...fence, progress: large }])).toEqual(['applied'])
    expect((await read(plain, running.id)).progress).toBe(large)
    const advance = await openForgetful('write schedules')
    const schedule = { id: 'nightly', definition: '0 3 * * *' }
    expect(await advance.schedules.advance({ ...schedule, lastTick: 1 }, undefined)).toBe(true)
    const state = await openForgetful('write shared_states')
    expect(await state.states?.save({ key: 'k', state: 's', version: 0 })).toBe(true)
    expect(await plain.states?.save({ key: 'k', state: 't', version: 0 })).toBe(false)
    const file = await openForgetful('write strays')
    await file.unparsable.file([{ id: 'a', at: now, reason: 'r', content: 'c' }])
    expect((await plain.unparsable.list({ pageSize: 9 })).items).toHaveLength(1)
  })

  it('a task whose creation was told late keeps its large parameters, however often others moved it meanwhile', async () => {
    const other = await openStore()
    const task = newTask({ parameters: JSON.stringify('x'.repeat(100_000)) })
    let isLost = false
    const store = await openStore({
      faults: {
        async after(operation) {
          if (operation !== 'create' || isLost) return
          isLost = true
          for (const attempt of [0, 1, 2, 3])
            await move(other, givenBack(await start(other, { id: task.id, attempt })))
          throw new UnknownOutcome('nobody was told that it was created')
        },
      },
    })
    expect(await store.tasks.create([task], {})).toMatchObject([{ outcome: 'created' }])
    await store.tasks.close()
    expect((await read(other, task.id)).parameters).toBe(task.parameters)
  })

  it('a task that cannot be created takes nothing from those that are created with it', async () => {
    const store = await openStore({
      faults: {
        before: async operation => {
          if (operation === 'look up') await other.tasks.erase(earlier.id, 10)
        },
      },
    })
    const other = await openStore()
    const key = { idempotencyKey: 'once' }
    const earlier = await complete(other, await createOne(other, key), now)
    const answers = await store.tasks.create([newTask(), newTask(key), newTask()], {})
    expect(answers).toMatchObject([
      { outcome: 'created' },
      { outcome: 'failed', error: { code: 'STORE_FAILED' } },
      { outcome: 'created' },
    ])
  })

  it('a task that is created first when the machine has slept has its whole lease, and its whole time', async () => {
    const store = mongodb({ url: home.url })
    opened.push(store)
    await store.open()
    await dueIn(store)
    const real = performance.now.bind(performance)
    const slept = vi.spyOn(performance, 'now').mockImplementation(() => real() - 600_000)
    const claim = { token: 'a', executionNodeId: 'n', leaseMs: 30_000 }
    const created = await store.tasks.create([newTask({ claim, deadlineAfter: 300_000 })], {})
    slept.mockRestore()
    expect(created).toMatchObject([{ outcome: 'created', record: { claimToken: 'a' } }])
    const [task] = await store.queries.get(created.flatMap(each => ('record' in each ? each.record.id : [])))
    expect(task?.leaseUntil).toBeGreaterThan(Date.now() + 20_000)
    expect(task?.deadline).toBeGreaterThan(Date.now() + 200_000)
  })

  it('a task that is created late with its claim has a whole lease', async () => {
    let sends = 0
    const store = await openStore({
      faults: {
        before(operation) {
          if (operation !== 'create' || ++sends > 1) return
          now += 40_000
          throw new UnknownOutcome('it did not get there')
        },
      },
    })
    const claim = { token: 'a', executionNodeId: 'n', leaseMs: 30_000 }
    // It claims for a lane that it knows.
    await dueIn(store)
    const [created] = await store.tasks.create([newTask({ claim })], {})
    expect([sends, created]).toMatchObject([2, { outcome: 'created', record: { claimToken: 'a' } }])
    expect(await store.tasks.overdue(10)).toEqual([])
  })

  it('two processes that prune at once delete each record once, and count it once', async () => {
    const [one, other] = [await openStore(), await openStore()]
    const roots = await createAll(
      one,
      Array.from({ length: 20 }, () => newTask()),
    )
    for (const root of roots) {
      const running = await start(one, root)
      await createAll(one, [subTaskOf(running, 'a'), subTaskOf(running, 'b')])
      await move(one, completed(running, '"x"', now))
    }
    const lone = await complete(one, await createOne(one), now)
    now += 1
    const both = () => Promise.all([one, other].map(store => store.tasks.prune({ COMPLETED: 0 }, 1_000)))
    expect(
      (await both()).reduce((sum, gone) => sum + gone, 0),
      'all but one have live sub-tasks',
    ).toBe(1)
    expect(await one.queries.get([lone.id])).toEqual([undefined])
    for (const { id } of roots)
      for (const child of (await one.queries.children(id, {}, { pageSize: 5 })).items)
        await move(one, cancelledWaiting(child, problem(), now))
    expect((await both()).reduce((sum, gone) => sum + gone, 0)).toBe(60)
    expect((await one.queries.counts()).COMPLETED).toBe(0)
  })

  it('states: of several who saw the same version one writes; those that are not there have version 0', async () => {
    const states = [(await openStore()).states, (await openStore()).states]
    const [first] = states
    expect(await first?.load(['a', 'b'])).toEqual([
      { key: 'a', state: '', version: 0 },
      { key: 'b', state: '', version: 0 },
    ])
    for (const version of [0, 1, 2]) {
      const rivals = await Promise.all(
        [...states, ...states].map((each, index) => each?.save({ key: 'a', state: `${index}`, version })),
      )
      expect(rivals.filter(Boolean)).toEqual([true])
      expect(await first?.load(['a'])).toMatchObject([
        { version: version + 1, state: `${rivals.indexOf(true)}` },
      ])
    }
  })

  it('nodes: those that reported within a minute; one that died is forgotten a day later', async () => {
    const store = await openStore()
    const node = (nodeId: string) => ({
      ...{
        nodeId,
        roles: ['worker'],
        lanes: { default: 2 },
        running: 1,
        startedAt: now,
        version: '1',
        pid: 7,
      },
      host: 'here',
    })
    await store.nodes?.report(node('a'))
    await store.nodes?.report({ ...node('a'), running: 2 })
    await store.nodes?.report(node('b'))
    expect(await store.nodes?.list()).toEqual([
      { ...node('a'), running: 2, seenAt: now },
      { ...node('b'), seenAt: now },
    ])
    await store.nodes?.remove('b')
    now += 60_001
    expect(await store.nodes?.list()).toEqual([])
    now += 86_400_000
    await store.nodes?.report(node('c'))
    expect(await (store.database as OpenableDatabase).db.collection('nodes').countDocuments()).toBe(1)
  })
})
