import { defineTask, PermanentError, type RetryTaskOptions } from 'quillwork'
import { testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { onSqlite } from './store-kind.ts'

describe('a retry of finished steps', () => {
  function steppingOf(
    execute: (step: (key: string) => Promise<string>, keyOf: (key: string) => string) => Promise<void>,
  ) {
    const ran: string[] = []
    const task = defineTask({
      type: 'Stepping',
      parameters: z.string(),
      result: z.array(z.string()),
      async execute(ctx) {
        const step = (key: string) =>
          ctx.checkpoint(key, () => {
            ran.push(key)
            return `${key} of ${ctx.attempt}`
          })
        await execute(step, key => ctx.checkpointKey(key))
        return []
      },
    })
    return { task, ran }
  }

  it('runs those and no other, each time anew, through other parameters', async () => {
    const keys: string[] = []
    const values: string[] = []
    const { task, ran } = steppingOf(async (step, keyOf) => {
      for (const key of ['plan', 'write', 'check']) values.push(await step(key))
      keys.push(keyOf('write'))
      throw new PermanentError('no')
    })
    await using t = await testEngine({ tasks: [task], persistent: true })
    const { taskId } = await t.submit(task, 'a')
    await t.drain()
    const retry = async (options: RetryTaskOptions) => {
      for (const list of [ran, keys, values]) list.length = 0
      await t.tasks.retry(taskId, options)
      await t.drain()
      return ran
    }
    expect(await retry({})).toEqual([])
    expect(await retry({ repeatSteps: ['write', 'write'] })).toEqual(['write'])
    expect(values).toEqual(['plan of 1', 'write of 3', 'check of 1'])
    expect(await retry({ repeatSteps: [] })).toEqual([])
    expect(await retry({ repeatSteps: ['plan'] })).toEqual(['plan'])
    if (onSqlite) await t.restart()
    expect(await retry({ repeatSteps: ['write'] })).toEqual(['write'])
    expect(values).toEqual(['plan of 5', 'write of 6', 'check of 1'])
    const { deadLetterHistory } = await t.tasks.get(taskId)
    expect(deadLetterHistory?.some(letter => letter.parameters !== undefined)).toBe(false)
    expect((await t.tasks.steps(taskId)).toSorted()).toEqual(['check', 'plan', 'write'])

    expect(await retry({ parameters: 'b', keepCheckpoints: ['write'] })).toEqual(['plan', 'check'])
    expect(values).toEqual(['plan of 7', 'write of 6', 'check of 7'])
    const keptKey = keys.at(-1)
    expect(await retry({ repeatSteps: ['write'] })).toEqual(['write'])
    expect(keys.at(-1)).not.toBe(keptKey)
  })

  it('runs one that is named by a retry whose first step of it failed', async () => {
    let broken = false
    const { task, ran } = steppingOf(async step => {
      await step('first')
      if (broken) throw new PermanentError('broken')
      await step('second')
      throw new PermanentError('no')
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 'a')
    await t.drain()
    broken = true
    await t.tasks.retry(taskId, { repeatSteps: ['second'] })
    await t.drain()
    expect(await t.tasks.steps(taskId)).toEqual(['first'])
    broken = false
    await t.tasks.retry(taskId)
    await t.drain()
    expect(ran).toEqual(['first', 'second', 'second'])
  })

  it('runs those of a cancelled task, and no wait that is over', async () => {
    const ran: string[] = []
    const task = defineTask({
      type: 'Cancelled',
      parameters: z.string(),
      result: z.null(),
      async execute(ctx) {
        await ctx.waitFor('go', { schema: z.null() })
        await ctx.checkpoint('first', () => ran.push('first'))
        await ctx.waitFor('on', { schema: z.null() })
        return null
      },
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 'a')
    await t.signal(taskId, 'go', null)
    await t.drain()
    await t.tasks.cancel(taskId)
    await t.drain()
    const steps = await t.tasks.steps(taskId)
    const wait = steps.find(step => step.startsWith('ctx.')) ?? ''
    await expect(t.tasks.retry(taskId, { repeatSteps: [wait] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('a wait that is over stays over'),
    })
    await t.tasks.retry(taskId, { repeatSteps: ['first'] })
    await t.drain()
    expect(ran).toEqual(['first', 'first'])
  })

  it('finds one among more steps than a page of them has', async () => {
    const { task, ran } = steppingOf(async step => {
      for (let number = 0; number < 450; number++) await step(`step ${number}`)
      throw new PermanentError('no')
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 'a')
    await t.drain()
    ran.length = 0
    await t.tasks.retry(taskId, { repeatSteps: ['step 449', 'step 7'] })
    await t.drain()
    expect(ran).toEqual(['step 7', 'step 449'])
  })

  it('refuses a step that is not finished, other parameters, and a task with sub-tasks', async () => {
    const child = defineTask({ type: 'Child', parameters: z.null(), result: z.null(), execute: () => null })
    const parentTask = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.checkpoint('first', () => 1)
        await ctx.submitSubTask(child, null, { key: 'child' })
        throw new PermanentError('no')
      },
    })
    const { task } = steppingOf(async step => {
      await step('first')
      throw new PermanentError('no')
    })
    await using t = await testEngine({ tasks: [child, parentTask, task] })
    const parent = await t.submit(parentTask, null)
    const { taskId } = await t.submit(task, 'a')
    await t.drain()
    const refusal = (of: string, options: RetryTaskOptions) =>
      expect(t.tasks.retry(of, options)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await refusal(taskId, { repeatSteps: ['first', 'second'] })
    await refusal(taskId, { repeatSteps: ['first'], parameters: 'b' })
    await refusal(taskId, { repeatSteps: ['first'], tags: ['a'] })
    await refusal(taskId, { repeatSteps: ['first'], keepCheckpoints: true })
    await refusal(parent.taskId, { repeatSteps: ['first'] })
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'FAILED' })
  })
})
