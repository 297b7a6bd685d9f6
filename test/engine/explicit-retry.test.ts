import { defineTask, PermanentError } from 'quillwork'
import { createGate, type Order, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const succeed: Order = { do: 'succeed', value: 1 }

/** Fails for good until it is healed. */
function healable() {
  const state = { healed: false, runs: 0 }
  const child = defineTask({
    type: 'Child',
    parameters: z.string(),
    result: z.string(),
    retry: { maxAttempts: 1 },
    execute(ctx) {
      state.runs += 1
      if (ctx.parameters.startsWith('bad') && !state.healed) throw new Error('not healed')
      return ctx.parameters
    },
  })
  const plain = defineTask({
    type: 'Plain',
    parameters: z.array(z.string()),
    result: z.number(),
    async execute(ctx) {
      const items = ctx.parameters.map(text => ({ key: text, parameters: text }))
      return (await ctx.submitSubTasks(child, items)).submitted
    },
  })
  const reducing = defineTask({
    type: 'Reducing',
    parameters: z.array(z.string()),
    result: z.array(z.string()),
    async execute(ctx) {
      await ctx.submitSubTasks(
        child,
        ctx.parameters.map(text => ({ key: text, parameters: text })),
      )
    },
    async onSubTasksSettled(ctx) {
      const results: string[] = [`round ${ctx.round}`]
      for await (const { result } of ctx.subTasks(child)) if (result !== undefined) results.push(result)
      return results
    },
  })
  const over = defineTask({
    type: 'Over',
    parameters: z.array(z.string()),
    result: z.string(),
    async execute(ctx) {
      await ctx.submitSubTask(plain, ctx.parameters, { key: 'plain' })
      return 'over'
    },
  })
  return { state, child, plain, reducing, over, tasks: [child, plain, reducing, over] as const }
}

async function child(t: TestEngine, parentId: string, index = 0) {
  const record = (await t.tasks.children(parentId, {}, { pageSize: 200 })).items[index]
  if (record === undefined) throw new RangeError(`no sub-task ${index}`)
  return record
}

describe('an explicit retry', () => {
  it('A18: starts the retries anew, lets the attempt numbers go on, and closes the dead letter with history', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'fail', attempts: 6 }, succeed] })
    for (let hour = 0; hour < 5; hour++) await t.jump('1h')
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5, retryCount: 4 })
    await t.deadLetters.retry(task.taskId)
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'RETRYING', attempt: 6, retryCount: 1 })
    await t.jump('1h')
    const record = await t.tasks.get(task.taskId)
    expect(record).toMatchObject({ status: 'COMPLETED', attempt: 7 })
    expect(record.deadLetter).toBeUndefined()
    expect(record.deadLetterHistory).toHaveLength(1)
    expect(record.deadLetterHistory?.[0]).toMatchObject({ reason: 'attempts-exhausted', attempt: 5 })
    expect(record.errorInfo).toBeUndefined()
    await expectInvariants(t)
  })

  it('with edited parameters runs with those and keeps the original', async () => {
    const { child, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(child, 'bad')
    await t.drain()
    await expect(t.deadLetters.retry(task.taskId, { parameters: 5 })).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
    })
    await t.deadLetters.retry(task.taskId, { parameters: 'good' })
    await t.drain()
    expect(await task.result()).toBe('good')
    const record = await t.tasks.get(task.taskId)
    expect(record.parameters).toBe('"good"')
    expect(record.deadLetterHistory?.[0]).toMatchObject({ parameters: '"bad"', parametersVersion: 1 })
  })

  describe('with edited parameters', () => {
    /** Tells a story of two paid steps, and fails for good at its end unless it is about a village. */
    function story() {
      const paid: string[] = []
      const task = defineTask({
        type: 'Story',
        parameters: z.object({ about: z.string() }),
        result: z.array(z.string()),
        async execute(ctx) {
          const { about } = ctx.parameters
          const step = (name: string) =>
            ctx.checkpoint(name, () => {
              paid.push(`${name} of a ${about}`)
              return `${name} of a ${about}`
            })
          const parts = [await step('beginning'), await step('middle')]
          if (!about.endsWith('village')) throw new PermanentError(`no ${about}`)
          return parts
        },
      })
      return { task, paid }
    }

    async function failed() {
      const { task, paid } = story()
      const t = await testEngine({ tasks: [task], persistent: true })
      const handle = await t.submit(task, { about: 'dragon' })
      await t.drain()
      const retry = async (about: string, options: { keepCheckpoints?: true | readonly string[] } = {}) => {
        await t.tasks.retry(handle.taskId, { parameters: { about }, ...options })
        await t.drain()
      }
      return { t, handle, paid, retry }
    }

    it('no step answers with what the old ones made, also after a restart', async () => {
      const { t, handle, paid, retry } = await failed()
      await using _ = t
      await retry('castle')
      if (onSqlite) await t.restart()
      await retry('village')
      expect(await (await t.find(story().task, handle.taskId))?.result()).toEqual([
        'beginning of a village',
        'middle of a village',
      ])
      expect(paid).toHaveLength(6)
    })

    it('the steps that a person keeps are not run again, through further changes', async () => {
      const { t, handle, paid, retry } = await failed()
      await using _ = t
      await retry('castle', { keepCheckpoints: ['beginning'] })
      await retry('village', { keepCheckpoints: ['beginning', 'middle'] })
      expect(await handle.result()).toEqual(['beginning of a dragon', 'middle of a castle'])
      expect(paid).toEqual(['beginning of a dragon', 'middle of a dragon', 'middle of a castle'])
    })

    it('all steps stay where a person says so, or changed nothing', async () => {
      const { t, handle, paid, retry } = await failed()
      await using _ = t
      await retry('dragon')
      await retry('village', { keepCheckpoints: true })
      expect(await handle.result()).toEqual(['beginning of a dragon', 'middle of a dragon'])
      expect(paid).toHaveLength(2)
    })

    it('what belongs to the task stays, whatever its parameters', async () => {
      const seen: number[] = []
      const task = defineTask({
        type: 'Marking',
        parameters: z.string(),
        result: z.null(),
        async execute(ctx) {
          seen.push(await ctx.checkpoint('first', () => ctx.attempt, { ofTask: true }))
          throw new PermanentError('no')
        },
      })
      await using t = await testEngine({ tasks: [task] })
      const { taskId } = await t.submit(task, 'a')
      await t.drain()
      await t.tasks.retry(taskId, { parameters: 'b' })
      await t.drain()
      expect(seen).toEqual([1, 1])
    })

    it('no key of a step can be taken for one of the old parameters', async () => {
      const task = defineTask({
        type: 'Colliding',
        parameters: z.string(),
        result: z.array(z.string()),
        async execute(ctx) {
          const step = (key: string) => ctx.checkpoint(key, () => `${key} of ${ctx.parameters}`)
          if (ctx.parameters === 'old') {
            await step('1/a')
            await expect(step('1\u001fa')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
            throw new PermanentError('no')
          }
          return [await step('a'), await step('1/a')]
        },
      })
      await using t = await testEngine({ tasks: [task] })
      const handle = await t.submit(task, 'old')
      await t.drain()
      await t.tasks.retry(handle.taskId, { parameters: 'new' })
      await t.drain()
      expect(await handle.result()).toEqual(['a of new', '1/a of new'])
    })

    it('steps cannot be chosen without', async () => {
      const { t, handle } = await failed()
      await using _ = t
      await expect(t.tasks.retry(handle.taskId, { keepCheckpoints: true })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
    })
  })

  it('of a parent with edited parameters is refused: its sub-tasks have theirs', async () => {
    const { plain, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(plain, ['bad'])
    await t.drain()
    await expect(t.tasks.retry(task.taskId, { parameters: ['good'] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    expect((await task.state()).status).toBe('FAILED')
  })

  it('of a task that is live, or completed, is refused', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const done = await t.submit(scripted, { orders: [succeed] })
    const live = await t.submit(scripted, { orders: [{ do: 'hang' }] })
    await t.drain()
    for (const { taskId } of [done, live])
      await expect(t.tasks.retry(taskId)).rejects.toMatchObject({ code: 'TASK_NOT_RETRYABLE' })
    await expect(t.tasks.retry('nobody')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(t.deadLetters.retry(done.taskId)).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' })
  })

  it('of a cancelled task runs it again', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'hang', attempts: 1 }, succeed] })
    await t.drain()
    await task.cancel()
    await t.drain()
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 1 })
  })

  it('tells the attempts behind it which one failed before it', async () => {
    const seen: number[] = []
    const task = defineTask({
      type: 'Seen',
      parameters: z.null(),
      result: z.void(),
      retry: { maxAttempts: 2 },
      execute(ctx) {
        seen.push(ctx.retriedAttempt)
        if (ctx.attempt < 4) throw new Error('not yet')
      },
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    for (let hour = 0; hour < 2; hour++) await t.jump('1h')
    expect((await t.tasks.get(taskId)).status).toBe('DEAD_LETTER')
    await t.deadLetters.retry(taskId)
    for (let hour = 0; hour < 2; hour++) await t.jump('1h')
    expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
    expect(seen).toEqual([0, 0, 2, 2])
  })

  it('twice at the same time runs it once', async () => {
    const { child, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(child, 'bad')
    await t.drain()
    // It could have failed again before the second retry, which would then be right.
    await t.lanes.pause('default')
    await Promise.allSettled([t.tasks.retry(task.taskId), t.tasks.retry(task.taskId)])
    await t.lanes.resume('default')
    await t.drain()
    expect(state.runs).toBe(2)
    expect(t.recorder.all('reopened')).toHaveLength(1)
    await expectInvariants(t)
  })
})

describe('retrying what failed below a parent', () => {
  it('runs the failed ones alone, and the parent ends COMPLETED', async () => {
    const { plain, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(plain, ['a', 'bad 1', 'b', 'bad 2'])
    await t.drain()
    expect((await task.state()).status).toBe('COMPLETED_WITH_ERRORS')
    state.healed = true
    expect(await t.tasks.retry(task.taskId)).toBe(3)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 4 })
    expect(state.runs).toBe(6)
    expect(await t.tasks.get(task.taskId)).toMatchObject({ round: 1 })
    await expectInvariants(t)
  })

  it('the one who waits after the retry gets the new result, and the hook runs once more', async () => {
    const { reducing, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(reducing, ['a', 'bad 1'])
    expect(await task.result()).toEqual(['round 0', 'a'])
    state.healed = true
    await t.tasks.retry(task.taskId)
    expect(await task.result()).toEqual(['round 1', 'a', 'bad 1'])
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', round: 1, attempt: 3 })
    await expectInvariants(t)
  })

  it('reopens a parent of many failed sub-tasks once, and ends it once', async () => {
    const { plain, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    // More than one page of what is retried; on MongoDB each takes longer.
    const names = Array.from({ length: onSqlite ? 700 : 250 }, (_, index) => `bad ${index}`)
    const task = await t.submit(plain, names)
    await t.drain()
    expect((await task.state()).status).toBe('FAILED')
    t.recorder.clear()
    state.healed = true
    expect(await t.tasks.retry(task.taskId)).toBe(names.length + 1)
    await t.drain()
    expect(t.recorder.storyOf(task.taskId)).toEqual(['reopened', 'completed'])
    expect((await task.state()).status).toBe('COMPLETED')
    await expectInvariants(t)
  })

  it('a single sub-task reopens its ended ancestors, and their results are made anew', async () => {
    const { over, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(over, ['a', 'bad'])
    await t.drain()
    const middle = await child(t, task.taskId)
    expect([(await task.state()).status, middle.status]).toEqual([
      'COMPLETED_WITH_ERRORS',
      'COMPLETED_WITH_ERRORS',
    ])
    state.healed = true
    await t.tasks.retry((await child(t, middle.id, 1)).id)
    expect((await task.state()).status).toBe('RUNNING')
    await t.drain()
    expect([(await task.state()).status, (await child(t, task.taskId)).status]).toEqual([
      'COMPLETED',
      'COMPLETED',
    ])
    await expectInvariants(t)
  })

  it('goes down from the top of a tree of three levels', async () => {
    const { over, state, tasks } = healable()
    await using t = await testEngine({ tasks })
    const task = await t.submit(over, ['bad 1', 'bad 2'])
    await t.drain()
    expect((await task.state()).status).toBe('FAILED')
    t.recorder.clear()
    state.healed = true
    expect(await t.tasks.retry(task.taskId)).toBe(4)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'over' })
    expect(t.recorder.storyOf(task.taskId)).toEqual(['reopened', 'completed'])
    await expectInvariants(t)
  })

  it('a sub-task of a cancelled parent is refused: the parent is the one to retry', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [{ do: 'submitMany', count: 2, orders: [{ do: 'hang', attempts: 1 }, succeed] }],
    })
    await t.drain()
    await task.cancel()
    await t.advance('1s')
    await expect(t.tasks.retry((await child(t, task.taskId)).id)).rejects.toMatchObject({
      code: 'TASK_NOT_RETRYABLE',
    })
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'COMPLETED',
      subTaskStatusSummary: { COMPLETED: 2 },
    })
    await expectInvariants(t)
  })

  it('a sub-task of a parent whose own handler failed is refused, for the parent never came to wait', async () => {
    const { child: word, tasks } = healable()
    const hooked = defineTask({
      type: 'Hooked',
      parameters: z.null(),
      result: z.string(),
      retry: { maxAttempts: 1 },
      async execute(ctx) {
        await ctx.submitSubTask(word, 'bad', { key: 'bad' })
        if (ctx.attempt === 1) throw new Error('the parent itself')
      },
      onSubTasksSettled: () => 'reduced',
    })
    await using t = await testEngine({ tasks: [...tasks, hooked] })
    const task = await t.submit(hooked, null)
    await t.advance('5s')
    expect(await task.state()).toMatchObject({ status: 'DEAD_LETTER' })
    await expect(t.tasks.retry((await child(t, task.taskId)).id)).rejects.toMatchObject({
      code: 'TASK_NOT_RETRYABLE',
    })
    await t.tasks.retry(task.taskId)
    await t.advance('5s')
    expect(await task.state()).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', result: 'reduced' })
    await expectInvariants(t)
  })

  it('a parent whose hook failed runs its hook again, not its handler', async () => {
    const { child: word, tasks } = healable()
    let executes = 0
    const hooked = defineTask({
      type: 'Hooked',
      parameters: z.null(),
      result: z.number(),
      retry: { maxAttempts: 1 },
      async execute(ctx) {
        executes += 1
        await ctx.submitSubTask(word, 'fine', { key: 'a' })
      },
      onSubTasksSettled(ctx) {
        if (ctx.attempt === 2) throw new Error('the hook')
        return ctx.attempt
      },
    })
    await using t = await testEngine({ tasks: [...tasks, hooked] })
    const task = await t.submit(hooked, null)
    await t.drain()
    expect((await task.state()).status).toBe('DEAD_LETTER')
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 3 })
    expect(executes).toBe(1)
    await expectInvariants(t)
  })

  it('a parent that was cancelled while its sub-tasks completed all the same ends COMPLETED', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        { do: 'submitMany', count: 2, orders: [{ do: 'finishLate', value: 1 }] },
        { do: 'succeed', value: 'both' },
      ],
    })
    await t.drain()
    await task.cancel()
    await t.advance('1s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'CANCELLED',
      subTaskStatusSummary: { COMPLETED: 2 },
    })
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'both' })
    await expectInvariants(t)
  })

  it('while sub-tasks of a cancelled parent still stop, a retry is refused and changes nothing', async () => {
    const gate = createGate()
    const stubborn = defineTask({
      type: 'Stubborn',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        if (ctx.attempt > 1) return null
        await gate.opened
        throw new Error('stopped at last')
      },
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.submitSubTask(stubborn, null, { key: 'only' })
        return null
      },
    })
    await using t = await testEngine({ tasks: [stubborn, parent] })
    const task = await t.submit(parent, null)
    await t.drain()
    await task.cancel()
    await expect(t.tasks.retry(task.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_RETRYABLE' })
    expect((await task.state()).status).toBe('CANCELLED')
    gate.open()
    await t.drain()
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'COMPLETED',
      subTaskStatusSummary: { COMPLETED: 1 },
    })
    await expectInvariants(t)
  })
})

