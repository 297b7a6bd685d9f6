import { defineTask, QuillworkError, type Store } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createGate, type Order, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const succeed: Order = { do: 'succeed', value: 1 }
const failForGood: Order = { do: 'failForGood', message: 'no' }

async function summaryOf(t: TestEngine, taskId: string) {
  const { status, subTaskStatusSummary } = await t.tasks.get(taskId)
  return { status, ...subTaskStatusSummary }
}

async function children(t: TestEngine, taskId: string) {
  return (await t.tasks.children(taskId, {}, { pageSize: 200 })).items
}

describe('a parent without a hook', () => {
  it('C7: without sub-tasks it is COMPLETED at once', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'submitMany', count: 0, orders: [] }, succeed] })
    await t.drain()
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED' })
    await expectInvariants(t)
  })

  it('C1: it waits for the last of ten, without a slot, and then is COMPLETED with its own result', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 1 } } })
    const task = await t.submit(scripted, {
      orders: [
        { do: 'submitMany', count: 10, orders: [{ do: 'fail', attempts: 1 }, succeed] },
        { do: 'succeed', value: 'all' },
      ],
    })
    await t.drain()
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'RUNNING', RETRYING: 10 })
    await expectInvariants(t)
    await t.advance('15s')
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 10 })
    expect(await task.result()).toBe('all')
    await expectInvariants(t)
  })

  it('C2: counts exactly when 500 end at once', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 100 } } })
    const task = await t.submit(scripted, { orders: [{ do: 'submitMany', count: 500, orders: [succeed] }] })
    await t.drain()
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 500 })
    await expectInvariants(t)
  })

  it('C3: does not end early when its first sub-task ends before it has submitted the second', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        { do: 'submit', subTasks: [{ key: 'first', orders: [succeed] }] },
        { do: 'hang', attempts: 1 },
        { do: 'submit', subTasks: [{ key: 'second', orders: [{ do: 'hang' }] }] },
      ],
    })
    await t.drain()
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'RUNNING', COMPLETED: 1 })
    expect(journal.filter(({ did }) => did === 'start')).toHaveLength(2)
    await expectInvariants(t)
  })

  it('C5: nine of ten succeed: COMPLETED_WITH_ERRORS with the id and the reason of the tenth', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const subTasks = Array.from({ length: 10 }, (_, index) => ({
      key: `scene ${index}`,
      orders: index === 3 ? [failForGood] : [succeed],
    }))
    const task = await t.submit(scripted, { orders: [{ do: 'submit', subTasks }] })
    await t.drain()
    const record = await t.tasks.get(task.taskId)
    expect(record).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      subTaskStatusSummary: { COMPLETED: 9, FAILED: 1 },
    })
    expect(record.failedSubTasks).toEqual([
      { taskId: (await children(t, task.taskId))[3]?.id, key: 'scene 3', status: 'FAILED', reason: 'no' },
    ])
    await expectInvariants(t)
  })

  it('C6: all fail: FAILED once, with one dead letter and the first reason', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'submitMany', count: 3, orders: [failForGood] }] })
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'SUBTASKS_FAILED', message: expect.stringContaining('no') },
    })
    expect(t.recorder.storyOf(task.taskId)).toEqual(['submitted', 'started', 'waiting', 'failed'])
    await expectInvariants(t)
  })

  it.runIf(onSqlite)(
    'waits for sub-tasks that were written, also where their submission failed and the handler went on',
    async () => {
      const child = defineTask({ type: 'Child', parameters: z.null(), result: z.null(), execute: () => null })
      const parent = defineTask({
        type: 'Parent',
        parameters: z.null(),
        result: z.string(),
        async execute(ctx) {
          const items = [{ key: 'a', parameters: null, delay: '1m' as const }]
          return ctx.submitSubTasks(child, items).then(
            () => 'submitted',
            () => 'went on',
          )
        },
      })
      const openStore = (now: () => number): Store => {
        const store = sqlite({ file: ':memory:', now })
        const create: Store['tasks']['create'] = async (tasks, ...rest) => {
          const created = await store.tasks.create(tasks, ...rest)
          if (tasks[0]?.parent !== undefined) throw new QuillworkError('STORE_DAMAGED', 'no answer')
          return created
        }
        return { ...store, tasks: { ...store.tasks, create } }
      }
      await using t = await testEngine({ tasks: [parent, child], openStore })
      const task = await t.submit(parent, null)
      await t.drain()
      expect(await summaryOf(t, task.taskId)).toEqual({ status: 'RUNNING', QUEUED: 1 })
      await t.advance('1m')
      expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 1 })
      expect(await task.result()).toBe('went on')
    },
  )

  it('C9: a sub-task that succeeds at its fourth attempt counts once, as a success; a DEAD_LETTER as a failure', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        {
          do: 'submit',
          subTasks: [
            { key: 'slow', orders: [{ do: 'fail', attempts: 3 }, succeed] },
            { key: 'dead', orders: [{ do: 'fail' }] },
          ],
        },
      ],
    })
    await t.jump('1h')
    for (let round = 0; round < 5; round++) await t.jump('1h')
    expect(await summaryOf(t, task.taskId)).toEqual({
      status: 'COMPLETED_WITH_ERRORS',
      COMPLETED: 1,
      DEAD_LETTER: 1,
    })
    await expectInvariants(t)
  })

  it('a second attempt finds the sub-tasks of the first and makes no new ones', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        { do: 'submitMany', count: 3, orders: [succeed] },
        { do: 'fail', attempts: 1 },
      ],
    })
    await t.drain()
    await t.advance('15s')
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 3 })
    expect(journal.filter(({ taskId }) => taskId !== task.taskId)).toHaveLength(3)
  })

  it('A second attempt that submits nothing still waits for what the first one submitted', async () => {
    const child = defineTask({
      type: 'Child',
      parameters: z.null(),
      result: z.null(),
      execute: ctx => until(ctx.signal),
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        if (ctx.attempt > 1) return null
        await ctx.submitSubTask(child, null, { key: 'only' })
        throw new Error('after the submission')
      },
    })
    await using t = await testEngine({ tasks: [child, parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    await t.advance('15s')
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'RUNNING', RUNNING: 1 })
  })
})

