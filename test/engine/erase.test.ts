import { defineTask, type Erasure, type RootFilter } from 'quillwork'
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

/** Returns the ids of the roots of Ann whose parameters have the name. */
async function rootsOf(erasure: Erasure, name: string): Promise<string[]> {
  const { items } = await erasure.roots({ userId: 'ann' }, { pageSize: 9 })
  return items
    .filter(({ parameters }) => (parameters as { name?: string } | undefined)?.name === name)
    .map(({ id }) => id)
}

describe('a task that deletes trees', () => {
  it('finds the roots of a user a page at a time, by tag, type and status, its own never', async () => {
    const { t, gate, parent, cleaner } = await engineWith(async erasure => {
      const idsOf = async (filter: Omit<RootFilter, 'userId'>) =>
        (await erasure.roots({ userId: 'ann', ...filter }, { pageSize: 9 })).items.map(({ id }) => id)
      const first = await erasure.roots({ userId: 'ann' }, { pageSize: 1 })
      const pageToken = first.nextPageToken ?? ''
      const second = await erasure.roots({ userId: 'ann' }, { pageSize: 1, pageToken })
      return {
        pages: [first.items.map(({ parameters }) => parameters), second.items.map(({ tags }) => tags)],
        all: await idsOf({}),
        tagged: await idsOf({ tag: 'two' }),
        typed: [await idsOf({ taskType: ['Parent'] }), await idsOf({ taskType: ['Slow'] })],
        ended: await idsOf({ status: ['CANCELLED'] }),
        submittedAt: erasure.submittedAt,
      }
    })
    await using _t = t
    const [{ taskId: a }, { taskId: b }] = [
      await t.submit(parent, { name: 'a' }, { userId: 'ann' }),
      await t.submit(parent, { name: 'b' }, { userId: 'ann', tags: ['two'] }),
    ]
    await t.submit(parent, { name: 'a' }, { userId: 'bob', tags: ['two'] })
    await t.tasks.cancelTree(a)
    const found = await t.submit(cleaner, undefined, { userId: 'ann', delay: '1s' })
    const { createdAt } = await t.tasks.get(found.taskId)
    await t.advance('2s')
    await t.drain()
    expect(await found.result()).toEqual({
      pages: [[{ name: 'a' }], [['two']]],
      all: [a, b],
      tagged: [b],
      typed: [[a, b], []],
      ended: [a],
      submittedAt: createdAt,
    })
    gate.open()
  })

  it('waits until what runs has ended, and deletes all of the tree', async () => {
    const { t, gate, parent, cleaner } = await engineWith(async erasure => {
      const [root = ''] = await rootsOf(erasure, 'a')
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
      const [root = ''] = await rootsOf(erasure, 'a')
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
