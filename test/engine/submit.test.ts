import { defineTask, PermanentError, QuillworkError } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Store } from '../../src/store/store.ts'
import { allTasks, expectInvariants } from './invariants.ts'

const echo = defineTask({
  type: 'Echo',
  parameters: z.string().min(1),
  result: z.string(),
  execute: ctx => ctx.parameters,
})

describe('submitting', () => {
  it('answers a handle whose result waits', async () => {
    await using t = await testEngine({ tasks: [echo] })
    expect(await (await t.submit(echo, 'hello')).result()).toBe('hello')
    await expectInvariants(t)
  })

  it('of an engine that is not started keeps the task for one that is', async () => {
    await using t = await testEngine({ tasks: [echo], start: false, persistent: true })
    const task = await t.submit(echo, 'hello')
    await t.advance('1m')
    expect((await task.state()).status).toBe('QUEUED')
    await t.start()
    expect(await task.result()).toBe('hello')
  })

  it('fails for the one of a moment that the store could not write, and for no other', async () => {
    const error = new QuillworkError('STORE_FAILED', 'not this one')
    const openStore = (now: () => number): Store => {
      const store = sqlite({ file: ':memory:', now })
      const create: Store['tasks']['create'] = async (tasks, ...options) => {
        const writable = tasks.filter(({ tags }) => tags.length === 0)
        const created = await store.tasks.create(writable, ...options)
        return tasks.map(task => created[writable.indexOf(task)] ?? { outcome: 'failed', error })
      }
      return { ...store, tasks: { ...store.tasks, create } }
    }
    await using t = await testEngine({ tasks: [echo], openStore })
    const submitted = await Promise.allSettled([
      t.submit(echo, 'one'),
      t.submit(echo, 'two', { tags: ['bad'] }),
      t.submit(echo, 'three'),
    ])
    expect(submitted).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: error },
      { status: 'fulfilled' },
    ])
    await t.drain()
    expect((await allTasks(t)).map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED'])
  })

  it('refuses parameters that are too large, by themselves, of a sub-task, and edited', async () => {
    const refused = { code: 'PARAMETERS_TOO_LARGE', details: { bytes: 102, most: 100 } }
    const parent = defineTask({
      type: 'Parent',
      parameters: z.string(),
      result: z.null(),
      async execute(ctx) {
        if (ctx.parameters === 'bad') throw new PermanentError('no')
        await expect(ctx.submitSubTask(echo, '中'.repeat(34), { key: 'long' })).rejects.toMatchObject({
          code: 'PARAMETERS_TOO_LARGE',
        })
        return null
      },
    })
    await using t = await testEngine({ tasks: [echo, parent], parametersBytes: 100 })
    await expect(t.submit(echo, 'x'.repeat(100))).rejects.toMatchObject(refused)
    await expect(
      t.submitMany(echo, [{ parameters: 'short' }, { parameters: 'x'.repeat(100) }]),
    ).rejects.toMatchObject(refused)
    expect(await (await t.submit(echo, 'x'.repeat(98))).result()).toHaveLength(98)
    expect(await (await t.submit(parent, 'good')).result()).toBe(null)
    const failed = await t.submit(parent, 'bad')
    await t.drain()
    await expect(t.tasks.retry(failed.taskId, { parameters: 'x'.repeat(100) })).rejects.toMatchObject(refused)
    await expect(testEngine({ tasks: [echo], parametersBytes: 0 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  it('refuses parameters that the schema refuses, with the place, and writes nothing', async () => {
    await using t = await testEngine({ tasks: [echo] })
    await expect(t.submit(echo, '')).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
      details: { issues: [{ pointer: '' }] },
    })
    await expect(t.submitMany(echo, [{ parameters: 'fine' }, { parameters: '' }])).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
    })
    expect(await allTasks(t)).toEqual([])
  })

  it.each([
    [{ lane: 'nowhere' }, 'LANE_UNKNOWN'],
    [{ userId: 'u'.repeat(201) }, 'OPTION_INVALID'],
    [{ userId: 'a\0b' }, 'OPTION_INVALID'],
    [{ userId: 'a\ud83d' }, 'OPTION_INVALID'],
    [{ idempotencyKey: 'k'.repeat(256) }, 'OPTION_INVALID'],
    [{ idempotencyKey: 'a\ud83d' }, 'OPTION_INVALID'],
    [{ tags: Array.from({ length: 21 }, () => 'x') }, 'OPTION_INVALID'],
    [{ tags: ['x'.repeat(101)] }, 'OPTION_INVALID'],
    [{ tags: ['x', 'a\u001b[2J'] }, 'OPTION_INVALID'],
    [{ tags: ['a\nb'] }, 'OPTION_INVALID'],
    [{ startAt: new Date(Number.NaN) }, 'OPTION_INVALID'],
    [{ startAt: new Date(8.64e15) }, 'OPTION_INVALID'],
    [{ delay: -1 }, 'OPTION_INVALID'],
    [{ delay: Number.MAX_SAFE_INTEGER }, 'OPTION_INVALID'],
    [{ delay: '999999999999999999999999d' } as const, 'OPTION_INVALID'],
  ])('refuses the options %j', async (options, code) => {
    await using t = await testEngine({ tasks: [echo] })
    await expect(t.submit(echo, 'x', options)).rejects.toMatchObject({ code })
    expect(await allTasks(t)).toEqual([])
  })

  it('keeps user, tags, lane, priority and a well-formed trace context; drops another', async () => {
    await using t = await testEngine({ tasks: [echo], lanes: { batch: { slots: 1 } } })
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const options = { userId: 'ann', tags: ['x', 'y'], lane: 'batch', priority: 'high', traceparent } as const
    const kept = await t.submit(echo, 'x', options)
    expect(await t.tasks.get(kept.taskId)).toMatchObject(options)
    const invalid = ['nonsense', traceparent.replace(/^00/, 'ff'), traceparent.replaceAll('a', '0')]
    for (const other of [...invalid, traceparent.replaceAll('b', '0')]) {
      const dropped = await t.submit(echo, 'x', { traceparent: other })
      expect((await t.tasks.get(dropped.taskId)).traceparent).toBeUndefined()
    }
  })

  it('F14: the trace context goes from the parent to its sub-tasks', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const task = await t.submit(
      scripted,
      { orders: [{ do: 'submitMany', count: 1, orders: [] }] },
      { traceparent, userId: 'ann' },
    )
    await t.drain()
    const [child] = (await t.tasks.children(task.taskId, {}, { pageSize: 5 })).items
    expect(child).toMatchObject({ traceparent, userId: 'ann', rootTaskId: task.taskId, depth: 1 })
  })

  it('with a delay or a start time runs then, and not before', async () => {
    await using t = await testEngine({ tasks: [echo] })
    const delayed = await t.submit(echo, 'a', { delay: '10m' })
    const started = await t.submit(echo, 'b', { startAt: t.fromNow('10m') })
    const past = await t.submit(echo, 'c', { startAt: new Date(0) })
    await t.drain()
    expect((await past.state()).status).toBe('COMPLETED')
    await t.advance(599_999)
    expect([(await delayed.state()).status, (await started.state()).status]).toEqual(['QUEUED', 'QUEUED'])
    await t.advance(1)
    expect([(await delayed.state()).status, (await started.state()).status]).toEqual([
      'COMPLETED',
      'COMPLETED',
    ])
  })

  it('a fraction of a millisecond is no reason to fail', async () => {
    await using t = await testEngine({ tasks: [echo] })
    const task = await t.submit(echo, 'a', { delay: '1.5ms' })
    await t.advance(2)
    expect(await task.result()).toBe('a')
  })
})

