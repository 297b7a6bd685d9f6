import { defineTask, SnoozeError, type TaskContext } from 'quillwork'
import { createGate, createManualClock, type ManualClock, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Limit } from '../../src/rate-limit/limiter.ts'
import { createSharedLimiter } from '../../src/rate-limit/shared.ts'
import { randomFrom, SharedPlace } from '../rate-limit/shared-states.ts'
import { onSqlite } from './store-kind.ts'

const model = { do: 'acquire', limit: 'model' } as const

function fail(): never {
  throw new Error('no answer')
}

describe('a limit that an operator sets', () => {
  it('lets what waits go on, holds for new calls, and stays over a restart until it is taken away', async () => {
    const { scripted } = scriptedTasks()
    const configured = { requestsPerMinute: 2 }
    await using t = await testEngine({
      tasks: [scripted],
      limits: { model: configured },
      lanes: { default: { slots: 40 } },
      persistent: true,
    })
    const orders = [model, { do: 'succeed' }] as const
    const submit = (count: number) =>
      t.submitMany(
        scripted,
        Array.from({ length: count }, () => ({ parameters: { orders } })),
      )
    const completed = async () => (await t.tasks.counts()).COMPLETED
    await submit(32)
    await t.advance('10s')
    expect(await completed()).toBe(2)
    expect(await t.limits.set('model', { requestsPerMinute: 12 })).toMatchObject({
      limit: { requestsPerMinute: 12 },
      setLimit: { requestsPerMinute: 12 },
      configured,
    })
    await t.advance('3s')
    expect(await completed(), 'at once').toBe(12)
    await t.advance('1m')
    expect(await completed(), 'of those whose turn was far away').toBeGreaterThanOrEqual(22)
    await t.advance('1m')
    expect(await completed()).toBe(32)
    await t.limits.set('model', { concurrency: 1 })
    await t.restart()
    expect(await t.limits.list()).toMatchObject([{ limit: { requestsPerMinute: 12, concurrency: 1 } }])
    const back = await t.limits.set('model', null)
    expect(back.limit).toEqual(configured)
    expect(back).not.toHaveProperty('setLimit')
    await t.advance('2m')
    await submit(4)
    await t.advance('10s')
    expect(await completed()).toBe(34)
  })

  it('interrupts none that runs when it is lowered', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: {} } })
    for (let each = 0; each < 3; each++) await t.submit(scripted, { orders: [model, { do: 'hang' }] })
    await t.drain()
    await t.limits.set('model', { concurrency: 2 })
    const waiting = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    const second = await t.submit(scripted, { orders: [model, { do: 'hang' }] })
    await t.advance('5s')
    expect((await t.tasks.counts()).RUNNING).toBeGreaterThanOrEqual(4)
    expect((await waiting.state()).status).toBe('COMPLETED')
    await t.submit(scripted, { orders: [model, { do: 'hang' }] })
    await t.advance('5s')
    const last = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    await t.advance('5s')
    expect((await last.state()).status).toBe('RETRYING')
    await t.limits.set('model', { concurrency: 3 })
    await t.advance('5s')
    expect((await last.state()).status).toBe('COMPLETED')
    expect((await second.state()).status).toBe('RUNNING')
  })

  it('is refused where nobody has it, where it is no limit, and where a waiting call could never run', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: { tokensPerMinute: 1_000 } } })
    await expect(t.limits.set('nowhere', { concurrency: 1 })).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN' })
    for (const concurrency of [0, 1.5, Number.NaN])
      await expect(t.limits.set('model', { concurrency })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const call = { ...model, cost: 900 } as const
    await t.submit(scripted, { orders: [call, { do: 'succeed' }] })
    await t.drain()
    const waiting = await t.submit(scripted, { orders: [call, { do: 'succeed' }] })
    await t.drain()
    await expect(t.limits.set('model', { tokensPerMinute: 899 })).rejects.toMatchObject({
      code: 'LIMIT_TOO_LOW',
      message:
        'A call that waits for model asks for 900 tokens: under 899 tokens a minute it could never run. ' +
        'Set at least 900, or cancel the task that waits.',
      details: { leastTokens: 900 },
    })
    expect(await t.limits.list()).toMatchObject([{ limit: { tokensPerMinute: 1_000 } }])
    await t.limits.set('model', { tokensPerMinute: 1_800 })
    await t.advance('3s')
    expect((await waiting.state()).status).toBe('COMPLETED')
  })

  it('is refused by a limiter that takes none', async () => {
    const limiter = createSharedLimiter({
      limits: { model: {} },
      states: new SharedPlace(createManualClock(), randomFrom(1)),
      clock: createManualClock(),
    })
    await using t = await testEngine({
      tasks: [],
      limits: new Proxy(limiter, {
        get(of, name) {
          if (name === 'overrides') return undefined
          const value: unknown = Reflect.get(of, name)
          return typeof value === 'function' ? value.bind(of) : value
        },
      }),
    })
    await expect(t.limits.set('model', { concurrency: 1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('a limit', () => {
  it('E3, E4: one 429 with Retry-After holds everybody who calls that provider, and nobody else', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      limits: { model: { requestsPerMinute: 600 }, other: {} },
    })
    await t.submit(scripted, {
      orders: [model, { do: 'tooMany', retryAfterMs: 60_000, attempts: 1 }, { do: 'succeed' }],
    })
    await t.drain()
    const held = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    const free = await t.submit(scripted, { orders: [{ do: 'acquire', limit: 'other' }, { do: 'succeed' }] })
    await t.advance('55s')
    expect(await t.tasks.get(held.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
    expect((await free.state()).status).toBe('COMPLETED')
    await t.advance('10s')
    expect(await t.tasks.get(held.taskId)).toMatchObject({ status: 'COMPLETED', retryCount: 0 })
    expect(journal.filter(({ did }) => did === 'acquire')).toHaveLength(4)
  })

  describe('whose provider asks to wait for a day', () => {
    /** Tasks of which each calls, is refused while the provider is away, and else waits for the test before it ends. */
    async function refusing() {
      const provider = { isAway: true, calls: 0, gate: createGate() }
      const task = defineTask({
        type: 'Calling',
        parameters: z.null(),
        result: z.null(),
        async execute(ctx) {
          const permit = await ctx.acquire('model')
          provider.calls += 1
          if (provider.isAway)
            throw Object.assign(new Error('429'), { status: 429, retryAfterMs: 86_400_000 })
          await provider.gate.opened
          permit.commit(1)
          return null
        },
      })
      const t = await testEngine({ tasks: [task], limits: { model: {} } })
      const first = await t.submit(task, null)
      await t.drain()
      for (let more = 0; more < 3; more++) await t.submit(task, null)
      await t.drain()
      return { t, provider, first, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() }
    }

    it('one call probes after 15 minutes, and again after 15 more; when one is answered all go on', async () => {
      await using held = await refusing()
      const { t, provider, first } = held
      await t.advance('14m')
      expect(provider.calls).toBe(1)
      await t.advance('2m')
      expect(provider.calls).toBe(2)
      await t.advance('12m')
      expect(provider.calls).toBe(2)
      provider.isAway = false
      for (let steps = 0; provider.calls < 3 && steps < 60; steps++) await t.advance('5s')
      expect(provider.calls).toBe(3)
      expect(await t.limits.list()).toMatchObject([{ key: 'model', isProbed: true, inFlight: 1 }])
      provider.gate.open()
      await t.advance('5s')
      expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 4 })
      expect((await t.tasks.get(first.taskId)).retryCount).toBe(0)
      expect(provider.calls).toBe(6)
    })

    const used = { model: 'm', inputTokens: 9, outputTokens: 0 }
    const call = { limit: 'model', tokens: 9 }
    // What the limiter does, whatever the store.
    it.runIf(onSqlite).each<{ how: string; probe: (ctx: TaskContext) => Promise<unknown> }>([
      { how: 'its attempt failed', probe: ctx => ctx.acquire('model').then(() => fail()) },
      { how: 'it says so', probe: async ctx => (await ctx.acquire('model')).commit(9, false) },
      { how: 'its call threw', probe: ctx => ctx.call(call, ({ used: say }) => [say(used), fail()]) },
      { how: 'its call says so', probe: ctx => ctx.call(call, ({ used: say }) => say(used, false)) },
    ])('the next call probes where a probe got no answer: $how', async ({ probe }) => {
      let isAnswering = false
      const task = defineTask({
        type: 'Probing',
        parameters: z.null(),
        result: z.null(),
        retry: { maxAttempts: 9, backoff: ['1h'] },
        async execute(ctx) {
          if (!isAnswering) await probe(ctx)
          else (await ctx.acquire('model')).commit(9)
          return null
        },
      })
      await using t = await testEngine({ tasks: [task], limits: { model: {} } })
      await t.limiter.park('model', t.clock.now() + 86_400_000)
      await t.advance('15m')
      await t.submit(task, null)
      await t.drain()
      expect(await t.limits.list()).toMatchObject([{ isProbed: true, inFlight: 0 }])
      isAnswering = true
      await t.submit(task, null)
      await t.drain()
      expect((await t.limits.list())[0]?.isProbed).toBeUndefined()
    })

    it('a reset of the limit lets what waits for it go on at once', async () => {
      await using held = await refusing()
      const { t, provider, first } = held
      provider.isAway = false
      provider.gate.open()
      await expect(t.limits.reset('modle')).rejects.toMatchObject({
        code: 'LIMIT_UNKNOWN',
        message: expect.stringContaining('model'),
      })
      expect(await t.limits.reset('model')).toMatchObject({ key: 'model' })
      await t.drain()
      expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 3, RETRYING: 1 })
      // The one that was refused comes at its own time.
      await t.tasks.runNow(first.taskId)
      await t.advance('2s')
      expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 4 })
    })
  })

  const day = 86_400_000
  it.each([
    {
      what: 'a 503',
      error: () => ({ status: 503, headers: { 'retry-after': '86400' } }),
      spent: 1,
      held: 900_000,
    },
    { what: 'an error of its own', error: () => ({ retryAfterMs: day }), spent: 1, held: 900_000 },
    { what: 'a 429', error: () => ({ status: 429, retryAfterMs: day }), spent: 0, held: 900_000 },
    {
      what: 'a snooze',
      error: (now: number) => new SnoozeError(now + day, 'Tomorrow.'),
      spent: 0,
      held: day,
    },
  ])('$what that asks to wait for a day holds its task for $held ms', async each => {
    const task = defineTask({
      type: 'Failing',
      parameters: z.null(),
      result: z.null(),
      execute(ctx) {
        if (ctx.attempt === 1) throw each.error(t.clock.now())
        return null
      },
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    const { status, retryCount, nextAttemptTimestamp = 0 } = await t.tasks.get(taskId)
    expect([status, retryCount]).toEqual(['RETRYING', each.spent])
    expect(nextAttemptTimestamp - t.clock.now()).toBe(each.held)
  })

  it('is listed as another process left it, also one without numbers that this process never used', async () => {
    const clock = createManualClock()
    const states = new SharedPlace(clock, randomFrom(1))
    const make = () => createSharedLimiter({ limits: { model: {} }, states, clock })
    const other = make()
    await using t = await testEngine({ tasks: [], clock, limits: make() })
    await other.park('model', clock.now() + 60_000)
    expect(await t.limits.list()).toMatchObject([{ key: 'model', parkedUntil: clock.now() + 60_000 }])
    await other.reset('model')
    expect(await t.limits.list()).toEqual([])
    states.trouble = { fails: 1 }
    await expect(t.limits.list()).rejects.toThrow('the place failed')
  })

  it('a handler can tell of a refusal and go on: the key is held for everybody, and it can ask whether it is', async () => {
    const known: boolean[] = []
    const task = defineTask({
      type: 'Refused',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const permit = await ctx.acquire('model')
        expect(() => permit.refused(Number.NaN)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
        known.push(ctx.isParked('model'))
        permit.refused(60_000)
        permit.commit(0)
        known.push(ctx.isParked('model'), ctx.isParked('other'))
        return null
      },
    })
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [task, scripted], limits: { model: {}, other: {} } })
    const told = await t.submit(task, null)
    await t.drain()
    expect((await told.state()).status).toBe('COMPLETED')
    expect(known).toEqual([false, true, false])
    const held = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    await t.advance('55s')
    expect(await t.tasks.get(held.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
    await t.advance('10s')
    expect((await held.state()).status).toBe('COMPLETED')
  })

  it('a snooze of the task itself holds nobody else', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: { requestsPerMinute: 600 } } })
    await t.submit(scripted, {
      orders: [model, { do: 'snooze', until: t.clock.now() + 60_000, attempts: 1 }, { do: 'succeed' }],
    })
    await t.drain()
    const other = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    await t.drain()
    expect((await other.state()).status).toBe('COMPLETED')
  })

  it('wakes a snoozed task when its turn comes before the time that it was told', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: { concurrency: 1 } } })
    const holder = await t.submit(scripted, { orders: [model, { do: 'hang' }] })
    await t.drain()
    const waiters = await t.submitMany(
      scripted,
      [1, 2, 3].map(() => ({ parameters: { orders: [model, { do: 'succeed' as const }] } })),
    )
    await t.advance(100)
    const told = await Promise.all(waiters.map(({ taskId }) => t.tasks.get(taskId)))
    const snoozed = told.filter(({ status }) => status === 'RETRYING')
    expect(snoozed.length).toBeGreaterThan(0)
    const latest = Math.max(...snoozed.map(({ nextAttemptTimestamp }) => nextAttemptTimestamp ?? 0))
    await holder.cancel()
    await t.advance(500)
    expect(t.clock.now()).toBeLessThan(latest)
    expect((await Promise.all(waiters.map(waiter => waiter.state()))).every(({ done }) => done)).toBe(true)
  })

  it('a cancelled task gives up the place that it waits for', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: { requestsPerMinute: 10 } } })
    const many = await t.submitMany(
      scripted,
      Array.from({ length: 60 }, () => ({ parameters: { orders: [model, { do: 'succeed' as const }] } })),
    )
    await t.advance('3s')
    const waiting = () => t.limiter.describe().find(({ key }) => key === 'model')?.waiting ?? 0
    expect(waiting()).toBeGreaterThan(20)
    for (const task of many) if (!(await task.state()).done) await task.cancel()
    await t.drain()
    expect(waiting()).toBe(0)
  })

  it("a user's backlog, another lane's, and one of normal priority hold nobody else up", async () => {
    const clock = createManualClock()
    let calls = 0
    const task = defineTask({
      type: 'Call',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const permit = await ctx.acquire('model')
        calls += 1
        await new Promise<void>(resolve => clock.after(1_000, resolve))
        permit.commit()
        return null
      },
    })
    await using t = await testEngine({
      tasks: [task],
      clock,
      lanes: { default: { slots: 10 }, other: { slots: 10 } },
      limits: { model: { concurrency: 1 } },
    })
    const backlog = Array.from({ length: 100 }, () => ({ parameters: null, userId: 'ann' }))
    await t.submitMany(task, backlog)
    await t.advance('30s')
    const late = {
      'another user': await t.submit(task, null, { userId: 'bea' }),
      'another lane': await t.submit(task, null, { userId: 'ann', lane: 'other' }),
      'high priority': await t.submit(task, null, { userId: 'ann', priority: 'high' }),
    }
    await t.advance('15s')
    for (const [who, task] of Object.entries(late))
      expect([who, (await task.state()).status]).toEqual([who, 'COMPLETED'])
    expect(calls).toBeLessThan(60)
  })

  it('a paused lane gives the places of its tasks up, and its tasks come when it goes on', async () => {
    // On MongoDB each second of the clock asks the database.
    const [count, rest] = onSqlite ? ([50, '15m'] as const) : ([15, '5m'] as const)
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      lanes: { default: { slots: 5 }, other: { slots: 5 } },
      limits: { model: { requestsPerMinute: 5 } },
    })
    const call = { orders: [model, { do: 'succeed' as const }] }
    const paused = await t.submitMany(
      scripted,
      Array.from({ length: count }, () => ({ parameters: call, lane: 'other' })),
    )
    await t.advance('5s')
    await t.lanes.pause('other')
    const others = await t.submitMany(
      scripted,
      Array.from({ length: 10 }, () => ({ parameters: call })),
    )
    await t.advance('3m')
    expect((await Promise.all(others.map(other => other.state()))).every(({ done }) => done)).toBe(true)
    await t.lanes.resume('other')
    await t.advance(rest)
    expect((await Promise.all(paused.map(other => other.state()))).every(({ done }) => done)).toBe(true)
  })

  it('keeps the place of a task that fails over something else and comes back soon', async () => {
    let isDown = true
    const order: string[] = []
    const task = defineTask({
      type: 'Reads',
      parameters: z.string(),
      result: z.null(),
      retry: { maxAttempts: 5, backoff: ['5s'], jitter: 0 },
      async execute(ctx) {
        if (ctx.parameters === 'first' && ctx.attempt === 2 && isDown) {
          isDown = false
          throw new Error('the disk of the novel is away')
        }
        const permit = await ctx.acquire('model')
        order.push(ctx.parameters)
        permit.commit()
        return null
      },
    })
    await using t = await testEngine({ tasks: [task], limits: { model: { requestsPerMinute: 1 } } })
    await t.submit(task, 'granted')
    await t.drain()
    await t.submit(task, 'first')
    await t.advance('3s')
    await t.submit(task, 'second')
    await t.advance(59_800)
    expect(isDown).toBe(false)
    // Whoever asks now makes the limit call those that are late.
    await t.submit(task, 'third')
    await t.advance('5m')
    expect(order).toEqual(['granted', 'first', 'second', 'third'])
  })
})

