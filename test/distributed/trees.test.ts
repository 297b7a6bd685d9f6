import { type Order, scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { hasEnded, type SubTaskSummary, totalOf } from '../../src/index.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

const succeed: Order = { do: 'succeed', value: 1 }

/** Orders of a parent: so many sub-tasks, each with its own orders. */
function children(...orders: readonly Order[][]): Order[] {
  return [{ do: 'submit', subTasks: orders.map((each, index) => ({ key: `${index}`, orders: each })) }]
}

describeDistributed('trees over several processes', () => {
  it('C1, C2, C4: 50 sub-tasks on two workers are counted exactly, at every read', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted, parent], roles: [] })
    await home.engine({ tasks: [scripted, parent] })
    await home.engine({ tasks: [scripted, parent], roles: ['worker'] })
    const handle = await client.submit(parent, {
      orders: [{ do: 'submitMany', count: 50, orders: [succeed] }],
    })
    const summaries: SubTaskSummary[] = []
    await until(async () => {
      const record = await client.tasks.get(handle.taskId)
      if (record.subTaskStatusSummary !== undefined) summaries.push(record.subTaskStatusSummary)
      return hasEnded(record.status)
    }, 'end of the parent')
    expect(await handle.result()).toEqual({ COMPLETED: 50 })
    expect((await client.tasks.get(handle.taskId)).subTaskStatusSummary).toEqual({ COMPLETED: 50 })
    for (const summary of summaries) {
      expect(totalOf(summary)).toBeLessThanOrEqual(50)
      for (const count of Object.values(summary)) expect(count).toBeGreaterThanOrEqual(0)
    }
  })

  it('C5, C6, C9: what failed is counted once, with its reason', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const engine = await home.engine({ tasks: [scripted, parent] })
    const bad: Order[] = [{ do: 'failForGood', message: 'no words' }]
    const mixed = await engine.submit(scripted, { orders: [...children([succeed], bad, [succeed]), succeed] })
    const none = await engine.submit(scripted, { orders: [...children(bad, bad), succeed] })
    expect(await mixed.result()).toBe(1)
    expect(await engine.tasks.get(mixed.taskId)).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      subTaskStatusSummary: { COMPLETED: 2, FAILED: 1 },
      failedSubTasks: [{ key: '1', status: 'FAILED', reason: 'no words' }],
    })
    await until(async () => hasEnded((await engine.tasks.get(none.taskId)).status), 'end of the other')
    expect(await engine.tasks.get(none.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'SUBTASKS_FAILED' },
    })
  })

  it('sub-tasks start after those before them, whichever process runs them', async () => {
    await using home = installation()
    const { scripted, parent, journal } = scriptedTasks()
    const lanes = { default: { slots: 3 } }
    const client = await home.engine({ tasks: [scripted, parent], roles: [], lanes })
    await home.engine({ tasks: [scripted, parent], lanes })
    await home.engine({ tasks: [scripted, parent], lanes, roles: ['worker'] })
    const keys = Array.from({ length: 30 }, (_, at) => `${at}`)
    const before = (at: number) => [...new Set([at >> 1, at - 1, (at * 7) % at])].filter(other => other < at)
    const subTasks = keys.map((key, at) => {
      const orders: Order[] = [{ do: 'checkpoint', key }, succeed]
      return at === 0 ? { key, orders } : { key, orders, after: before(at).map(other => `${other}`) }
    })
    const handle = await client.submit(parent, {
      orders: [{ do: 'submit', subTasks: subTasks.toReversed() }],
    })
    expect(await handle.result({ timeout: '60s' })).toEqual({ COMPLETED: 30 })
    const { items } = await client.tasks.children(handle.taskId, {}, { pageSize: 50 })
    const place = (key: string, did: string) =>
      journal.findIndex(
        entry => entry.did === did && entry.taskId === items.find(item => item.subTaskKey === key)?.id,
      )
    for (const { key, after = [] } of subTasks)
      for (const other of after) expect(place(key, 'start')).toBeGreaterThan(place(other, 'checkpoint'))
  })

  it('B4: cancel goes down the tree, into every process', async () => {
    await using home = installation()
    const { scripted, parent, journal } = scriptedTasks()
    const lanes = { default: { slots: 2 } }
    const client = await home.engine({ tasks: [scripted, parent], roles: [], lanes })
    await home.engine({ tasks: [scripted, parent], lanes })
    await home.engine({ tasks: [scripted, parent], lanes, roles: ['worker'] })
    const handle = await client.submit(parent, {
      orders: [{ do: 'submitMany', count: 20, orders: [{ do: 'hang' }] }],
    })
    await until(() => journal.filter(entry => entry.did === 'start').length >= 4, 'running sub-tasks')
    await handle.cancel()
    await until(async () => {
      const { items } = await client.tasks.children(handle.taskId, {}, { pageSize: 50 })
      return items.length === 20 && items.every(item => item.status === 'CANCELLED')
    }, 'cancelled sub-tasks')
    expect(await client.tasks.get(handle.taskId)).toMatchObject({ status: 'CANCELLED' })
  })

  it('retry of what failed reopens the parent and counts anew', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const engine = await home.engine({ tasks: [scripted, parent] })
    const handle = await engine.submit(parent, {
      orders: children([{ do: 'failForGood', attempts: 1 }, succeed], [succeed]),
    })
    await until(async () => hasEnded((await engine.tasks.get(handle.taskId)).status), 'end of the parent')
    expect(await engine.tasks.get(handle.taskId)).toMatchObject({ status: 'COMPLETED_WITH_ERRORS' })
    expect(await engine.tasks.retry(handle.taskId)).toBe(2)
    await until(async () => (await engine.tasks.get(handle.taskId)).status === 'COMPLETED', 'second end')
    expect(await handle.result()).toEqual({ COMPLETED: 2 })
  })

  it('C15: 200 tasks of one author delay another author’s single task by a few task lengths', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    const lanes = { default: { slots: 4 } }
    const client = await home.engine({ tasks: [scripted], roles: [], lanes })
    await client.submitMany(
      scripted,
      Array.from({ length: 200 }, () => ({ parameters: { orders: [succeed] }, userId: 'many' })),
    )
    const single = await client.submit(scripted, { orders: [succeed] }, { userId: 'one' })
    await home.engine({ tasks: [scripted], lanes })
    await single.result({ timeout: '60s' })
    const before = journal.findIndex(entry => entry.taskId === single.taskId)
    expect(before).toBeGreaterThanOrEqual(0)
    // What the broker had room for before a worker came is ahead of it.
    expect(before).toBeLessThan(100)
  })
})
