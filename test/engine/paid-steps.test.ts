import { defineTask, QuillworkError, type Store } from 'quillwork'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sqlite } from '../../src/store/sqlite/index.ts'

/** A store that cannot write what attempts leave behind while it is away. */
function leaving(store: Store, outage: { isOn: boolean }): Store {
  const { checkpoint, usage } = store.attempts
  const unlessAway =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (outage.isOn) throw new QuillworkError('STORE_FAILED', 'The store is away.')
      return write(...args)
    }
  return {
    ...store,
    attempts: { ...store.attempts, checkpoint: unlessAway(checkpoint), usage: unlessAway(usage) },
  }
}

/** A task whose only step is a call that costs something; the store goes away meanwhile. */
function paying(outage: { isOn: boolean }) {
  const seen = { calls: 0 }
  const task = defineTask({
    type: 'Paying',
    parameters: z.null(),
    result: z.string(),
    execute: ctx =>
      ctx.checkpoint('call', async () => {
        seen.calls += 1
        outage.isOn = seen.calls === 1
        await ctx.addUsage({ model: 'm', inputTokens: 1, outputTokens: 2 })
        return `answer ${seen.calls}`
      }),
  })
  return { task, seen }
}

/** A store whose list of sub-tasks cannot be read once. */
function unreadableOnce(store: Store, reads: { failed: number }): Store {
  const children: Store['queries']['children'] = async (...asked) => {
    if (asked[1]?.status?.includes('RUNNING') === true && reads.failed === 0) {
      reads.failed += 1
      throw new QuillworkError('STORE_FAILED', 'The store is away.')
    }
    return store.queries.children(...asked)
  }
  return { ...store, queries: { ...store.queries, children } }
}

describe('what a step has paid for', () => {
  it('is kept while the store is away for longer than an attempt may stall', async () => {
    const outage = { isOn: false }
    const { task, seen } = paying(outage)
    const patient = defineTask({
      type: 'Patient',
      parameters: z.null(),
      result: z.string(),
      stallTimeout: '1m',
      execute: ctx =>
        ctx.checkpoint('call', () => {
          seen.calls += 1
          outage.isOn = true
          return `answer ${seen.calls}`
        }),
    })
    await using t = await testEngine({
      tasks: [task, patient],
      openStore: now => leaving(sqlite({ file: ':memory:', now }), outage),
    })
    const { taskId } = await t.submit(patient, null)
    await t.advance('3m')
    outage.isOn = false
    await t.advance('2m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1, result: '"answer 1"' })
  })

  it('is kept when it is the result of a hook, and the sub-tasks cannot be read for a moment', async () => {
    const { scripted } = scriptedTasks()
    const reads = { failed: 0 }
    let calls = 0
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.string(),
      async execute(ctx) {
        await ctx.submitSubTask(scripted, { orders: [{ do: 'succeed' }] }, { key: 'a' })
      },
      onSubTasksSettled() {
        calls += 1
        return `answer ${calls}`
      },
    })
    await using t = await testEngine({
      tasks: [parent, scripted],
      openStore: now => unreadableOnce(sqlite({ file: ':memory:', now }), reads),
    })
    const { taskId } = await t.submit(parent, null)
    await t.advance('5s')
    expect(reads.failed).toBe(1)
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      result: '"answer 1"',
      retryCount: 0,
    })
  })

  it('is kept when the store is away for a while', async () => {
    const outage = { isOn: false }
    const { task, seen } = paying(outage)
    await using t = await testEngine({
      tasks: [task],
      openStore: now => leaving(sqlite({ file: ':memory:', now }), outage),
    })
    const { taskId } = await t.submit(task, null)
    await t.advance('20s')
    outage.isOn = false
    await t.advance('20s')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      attempt: 1,
      result: '"answer 1"',
    })
    expect(seen.calls).toBe(1)
    expect(await t.tasks.usage(taskId)).toMatchObject([{ inputTokens: 1, outputTokens: 2 }])
  })

  it('does not keep a task that was cancelled', async () => {
    const outage = { isOn: false }
    const { task } = paying(outage)
    await using t = await testEngine({
      tasks: [task],
      openStore: now => leaving(sqlite({ file: ':memory:', now }), outage),
    })
    const handle = await t.submit(task, null)
    await t.advance('5s')
    await handle.cancel()
    await t.advance('10s')
    expect((await handle.state()).status).toBe('CANCELLED')
    // The call was paid for all the same.
    outage.isOn = false
    await t.advance('10s')
    expect(await t.tasks.usage(handle.taskId)).toMatchObject([{ inputTokens: 1, outputTokens: 2 }])
  })

  it('is refused where it is more than a checkpoint may be, and not asked for again', async () => {
    const seen = { calls: 0 }
    const task = defineTask({
      type: 'Large',
      parameters: z.null(),
      result: z.void(),
      async execute(ctx) {
        await ctx.checkpoint('text', () => {
          seen.calls += 1
          return 'x'.repeat(4_000_000)
        })
      },
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('10m')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      errorInfo: { code: 'CHECKPOINT_TOO_LARGE', message: expect.stringContaining('"text"') },
    })
    expect(seen.calls).toBe(1)
  })
})