describe.runIf(onSqlite)('a limit, after a restart', () => {
  /** Calls of a second each, under a limit; how many have ended. */
  function calls(clock: ManualClock) {
    const seen = { ended: 0 }
    const task = defineTask({
      type: 'Calls',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const permit = await ctx.acquire('model')
        await new Promise<void>(resolve => clock.after(1_000, resolve))
        permit.commit()
        seen.ended += 1
        return null
      },
    })
    return { task, seen }
  }

  /** Submits calls, lets most of them be told to wait, and ends the process. */
  async function crashed(
    limits: Record<string, Limit>,
    { count, change }: { count: number; change?: () => void },
  ) {
    const clock = createManualClock()
    const { task, seen } = calls(clock)
    const t = await testEngine({
      tasks: [task],
      clock,
      limits,
      persistent: true,
      lanes: { default: { slots: 10 } },
    })
    await t.submitMany(
      task,
      Array.from({ length: count }, () => ({ parameters: null })),
    )
    await t.advance('2s')
    change?.()
    await t.crash()
    seen.ended = 0
    return { t, seen }
  }

  it('those who were told to wait come when there is capacity, not when they were told', async () => {
    const { t, seen } = await crashed({ model: { concurrency: 2 } }, { count: 300 })
    await using _ = t
    for (let second = 3; second <= 30; second += 3) {
      await t.advance('3s')
      expect(seen.ended, `calls that ended after ${second} s`).toBeGreaterThanOrEqual(2 * (second - 2))
    }
  })

  it.each([
    { how: 'raised', next: { model: { concurrency: 300 } } },
    { how: 'opened', next: { model: {} } },
  ])('a limit that was $how holds up nobody', async ({ next }) => {
    const limits: Record<string, Limit> = { model: { concurrency: 1 } }
    const change = () => {
      Object.assign(limits, next)
    }
    const { t, seen } = await crashed(limits, { count: 100, change })
    await using _ = t
    await t.advance('15s')
    expect(seen.ended).toBeGreaterThanOrEqual(98)
  })

  it('a limit that was removed is refused at once, like any that nobody configured', async () => {
    const limits: Record<string, Limit> = { model: { concurrency: 1 } }
    const { t } = await crashed(limits, { count: 100, change: () => delete limits['model'] })
    await using _ = t
    await t.advance('15s')
    const { items } = await t.tasks.list({ status: ['FAILED'] }, { pageSize: 200 })
    expect(items.length).toBeGreaterThanOrEqual(98)
    for (const { retryCount, errorInfo } of items) {
      expect(retryCount).toBe(0)
      expect(errorInfo).toMatchObject({
        code: 'LIMIT_UNKNOWN',
        message:
          'No limit is named "model". Add it to the limits of the engine; {} stands for a key without limits.',
      })
    }
  })

  it('a limit a minute that was raised is used from then on, also by those whose turn is far away', async () => {
    const limits: Record<string, Limit> = { model: { requestsPerMinute: 10 } }
    const change = () => void Object.assign(limits, { model: { requestsPerMinute: 60 } })
    const { t, seen } = await crashed(limits, { count: 400, change })
    await using _ = t
    for (let minutes = 1; minutes <= 7; minutes++) {
      await t.advance('1m')
      // What the first process had used counts within the first minute.
      expect(seen.ended, `calls within ${minutes} minutes`).toBeGreaterThanOrEqual(
        Math.min(390, minutes * 60 - 15),
      )
      expect(seen.ended, `calls within ${minutes} minutes`).toBeLessThanOrEqual(minutes * 60 + 10)
    }
  })

  it.each(['crash', 'restart'] as const)('a %s grants no second minute', async how => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      limits: { model: { requestsPerMinute: 10 } },
      persistent: true,
    })
    const orders = [model, { do: 'succeed' }] as const
    const submit = (count: number) =>
      t.submitMany(
        scripted,
        Array.from({ length: count }, () => ({ parameters: { orders } })),
      )
    await submit(10)
    await t.drain()
    if (how === 'crash') await t.advance('1s')
    await t[how]()
    await submit(5)
    await t.advance('50s')
    expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 10, RETRYING: 5 })
    await t.advance('15s')
    expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 15 })
  })

  it('a key that was parked is listed, before anybody asks', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: {} }, persistent: true })
    await t.limiter.park('model', t.clock.now() + 60_000)
    await t.restart()
    expect(await t.limits.list()).toMatchObject([{ key: 'model', parkedUntil: expect.any(Number) }])
  })

  it('a key that a provider has closed stays closed', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], limits: { model: {} }, persistent: true })
    await t.submit(scripted, {
      orders: [model, { do: 'tooMany', retryAfterMs: 60_000, attempts: 1 }, { do: 'succeed' }],
    })
    await t.drain()
    const held = await t.submit(scripted, { orders: [model, { do: 'succeed' }] })
    await t.advance('5s')
    await t.crash()
    await t.advance('50s')
    expect(await t.tasks.get(held.taskId)).toMatchObject({ status: 'RETRYING' })
    await t.advance('10s')
    expect(await t.tasks.get(held.taskId)).toMatchObject({ status: 'COMPLETED' })
  })
})