function until(signal: AbortSignal): Promise<null> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
}

describe('the tags of a sub-task', () => {
  const child = defineTask({
    type: 'Child',
    parameters: z.null(),
    result: z.null(),
    execute: () => null,
  })
  const parent = defineTask({
    type: 'Parent',
    parameters: z.array(z.string()),
    result: z.array(z.string()),
    async execute(ctx) {
      await ctx.submitSubTask(child, null, { key: 'plain' })
      await ctx.submitSubTask(child, null, { key: 'one', tags: ctx.parameters })
      const items = [
        { key: 'many', parameters: null, tags: [...ctx.parameters, 'many'] },
        { key: 'long', parameters: null, tags: ['x'.repeat(101)] },
        { key: 'full', parameters: null, tags: Array.from({ length: 19 }, (_, at) => `t${at}`) },
      ]
      const { refused } = await ctx.submitSubTasks(child, items)
      return [...ctx.tags, ...refused.map(({ key, error }) => `${key} ${error.code}`)]
    },
  })

  it('are those of its parent, then its own, none twice, within the limits of a submission', async () => {
    await using t = await testEngine({ tasks: [child, parent] })
    const task = await t.submit(parent, ['b', 'c'], { tags: ['a', 'b'] })
    await t.drain()
    expect(await task.result()).toEqual(['a', 'b', 'long OPTION_INVALID', 'full OPTION_INVALID'])
    const tags = (await children(t, task.taskId)).map(each => [each.subTaskKey, each.tags])
    expect(tags).toEqual([
      ['plain', ['a', 'b']],
      ['one', ['a', 'b', 'c']],
      ['many', ['a', 'b', 'c', 'many']],
    ])
    const { items } = await t.tasks.list({ tag: 'c' }, { pageSize: 10, order: 'oldest' })
    expect(items.map(({ subTaskKey }) => subTaskKey)).toEqual(['one', 'many'])
    await expectInvariants(t)
  })

  it('refuse it where there are too many', async () => {
    await using t = await testEngine({ tasks: [child, parent] })
    const tags = Array.from({ length: 19 }, (_, at) => `own ${at}`)
    const task = await t.submit(parent, ['b', 'c'], { tags })
    await t.drain()
    expect(await task.state()).toMatchObject({ error: { code: 'OPTION_INVALID' } })
  })
})