describe('a record that cannot be written', () => {
  /** A store that refuses to write one task, alone or among others. */
  const refusing = (store: Store, refused: Set<string>): Store => ({
    ...store,
    tasks: {
      ...store.tasks,
      async apply(transitions, options) {
        if (transitions.some(({ taskId }) => refused.has(taskId)))
          throw new QuillworkError('STORE_FAILED', 'The document is too large.')
        return store.tasks.apply(transitions, options)
      },
    },
  })

  it('keeps no other from its rescue, nor the sweep from the rest of its work', async () => {
    const refused = new Set<string>()
    const brief = defineTask({
      type: 'Brief',
      parameters: z.null(),
      result: z.void(),
      deadline: '1m',
      execute: () => undefined,
    })
    await using t = await testEngine({
      tasks: [brief],
      openStore: now => refusing(sqlite({ file: ':memory:', now }), refused),
    })
    const handles = []
    for (let index = 0; index < 6; index++) handles.push(await t.submit(brief, null, { delay: '1h' }))
    refused.add(handles[0]?.taskId ?? '')
    await t.advance('5m')
    const statuses = await Promise.all(handles.map(async handle => (await handle.state()).status))
    expect(statuses).toEqual(['QUEUED', ...Array.from({ length: 5 }, () => 'FAILED')])
    refused.clear()
    await t.advance('5m')
    expect((await handles[0]?.state())?.status).toBe('FAILED')
  })

  it('keeps no other parent from its end', async () => {
    const refused = new Set<string>()
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      openStore: now => refusing(sqlite({ file: ':memory:', now }), refused),
    })
    const later = { do: 'snooze', until: t.clock.now() + 60_000, attempts: 1 } as const
    const orders = [{ do: 'submitMany', count: 2, orders: [later, { do: 'succeed' }] }] as const
    const parents = [await t.submit(scripted, { orders }), await t.submit(scripted, { orders })]
    await t.advance('10s')
    refused.add(parents[0]?.taskId ?? '')
    await t.advance('5m')
    const status = async (index: number) => (await parents[index]?.state())?.status
    expect([await status(0), await status(1)]).toEqual(['RUNNING', 'COMPLETED'])
    refused.clear()
    await t.advance('1m')
    expect(await status(0)).toBe('COMPLETED')
  })
})

describe('output that cannot be written', () => {
  it('does not keep a task that is done', async () => {
    const task = defineTask({
      type: 'Writing',
      parameters: z.null(),
      result: z.string(),
      async execute(ctx) {
        ctx.write('lost')
        return 'kept'
      },
    })
    await using t = await testEngine({
      tasks: [task],
      openStore(now) {
        const store = sqlite({ file: ':memory:', now })
        const append = async () => {
          throw new QuillworkError('STORE_FAILED', 'The output of tasks may not be written.')
        }
        return { ...store, output: { ...store.output, append } }
      },
    })
    const { taskId } = await t.submit(task, null)
    await t.advance('30s')
    expect((await t.tasks.get(taskId)).status).toBe('RUNNING')
    await t.advance('1m')
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1, result: '"kept"' })
  })
})