describe('an idempotency key', () => {
  it('F5: finds the first task, also when two ask at the same time, and also when it has ended', async () => {
    await using t = await testEngine({ tasks: [echo] })
    const submit = () => t.submit(echo, 'x', { idempotencyKey: 'k', userId: 'ann' })
    const handles = await Promise.all([submit(), submit(), submit()])
    await t.drain()
    handles.push(await submit())
    expect(new Set(handles.map(({ taskId }) => taskId)).size).toBe(1)
    for (const handle of handles) expect(await handle.result()).toBe('x')
    expect(await allTasks(t)).toHaveLength(1)
    await expectInvariants(t)
  })

  it('is of one user and one type, and of one set of parameters', async () => {
    const other = defineTask({ type: 'Other', parameters: z.string(), result: z.null(), execute: () => null })
    await using t = await testEngine({ tasks: [echo, other] })
    const first = await t.submit(echo, 'x', { idempotencyKey: 'k', userId: 'ann' })
    const ids = [
      (await t.submit(echo, 'x', { idempotencyKey: 'k', userId: 'bob' })).taskId,
      (await t.submit(other, 'x', { idempotencyKey: 'k', userId: 'ann' })).taskId,
    ]
    expect(ids).not.toContain(first.taskId)
    await expect(t.submit(echo, 'y', { idempotencyKey: 'k', userId: 'ann' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
  })

  it('stands for what was first submitted: also after a person changed it, in any order of its keys, and for its options', async () => {
    const greet = defineTask({
      type: 'Greet',
      parameters: z.object({ name: z.string(), times: z.number().optional() }),
      result: z.null(),
      execute: ({ parameters }) => {
        if (parameters.name === 'Ann') throw new PermanentError('Not Ann.')
        return null
      },
    })
    await using t = await testEngine({
      tasks: [greet],
      lanes: { default: { slots: 1 }, batch: { slots: 1 } },
    })
    const options = { idempotencyKey: 'k', tags: ['b', 'a'], budget: { tokens: 9 } }
    const first = await t.submit(greet, { name: 'Ann', times: 2 }, options)
    expect(first.isNew).toBe(true)
    await t.drain()
    await t.deadLetters.retry(first.taskId, { parameters: { name: 'Ben' } })
    await t.drain()
    const again = await t.submit(
      greet,
      { times: 2, name: 'Ann' },
      { ...options, tags: ['a', 'b'], delay: '1h' },
    )
    expect([again.taskId, again.isNew]).toEqual([first.taskId, false])
    const others = [
      { lane: 'batch' },
      { priority: 'high' },
      { tags: ['a'] },
      { budget: { tokens: 8 } },
    ] as const
    for (const other of others)
      await expect(
        t.submit(greet, { name: 'Ann', times: 2 }, { ...options, ...other }),
        JSON.stringify(other),
      ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    await expect(t.submit(greet, { name: 'Ben' }, options)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
  })
})

describe('many', () => {
  it('10,000 in one call are all accepted, run once each, and counted', async () => {
    let runs = 0
    const tick = defineTask({
      type: 'Tick',
      parameters: z.number(),
      result: z.number(),
      execute(ctx) {
        runs += 1
        return ctx.parameters
      },
    })
    await using t = await testEngine({ tasks: [tick] })
    const handles = await t.submitMany(
      tick,
      Array.from({ length: 10_000 }, (_, parameters) => ({ parameters })),
    )
    await t.drain()
    expect(handles).toHaveLength(10_000)
    expect(runs).toBe(10_000)
    expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 10_000, QUEUED: 0, RUNNING: 0 })
    expect(await handles[9_999]?.result()).toBe(9_999)
  })
})

describe('admission', () => {
  it('refuses a user’s next task while as many wait as one may have, and takes it when one has run', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      lanes: { default: { slots: 1 } },
      admission: { waitingPerUser: 2, waitingPerLane: 3 },
    })
    const hang = { orders: [{ do: 'hang' }] } as const
    const running = await t.submit(scripted, hang, { userId: 'ann' })
    await t.drain()
    await t.submit(scripted, hang, { userId: 'ann' })
    await t.submit(scripted, hang, { userId: 'ann', idempotencyKey: 'again' })
    await expect(t.submit(scripted, hang, { userId: 'ann' })).rejects.toMatchObject({
      code: 'USER_QUEUE_FULL',
    })
    await t.submit(scripted, hang, { userId: 'bob' })
    await expect(t.submit(scripted, hang, { userId: 'cy' })).rejects.toMatchObject({
      code: 'LANE_QUEUE_FULL',
    })
    await t.submit(scripted, hang, { userId: 'ann', idempotencyKey: 'again' })
    await running.cancel()
    await t.drain()
    await t.submit(scripted, hang, { userId: 'cy' })
    await expectInvariants(t)
  })

  it('never refuses a sub-task: its root was admitted', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      admission: { waitingPerUser: 1, waitingPerLane: 1 },
    })
    const task = await t.submit(scripted, { orders: [{ do: 'submitMany', count: 50, orders: [] }] })
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({ subTaskStatusSummary: { COMPLETED: 50 } })
  })
})
