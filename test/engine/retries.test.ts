import { defineTask, PermanentError, SnoozeError } from 'quillwork'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

describe('retries', () => {
  it('A1, A2: a failing task is run again after 15 s, 1 min, 5 min and 30 min, once each', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'fail' }] })
    for (const [retries, wait] of [15_000, 60_000, 300_000, 1_800_000].entries()) {
      await t.drain()
      expect(journal).toHaveLength(retries + 1)
      const record = await t.tasks.get(task.taskId)
      expect(record).toMatchObject({
        status: 'RETRYING',
        attempt: retries + 1,
        retryCount: retries + 1,
        nextAttemptTimestamp: t.clock.now() + wait,
      })
      await t.advance(wait - 1)
      expect(journal).toHaveLength(retries + 1)
      await t.advance(1)
      expect(journal).toHaveLength(retries + 2)
    }
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5, retryCount: 4 })
  })
})

describe('retries in a lane', () => {
  const failing = defineTask({
    type: 'Failing',
    parameters: z.null(),
    result: z.null(),
    retry: { maxAttempts: 2, inLanes: { quick: { maxAttempts: 4, backoff: ['1s', '4s', '15s'] } } },
    execute() {
      throw new Error('every time')
    },
  })
  const lanes = { default: { slots: 1 }, quick: { slots: 1 } }

  it('are those that the task type has for it', async () => {
    await using t = await testEngine({ tasks: [failing], lanes })
    const { taskId } = await t.submit(failing, null, { lane: 'quick' })
    for (const wait of [1_000, 4_000, 15_000]) {
      await t.drain()
      expect(await t.tasks.get(taskId)).toMatchObject({ nextAttemptTimestamp: t.clock.now() + wait })
      await t.advance(wait)
    }
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 4 })
  })

  it('are those of the task type in all others', async () => {
    await using t = await testEngine({ tasks: [failing], lanes })
    const { taskId } = await t.submit(failing, null)
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ nextAttemptTimestamp: t.clock.now() + 15_000 })
    await t.advance('15s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 2 })
  })

  it('are refused where they make no sense', () => {
    const define = () =>
      defineTask({
        ...failing,
        type: 'Bad',
        retry: { inLanes: { quick: { backoff: [] } } },
        execute: () => null,
      })
    expect(define).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})

/** A task of so many steps, each of which a later attempt does not run again; `before` runs before a step does. */
function stepping(
  count: number,
  before: (step: number, attempt: number) => unknown,
  options: { attemptTimeout?: '1m' } = {},
) {
  return defineTask({
    type: 'Stepping',
    parameters: z.null(),
    result: z.number(),
    ...options,
    async execute(ctx) {
      for (let step = 1; step <= count; step++) {
        await ctx.checkpoint(`step ${step}`, async () => {
          await Promise.race([
            before(step, ctx.attempt),
            new Promise((_, abort) => ctx.signal.addEventListener('abort', abort)),
          ])
        })
      }
      return count
    },
  })
}

