import { defineTask, SnoozeError } from 'quillwork'
import { createManualClock, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { expectInvariants } from './invariants.ts'

const never = () => new Promise<null>(() => undefined)
const untilFired = (signal: AbortSignal) =>
  new Promise<null>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('an attempt that may not stall', () => {
  const slow = (seconds: number, how: 'progress' | 'write' | 'checkpoint' | 'nothing') =>
    defineTask({
      type: 'Slow',
      parameters: z.null(),
      result: z.null(),
      progress: z.number(),
      stallTimeout: '1m',
      retry: { maxAttempts: 1 },
      async execute(ctx) {
        for (let step = 0; step < seconds / 50; step++) {
          await Promise.race([
            untilFired(ctx.signal),
            new Promise<void>(resolve => clock.after(50_000, resolve)),
          ])
          if (how === 'progress') ctx.updateProgress(step)
          else if (how === 'write') ctx.write('.')
          else if (how === 'checkpoint') await ctx.checkpoint(`${step}`, () => step)
        }
        return null
      },
    })
  const clock = createManualClock()

  it.each(['progress', 'write', 'checkpoint'] as const)('goes on as long as it shows %s', async how => {
    const task = slow(600, how)
    await using t = await testEngine({ tasks: [task], clock })
    const { taskId } = await t.submit(task, null)
    await t.advance('11m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
  })

  it('ends as a timeout when it shows nothing for that long', async () => {
    const task = slow(600, 'nothing')
    await using t = await testEngine({ tasks: [task], clock })
    const { taskId } = await t.submit(task, null)
    await t.advance('59s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RUNNING' })
    await t.advance('1s')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'DEAD_LETTER',
      errorInfo: { code: 'ATTEMPT_STALLED', errorClass: 'timeout' },
    })
  })
})

describe('a timeout', () => {
  it('B9: fires the signal when the attempt has run too long, and the attempt counts as failed', async () => {
    const slow = defineTask({
      type: 'Slow',
      parameters: z.null(),
      result: z.null(),
      attemptTimeout: '1m',
      execute: ctx => untilFired(ctx.signal),
    })
    await using t = await testEngine({ tasks: [slow] })
    const task = await t.submit(slow, null)
    await t.advance(59_999)
    expect((await task.state()).status).toBe('RUNNING')
    await t.advance(1)
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'RETRYING',
      retryCount: 1,
      errorInfo: { code: 'ATTEMPT_TIMEOUT', errorClass: 'timeout' },
    })
  })

  it('a handler that ignores it is ended 10 s later, and its late result is dropped', async () => {
    let finish: (value: string) => void = () => undefined
    const deaf = defineTask({
      type: 'Deaf',
      parameters: z.null(),
      result: z.string(),
      attemptTimeout: '1m',
      execute(ctx) {
        return ctx.attempt === 1 ? new Promise<string>(resolve => (finish = resolve)) : 'second'
      },
    })
    await using t = await testEngine({ tasks: [deaf] })
    const task = await t.submit(deaf, null)
    await t.advance('69s')
    expect((await task.state()).status).toBe('RUNNING')
    await t.advance('1s')
    expect((await task.state()).status).toBe('RETRYING')
    finish('late')
    await t.advance('15s')
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'second' })
  })

  it.each(['parameters', 'result'] as const)(
    'counts a schema of the %s that waits for something as part of the attempt',
    async of => {
      let isPatient = false
      const patient = z.string().refine(() => (isPatient ? new Promise<boolean>(() => undefined) : true))
      const task = defineTask({
        type: 'Patient',
        parameters: of === 'parameters' ? patient : z.string(),
        result: of === 'result' ? patient : z.string(),
        attemptTimeout: '1m',
        execute: () => 'x',
      })
      await using t = await testEngine({ tasks: [task] })
      const { taskId } = await t.submit(task, 'x', { delay: '1s' })
      isPatient = true
      await t.advance('1s')
      await t.advance('59s')
      expect((await t.tasks.get(taskId)).status).toBe('RUNNING')
      // A result that came in time has as long again.
      await t.advance('75s')
      expect(await t.tasks.get(taskId)).toMatchObject({ errorInfo: { code: 'ATTEMPT_TIMEOUT' } })
    },
  )

  it('a result that comes after the signal and before the patience ends is kept', async () => {
    const { scripted } = scriptedTasks()
    const late = defineTask({
      type: 'Late',
      parameters: z.null(),
      result: z.string(),
      attemptTimeout: '1m',
      execute: ctx =>
        new Promise<string>(resolve => ctx.signal.addEventListener('abort', () => resolve('in time'))),
    })
    await using t = await testEngine({ tasks: [late, scripted] })
    const task = await t.submit(late, null)
    await t.advance('1m')
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'in time' })
  })
})

