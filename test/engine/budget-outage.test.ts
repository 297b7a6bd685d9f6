import { defineTask, QuillworkError, SnoozeError, type Store } from 'quillwork'
import { createGate, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sqlite } from '../../src/store/sqlite/index.ts'

/** A store whose states are away from the next save on, which it still makes, without a word. */
function breaking(store: Store, outage: { isDue: boolean; isOn: boolean }): Store {
  const away = () => new Error('the store is away')
  return {
    ...store,
    states: {
      async load(keys) {
        if (outage.isOn) throw away()
        return store.states.load(keys)
      },
      async save(text) {
        if (outage.isOn) throw away()
        const isSaved = await store.states.save(text)
        if (!outage.isDue) return isSaved
        outage.isOn = true
        throw away()
      },
    },
  }
}

describe('a call that is settled while the store goes away', () => {
  it('is counted once, however often it is told', async () => {
    const outage = { isDue: false, isOn: false }
    const calling = defineTask({
      type: 'Calling',
      parameters: z.null(),
      result: z.void(),
      async execute(ctx) {
        const hold = await ctx.reserve({ tokens: 100 })
        outage.isDue = true
        await hold.commit({ tokens: 10 })
      },
    })
    await using t = await testEngine({
      tasks: [calling],
      openStore: now => breaking(sqlite({ file: ':memory:', now }), outage),
    })
    const task = await t.submit(calling, null, { budget: { tokens: 1_000 } })
    await t.advance('5s')
    expect(outage.isOn).toBe(true)
    Object.assign(outage, { isDue: false, isOn: false })
    await t.advance('5s')
    expect((await task.state()).status).toBe('COMPLETED')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 10 }, reserved: { tokens: 0 } })
  })
})

describe('a call that is settled after the end of its attempt', () => {
  it('counts at what it cost', async () => {
    const gate = createGate()
    const late = defineTask({
      type: 'Late',
      parameters: z.number(),
      result: z.void(),
      async execute(ctx) {
        const hold = await ctx.reserve({ tokens: 30 })
        await gate.opened
        await hold.commit({ tokens: ctx.parameters })
        await hold.commit({ tokens: 1 })
      },
    })
    await using t = await testEngine({ tasks: [late] })
    const task = await t.submit(late, 20, { budget: { tokens: 100 } })
    await t.drain()
    await task.cancel()
    await t.advance('1m')
    expect((await task.state()).status).toBe('CANCELLED')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 30 }, reserved: { tokens: 0 } })
    gate.open()
    await t.drain()
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 20 }, reserved: { tokens: 0 } })
  })
})

/** A store that fails each of what an attempt asks of it three times, from `begin` on. */
function failingThrice(store: Store): { store: Store; begin(): void; failures(): number } {
  const failed: Record<string, number> = {}
  let isOn = false
  const fails = <A extends unknown[], R>(name: string, ask: (...asked: A) => Promise<R>) => {
    return async (...asked: A): Promise<R> => {
      const times = failed[name] ?? 0
      if (!isOn || times >= 3) return ask(...asked)
      failed[name] = times + 1
      throw new QuillworkError('STORE_FAILED', 'no primary')
    }
  }
  const { attempts, output, queries, states, tasks } = store
  return {
    store: {
      ...store,
      attempts: { ...attempts, checkpoints: fails('checkpoints', attempts.checkpoints) },
      output: { ...output, read: fails('output', output.read) },
      queries: { ...queries, get: fails('get', queries.get) },
      states: { ...states, load: fails('load', states.load), save: fails('save', states.save) },
      tasks: { ...tasks, create: fails('create', tasks.create) },
    },
    begin: () => {
      isOn = true
    },
    failures: () => Object.values(failed).reduce((sum, times) => sum + times, 0),
  }
}

describe('a store that is away for less than a lease', () => {
  it('costs an attempt no retry, whatever it asks', async () => {
    let faults: ReturnType<typeof failingThrice> | undefined
    const child = defineTask({ type: 'Child', parameters: z.null(), result: z.null(), execute: () => null })
    const asking = defineTask({
      type: 'Asking',
      parameters: z.null(),
      result: z.string(),
      retry: { maxAttempts: 1 },
      async execute(ctx) {
        if (ctx.attempt === 1) throw new SnoozeError(0, 'once more')
        faults?.begin()
        await ctx.checkpoint('step', () => 1)
        await ctx.earlierOutput()
        await (await ctx.reserve({ tokens: 10 }, 'call')).commit({ tokens: 4 })
        await ctx.submitSubTask(child, null, { key: 'a' })
        return ctx.waitFor('word', { schema: z.string() })
      },
    })
    await using t = await testEngine({
      tasks: [asking, child],
      openStore: now => {
        faults = failingThrice(sqlite({ file: ':memory:', now }))
        return faults.store
      },
    })
    const { taskId } = await t.submit(asking, null, { budget: { tokens: 100 } })
    await t.signal(taskId, 'word', 'told')
    await t.advance('25s')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      attempt: 2,
      retryCount: 0,
      result: '"told"',
    })
    expect(faults?.failures()).toBeGreaterThanOrEqual(15)
    expect(await t.budgets.get(taskId)).toMatchObject({ spent: { tokens: 4 }, reserved: { tokens: 0 } })
  })
})
