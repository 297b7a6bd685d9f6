import { type Duration, defineTask, PermanentError, type TaskContext } from 'quillwork'
import { createGate, runHandler, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const approval = z.object({ approved: z.boolean(), note: z.string().optional() })

/** A task whose handler a test writes, with the attempts that it had. */
function taskOf(
  work: (ctx: TaskContext) => Promise<unknown>,
  options: { deadline?: '1h'; attemptTimeout?: '1m' } = {},
) {
  const attempts: number[] = []
  const task = defineTask({
    type: 'Reviewed',
    parameters: z.unknown(),
    result: z.unknown(),
    retry: { backoff: ['1s'] },
    ...options,
    async execute(ctx) {
      attempts.push(ctx.attempt)
      return work(ctx as TaskContext)
    },
  })
  return { task, attempts }
}

const reviewed = () => taskOf(async ctx => (await ctx.waitFor('approval', { schema: approval })).approved)

async function stateOf(t: TestEngine, taskId: string) {
  const { status, attempt, retryCount, waits } = await t.tasks.get(taskId)
  return { status, attempt, retryCount, waits: waits?.map(({ signal }) => signal) }
}

describe('a wait for a signal', () => {
  it('holds no slot and no lease, spends no retry, and goes on from its steps when the signal is there', async () => {
    let drafts = 0
    const { task, attempts } = taskOf(async ctx => {
      const draft = await ctx.checkpoint('draft', () => {
        drafts += 1
        return ctx.parameters
      })
      const { approved } = await ctx.waitFor('approval', { schema: approval })
      return { draft, approved }
    })
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    const [waiting, other] = [await t.submit(task, 1), await t.submit(task, 2)]
    await t.drain()
    for (const { taskId } of [waiting, other]) {
      const record = await t.tasks.get(taskId)
      expect(record).toMatchObject({
        status: 'RETRYING',
        attempt: 1,
        retryCount: 0,
        waits: [{ signal: 'approval' }],
      })
      expect(record).not.toHaveProperty('leaseUntil')
      expect(record).not.toHaveProperty('errorInfo')
    }
    expect(await t.signal(waiting.taskId, 'approval', { approved: true })).toEqual({ isNew: true })
    expect(await waiting.result()).toEqual({ draft: 1, approved: true })
    expect({ drafts, attempts }).toEqual({ drafts: 2, attempts: [1, 1, 2] })
    expect(t.recorder.storyOf(waiting.taskId)).toEqual([
      'submitted',
      'started',
      'waiting',
      'started',
      'completed',
    ])
    expect(await stateOf(t, other.taskId)).toMatchObject({ status: 'RETRYING' })
    await expectInvariants(t)
  })

  it('is over at once where the signal came early, even before the task began', async () => {
    const { task, attempts } = reviewed()
    await using t = await testEngine({ tasks: [task], start: false })
    const { taskId, ...handle } = await t.submit(task, 1)
    await t.signal(taskId, 'approval', { approved: false })
    await t.start()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: 'false', attempt: 1 })
    expect({ attempts, handle }).toMatchObject({ attempts: [1] })
  })

  it('ends one wait at most: each takes the next signal of its name, in the order in which they came', async () => {
    const { task } = taskOf(async ctx => {
      const taken: string[] = []
      for (const name of ['a', 'b', 'a', 'a']) taken.push(await ctx.waitFor(name, { schema: z.string() }))
      return taken
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.signal(taskId, 'a', 'a1', { id: 'one' })
    expect(await t.signal(taskId, 'a', 'again', { id: 'one' })).toEqual({ isNew: false })
    await t.signal(taskId, 'a', 'a2')
    await t.signal(taskId, 'unknown', 'nobody waits for it')
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', waits: ['b'] })
    await t.signal(taskId, 'b', 'b1')
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', waits: ['a'], retryCount: 0 })
    await t.signal(taskId, 'a', 'a3')
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual(['a1', 'b1', 'a2', 'a3'])
    await expectInvariants(t)
  })

  it('goes on where the payload does not match, and says so in the log of the task', async () => {
    const { task } = reviewed()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.signal(taskId, 'approval', 'yes')
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 2 })
    const [line] = (await t.tasks.logs(taskId, 0, 10)) as unknown as { level: string; message: string }[]
    expect(line).toMatchObject({ level: 'error', message: expect.stringContaining('goes on waiting') })
    await t.signal(taskId, 'approval', { approved: true })
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: 'true' })
  })

  it('ends with SIGNAL_TIMEOUT when the time is over, and waits as long again after a retry', async () => {
    const { task } = taskOf(ctx => ctx.waitFor('approval', { schema: approval, timeout: '7d' }))
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.jump('6d')
    await expect(t.tasks.runNow(taskId)).rejects.toMatchObject({
      code: 'TASK_NOT_WAITING',
      message: expect.stringContaining('"approval"'),
    })
    await t.signal(taskId, 'approval', 'of another kind')
    await t.advance('1s')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 2 })
    await t.jump('1d')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      attempt: 3,
      errorInfo: { code: 'SIGNAL_TIMEOUT', message: expect.stringContaining('"approval"') },
    })
    await t.tasks.retry(taskId)
    await t.jump('6d')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING' })
    await t.signal(taskId, 'approval', { approved: true })
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
    await expectInvariants(t)
  })

  it('waits anew after each retry: where the process died before the failure was written, and the eleventh time too', async () => {
    const { task } = taskOf(ctx => ctx.waitFor('approval', { schema: approval, timeout: '1h' }))
    await using t = await testEngine({ tasks: [task], persistent: true })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    // The attempt that finds the time over writes that, and dies before it is settled.
    const { apply } = t.store.tasks
    Object.assign(t.store.tasks, {
      apply: (transitions: readonly { name: string }[], ...rest: [never]) =>
        transitions.some(({ name }) => name === 'failed')
          ? new Promise(() => undefined)
          : apply(transitions as never, ...rest),
    })
    await t.jump('1h')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RUNNING', attempt: 2 })
    await t.crash()
    // On MongoDB the lease of the dead process has to end first.
    await t.advance(onSqlite ? '1s' : '1m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'FAILED', attempt: 3 })
    for (let retries = 1; retries <= 12; retries++) {
      await t.tasks.retry(taskId)
      await t.drain()
      expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', waits: ['approval'] })
      await t.jump('1h')
      expect(await t.tasks.get(taskId)).toMatchObject({
        status: 'FAILED',
        errorInfo: { code: 'SIGNAL_TIMEOUT' },
      })
    }
  })

  it('waits anew after a retry where the handler failed at something else before it passed the time-out on', async () => {
    let mails = 0
    const { task } = taskOf(async ctx => {
      const caught = await ctx
        .waitFor('word', { schema: z.string(), timeout: '1h' })
        .catch(({ code }) => code)
      const second = ctx.waitFor('word', { schema: z.string(), timeout: '2h' })
      return [
        caught,
        await second.catch(async error => {
          await ctx.checkpoint('mail', () => {
            mails += 1
            if (mails === 1) throw new Error('no mail')
          })
          throw error
        }),
      ]
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.jump('1h')
    await t.jump('2h')
    await t.advance('1s')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'SIGNAL_TIMEOUT' },
    })
    await t.tasks.retry(taskId)
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', waits: ['word'] })
    await t.signal(taskId, 'word', 'late')
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual(['SIGNAL_TIMEOUT', 'late'])
  })

  it('keeps a time-out that the handler caught: a signal that comes later is for the next wait', async () => {
    const { task } = taskOf(async ctx => {
      const first = await ctx.waitFor('word', { schema: z.string(), timeout: '1h' }).catch(({ code }) => code)
      const second = await ctx.waitFor('word', { schema: z.string() })
      return [first, second]
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.jump('1h')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 2 })
    await t.signal(taskId, 'word', 'late')
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual(['SIGNAL_TIMEOUT', 'late'])
  })

  it('begins to wait only when the steps beside it have ended, and takes what came meanwhile', async () => {
    const gate = createGate()
    let drafts = 0
    const { task } = taskOf(async ctx =>
      Promise.all([
        ctx.waitFor('approval', { schema: approval }),
        ctx.checkpoint('draft', async () => {
          drafts += 1
          await gate.opened
          return 'text'
        }),
      ]),
    )
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RUNNING' })
    await t.signal(taskId, 'approval', { approved: true })
    gate.open()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
    expect(drafts).toBe(1)
    await expectInvariants(t)
  })

  it('of several at once, each signal ends its own', async () => {
    const { task } = taskOf(async ctx =>
      Promise.all(['x', 'y'].map(name => ctx.waitFor(name, { schema: z.int() }))),
    )
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ waits: ['x', 'y'] })
    await t.signal(taskId, 'y', 2)
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ waits: ['x'] })
    await t.signal(taskId, 'x', 1)
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual([1, 2])
  })

  it('survives a stop and a kill of the process', async () => {
    const { task } = reviewed()
    await using t = await testEngine({ tasks: [task], persistent: true })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.restart()
    await t.signal(taskId, 'approval', { approved: true })
    await t.crash()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: 'true' })
    await expectInvariants(t)
  })

  it('ends with a cancel, and takes no signal then', async () => {
    const { task } = reviewed()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.tasks.cancel(taskId)
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'CANCELLED' })
    await expect(t.signal(taskId, 'approval', { approved: true })).rejects.toMatchObject({
      code: 'TASK_ALREADY_ENDED',
    })
    await expectInvariants(t)
  })

  it('ends at once with a cancel that came just before it, or while a step beside it ran', async () => {
    for (const isBeside of [true, false]) {
      const gate = createGate()
      const { task } = taskOf(async ctx => {
        const step = ctx.checkpoint('step', () => gate.opened.then(() => null))
        if (!isBeside) await step
        await Promise.all([step, ctx.waitFor('approval', { schema: approval })])
      })
      await using t = await testEngine({ tasks: [task] })
      const { taskId } = await t.submit(task, 1)
      await t.drain()
      const now = t.clock.now()
      await t.tasks.cancel(taskId)
      gate.open()
      await t.drain()
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'CANCELLED' })
      expect(t.clock.now()).toBe(now)
    }
  })

  it('has no time in its event where only a signal ends it', async () => {
    const { task } = taskOf(ctx =>
      ctx.waitFor('approval', { schema: approval, ...(ctx.parameters === 1 ? {} : { timeout: '1h' }) }),
    )
    await using t = await testEngine({ tasks: [task] })
    const events: unknown[] = []
    t.events.on('waiting', event => events.push(event))
    await t.submit(task, 1)
    await t.drain()
    await t.submit(task, 2)
    await t.drain()
    expect(events[0]).not.toHaveProperty('nextAttemptTimestamp')
    expect(events[1]).toMatchObject({ nextAttemptTimestamp: t.clock.now() + 3_600_000 })
  })

  it('ends with the deadline of the task', async () => {
    const { task } = taskOf(ctx => ctx.waitFor('approval', { schema: approval, timeout: '2h' }), {
      deadline: '1h',
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.jump('59m')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING' })
    await t.jump('2m')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'DEADLINE_PASSED' },
    })
  })

  it('takes no signal that an earlier wait has taken when a person changes the parameters', async () => {
    const { task } = taskOf(async ctx => {
      const word = await ctx.waitFor('word', { schema: z.string() })
      if (ctx.parameters === 'bad') throw new PermanentError(`no ${word}`)
      return word
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 'bad')
    await t.signal(taskId, 'word', 'old')
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'FAILED' })
    await t.tasks.retry(taskId, { parameters: 'good' })
    await t.drain()
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', waits: ['word'] })
    await t.signal(taskId, 'word', 'new')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"new"' })
  })

  it('of several for one name beside each other, each keeps its own signal by its key', async () => {
    const order = [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ]
    const { task } = taskOf(async ctx => {
      const keys = order[ctx.attempt - 1] ?? []
      const told = keys.map(async key => [key, await ctx.waitFor('word', { schema: z.string(), key })])
      return Object.fromEntries(await Promise.all(told))
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.signal(taskId, 'word', 'first')
    await t.drain()
    await t.signal(taskId, 'word', 'second')
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual({ a: 'second', b: 'first' })
  })

  it('is one wait where it is called twice with its key', async () => {
    const { task } = taskOf(async ctx => {
      const word = () => ctx.waitFor('word', { schema: z.string(), key: 'it' })
      return [...(await Promise.all([word(), word()])), await ctx.waitFor('word', { schema: z.string() })]
    })
    await using t = await testEngine({ tasks: [task], start: false })
    const { taskId } = await t.submit(task, 1)
    await t.signal(taskId, 'word', 'first')
    await t.signal(taskId, 'word', 'second')
    await t.start()
    await t.drain()
    expect(JSON.parse((await t.tasks.get(taskId)).result ?? '')).toEqual(['first', 'first', 'second'])
  })

  it('has a key of its own in each stage of a hook', async () => {
    const { task: leaf } = taskOf(async () => 1)
    const parent = defineTask({
      type: 'Staged',
      parameters: z.unknown(),
      result: z.array(z.string()),
      async execute(ctx) {
        await ctx.submitSubTask(leaf, 1, { key: 'stage 1' })
      },
      async onSubTasksSettled(ctx) {
        const words: string[] = []
        for (let stage = 1; stage <= 2; stage++) {
          words.push(await ctx.waitFor('word', { schema: z.string(), key: `stage ${stage}` }))
          if (stage === 2) return words
          const { done } = await ctx.submitSubTask(leaf, 1, { key: `stage ${stage + 1}` })
          if (!done) return undefined
        }
      },
    })
    await using t = await testEngine({ tasks: [leaf, parent] })
    const { taskId } = await t.submit(parent, 1)
    await t.drain()
    for (const word of ['first', 'second']) {
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', phase: 'reducing' })
      await t.signal(taskId, 'word', word)
      await t.drain()
    }
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '["first","second"]' })
  })

  it('takes a key that can be stored', async () => {
    const { task } = taskOf(ctx => ctx.sleep('1h', { key: 'x'.repeat(201) }))
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('works in the hook of a parent, whose waits are its own', async () => {
    const { task: leaf } = taskOf(async () => 1)
    const parent = defineTask({
      type: 'Parent',
      parameters: z.unknown(),
      result: z.array(z.string()),
      async execute(ctx) {
        const word = await ctx.waitFor('word', { schema: z.string() })
        await ctx.submitSubTask(leaf, word, { key: word })
      },
      async onSubTasksSettled(ctx) {
        return [await ctx.waitFor('word', { schema: z.string() })]
      },
    })
    await using t = await testEngine({ tasks: [leaf, parent] })
    const { taskId } = await t.submit(parent, 1)
    await t.drain()
    await t.signal(taskId, 'word', 'first')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', phase: 'reducing' })
    await t.signal(taskId, 'word', 'second')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '["second"]' })
    await expectInvariants(t)
  })

  it('is refused within a step, which would never end', async () => {
    const { task } = taskOf(ctx =>
      ctx.checkpoint('wait', () => ctx.waitFor('approval', { schema: approval })),
    )
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('within the step "wait"'),
    })
  })
})