describe('the times of an engine', () => {
  it.each<[times: object, message: string]>([
    [{ sweep: '5s' }, 'times.sweep is now called times.sweepInterval.'],
    [{ obey: '10s' }, 'times.obey is now called times.abortGrace.'],
  ])('a former name, %j, is refused with the new one', async (times, message) => {
    await expect(testEngine({ tasks: [], times })).rejects.toMatchObject({ code: 'OPTION_INVALID', message })
  })
})

describe('a deadline', () => {
  const due = defineTask({
    type: 'Due',
    parameters: z.object({ fails: z.boolean() }),
    result: z.null(),
    deadline: '10m',
    execute(ctx) {
      if (ctx.parameters.fails) throw new Error('again')
      return untilFired(ctx.signal)
    },
  })

  it('that passes while the task waits fails it without an attempt', async () => {
    await using t = await testEngine({ tasks: [due] })
    const task = await t.submit(due, { fails: false }, { delay: '1h' })
    await t.advance('9m')
    expect((await task.state()).status).toBe('QUEUED')
    await t.advance('65s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      attempt: 0,
      deadLetter: { reason: 'deadline' },
    })
    await expectInvariants(t)
  })

  it('that passes while the handler runs fires its signal and fails the task', async () => {
    await using t = await testEngine({ tasks: [due] })
    const task = await t.submit(due, { fails: false })
    await t.advance('10m')
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'DEADLINE_PASSED' } })
    await expectInvariants(t)
  })

  it('no retry is planned beyond it', async () => {
    await using t = await testEngine({ tasks: [due] })
    const task = await t.submit(due, { fails: true })
    await t.advance('7m')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      attempt: 4,
      errorInfo: { code: 'DEADLINE_PASSED' },
    })
    expect((await t.tasks.get(task.taskId)).errorInfo?.message).toContain('again')
  })
})

describe('a snooze', () => {
  it('comes back at its time, from its checkpoint, and spends no retry', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 1 } } })
    const until = t.fromNow('1h').getTime()
    const task = await t.submit(scripted, {
      orders: [{ do: 'checkpoint', key: 'paid' }, { do: 'snooze', until, attempts: 1 }, { do: 'succeed' }],
    })
    const other = await t.submit(scripted, { orders: [] })
    await t.drain()
    expect((await other.state()).status).toBe('COMPLETED')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'RETRYING',
      nextAttemptTimestamp: until,
      retryCount: 0,
    })
    await t.jump(3_599_999)
    expect((await task.state()).status).toBe('RETRYING')
    await t.advance(1)
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
    expect(journal.filter(({ did }) => did === 'checkpoint')).toHaveLength(1)
  })

  it('E10: a hundred waits for the provider spend no retry, and none is a hot loop', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [{ do: 'tooMany', retryAfterMs: 0, attempts: 100 }, { do: 'succeed' }],
    })
    await t.drain()
    expect(journal).toHaveLength(1)
    await t.advance('100s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 101, retryCount: 0 })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE])(
    'until %d is a failure like any other',
    async until => {
      const odd = defineTask({
        type: 'Odd',
        parameters: z.null(),
        result: z.null(),
        execute() {
          throw new SnoozeError(until, 'until never')
        },
      })
      await using t = await testEngine({ tasks: [odd] })
      const task = await t.submit(odd, null)
      await t.drain()
      expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 1 })
    },
  )

  it('until a fraction of a millisecond is recorded', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const until = t.clock.now() + 5_000.25
    const task = await t.submit(scripted, {
      orders: [{ do: 'snooze', until, attempts: 1 }, { do: 'succeed' }],
    })
    await t.advance(5_001)
    expect((await task.state()).status).toBe('COMPLETED')
  })
})