describe('progress renews the retries', () => {
  it('of a task whose twenty steps each fail once', async () => {
    const failed = new Set<number>()
    const task = stepping(20, step => {
      if (failed.has(step)) return
      failed.add(step)
      throw new Error(`step ${step}`)
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('10m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '20', attempt: 21 })
  })

  it('of a task that finishes a step in each attempt before its time is over', async () => {
    const isDone = new Set<number>()
    const task = stepping(
      8,
      (_, attempt) => (isDone.has(attempt) ? new Promise(() => undefined) : void isDone.add(attempt)),
      { attemptTimeout: '1m' },
    )
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('15m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 8 })
  })

  it('not of one that only finds what earlier attempts finished', async () => {
    const task = stepping(3, step => {
      if (step === 3) throw new Error('the last one')
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('2h')
    // The first failure came after two new steps, the others after none.
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5, retryCount: 4 })
  })

  it('of a task whose attempts end with a wait after new steps', async () => {
    // Each call fails once, and each attempt may make three before it has to wait.
    const failed = new Set<number>()
    let calls = 0
    const task = stepping(40, step => {
      calls += 1
      if (calls % 4 === 0) throw new SnoozeError(0, 'three calls are enough')
      if (failed.has(step) || step % 5 !== 0) return
      failed.add(step)
      throw new Error(`step ${step}`)
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('1h')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
    expect(failed.size).toBeGreaterThan(5)
  })

  it('not by what only says that a step begins', async () => {
    const task = defineTask({
      type: 'Marking',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.checkpoint(`begins ${ctx.attempt}`, () => true, { isProgress: false })
        throw new Error('every time')
      },
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('2h')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5 })
  })

  it('of a parent whose next stage of sub-tasks has ended', async () => {
    const { scripted } = scriptedTasks()
    const stages = 6
    const failedAt = new Set<number>()
    const task = defineTask({
      type: 'Stages',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.submitSubTask(scripted, { orders: [] }, { key: 'stage 1' })
      },
      async onSubTasksSettled(ctx) {
        let ended = 0
        for await (const { done } of ctx.subTasks(scripted)) ended += done ? 1 : 0
        if (!failedAt.has(ended)) {
          failedAt.add(ended)
          throw new Error(`after stage ${ended}`)
        }
        for (let stage = 1; stage <= stages; stage++) {
          const { done } = await ctx.submitSubTask(scripted, { orders: [] }, { key: `stage ${stage}` })
          if (!done) return undefined
        }
        return null
      },
    })
    await using t = await testEngine({ tasks: [scripted, task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('10m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('a step with retries of its own', () => {
  const trying = (fail: (call: number) => unknown, retry: object = {}) => {
    const seen = { calls: 0, attempts: 0 }
    const task = defineTask({
      type: 'Trying',
      parameters: z.null(),
      result: z.string(),
      async execute(ctx) {
        seen.attempts = ctx.attempt
        return ctx.checkpoint(
          'step',
          async () => {
            seen.calls += 1
            await fail(seen.calls)
            return `call ${seen.calls}`
          },
          { retry },
        )
      },
    })
    return { task, seen }
  }
  const until = (last: number) => (call: number) => {
    if (call <= last) throw new Error(`call ${call}`)
  }

  it('is tried again within the attempt, after 1 s and 4 s', async () => {
    const { task, seen } = trying(until(2))
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('999ms')
    expect(seen.calls).toBe(1)
    await t.advance('1ms')
    expect(seen.calls).toBe(2)
    await t.advance('4s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1, result: '"call 3"' })
    const lines = await t.tasks.logs(taskId, 0, 10)
    expect(lines.map(({ message }) => message)).toEqual([
      'The step "step" failed and is tried again in 1000 ms: call 1',
      'The step "step" failed and is tried again in 4000 ms: call 2',
    ])
  })

  it('fails the attempt when it has failed as often as it may, and the next attempt begins anew', async () => {
    const { task, seen } = trying(until(5), { maxAttempts: 4, backoff: ['2s'] })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('6s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', retryCount: 1 })
    await t.advance('20s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(seen.calls).toBe(6)
  })

  it('is not tried again for an error that stays, nor once the attempt is interrupted', async () => {
    const final = trying(() => {
      throw new PermanentError('no')
    })
    await using t = await testEngine({ tasks: [final.task] })
    const failed = await t.submit(final.task, null)
    await t.drain()
    expect([(await failed.state()).status, final.seen.calls]).toEqual(['FAILED', 1])

    const { task, seen } = trying(until(9), { maxAttempts: 9, backoff: ['1h'] })
    await using other = await testEngine({ tasks: [task] })
    const cancelled = await other.submit(task, null)
    await other.drain()
    await cancelled.cancel()
    await other.drain()
    expect([(await cancelled.state()).status, seen.calls]).toEqual(['CANCELLED', 1])
  })

  it('waits as long as a provider asks, and ends the attempt where that is long', async () => {
    const asking = (seconds: number) => (call: number) => {
      if (call === 1)
        throw Object.assign(new Error('503'), { status: 503, headers: { 'retry-after': `${seconds}` } })
    }
    const short = trying(asking(10))
    const long = trying(asking(60))
    await using t = await testEngine({ tasks: [short.task] })
    const { taskId } = await t.submit(short.task, null)
    await t.advance('9s')
    expect(short.seen.calls).toBe(1)
    await t.advance('1s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
    await using other = await testEngine({ tasks: [long.task] })
    const held = await other.submit(long.task, null)
    await other.advance('1s')
    expect(await other.tasks.get(held.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 1 })
    await other.advance('60s')
    expect(await other.tasks.get(held.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
  })

  it('refuses retries that make no sense', async () => {
    const { task } = trying(until(0), { maxAttempts: 0 })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'OPTION_INVALID' },
    })
  })
})