describe('a refused sub-task', () => {
  it('C8: is reported, and the others are submitted', async () => {
    const word = defineTask({
      type: 'Word',
      parameters: z.string().min(1),
      result: z.string(),
      execute: ctx => ctx.parameters,
    })
    const book = defineTask({
      type: 'Book',
      parameters: z.array(z.string()),
      result: z.array(z.string()),
      async execute(ctx) {
        const items = ctx.parameters.map((text, index) => ({ key: `${index}`, parameters: text }))
        const { submitted, refused } = await ctx.submitSubTasks(word, items)
        return [`${submitted}`, ...refused.map(({ key, error }) => `${key} ${error.code}`)]
      },
    })
    await using t = await testEngine({ tasks: [word, book] })
    const task = await t.submit(book, ['a', '', 'c'])
    await t.drain()
    expect(await task.result()).toEqual(['2', '1 PARAMETERS_INVALID'])
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 2 })
    const [line] = await t.tasks.logs(task.taskId, 0, 10)
    expect(line).toMatchObject({ level: 'error', message: expect.stringContaining('1') })
  })

  it('with a key that no sub-task can have is reported, and those after it start', async () => {
    const word = defineTask({
      type: 'Word',
      parameters: z.string(),
      result: z.string(),
      execute: ctx => ctx.parameters,
    })
    const book = defineTask({
      type: 'Book',
      parameters: z.null(),
      result: z.array(z.string()),
      async execute(ctx) {
        const keys = ['', 'x'.repeat(201), 'a\u001fb', undefined as unknown as string, 'ok']
        const items = keys.map(key => ({ key, parameters: 'a' }))
        const after = { key: 'after', parameters: 'b', after: ['ok'] }
        const { refused } = await ctx.submitSubTasks(word, [...items, after])
        return refused.map(({ error }) => error.code)
      },
    })
    await using t = await testEngine({ tasks: [word, book] })
    const task = await t.submit(book, null)
    await t.drain()
    expect(await task.result()).toEqual(Array.from({ length: 4 }, () => 'OPTION_INVALID'))
    expect(await summaryOf(t, task.taskId)).toEqual({ status: 'COMPLETED', COMPLETED: 2 })
  })

  // Where processes share the store, another may work it.
  it.runIf(onSqlite)('a lane that no process works is refused, not left waiting for ever', async () => {
    const lost = defineTask({
      type: 'Lost',
      lane: 'nowhere',
      parameters: z.null(),
      result: z.null(),
      execute: () => null,
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.string(),
      async execute(ctx) {
        const { refused } = await ctx.submitSubTasks(lost, [{ key: 'a', parameters: null }])
        return refused[0]?.error.code ?? 'accepted'
      },
    })
    await using t = await testEngine({ tasks: [parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'LANE_UNKNOWN' })
  })

  it('a tree deeper than 16 levels is refused', async () => {
    const nest = defineTask({
      type: 'Nest',
      parameters: z.number(),
      result: z.number(),
      async execute(ctx): Promise<number> {
        await ctx.submitSubTask(nest, ctx.parameters + 1, { key: 'deeper' })
        return ctx.parameters
      },
    })
    await using t = await testEngine({ tasks: [nest] })
    await t.submit(nest, 0)
    await t.drain()
    const [dead] = (await t.deadLetters.list({ code: 'TREE_TOO_DEEP' }, { pageSize: 10 })).items
    expect(dead).toMatchObject({ depth: 16, status: 'FAILED' })
    await expectInvariants(t)
  })

  it('B3: an attempt that no longer holds its task can add none', async () => {
    const gate = createGate()
    const outcome = createGate<unknown>()
    const child = defineTask({ type: 'Child', parameters: z.null(), result: z.null(), execute: () => null })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await gate.opened
        await ctx.submitSubTask(child, null, { key: 'late' }).then(outcome.open, outcome.open)
        return null
      },
    })
    await using t = await testEngine({ tasks: [parent, child] })
    const task = await t.submit(parent, null)
    await t.drain()
    await task.cancel()
    await t.advance('10s')
    expect((await task.state()).status).toBe('CANCELLED')
    gate.open()
    await t.drain()
    expect(await outcome.opened).toMatchObject({ code: 'PARENT_NOT_RUNNING' })
    expect(await children(t, task.taskId)).toHaveLength(0)
  })
})

