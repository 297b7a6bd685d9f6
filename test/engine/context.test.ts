import { inspect } from 'node:util'
import { defineTask, QuillworkError, type Store } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createGate, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

describe('a checkpoint', () => {
  it('is not paid twice: a later attempt gets the value, whatever its type', async () => {
    let calls = 0
    const seen: unknown[] = []
    const paying = defineTask({
      type: 'Paying',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        seen.push(
          await ctx.checkpoint('call', () => {
            calls += 1
            return { at: new Date(5), tokens: 7n, nothing: undefined }
          }),
          await ctx.checkpoint('nothing', () => undefined),
        )
        if (ctx.attempt < 3) throw new Error('after the call')
        return null
      },
    })
    await using t = await testEngine({ tasks: [paying] })
    const task = await t.submit(paying, null)
    await t.advance('2m')
    expect((await task.state()).status).toBe('COMPLETED')
    expect(calls).toBe(1)
    expect(seen).toStrictEqual(
      Array.from({ length: 3 }, () => [
        { at: new Date(5), tokens: 7n, nothing: undefined },
        undefined,
      ]).flat(),
    )
  })

  it('is shared while it is under way, and tried again after it threw', async () => {
    let calls = 0
    const sharing = defineTask({
      type: 'Sharing',
      parameters: z.null(),
      result: z.array(z.string()),
      async execute(ctx) {
        const step = () =>
          ctx.checkpoint('once', async () => {
            calls += 1
            if (calls === 1) throw new Error('the first time')
            return `call ${calls}`
          })
        const failed = await Promise.allSettled([step(), step()])
        const values = await Promise.all([step(), step(), step()])
        return [...failed.map(({ status }) => status), ...values]
      },
    })
    await using t = await testEngine({ tasks: [sharing] })
    const task = await t.submit(sharing, null)
    expect(await task.result()).toEqual(['rejected', 'rejected', 'call 2', 'call 2', 'call 2'])
  })

  it('of many values in one turn is encoded in several, so that the event loop goes on', async () => {
    let inTurn = 0
    let most = 0
    const slow = {
      get text() {
        const until = performance.now() + 1
        while (performance.now() < until);
        most = Math.max(most, ++inTurn)
        return 'x'
      },
    }
    const many = defineTask({
      type: 'Many',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const steps = Array.from({ length: 100 }, (_, index) => ctx.checkpoint(`step-${index}`, () => slow))
        let done = false
        const all = Promise.all(steps).finally(() => {
          done = true
        })
        while (!done) {
          await new Promise(resolve => setImmediate(resolve))
          inTurn = 0
        }
        await all
        return null
      },
    })
    await using t = await testEngine({ tasks: [many] })
    expect(await (await t.submit(many, null)).result()).toBeNull()
    expect(most).toBeLessThan(60)
  })

  it('survives an explicit retry', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        { do: 'checkpoint', key: 'a' },
        { do: 'failForGood', attempts: 1 },
      ],
    })
    await t.drain()
    await t.tasks.retry(task.taskId)
    await t.drain()
    expect((await task.state()).status).toBe('COMPLETED')
    expect(journal.filter(({ did }) => did === 'checkpoint')).toHaveLength(1)
  })

  it('of an attempt that lost its task is refused and tells it to stop', async () => {
    const gate = createGate()
    const outcome = createGate<unknown>()
    const stale = defineTask({
      type: 'Stale',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        if (ctx.attempt > 1) return null
        await gate.opened
        await ctx.checkpoint('late', () => 1).catch(outcome.open)
        return null
      },
    })
    await using t = await testEngine({ tasks: [stale] })
    const task = await t.submit(stale, null)
    await t.drain()
    await task.cancel()
    await t.advance('10s')
    gate.open()
    expect(await outcome.opened).toMatchObject({ code: 'ATTEMPT_STALE' })
  })

  it.each(['', 'k'.repeat(201), 'a\ud83d'])('refuses the key %j', async key => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'checkpoint', key }] })
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'OPTION_INVALID' } })
  })
})