describe('a wait that nothing can end', () => {
  it('is refused within a call of a model', async () => {
    const { task } = taskOf(ctx =>
      ctx.call({ limit: 'model', tokens: 1 }, () => ctx.waitFor('approval', { schema: approval })),
    )
    await using t = await testEngine({ tasks: [task], limits: { model: {} } })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('within the call of a model'),
    })
  })

  it('is named when its attempt runs out of time', async () => {
    const { task } = taskOf(
      ctx =>
        ctx.checkpoint('wait', async () => {
          await Promise.resolve()
          return ctx.waitFor('approval', { schema: approval })
        }),
      { attemptTimeout: '1m' },
    )
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.advance('2m')
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({
      code: 'ATTEMPT_TIMEOUT',
      message: expect.stringContaining('called within one never ends'),
    })
  })
})

describe('a signal', () => {
  const word = () => taskOf(ctx => ctx.waitFor('word', { schema: z.string() }))

  it('is refused for a task that is not there, with a bad name, too large, or when too many wait', async () => {
    const { task } = word()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    const refusals: [name: string, payload: unknown, code: string][] = [
      ['', 1, 'OPTION_INVALID'],
      ['a\nb', 1, 'OPTION_INVALID'],
      ['a\ud83d', 1, 'OPTION_INVALID'],
      ['x'.repeat(101), 1, 'OPTION_INVALID'],
      ['word', 'x'.repeat(65_536), 'SIGNAL_TOO_LARGE'],
      ['word', () => 1, 'VALUE_NOT_STORABLE'],
    ]
    for (const [name, payload, code] of refusals)
      await expect(t.signal(taskId, name, payload)).rejects.toMatchObject({ code })
    await expect(t.signal('nobody', 'word', 1)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(t.signal(taskId, 'word', 'x', { ifVersion: 1 })).rejects.toMatchObject({
      code: 'TASK_CHANGED',
    })
    for (let count = 0; count < 32; count++) await t.signal(taskId, 'other', count)
    await expect(t.signal(taskId, 'other', 'one more')).rejects.toMatchObject({ code: 'SIGNALS_FULL' })
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 1 })
  })

  it('gets in when the task waits for it, however many with other names came before', async () => {
    const { task } = word()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    for (let count = 0; count < 32; count++) await t.signal(taskId, 'wrod', count)
    await expect(t.signal(taskId, 'wrod', 'one more')).rejects.toMatchObject({ code: 'SIGNALS_FULL' })
    await t.signal(taskId, 'word', 'right')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"right"' })
  })

  it('that is refused is reported once, and takes no room', async () => {
    const { task } = word()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    for (let count = 0; count < 34; count++) {
      await t.signal(taskId, 'word', count)
      await t.drain()
    }
    expect(await t.tasks.logs(taskId, 0, 100)).toHaveLength(34)
    await t.signal(taskId, 'word', 'right')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"right"' })
  })

  it('takes the place of one that the running attempt has taken', async () => {
    const gate = createGate()
    const { task } = taskOf(async ctx => {
      for (let count = 0; count < 32; count++) await ctx.waitFor('word', { schema: z.int() })
      await ctx.checkpoint('gate', () => gate.opened.then(() => null))
      return ctx.waitFor('word', { schema: z.int() })
    })
    await using t = await testEngine({ tasks: [task], start: false })
    const { taskId } = await t.submit(task, 1)
    for (let count = 0; count < 32; count++) await t.signal(taskId, 'word', count)
    await expect(t.signal(taskId, 'word', 32)).rejects.toMatchObject({ code: 'SIGNALS_FULL' })
    await t.start()
    await t.drain()
    await t.signal(taskId, 'word', 32)
    gate.open()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '32', attempt: 1 })
  })

  it('is found beside checkpoints with any key and value', async () => {
    const { task } = taskOf(async ctx => {
      await ctx.checkpoint('about ctx.waitFor "word"', () => null)
      return ctx.waitFor('word', { schema: z.string() })
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.signal(taskId, 'word', 'yes')
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"yes"' })
  })

  it('gives up its payload once it is taken, so that more can come', async () => {
    const { task } = taskOf(async ctx => {
      for (let count = 0; count < 40; count++) await ctx.waitFor('word', { schema: z.int() })
      return 'all'
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    for (let count = 0; count < 40; count++) {
      await t.signal(taskId, 'word', count, { id: `signal ${count}` })
      await t.drain()
    }
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', signalCount: 40, retryCount: 0 })
  })
})

describe('a sleep', () => {
  it('holds no slot, ends on time, and is no longer for a kill', async () => {
    const { task, attempts } = taskOf(async ctx => {
      await ctx.sleep('21d')
      await ctx.sleep('1s')
      return 'awake'
    })
    await using t = await testEngine({ tasks: [task], persistent: true, lanes: { default: { slots: 1 } } })
    const { taskId } = await t.submit(task, 1)
    await t.jump('20d')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'RETRYING',
      waits: [{ until: expect.any(Number) }],
    })
    await t.crash()
    await t.jump('1d')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 2 })
    await t.jump('1s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"awake"' })
    expect(attempts).toEqual([1, 2, 3])
    await expectInvariants(t)
  })

  it('beside another one keeps its own time, in whatever order the attempts come to them', async () => {
    const ends: Record<string, number> = {}
    const { task } = taskOf(async ctx => {
      const gate = createGate()
      const part = async (key: string, duration: Duration, isSlow: boolean) => {
        await ctx.checkpoint(key, async () => {
          if (isSlow) await gate.opened
          else gate.open()
        })
        await ctx.sleep(duration, { key })
        ends[key] ??= t.clock.now()
      }
      // The first attempt comes to the longer sleep first, the others to the shorter one.
      await Promise.all([part('a', '1h', true), part('b', '7d', false)])
    })
    await using t = await testEngine({ tasks: [task] })
    const began = t.clock.now()
    await t.submit(task, 1)
    await t.drain()
    await t.jump('1h')
    await t.jump('7d')
    expect((ends['a'] ?? 0) - began).toBeLessThan(3_700_000)
    expect((ends['b'] ?? 0) - began).toBeGreaterThan(600_000_000)
  })

  it('ends when its first attempt said, whatever a later one computes', async () => {
    const { task } = taskOf(async ctx => {
      await ctx.sleep(ctx.attempt * 60_000)
      await ctx.sleep(ctx.attempt * 60_000)
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.jump('1m')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'RETRYING', attempt: 2 })
    await t.jump('2m')
    expect(await stateOf(t, taskId)).toMatchObject({ status: 'COMPLETED', attempt: 3 })
  })

  it('ends when a person runs its task now', async () => {
    const { task } = taskOf(async ctx => {
      await Promise.all([ctx.sleep('7d'), ctx.sleep('8d')])
      return 'awake'
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    await t.tasks.runNow(taskId)
    await t.advance('1s')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"awake"', attempt: 2 })
  })

  it('takes a duration', async () => {
    const { task } = taskOf(ctx => ctx.sleep('soon' as never))
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 1)
    await t.drain()
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('runHandler', () => {
  it('gives a handler the signals that a test names', async () => {
    const { task } = taskOf(async ctx => {
      await ctx.sleep('1d')
      return ctx.waitFor('word', { schema: z.string() })
    })
    expect(await runHandler(task, 1, { signals: { word: ['yes'] } })).toMatchObject({ result: 'yes' })
    await expect(runHandler(task, 1)).rejects.toMatchObject({ code: 'SIGNAL_TIMEOUT' })
  })
})