describe('a parent with a hook', () => {
  it('the hook makes the result, also without sub-tasks', async () => {
    const { scripted, parent, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const none = await t.submit(parent, { orders: [] })
    const some = await t.submit(parent, {
      orders: [
        {
          do: 'submit',
          subTasks: [
            { key: 'a', orders: [succeed] },
            { key: 'b', orders: [failForGood] },
          ],
        },
      ],
    })
    await t.drain()
    expect(await none.result()).toEqual({})
    expect(await some.result()).toEqual({ COMPLETED: 1, FAILED: 1 })
    expect(await summaryOf(t, some.taskId)).toMatchObject({ status: 'COMPLETED_WITH_ERRORS' })
    expect(journal.filter(({ did }) => did === 'reduce')).toHaveLength(2)
    await expectInvariants(t)
  })

  it('runs its hook even when every sub-task failed', async () => {
    const { scripted, parent } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const task = await t.submit(parent, { orders: [{ do: 'submitMany', count: 2, orders: [failForGood] }] })
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', result: { FAILED: 2 } })
  })

  it('the hook goes through several stages and runs once per stage', async () => {
    const stage = defineTask({
      type: 'Stage',
      parameters: z.number(),
      result: z.number(),
      execute: ctx => ctx.parameters * 2,
    })
    const runs: number[] = []
    const pipeline = defineTask({
      type: 'Pipeline',
      parameters: z.number(),
      result: z.number(),
      async execute(ctx) {
        await ctx.submitSubTask(stage, ctx.parameters, { key: '1' })
      },
      async onSubTasksSettled(ctx) {
        runs.push(ctx.attempt)
        const first = await ctx.submitSubTask(stage, ctx.parameters, { key: '1' })
        if (!first.done || first.error) return undefined
        const second = await ctx.submitSubTask(stage, first.result, { key: '2' })
        if (!second.done || second.error) return undefined
        const third = await ctx.submitSubTask(stage, second.result, { key: '3' })
        if (!third.done || third.error) return undefined
        return third.result
      },
    })
    await using t = await testEngine({ tasks: [stage, pipeline] })
    const task = await t.submit(pipeline, 5)
    await t.drain()
    expect(await task.result()).toBe(40)
    expect(runs).toEqual([2, 3, 4])
    await expectInvariants(t)
  })

  it('a hook that gives no result and no next stage fails the task and says so', async () => {
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.number(),
      execute: () => undefined,
      onSubTasksSettled: () => undefined,
    })
    await using t = await testEngine({ tasks: [parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'NEXT_STAGE_MISSING' } })
    await expectInvariants(t)
  })

  it('a sub-task that is retried and completes while the hook runs is in the result', async () => {
    const gate = createGate()
    let healed = false
    const child = defineTask({
      type: 'Child',
      parameters: z.null(),
      result: z.number(),
      retry: { maxAttempts: 1 },
      execute() {
        if (!healed) throw new Error('not yet')
        return 7
      },
    })
    let hooks = 0
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.number(),
      async execute(ctx) {
        await ctx.submitSubTask(child, null, { key: 'only' })
      },
      async onSubTasksSettled(ctx) {
        hooks += 1
        const only = await ctx.submitSubTask(child, null, { key: 'only' })
        if (hooks === 1) await gate.opened
        return only.result ?? 0
      },
    })
    await using t = await testEngine({ tasks: [child, parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    const [only] = await children(t, task.taskId)
    healed = true
    await t.tasks.retry(only?.id ?? '')
    await t.drain()
    gate.open()
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 7 })
    await expectInvariants(t)
  })

  it('a sub-task that was submitted without awaiting it is waited for', async () => {
    const child = defineTask({ type: 'Child', parameters: z.null(), result: z.null(), execute: () => null })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.string(),
      execute(ctx) {
        void ctx.submitSubTask(child, null, { key: 'floating' })
        return 'result'
      },
    })
    await using t = await testEngine({ tasks: [child, parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'result' })
    expect(t.recorder.storyOf(task.taskId)).toEqual(['submitted', 'started', 'waiting', 'completed'])
    await expectInvariants(t)
  })
})
