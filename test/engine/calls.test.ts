import { type AllowedCall, defineTask, PermanentError, type TaskContext } from 'quillwork'
import { testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const usage = { model: 'm', inputTokens: 30, outputTokens: 12, cost: 0.5 }
const expected = { limit: 'm', tokens: 100, cost: 1 }

/** A task that makes one call. */
function calling(make: (call: AllowedCall) => unknown, retry = { maxAttempts: 1 }) {
  return defineTask({
    type: 'Calling',
    parameters: z.null(),
    result: z.unknown(),
    retry,
    execute: (ctx: TaskContext) => ctx.call({ ...expected, name: 'only', subject: 'novel' }, make),
  })
}

async function run(make: (call: AllowedCall) => unknown) {
  const t = await testEngine({ tasks: [calling(make)], limits: { m: { tokensPerMinute: 1_000 } } })
  const { taskId } = await t.submit(calling(make), null, { budget: { tokens: 500, cost: 5 } })
  await t.drain()
  const { spent, reserved } = await t.budgets.get(taskId)
  const [limit] = t.limiter.describe()
  const { items } = await t.tasks.usageReport({}, { by: 'model' })
  return {
    record: await t.tasks.get(taskId),
    spent,
    reserved,
    tokens: limit?.tokens,
    inFlight: limit?.inFlight,
    usage: await t.tasks.usage(taskId),
    estimatedCalls: items.reduce((sum, { estimatedCalls }) => sum + estimatedCalls, 0),
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  }
}

describe('a call with all that belongs to it', () => {
  it('counts what it said, under its limit, in the budget and in the usage', async () => {
    await using done = await run(call => {
      call.used({ ...usage, inputTokens: 3 })
      call.used(usage)
      return 'written'
    })
    expect(done.record).toMatchObject({ status: 'COMPLETED', result: '"written"' })
    expect(done).toMatchObject({ spent: { tokens: 42, cost: 0.5 }, reserved: { tokens: 0, cost: 0 } })
    expect(done).toMatchObject({ tokens: 42, inFlight: 0, usage: [{ ...usage, calls: 1 }] })
  })

  it.each([
    { inputTokens: 9e15, outputTokens: 12, cost: 9e9 },
    { inputTokens: Number.NaN, outputTokens: 12 },
    { inputTokens: 30, outputTokens: -1 },
    { inputTokens: 1.5, outputTokens: 1 },
    { inputTokens: 30, cachedInputTokens: 31, outputTokens: 1 },
    { inputTokens: 10_000_000, outputTokens: 1 },
  ])('keeps its answer and counts at its estimate, marked, where %j cannot be right', async numbers => {
    await using done = await run(call => {
      call.used({ model: 'm', ...numbers })
      return 'written'
    })
    expect(done.record).toMatchObject({ status: 'COMPLETED', result: '"written"', attempt: 1 })
    expect(done).toMatchObject({ spent: { tokens: 100, cost: 1 }, reserved: { tokens: 0, cost: 0 } })
    expect(done).toMatchObject({ tokens: 100, inFlight: 0 })
    expect(done.usage).toEqual([
      { model: 'm', calls: 1, inputTokens: 100, cachedInputTokens: 0, outputTokens: 0, cost: 1 },
    ])
    expect(done.estimatedCalls).toBe(1)
  })

  it.each([9e9, Number.NaN, -1])('keeps its answer and its tokens where it said a cost of %d', async cost => {
    await using done = await run(call => {
      call.used({ ...usage, cost })
      return 'written'
    })
    expect(done).toMatchObject({
      record: { result: '"written"' },
      spent: { tokens: 42, cost: 1 },
      tokens: 42,
    })
    expect(done.estimatedCalls).toBe(1)
  })

  it.each([
    ['', 'unknown'],
    [undefined as unknown as string, 'unknown'],
    [`a\0${'b'.repeat(300)}`, `a${'b'.repeat(199)}`],
  ])('keeps its answer where it said the model %j', async (model, stored) => {
    await using done = await run(call => {
      call.used({ ...usage, model })
      return 'written'
    })
    expect(done).toMatchObject({ record: { result: '"written"' }, usage: [{ model: stored, calls: 1 }] })
  })

  it.each(['', 'x'.repeat(101), 'a\0b'])('is not made for the subject %j', async subject => {
    let calls = 0
    const task = defineTask({
      type: 'Calling',
      parameters: z.null(),
      result: z.unknown(),
      execute: ctx => ctx.call({ ...expected, subject }, () => (calls += 1)),
    })
    await using t = await testEngine({ tasks: [task], limits: { m: {} } })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'OPTION_INVALID' },
    })
    expect(calls).toBe(0)
  })

  it('is believed where it cost more than its estimate', async () => {
    await using done = await run(call => call.used({ ...usage, inputTokens: 9_000 }))
    expect(done).toMatchObject({ spent: { tokens: 9_012, cost: 0.5 }, tokens: 9_012, estimatedCalls: 0 })
  })

  it('that returns without a word counts at its estimate', async () => {
    await using done = await run(() => null)
    expect(done).toMatchObject({
      spent: { tokens: 100, cost: 1 },
      reserved: { tokens: 0 },
      tokens: 100,
      usage: [],
    })
  })

  it('that throws without a word, or says that it used nothing, costs nothing', async () => {
    const nothing = {
      spent: { tokens: 0, cost: 0 },
      reserved: { tokens: 0 },
      tokens: 0,
      inFlight: 0,
      usage: [],
    }
    await using failed = await run(() => {
      throw new Error('refused')
    })
    expect(failed).toMatchObject({ ...nothing, record: { errorInfo: { message: 'refused' } } })
    await using unused = await run(call => call.used(undefined))
    expect(unused).toMatchObject(nothing)
  })

  it('that throws after it was paid counts what it said', async () => {
    await using done = await run(call => {
      call.used(usage)
      throw new Error('cut off')
    })
    expect(done).toMatchObject({
      spent: { tokens: 42 },
      reserved: { tokens: 0 },
      tokens: 42,
      usage: [{ calls: 1 }],
    })
  })

  it('that waits for its limit holds nothing of the budget meanwhile, and spends no retry', async () => {
    const task = calling(call => call.used(usage))
    await using t = await testEngine({ tasks: [task], limits: { m: { requestsPerMinute: 1 } } })
    const budget = { tokens: 500 }
    const first = await t.submit(task, null, { budget })
    await t.drain()
    const second = await t.submit(task, null, { budget })
    await t.advance('5s')
    expect(await t.tasks.get(second.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
    expect(await t.budgets.get(second.taskId)).toMatchObject({
      spent: { tokens: 0 },
      reserved: { tokens: 0 },
    })
    await t.advance('60s')
    for (const { taskId } of [first, second])
      expect(await t.budgets.get(taskId)).toMatchObject({ spent: { tokens: 42 }, reserved: { tokens: 0 } })
  })

  it.each(['beside a call of another limit', 'before a fallback that fails for good'])(
    'that its provider refuses parks its own limit alone, %s',
    async how => {
      const refused = Object.assign(new Error('429'), { status: 429, retryAfterMs: 60_000 })
      const refusing = defineTask({
        type: 'Refusing',
        parameters: z.null(),
        result: z.null(),
        async execute(ctx) {
          const first = ctx.call({ limit: 'a', tokens: 1 }, () => Promise.reject(refused))
          const beside = how.startsWith('beside')
          const second = () =>
            ctx.call({ limit: 'b', tokens: 1 }, () => {
              if (!beside) throw new PermanentError('no')
              return new Promise(() => undefined)
            })
          if (beside) await Promise.all([first, second()])
          else await first.catch(() => second()).catch(() => Promise.reject(refused))
          return null
        },
      })
      await using t = await testEngine({ tasks: [refusing], limits: { a: {}, b: {} } })
      const { taskId } = await t.submit(refusing, null)
      await t.drain()
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
      const parked = (await t.limits.list()).filter(({ parkedUntil }) => parkedUntil !== undefined)
      expect(parked).toMatchObject([{ key: 'a', parkedUntil: t.clock.now() + 60_000 }])
    },
  )
})
