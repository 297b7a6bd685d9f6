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
    await t.advance('1d')
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
        { key: 'bob', calls: 2, inputTokens: 20, outputTokens: 2, unpricedCalls: 2, estimatedCalls: 0 },
      ],
    })
  })

  it.each([
    [{ model: '' }, 'model'],
    [{ model: 'm'.repeat(201) }, 'model'],
    [{ subject: '' }, 'subject'],
    [{ subject: 's'.repeat(101) }, 'subject'],
    [{ subject: 'a\0b' }, 'subject'],
    [{ inputTokens: 1.5 }, 'inputTokens'],
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