describe('progress', () => {
  it('is written at most four times a second, and the last one is always kept', async () => {
    const gate = createGate()
    const busy = defineTask({
      type: 'Busy',
      parameters: z.null(),
      result: z.null(),
      progress: z.number(),
      async execute(ctx) {
        for (let percent = 1; percent <= 50; percent++) ctx.updateProgress(percent)
        await gate.opened
        for (let percent = 51; percent <= 99; percent++) ctx.updateProgress(percent)
        return null
      },
    })
    await using t = await testEngine({ tasks: [busy] })
    const task = await t.submit(busy, null)
    await t.advance('1s')
    expect(t.recorder.all('progress').map(({ progress }) => progress)).toEqual([50])
    gate.open()
    await t.drain()
    expect((await t.tasks.get(task.taskId)).progress).toBe('99')
    expect(t.recorder.all('progress').map(({ progress }) => progress)).toEqual([50, 99])
  })

  it.each(['throws at once', 'throws later', 'answers at once'])(
    'is kept of a handler that %s',
    async how => {
      const reporting = defineTask({
        type: 'Reporting',
        parameters: z.null(),
        result: z.null(),
        progress: z.number(),
        retry: { maxAttempts: 1 },
        execute(ctx): null | Promise<null> {
          ctx.updateProgress(42)
          ctx.logInfo('half-way', { scene: 7 })
          if (how === 'throws later') return Promise.reject(new Error('later'))
          if (how === 'throws at once') throw new Error('at once')
          return null
        },
      })
      await using t = await testEngine({ tasks: [reporting] })
      const task = await t.submit(reporting, null)
      await t.drain()
      expect((await t.tasks.get(task.taskId)).progress).toBe('42')
      expect(await t.tasks.logs(task.taskId, 0, 10)).toMatchObject([
        { level: 'info', message: 'half-way', fields: '{"scene":7}' },
      ])
    },
  )

  it.runIf(onSqlite)('is kept where a log line is lost, and the store refuses it at first', async () => {
    const reporting = defineTask({
      type: 'Reporting',
      parameters: z.null(),
      result: z.null(),
      progress: z.number(),
      execute(ctx) {
        ctx.updateProgress(100)
        ctx.logInfo('done')
        return null
      },
    })
    const refusals = { log: 1, progress: 2 }
    const openStore = (now: () => number): Store => {
      const store = sqlite({ file: ':memory:', now })
      const refusing =
        <A extends unknown[], R>(what: keyof typeof refusals, write: (...written: A) => Promise<R>) =>
        async (...written: A): Promise<R> => {
          if (refusals[what]-- > 0) throw new QuillworkError('STORE_FULL', 'full')
          return write(...written)
        }
      const { log, progress } = store.attempts
      return {
        ...store,
        attempts: {
          ...store.attempts,
          log: refusing('log', log),
          progress: refusing('progress', progress),
        },
      }
    }
    await using t = await testEngine({ tasks: [reporting], openStore })
    const task = await t.submit(reporting, null)
    await t.advance('1s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', progress: '100' })
  })

  it('that the schema refuses fails the attempt for good; without a schema too', async () => {
    const wrong = defineTask({
      type: 'Wrong',
      parameters: z.null(),
      result: z.null(),
      progress: z.number(),
      execute(ctx) {
        ctx.updateProgress('half' as never)
        return null
      },
    })
    const none = defineTask({
      type: 'None',
      parameters: z.null(),
      result: z.null(),
      execute(ctx) {
        ctx.updateProgress(1 as never)
        return null
      },
    })
    await using t = await testEngine({ tasks: [wrong, none] })
    for (const task of [await t.submit(wrong, null), await t.submit(none, null)]) {
      await t.drain()
      expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'PROGRESS_INVALID' } })
    }
  })
})