describe('a limit', () => {
  it('E1: a burst over the limit is slower, never refused, and spends no retry', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      lanes: { default: { slots: 50 } },
      limits: { model: { requestsPerMinute: 10 } },
    })
    const handles = await t.submitMany(
      scripted,
      Array.from({ length: 30 }, () => ({
        parameters: { orders: [{ do: 'acquire', limit: 'model' }, { do: 'succeed' }] } as const,
      })),
    )
    await t.drain()
    expect(journal.filter(({ did }) => did === 'acquire')).toHaveLength(10)
    await t.advance('30s')
    expect(journal.filter(({ did }) => did === 'acquire')).toHaveLength(10)
    await t.advance('5m')
    for (const { taskId } of handles)
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', retryCount: 0 })
    await expectInvariants(t)
  })

  it('E8: a place under a limit of concurrency is free again when its holder fails or is cancelled', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: { concurrency: 1 } } })
    const acquire = { do: 'acquire', limit: 'model' } as const
    await t.submit(scripted, { orders: [acquire, { do: 'failForGood' }] })
    await t.drain()
    const hanging = await t.submit(scripted, { orders: [acquire, { do: 'hang' }] })
    await t.drain()
    await hanging.cancel()
    await t.drain()
    const last = await t.submit(scripted, { orders: [acquire, { do: 'succeed' }] })
    await t.advance('5s')
    expect((await last.state()).status).toBe('COMPLETED')
    expect(journal.filter(({ did }) => did === 'acquire')).toHaveLength(3)
  })

  it('a place is free again when its holder names a cost that is none', async () => {
    const wrong = defineTask({
      type: 'Wrong',
      parameters: z.number().nullable(),
      result: z.null(),
      async execute(ctx) {
        const permit = await ctx.acquire('model')
        permit.commit(ctx.parameters ?? Number.NaN)
        return null
      },
    })
    await using t = await testEngine({ tasks: [wrong], limits: { model: { concurrency: 1 } } })
    const failed = await t.submit(wrong, null)
    await t.drain()
    expect((await failed.state()).status).toBe('FAILED')
    const next = await t.submit(wrong, 1)
    await t.advance('5s')
    expect((await next.state()).status).toBe('COMPLETED')
  })

  it('a wait of more than two seconds leaves the slot to others', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      lanes: { default: { slots: 1 } },
      limits: { model: { requestsPerMinute: 1 } },
    })
    const acquire = { do: 'acquire', limit: 'model' } as const
    await t.submit(scripted, { orders: [acquire] })
    await t.drain()
    const waits = await t.submit(scripted, { orders: [acquire] })
    const other = await t.submit(scripted, { orders: [{ do: 'succeed' }] })
    await t.drain()
    expect((await other.state()).status).toBe('COMPLETED')
    expect(await t.tasks.get(waits.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
    await t.advance('61s')
    expect((await waits.state()).status).toBe('COMPLETED')
  })
})

describe('jitter', () => {
  it('spreads the retries of tasks that failed together by a tenth each way', async () => {
    const { scripted } = scriptedTasks()
    let turn = 0
    await using t = await testEngine({
      tasks: [scripted],
      random: () => [0, 0.5, 0.999_999][turn++ % 3] ?? 0,
    })
    const handles = await t.submitMany(
      scripted,
      Array.from({ length: 3 }, () => ({ parameters: { orders: [{ do: 'fail' }] } as const })),
    )
    await t.drain()
    const waits = await Promise.all(
      handles.map(
        async ({ taskId }) => ((await t.tasks.get(taskId)).nextAttemptTimestamp ?? 0) - t.clock.now(),
      ),
    )
    expect(waits.sort((a, b) => a - b)).toEqual([13_500, 15_000, 16_500])
  })
})

it('nothing runs for ever: an attempt without a timeout of its own has one of 30 minutes', async () => {
  const forever = defineTask({ type: 'Forever', parameters: z.null(), result: z.null(), execute: never })
  await using t = await testEngine({ tasks: [forever] })
  const task = await t.submit(forever, null)
  await t.advance('29m')
  expect((await task.state()).status).toBe('RUNNING')
  await t.advance('71s')
  expect((await task.state()).status).toBe('RETRYING')
})
