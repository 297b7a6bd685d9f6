import { defineTask, QuillworkError, type SubmitOutcome } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Store } from '../../src/store/store.ts'
import { allTasks, expectInvariants } from './invariants.ts'

const onSqlite = process.env['QUILLWORK_TEST_STORE'] === undefined

/** A task, and the ids of those that were announced. */
function counted(lane = 'default') {
  const queued: string[] = []
  const word = defineTask({
    type: 'Word',
    parameters: z.string().min(1),
    result: z.string(),
    lane,
    onQueued: ({ taskId }) => void queued.push(taskId),
    execute: ctx => ctx.parameters,
  })
  return { word, queued }
}

const words = (count: number) => Array.from({ length: count }, (_, n) => ({ parameters: `word ${n}` }))

/** That exactly these tasks were created, and each was announced once, by its hook and as an event. */
async function expectCreated(
  t: TestEngine,
  queued: readonly string[],
  ids: readonly string[],
): Promise<void> {
  const sorted = ids.toSorted()
  expect((await allTasks(t)).map(({ id }) => id).toSorted()).toEqual(sorted)
  expect(queued.toSorted()).toEqual(sorted)
  expect(
    t.recorder
      .all('submitted')
      .map(({ taskId }) => taskId)
      .toSorted(),
  ).toEqual(sorted)
  await expectInvariants(t)
}

describe('submitMany', () => {
  it.each([6, 600])('of %i that are one too many submits none, and says which and why', async count => {
    const { word, queued } = counted()
    await using t = await testEngine({
      tasks: [word],
      start: false,
      admission: { waitingPerUser: count - 1 },
    })
    const refused = t.submitMany(word, words(count))
    await expect(refused).rejects.toMatchObject({
      code: 'USER_QUEUE_FULL',
      message: expect.stringContaining(`Item ${count - 1} `),
      details: { index: count - 1 },
    })
    await expectCreated(t, queued, [])
    const handles = await t.submitMany(word, words(count - 1))
    await expectCreated(
      t,
      queued,
      handles.map(({ taskId }) => taskId),
    )
    await t.start()
    await t.drain()
    expect(await t.tasks.counts()).toMatchObject({ QUEUED: 0, COMPLETED: count - 1 })
  })

  it('with a key that belongs to another submission submits none; with keys of the same one finds it', async () => {
    const { word, queued } = counted()
    await using t = await testEngine({ tasks: [word], start: false })
    const first = await t.submit(word, 'one', { idempotencyKey: 'one' })
    const items = (parameters: string) => [
      { parameters: 'zero' },
      { parameters, idempotencyKey: 'one' },
      { parameters: 'two', idempotencyKey: 'two' },
      { parameters: 'two', idempotencyKey: 'two' },
    ]
    await expect(t.submitMany(word, items('other'))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      details: { taskId: first.taskId, index: 1 },
    })
    await expectCreated(t, queued, [first.taskId])
    const [zero, one, two, again] = (await t.submitMany(word, items('one'))).map(({ taskId }) => taskId)
    expect([one, again]).toEqual([first.taskId, two])
    await expectCreated(t, queued, [first.taskId, `${zero}`, `${two}`])
  })

  it('says which item is wrong by itself', async () => {
    const { word } = counted()
    await using t = await testEngine({ tasks: [word] })
    const items = [{ parameters: 'fine' }, { parameters: 'fine' }, { parameters: '' }]
    await expect(t.submitMany(word, items)).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
      details: { index: 2, issues: [{ pointer: '' }] },
    })
    await expect(t.submitMany(word, [{ parameters: 'fine', lane: 'nowhere' }])).rejects.toMatchObject({
      code: 'LANE_UNKNOWN',
      details: { index: 0 },
    })
    expect(await allTasks(t)).toEqual([])
  })

  it('takes no more than 10,000, and reads no further', async () => {
    const { word } = counted()
    await using t = await testEngine({ tasks: [word], start: false })
    let read = 0
    function* endless() {
      for (;;) yield { parameters: `word ${++read}` }
    }
    await expect(t.submitMany(word, endless())).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/10000.*submitEach/),
    })
    expect(read).toBe(10_001)
    expect(await allTasks(t)).toEqual([])
  })
})