describe('the log of a task', () => {
  it.runIf(onSqlite)(
    'keeps the newest thousand lines, bounded, and also goes to the log of the process',
    async () => {
      const chatty = defineTask({
        type: 'Chatty',
        parameters: z.null(),
        result: z.null(),
        execute(ctx) {
          for (let line = 1; line <= 1_500; line++) ctx.logInfo(`line ${line}`)
          ctx.logError('x'.repeat(10_000), { self: ctx.signal })
          return null
        },
      })
      await using t = await testEngine({ tasks: [chatty] })
      const task = await t.submit(chatty, null)
      await t.drain()
      const lines = await t.tasks.logs(task.taskId, 0, 2_000)
      expect(lines).toHaveLength(1_000)
      expect(lines[0]?.message).toBe('line 502')
      expect(lines.at(-1)).toMatchObject({ level: 'error', message: 'x'.repeat(2_000), attempt: 1 })
      expect(await t.tasks.logs(task.taskId, lines[997]?.sequence ?? 0, 2_000)).toHaveLength(2)
      expect(t.log.lines.find(({ message }) => message === 'line 1')?.fields).toMatchObject({
        taskId: task.taskId,
        attempt: 1,
      })
    },
  )
})

describe('usage', () => {
  it('E9: is kept per call and summed up the tree, also of an attempt that failed or lost its task', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const use = { do: 'use', model: 'm', inputTokens: 10, outputTokens: 1, cost: 0.5 } as const
    const task = await t.submit(scripted, {
      orders: [
        use,
        { do: 'submitMany', count: 2, orders: [use, { do: 'fail', attempts: 1 }, { do: 'succeed' }] },
      ],
    })
    await t.drain()
    await t.advance('15s')
    expect(await t.tasks.usage(task.taskId)).toEqual([
      { model: 'm', inputTokens: 10, cachedInputTokens: 0, outputTokens: 1, cost: 0.5, calls: 1 },
    ])
    expect(await t.tasks.usage(task.taskId, { tree: true })).toEqual([
      { model: 'm', inputTokens: 50, cachedInputTokens: 0, outputTokens: 5, cost: 2.5, calls: 5 },
    ])
  })
})

describe('values', () => {
  it('dates, bigints and undefined come back as what they were, through parameters and result', async () => {
    const schema = z.object({
      at: z.date(),
      count: z.bigint(),
      nothing: z.undefined(),
      map: z.record(z.string(), z.unknown()),
    })
    const mirror = defineTask({
      type: 'Mirror',
      parameters: schema,
      result: schema,
      execute: ctx => ctx.parameters,
    })
    await using t = await testEngine({ tasks: [mirror], persistent: true })
    const value = {
      at: new Date(5),
      count: 2n ** 70n,
      nothing: undefined,
      map: { '~quill': 1, deep: { toJSON: 'x' } },
    }
    const task = await t.submit(mirror, value)
    expect(await task.result()).toStrictEqual(value)
    await t.restart()
    expect(await (await t.find(mirror, task.taskId))?.result()).toStrictEqual(value)
  })

  it.each([4_095, 4_097, 1_000_000])('a text of %i characters goes through', async length => {
    const mirror = defineTask({
      type: 'Mirror',
      parameters: z.string(),
      result: z.string(),
      execute: ctx => ctx.parameters,
    })
    await using t = await testEngine({ tasks: [mirror] })
    const text = '字'.repeat(length)
    expect(await (await t.submit(mirror, text)).result()).toBe(text)
  })

  it('what cannot be stored is refused at submission; as a result it fails the task with its path', async () => {
    const odd = defineTask({
      type: 'Odd',
      parameters: z.object({ callback: z.unknown() }),
      result: z.unknown(),
      execute: () => ({ deep: [new Map()] }),
    })
    await using t = await testEngine({ tasks: [odd] })
    await expect(t.submit(odd, { callback: () => 1 })).rejects.toMatchObject({
      code: 'VALUE_NOT_STORABLE',
      details: { path: ['callback'] },
    })
    const task = await t.submit(odd, { callback: 1 })
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'VALUE_NOT_STORABLE' } })
  })

  it('B8: a handler that returns what its schema refuses fails, and says so', async () => {
    const empty = defineTask({
      type: 'Empty',
      parameters: z.null(),
      result: z.string(),
      execute: () => undefined as never,
    })
    await using t = await testEngine({ tasks: [empty] })
    const task = await t.submit(empty, null)
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'RESULT_INVALID' } })
  })

  it('the schema’s transforms run at each attempt on what was submitted', async () => {
    const trimming = defineTask({
      type: 'Trimming',
      parameters: z.string().transform(text => text.trim().length),
      result: z.number().transform(count => `${count} letters`),
      execute(ctx) {
        if (ctx.attempt === 1) throw new Error('once')
        return ctx.parameters
      },
    })
    await using t = await testEngine({ tasks: [trimming] })
    const task = await t.submit(trimming, '  abc ')
    await t.drain()
    await t.advance('15s')
    expect(await task.result()).toBe('3 letters')
  })

  it('asynchronous schemas are waited for', async () => {
    const later = z.string().refine(async text => text !== 'bad')
    const slow = defineTask({
      type: 'Slow',
      parameters: later,
      result: later,
      execute: ctx => ctx.parameters,
    })
    await using t = await testEngine({ tasks: [slow] })
    expect(await (await t.submit(slow, 'good')).result()).toBe('good')
    await expect(t.submit(slow, 'bad')).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })
})