describe('a task that waits for a time', () => {
  it('runs now when a person wants it: before its next attempt, and before its start', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const failing = await t.submit(scripted, { orders: [{ do: 'fail', attempts: 1 }, succeed] })
    const delayed = await t.submit(scripted, { orders: [succeed] }, { delay: '3h' })
    await t.drain()
    expect((await failing.state()).status).toBe('RETRYING')
    expect((await delayed.state()).status).toBe('QUEUED')
    for (const { taskId } of [failing, delayed]) await t.tasks.runNow(taskId)
    await t.jump('10ms')
    expect(await failing.state()).toMatchObject({ status: 'COMPLETED' })
    expect(await delayed.state()).toMatchObject({ status: 'COMPLETED' })
    await expectInvariants(t)
  })

  it('stays where it is in line when it waits for no time, and is refused once it runs or has ended', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 1 } } })
    const running = await t.submit(scripted, { orders: [{ do: 'hang' }] })
    await t.drain()
    const waiting = await t.submit(scripted, { orders: [succeed] })
    await t.drain()
    const { version } = await t.tasks.get(waiting.taskId)
    await t.tasks.runNow(waiting.taskId)
    expect((await t.tasks.get(waiting.taskId)).version).toBe(version)
    await expect(t.tasks.runNow(waiting.taskId, { ifVersion: version + 1 })).rejects.toMatchObject({
      code: 'TASK_CHANGED',
    })
    await expect(t.tasks.runNow(running.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_WAITING' })
    await running.cancel()
    await t.drain()
    await expect(t.tasks.runNow(running.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_WAITING' })
  })
})

