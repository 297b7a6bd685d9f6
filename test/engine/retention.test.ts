import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { allTasks, expectInvariants } from './invariants.ts'

describe('retention', () => {
  it('deletes ended trees by the age and status of their root', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], retention: { COMPLETED: '1d', FAILED: '7d' } })
    const tree = await t.submit(scripted, { orders: [{ do: 'submitMany', count: 3, orders: [] }] })
    const failed = await t.submit(scripted, { orders: [{ do: 'failForGood' }] })
    const live = await t.submit(scripted, { orders: [{ do: 'hang' }] })
    await t.drain()
    await t.jump('23h')
    await t.advance('10s')
    expect(await allTasks(t)).toHaveLength(6)
    await t.jump('1h')
    await t.advance('10s')
    expect((await allTasks(t)).map(({ id }) => id).sort()).toEqual([failed.taskId, live.taskId].sort())
    await expect(tree.state()).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await t.jump('6d')
    await t.advance('10s')
    expect((await allTasks(t)).map(({ id }) => id)).toEqual([live.taskId])
    expect((await t.deadLetters.list({}, { pageSize: 5 })).items).toEqual([])
    await expectInvariants(t)
  })

  it('deletes messages that cannot be read after 30 days', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { unparsable, tasks } = t.store
    await unparsable.file([{ id: 'a', at: tasks.now(), reason: 'not JSON', content: '<a>' }])
    const left = async () => (await unparsable.list({ pageSize: 5 })).items.length
    await t.jump('30d')
    await t.advance('10s')
    expect(await left()).toBe(1)
    await t.jump('1d')
    await t.advance('10s')
    expect(await left()).toBe(0)
  })

  it('deletes lines of the audit trail after 90 days, or what is set', async () => {
    for (const [options, days] of [
      [{}, 90],
      [{ auditRetention: '7d' }, 7],
    ] as const) {
      const { scripted } = scriptedTasks()
      await using t = await testEngine({ tasks: [scripted], ...options })
      const { audit, tasks } = t.store
      const who = { identity: 'token', name: 'token', role: 'admin', userId: 'local' }
      const line = { ...who, action: 'POST /v1/tasks', status: 202, from: '127.0.0.1', traceId: '1' }
      // More than one write deletes.
      for (let count = 0; count < 101; count += 1) await audit.add({ ...line, at: tasks.now() })
      const left = async () => (await audit.list({}, { pageSize: 200 })).items.length
      await t.jump(`${days}d`)
      await t.advance('10s')
      expect(await left()).toBe(101)
      await t.jump('1d')
      await t.advance('10s')
      expect(await left()).toBe(0)
    }
  })

  it('leaves a tree alone while a part of it is live', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], retention: { COMPLETED: '1m', CANCELLED: '1m' } })
    await t.submit(scripted, {
      orders: [
        {
          do: 'submit',
          subTasks: [
            { key: 'a', orders: [] },
            { key: 'b', orders: [{ do: 'hang' }] },
          ],
        },
      ],
    })
    await t.drain()
    await t.jump('1d')
    await t.advance('10s')
    expect(await allTasks(t)).toHaveLength(3)
  })

  it('an idempotency key lives as long as its record', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], retention: { COMPLETED: '1d' } })
    const first = await t.submit(scripted, { orders: [] }, { idempotencyKey: 'k' })
    await t.jump('2d')
    await t.advance('10s')
    const second = await t.submit(scripted, { orders: [] }, { idempotencyKey: 'k' })
    expect(second.taskId).not.toBe(first.taskId)
  })
})