describe('what only watches', () => {
  const hostile = {
    throws: () => {
      throw new Error('hook')
    },
    rejects: async () => {
      throw new Error('hook')
    },
    hangs: () => new Promise<void>(() => undefined),
  }

  it.each(Object.entries(hostile))('F15: a hook that %s harms nobody', async (_, hook) => {
    const watched = defineTask({
      type: 'Watched',
      parameters: z.null(),
      result: z.null(),
      onQueued: hook,
      onStarted: hook,
      onEnded: hook,
      execute: () => null,
    })
    await using t = await testEngine({ tasks: [watched] })
    const task = await t.submit(watched, null)
    await t.drain()
    expect((await task.state()).status).toBe('COMPLETED')
    await expectInvariants(t)
  })

  it.each(Object.entries(hostile))(
    'F15: a listener that %s harms nobody, and the others hear',
    async (_, listener) => {
      const { scripted } = scriptedTasks()
      await using t = await testEngine({ tasks: [scripted] })
      t.events.onAny(listener)
      t.events.on('completed', listener)
      let heard = 0
      t.events.on('completed', () => (heard += 1))
      const task = await t.submit(scripted, { orders: [] })
      await t.drain()
      expect((await task.state()).status).toBe('COMPLETED')
      expect(heard).toBe(1)
    },
  )

  it('hooks are told in order, once each', async () => {
    const told: string[] = []
    const note =
      (what: string) =>
      ({ attempt }: { attempt: number }) =>
        void told.push(`${what} ${attempt}`)
    const watched = defineTask({
      type: 'Watched',
      parameters: z.null(),
      result: z.null(),
      onQueued: () => void told.push('queued'),
      onStarted: note('started'),
      onEnded: note('ended'),
      execute(ctx) {
        if (ctx.attempt === 1) throw new Error('once')
        return null
      },
    })
    await using t = await testEngine({ tasks: [watched] })
    await t.submit(watched, null)
    await t.drain()
    await t.advance('15s')
    expect(told).toEqual(['queued', 'started 1', 'started 2', 'ended 2'])
  })

  it('F16: events carry no parameters and no result', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    await t.submit(scripted, { orders: [{ do: 'succeed', value: 'the manuscript' }], note: 'the manuscript' })
    await t.drain()
    expect(JSON.stringify(t.recorder.events)).not.toContain('manuscript')
    expect(t.recorder.events.map(({ name }) => name)).toEqual(['submitted', 'started', 'completed'])
  })
})

describe('services', () => {
  it('are at hand, and not printed with the context: they may hold keys', async () => {
    const seen: string[] = []
    const task = defineTask.withServices<{ key: string }>()({
      type: 'Prints',
      parameters: z.null(),
      result: z.null(),
      execute(ctx) {
        seen.push(ctx.services.key, inspect(ctx, { depth: 10 }), Object.keys(ctx).join(' '))
        return null
      },
    })
    await using t = await testEngine({ tasks: [task], services: { key: 'sk-secret' } })
    await t.submit(task, null)
    await t.drain()
    const [key, printed, names] = seen
    expect(key).toBe('sk-secret')
    expect(printed).not.toContain('sk-secret')
    expect(names).not.toContain('services')
  })
})