describe('an ended task', () => {
  it('runs anew as a task of its own, which says which one it runs anew', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], start: false })
    const options = { userId: 'ann', priority: 'high', tags: ['draft'], budget: { tokens: 9 } } as const
    const first = await t.submit(scripted, { orders: [succeed] }, { ...options, idempotencyKey: 'once' })
    await expect(t.tasks.rerun(first.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_ENDED' })
    await t.start()
    await t.drain()
    const { record, isNew } = await t.tasks.rerun(first.taskId, { idempotencyKey: 'twice' })
    expect(isNew).toBe(true)
    expect(record).toMatchObject({ ...options, lane: 'default', rerunOf: first.taskId })
    expect(record.parameters).toBe((await t.tasks.get(first.taskId)).parameters)
    expect(await t.tasks.rerun(first.taskId, { idempotencyKey: 'twice' })).toMatchObject({
      isNew: false,
      record: { id: record.id },
    })
    await t.drain()
    expect(await t.tasks.get(record.id)).toMatchObject({
      status: 'COMPLETED',
      attempt: 1,
      rerunOf: first.taskId,
    })
    expect(await t.tasks.get(first.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
  })

  it('runs anew with the retries that it was submitted with', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const subTasks = [{ key: 'once', retry: { maxAttempts: 1 }, orders: [{ do: 'fail' }] }] as const
    const { taskId } = await t.submit(scripted, { orders: [{ do: 'submit', subTasks: [...subTasks] }] })
    await t.drain()
    const [once] = (await t.tasks.children(taskId, {}, { pageSize: 1 })).items
    expect(once).toMatchObject({ status: 'DEAD_LETTER', retry: { maxAttempts: 1 } })
    const { record } = await t.tasks.rerun(once?.id ?? '')
    await t.drain()
    expect(await t.tasks.get(record.id)).toMatchObject({
      status: 'DEAD_LETTER',
      attempt: 1,
      retry: { maxAttempts: 1 },
    })
  })

  it('runs anew with what its type makes of old parameters, or with others', async () => {
    const build = (version: number) =>
      defineTask({
        type: 'Greet',
        parameters: version === 1 ? z.object({ who: z.string() }) : z.object({ name: z.string() }),
        parametersVersion: version,
        upgradeParameters: stored => ({ name: (stored as { who: string }).who }),
        result: z.string(),
        execute: ctx => JSON.stringify(ctx.parameters),
      })
    await using t = await testEngine({ tasks: [build(1)], persistent: true })
    const first = await t.submit(build(1), { who: 'Ann' })
    await t.drain()
    await t.restart({ tasks: [build(2)] })
    const again = await t.tasks.rerun(first.taskId)
    const other = await t.tasks.rerun(first.taskId, { parameters: { name: 'Ben' } })
    await expect(t.tasks.rerun(first.taskId, { parameters: { who: 7 } })).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
    })
    await t.drain()
    const results = await Promise.all([again, other].map(({ record }) => t.tasks.get(record.id)))
    expect(results.map(({ result }) => JSON.parse(result ?? ''))).toEqual([
      '{"name":"Ann"}',
      '{"name":"Ben"}',
    ])
  })
})
