import { defineTask, type Erasure } from 'quillwork'
import { createGate, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const nothing = z.undefined()
const named = z.object({ name: z.string() })

/** What a test has an attempt do with other trees. */
type Plan = (erasure: Erasure) => Promise<unknown>

/** An engine with a task that does as planned, and a parent whose sub-task waits, and does not listen to its signal. */
async function engineWith(plan: Plan) {
  const gate = createGate()
  const slow = defineTask({
    type: 'Slow',
    parameters: named,
    result: z.string(),
    execute: () => gate.opened.then(() => 'at last'),
  })
  const parent = defineTask({
    type: 'Parent',
    parameters: named,
    result: z.string(),
    async execute(ctx) {
      await ctx.submitSubTask(slow, ctx.parameters, { key: 'slow' })
    },
    onSubTasksSettled: () => 'done',
  })
  const cleaner = defineTask({
    type: 'Cleaner',
    parameters: nothing,
    result: z.unknown(),
    execute: ctx => plan(ctx.erasure),
  })
  const t = await testEngine({ tasks: [slow, parent, cleaner], times: { abortGrace: '10s' } })
  return { t, gate, parent, cleaner }
}

const ofName = (name: string) => (root: { parameters: unknown }) =>
  (root.parameters as { name?: string } | undefined)?.name === name

describe('a task that deletes trees', () => {
  it('finds the roots of a user by what they are about, its own never', async () => {
    const { t, gate, parent, cleaner } = await engineWith(async erasure => [
      await erasure.find('ann', ofName('a')),
      await erasure.find('ann', () => true, 1),
      await erasure.find('ann', () => true),
    ])
    await using _t = t
    const [a, b] = [
      await t.submit(parent, { name: 'a' }, { userId: 'ann' }),
      await t.submit(parent, { name: 'b' }, { userId: 'ann' }),
    ]
    await t.submit(parent, { name: 'a' }, { userId: 'bob' })
    const found = await t.submit(cleaner, undefined, { userId: 'ann' })
    await t.drain()
    expect(await found.result()).toEqual([[a.taskId], [a.taskId], [a.taskId, b.taskId]])
    gate.open()
  })

  it('waits until what runs has ended, and deletes all of the tree', async () => {
    const { t, gate, parent, cleaner } = await engineWith(async erasure => {
      const [root = ''] = await erasure.find('ann', ofName('a'))
      return [await erasure.erase(root), await erasure.erase(root)]
    })
    await using _t = t
    const tree = await t.submit(parent, { name: 'a' }, { userId: 'ann' })
    const other = await t.submit(parent, { name: 'b' }, { userId: 'ann' })
    await t.drain()
    const cleaning = await t.submit(cleaner, undefined, { userId: 'ann' })
    await t.advance('9s')
    expect(await cleaning.state()).toMatchObject({ status: 'RUNNING' })
    expect((await t.tasks.get(tree.taskId)).status).toBe('CANCELLED')
    await t.advance('2s')
    expect(await cleaning.result()).toEqual([2, 0])
    await expect(t.tasks.get(tree.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    const { items } = await t.tasks.list({ rootsOnly: true }, { pageSize: 9 })
    expect(items.map(({ id }) => id).sort()).toEqual([other.taskId, cleaning.taskId].sort())
    gate.open()
    await t.drain()
    expect(t.log.messages('error')).toEqual([])
  })

  it('stops with its attempt', async () => {
    const { t, gate, parent, cleaner } = await engineWith(async erasure => {
      const [root = ''] = await erasure.find('ann', ofName('a'))
      return erasure.erase(root)
    })
    await using _t = t
    const tree = await t.submit(parent, { name: 'a' }, { userId: 'ann' })
    await t.drain()
    const cleaning = await t.submit(cleaner, undefined, { userId: 'ann' })
    await t.advance('1s')
    await t.tasks.cancel(cleaning.taskId)
    await t.advance('1s')
    expect(await cleaning.state()).toMatchObject({ status: 'CANCELLED' })
    expect((await t.tasks.get(tree.taskId)).status).toBe('CANCELLED')
    gate.open()
  })
})
