import { defineTask, PermanentError, type TaskContext } from 'quillwork'
import { createRecorder, runHandler, scriptedTasks, submittedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const words = defineTask({
  type: 'Words',
  parameters: z.string(),
  result: z.number(),
  execute: ctx => ctx.parameters.length,
})
const book = defineTask.withServices<{ prefix: string }>()({
  type: 'Book',
  parameters: z.object({ chapters: z.array(z.string()), at: z.date().optional() }),
  result: z.number(),
  progress: z.number(),
  async execute(ctx) {
    await ctx.checkpoint('once', () => ctx.services.prefix)
    ctx.updateProgress(0.5)
    ctx.logInfo('submitting', { count: ctx.parameters.chapters.length })
    await ctx.addUsage({ model: 'm', inputTokens: 1, outputTokens: 2 })
    const permit = await ctx.acquire('m')
    permit.commit()
    await ctx.submitSubTasks(
      words,
      ctx.parameters.chapters.map(text => ({ key: text, parameters: text })),
    )
    await ctx.submitSubTask(words, 'extra', { key: 'extra', tags: ['extra'] })
  },
  async onSubTasksSettled(ctx) {
    let sum = 0
    for await (const { result } of ctx.subTasks(words)) sum += result ?? 0
    return sum
  },
})

describe('a handler run alone', () => {
  it('tells what it did', async () => {
    const run = await runHandler(book, { chapters: ['a', 'bb'] }, { services: { prefix: 'x' } })
    expect(run).toMatchObject({
      result: undefined,
      progress: [0.5],
      logs: [{ level: 'info', message: 'submitting', fields: { count: 2 } }],
      usage: [{ model: 'm', inputTokens: 1, outputTokens: 2 }],
    })
    expect(run.subTasks.map(({ key, parameters, tags }) => [key, parameters, tags])).toEqual([
      ['a', 'a', undefined],
      ['bb', 'bb', undefined],
      ['extra', 'extra', ['extra']],
    ])
    expect([...run.checkpoints]).toEqual([['once', 'x']])
  })

  it('runs the hook on the sub-tasks that it is given', async () => {
    const ended = { type: 'Words', done: true, status: 'COMPLETED' } as const
    const run = await runHandler(
      book,
      { chapters: [] },
      {
        run: 'onSubTasksSettled',
        services: { prefix: '' },
        subTasks: [
          { ...ended, key: 'a', parameters: 'a', result: 3 },
          { ...ended, key: 'b', parameters: 'b', result: 4 },
        ],
      },
    )
    expect(run.result).toBe(7)
  })

  it('rejects as in an engine', async () => {
    await expect(runHandler(words, 5 as never)).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
    const wrong = defineTask({
      type: 'Wrong',
      parameters: z.null(),
      result: z.number(),
      execute: () => 'x' as never,
    })
    await expect(runHandler(wrong, null)).rejects.toMatchObject({ code: 'RESULT_INVALID' })
    const failing = defineTask({
      type: 'Failing',
      parameters: z.null(),
      result: z.null(),
      execute() {
        throw new PermanentError('no')
      },
    })
    await expect(runHandler(failing, null)).rejects.toThrow('no')
    await expect(runHandler(words, 'x', { run: 'onSubTasksSettled' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  it('rejects a hook that ends in nothing, unless it submits or waits for sub-tasks, or nothing is a result', async () => {
    const ending = (how: 'nothing' | 'next') =>
      defineTask({
        type: 'Ending',
        parameters: z.null(),
        result: z.number(),
        execute: () => undefined,
        async onSubTasksSettled(ctx) {
          if (how === 'next') await ctx.submitSubTask(words, 'a', { key: 'next' })
          return undefined
        },
      })
    const run = 'onSubTasksSettled' as const
    await expect(runHandler(ending('nothing'), null, { run })).rejects.toMatchObject({
      code: 'NEXT_STAGE_MISSING',
    })
    expect((await runHandler(ending('next'), null, { run })).subTasks).toHaveLength(1)
    const live = [{ key: 'a', type: 'Words', parameters: 'a', done: false, status: 'QUEUED' }] as const
    expect(await runHandler(ending('nothing'), null, { run, subTasks: live })).toMatchObject({ subTasks: [] })
    const silent = defineTask({
      type: 'Silent',
      parameters: z.null(),
      result: z.void(),
      execute: () => undefined,
      onSubTasksSettled: () => undefined,
    })
    expect((await runHandler(silent, null, { run })).result).toBe(undefined)
  })

  it('takes nothing that execute returns beside a hook for a result', async () => {
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.number(),
      execute: () => 'submitted' as never,
      onSubTasksSettled: () => 1,
    })
    expect((await runHandler(parent, null)).result).toBe(undefined)
  })

  it.each([
    [
      'progress of another shape',
      'PROGRESS_INVALID',
      (ctx: TaskContext) => ctx.updateProgress('half' as never),
    ],
    ['an empty key', 'OPTION_INVALID', (ctx: TaskContext) => ctx.checkpoint('', () => 1)],
    ['a key of the context', 'OPTION_INVALID', (ctx: TaskContext) => ctx.checkpoint('ctx.x', () => 1)],
    [
      'wrong parameters of a sub-task',
      'PARAMETERS_INVALID',
      (ctx: TaskContext) => ctx.submitSubTask(words, 5 as never, { key: 'a' }),
    ],
  ])('rejects %s', async (_, code, act) => {
    const acting = defineTask({
      type: 'Acting',
      parameters: z.null(),
      result: z.null(),
      progress: z.number(),
      async execute(ctx) {
        await act(ctx as unknown as TaskContext)
        return null
      },
    })
    await expect(runHandler(acting, null)).rejects.toMatchObject({ code })
  })

  it('reports the sub-tasks of many that are refused', async () => {
    const many = defineTask({
      type: 'Many',
      parameters: z.null(),
      result: z.array(z.string()),
      async execute(ctx) {
        const wrong = { key: 'wrong', parameters: 5 as never }
        const items = [wrong, { key: '', parameters: 'a' }, { key: 'a', parameters: 'a' }]
        const { submitted, refused } = await ctx.submitSubTasks(words, items)
        return [`${submitted}`, ...refused.map(({ key, error }) => `${key} ${error.code}`)]
      },
    })
    expect((await runHandler(many, null)).result).toEqual([
      '1',
      'wrong PARAMETERS_INVALID',
      ' OPTION_INVALID',
    ])
  })

  it('skips the steps that an earlier attempt finished', async () => {
    const run = await runHandler(
      book,
      { chapters: [] },
      { services: { prefix: 'new' }, attempt: 2, checkpoints: { once: 'old' } },
    )
    expect([...run.checkpoints]).toEqual([['once', 'old']])
  })
})

describe('the test engine', () => {
  it('tells which tasks were submitted, with their parameters', async () => {
    await using t = await testEngine({ tasks: [words], start: false })
    await t.submit(words, 'a', { userId: 'ann' })
    await t.submit(words, 'b')
    expect((await submittedTasks(t, words)).map(({ parameters, userId }) => [parameters, userId])).toEqual([
      ['b', 'local'],
      ['a', 'ann'],
    ])
  })

  it('records events, also those that came before somebody waited, over a restart', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const { taskId } = await t.submit(scripted, { orders: [{ do: 'hang', attempts: 1 }, { do: 'succeed' }] })
    await t.recorder.waitFor('started', { taskId })
    const ended = t.recorder.waitFor('completed', event => event.taskId === taskId)
    await t.crash()
    expect(await ended).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(t.recorder.storyOf(taskId)).toEqual(['submitted', 'started', 'retrying', 'started', 'completed'])
    expect(createRecorder().events).toEqual([])
  })
})
