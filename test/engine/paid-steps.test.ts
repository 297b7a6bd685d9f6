import { defineTask, QuillworkError, type Store } from 'quillwork'
import { testEngine } from 'quillwork/testing'
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

describe('what a step has paid for', () => {
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
