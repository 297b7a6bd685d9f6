import type { UsageKind } from 'quillwork'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'

describe('a usage report', () => {
  const use = { do: 'use', model: 'm', inputTokens: 10, outputTokens: 1 } as const

  it('sums what each task, user, subject, day and model used', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const first = await t.submit(
      scripted,
      { orders: [{ ...use, subject: 'novel-1', cost: 2 }] },
      { userId: 'ann' },
    )
    await t.drain()
    await t.jump('1d')
    const second = await t.submit(scripted, { orders: [use, use] }, { userId: 'bob' })
    await t.drain()
    const keysBy = async (by: UsageKind) => {
      const { items } = await t.tasks.usageReport({}, { by })
      return items.map(({ key, calls, cost }) => [key, calls, cost])
    }
    expect(await keysBy('task')).toEqual([
      [second.taskId, 2, undefined],
      [first.taskId, 1, 2],
    ])
    expect(await keysBy('user')).toEqual([
      ['ann', 1, 2],
      ['bob', 2, undefined],
    ])
    expect(await keysBy('subject')).toEqual([
      ['', 2, undefined],
      ['novel-1', 1, 2],
    ])
    expect(await keysBy('day')).toEqual([
      [new Date(t.clock.now()).toISOString().slice(0, 10), 2, undefined],
      [new Date(t.clock.now() - 86_400_000).toISOString().slice(0, 10), 1, 2],
    ])
    expect(await keysBy('model')).toEqual([['m', 3, 2]])
    const page = await t.tasks.usageReport({ after: t.clock.now() - 3_600_000 }, { by: 'user', pageSize: 1 })
    expect(page).toEqual({
      items: [
        {
          key: 'bob',
          calls: 2,
          inputTokens: 20,
          cachedInputTokens: 0,
          outputTokens: 2,
          unpricedCalls: 2,
          estimatedCalls: 0,
        },
      ],
    })
  })

  it('has calls of completed tasks by day alone when they are old, and says which tasks lack some', async () => {
    const { scripted } = scriptedTasks()
    const usageRetention = { calls: '30d', days: '365d' } as const
    await using t = await testEngine({ tasks: [scripted], usageRetention })
    const orders = [
      { ...use, cost: 0.1 },
      { ...use, cost: 0.2 },
    ] as const
    const ended = await t.submit(scripted, { orders }, { userId: 'ann' })
    const live = await t.submit(scripted, { orders: [use, { do: 'hang' }] }, { userId: 'bob' })
    await t.drain()
    const keysBy = async (by: UsageKind, userId: string) => {
      const { items } = await t.tasks.usageReport({ userId }, { by })
      return items.map(({ key, calls, cost }) => [key, calls, cost])
    }
    await t.jump('30d')
    expect(await keysBy('task', 'ann')).toEqual([[ended.taskId, 2, 0.3]])
    expect(await t.tasks.usageSince(ended.taskId)).toBeUndefined()
    await t.jump('1d')
    expect(await keysBy('user', 'ann')).toEqual([['ann', 2, 0.3]])
    expect(await keysBy('task', 'ann')).toEqual([])
    expect(await t.tasks.usage(ended.taskId)).toEqual([])
    expect(await t.tasks.usageSince(ended.taskId)).toBe(
      Math.floor((t.clock.now() - 30 * 86_400_000) / 86_400_000) * 86_400_000,
    )
    expect(await keysBy('task', 'bob')).toMatchObject([[live.taskId, expect.any(Number), undefined]])
    expect(await t.tasks.usageSince(live.taskId)).toBeUndefined()
    await expect(t.tasks.usageSince('nobody')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await t.jump('340d')
    expect(await keysBy('user', 'ann')).toEqual([])
  })

  it('goes over a backlog of old calls some thousand at a time', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const uses = Array.from({ length: 100 }, () => use)
    for (let index = 0; index < 110; index++) await t.submit(scripted, { orders: uses })
    await t.drain()
    const byModel = () => t.tasks.usageReport({}, { by: 'model' })
    const left = async () => {
      const { items } = await t.tasks.usageReport({}, { by: 'task', pageSize: 2_000 })
      return items.reduce((sum, { calls }) => sum + calls, 0)
    }
    const before = await byModel()
    await t.jump('31d')
    expect(await left()).toBe(1_000)
    expect(await byModel()).toEqual(before)
    await t.advance('5s')
    expect(await left()).toBe(0)
    expect(await byModel()).toEqual(before)
  })

  it.each([
    [{ model: '' }, 'model'],
    [{ model: 'm'.repeat(201) }, 'model'],
    [{ subject: '' }, 'subject'],
    [{ subject: 's'.repeat(101) }, 'subject'],
    [{ subject: 'a\0b' }, 'subject'],
    [{ inputTokens: 1.5 }, 'inputTokens'],
    [{ cachedInputTokens: -1 }, 'cachedInputTokens'],
    [{ cachedInputTokens: 11 }, 'cachedInputTokens'],
    [{ outputTokens: -1 }, 'outputTokens'],
    [{ cost: Number.NaN }, 'cost'],
    [{ cost: -0.01 }, 'cost'],
  ])('refuses the usage %j, naming the field, and keeps nothing of it', async (changes, field) => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ ...use, ...changes }] })
    await t.drain()
    expect((await t.tasks.get(task.taskId)).errorInfo).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(new RegExp(`^${field} of the usage`)),
    })
    expect(await t.tasks.usage(task.taskId)).toEqual([])
  })
})