describe('submitEach', () => {
  const summary = (outcomes: readonly SubmitOutcome<z.ZodString>[]) =>
    outcomes.map(({ task, error }) => task?.taskId ?? error?.code)

  it('returns a handle or an error for each item, in order', async () => {
    const { word, queued } = counted()
    await using t = await testEngine({ tasks: [word], start: false, admission: { waitingPerUser: 3 } })
    const first = await t.submit(word, 'one', { idempotencyKey: 'one' })
    const outcomes = await t.submitEach(word, [
      { parameters: 'a' },
      { parameters: '' },
      { parameters: 'b' },
      { parameters: 'c' },
      { parameters: 'one', idempotencyKey: 'one' },
      { parameters: 'other', idempotencyKey: 'one' },
      { parameters: 'd', userId: 'bob' },
    ])
    const [a, , b, , , , d] = outcomes.map(({ task }) => `${task?.taskId}`)
    const codes = ['PARAMETERS_INVALID', 'USER_QUEUE_FULL', 'IDEMPOTENCY_KEY_REUSED']
    expect(summary(outcomes)).toEqual([a, codes[0], b, codes[1], first.taskId, codes[2], d])
    await expectCreated(t, queued, [first.taskId, `${a}`, `${b}`, `${d}`])
    await t.start()
    await t.drain()
    expect(await outcomes[0]?.task?.result()).toBe('a')
    expect(await t.submitEach(word, [])).toEqual([])
  })

  it('takes any number', async () => {
    const { word, queued } = counted()
    await using t = await testEngine({ tasks: [word], start: false })
    const items = words(1_201).map((item, n) => (n === 700 ? { parameters: '' } : item))
    const outcomes = await t.submitEach(word, items)
    expect(outcomes.flatMap(({ error }, n) => (error === undefined ? [] : [[n, error.code]]))).toEqual([
      [700, 'PARAMETERS_INVALID'],
    ])
    await expectCreated(
      t,
      queued,
      outcomes.flatMap(({ task }) => task?.taskId ?? []),
    )
  })

  it.runIf(onSqlite)(
    'gives the items from where the store fails on its error, and the code of ours to what a schema throws',
    async () => {
      const { word } = counted()
      let calls = 0
      const openStore = (now: () => number): Store => {
        const store = sqlite({ file: ':memory:', now })
        const create: Store['tasks']['create'] = (...call) => {
          calls += 1
          if (calls === 2) return Promise.reject(new QuillworkError('STORE_FAILED', 'away'))
          return store.tasks.create(...call)
        }
        return { ...store, tasks: { ...store.tasks, create } }
      }
      await using t = await testEngine({ tasks: [word], openStore, start: false })
      const outcomes = await t.submitEach(word, words(1_600))
      expect(calls).toBe(2)
      expect(outcomes.findIndex(({ error }) => error !== undefined)).toBe(500)
      expect(outcomes.slice(500).map(({ error }) => error?.code)).toEqual(Array(1_100).fill('STORE_FAILED'))
      const thrown = new RangeError('not this one')
      const type = {
        ...word,
        parameters: z.string().transform(() => {
          throw thrown
        }),
      }
      const [outcome] = await t.submitEach(type, [{ parameters: 'x' }])
      expect(outcome?.error).toMatchObject({ code: 'SUBMISSION_REFUSED', cause: thrown })
    },
  )
})

describe('submitSubTasks', () => {
  function book(count: number, lane = 'default') {
    const { word: page, queued } = counted(lane)
    const parent = defineTask({
      type: 'Book',
      parameters: z.null(),
      result: z.number(),
      async execute(ctx) {
        const items = words(count).map(({ parameters }, n) => ({ key: `${n}`, parameters }))
        const { refused } = await ctx.submitSubTasks(page, [{ key: 'none', parameters: '' }, ...items])
        ctx.logInfo(`${refused.map(({ error }) => error.code)}`)
        if (ctx.attempt === 1) throw new Error('once more')
      },
      async onSubTasksSettled(ctx) {
        let found = 0
        for await (const { done } of ctx.subTasks(page)) if (done) found += 1
        return found
      },
    })
    return { parent, page, queued }
  }

  it('of two attempts submit the same sub-tasks once; one that is wrong by itself is reported', async () => {
    const { parent, page, queued } = book(600)
    await using t = await testEngine({ tasks: [parent, page], lanes: { default: { slots: 50 } } })
    const task = await t.submit(parent, null)
    await t.advance('1m')
    expect(await task.result()).toBe(600)
    const { attempt, subTaskStatusSummary } = await t.tasks.get(task.taskId)
    expect([attempt, subTaskStatusSummary]).toEqual([3, { COMPLETED: 600 }])
    expect(new Set(queued).size).toBe(600)
    expect(queued).toHaveLength(600)
    const logged = (await t.tasks.logs(task.taskId, 0, 10)).map(({ message }) => message)
    expect(logged).toContain('PARAMETERS_INVALID')
    await expectInvariants(t)
  })

  /** Has sub-tasks created on a store that has room for so many in a transaction. Returns how many each transaction created, and the counts of the parent. */
  async function createdInParts(count: number, room: number) {
    const { parent, page } = book(count, 'later')
    const sizes: number[] = []
    const openStore = (now: () => number): Store => {
      const store = sqlite({ file: ':memory:', now })
      const create: Store['tasks']['create'] = async (tasks, ...more) => {
        if (tasks.length > room) throw new QuillworkError('TRANSACTION_TOO_LARGE', 'no room')
        if (tasks[0]?.parent !== undefined) sizes.push(tasks.length)
        return store.tasks.create(tasks, ...more)
      }
      return { ...store, tasks: { ...store.tasks, create } }
    }
    await using t = await testEngine({
      tasks: [parent, page],
      openStore,
      lanes: { default: { slots: 1 }, later: { slots: 0 } },
    })
    const task = await t.submit(parent, null)
    await t.drain()
    return { sizes, counts: (await t.tasks.get(task.taskId)).subTaskStatusSummary }
  }

  it.runIf(onSqlite)('of more than 10,000 are created 10,000 at a time', async () => {
    expect(await createdInParts(10_001, Number.POSITIVE_INFINITY)).toEqual({
      sizes: [10_000, 1],
      counts: { QUEUED: 10_001 },
    })
  })

  it.runIf(onSqlite)(
    'are created in parts where the store has no room for all in a transaction',
    async () => {
      expect(await createdInParts(1_000, 300)).toEqual({
        sizes: [250, 250, 250, 250],
        counts: { QUEUED: 1_000 },
      })
    },
  )
})
