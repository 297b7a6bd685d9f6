import { defineTask, type Store } from 'quillwork'
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
