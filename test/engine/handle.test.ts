import { sqlite } from 'quillwork/sqlite'
import { createGate, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it, vi } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { onSqlite } from './store-kind.ts'

const succeed = { orders: [{ do: 'succeed', value: 5 }] } as const
const hang = { orders: [{ do: 'hang' }] } as const

describe('a handle', () => {
  it('whose result does not come in time rejects with WAIT_TIMEOUT, and the task goes on', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, hang)
    const waiting = task.result({ timeout: '10s' })
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' })
    await t.advance('10s')
    await rejected
    expect((await task.state()).status).toBe('RUNNING')
  })

  it('stops waiting when the signal says so, with its reason', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, hang)
    const controller = new AbortController()
    const rejected = expect(task.result({ signal: controller.signal })).rejects.toBe('enough')
    await t.drain()
    controller.abort('enough')
    await rejected
    await expect(task.result({ signal: AbortSignal.abort('before') })).rejects.toBe('before')
  })

  it('stops waiting in time, also while the store does not answer', async () => {
    const { scripted } = scriptedTasks()
    const answer = createGate()
    let isAway = false
    const openStore = (now: () => number): Store => {
      const store = sqlite({ file: ':memory:', now })
      const get: Store['queries']['get'] = async ids => {
        if (isAway) await answer.opened
        return store.queries.get(ids)
      }
      return { ...store, queries: { ...store.queries, get } }
    }
    await using t = await testEngine({ tasks: [scripted], openStore })
    const task = await t.submit(scripted, hang)
    // More ends than are remembered: the record has to be read.
    await t.submitMany(
      scripted,
      Array.from({ length: 1_100 }, () => ({ parameters: succeed })),
    )
    await t.drain()
    isAway = true
    const rejected = expect(task.result({ timeout: '5s' })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' })
    await t.advance('5s')
    await rejected
    isAway = false
    answer.open()
    expect((await task.state()).status).toBe('RUNNING')
  })

  it('rejects with what failed the task', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'failForGood', message: 'no such scene' }] })
    await expect(task.result()).rejects.toMatchObject({
      code: 'TASK_FAILED',
      status: 'FAILED',
      taskId: task.taskId,
      errorInfo: { message: 'no such scene' },
    })
  })

  it('can be found again by id, live or ended, and by nobody’s id not at all', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const { taskId } = await t.submit(scripted, succeed)
    await t.drain()
    expect(await (await t.find(scripted, taskId))?.result()).toBe(5)
    await t.restart()
    expect(await (await t.find(scripted, taskId))?.result()).toBe(5)
    expect(await t.find(scripted, 'nobody')).toBeUndefined()
  })

  it('of many that wait for one task all get its end, whenever they began to wait', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, succeed, { delay: '1m' })
    const early = Array.from({ length: 5 }, () => task.result())
    await t.advance('1m')
    expect(await Promise.all([...early, task.result()])).toEqual([5, 5, 5, 5, 5, 5])
  })

  it('costs the sweeps no records, however many wait for their ends', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const items = Array.from({ length: 600 }, () => ({ parameters: succeed, delay: '1m' as const }))
    const results = (await t.submitMany(scripted, items)).map(task => task.result())
    const get = vi.spyOn(t.store.queries, 'get')
    await t.advance('30s')
    const read = (await Promise.all(get.mock.results.map(({ value }) => value))).flat()
    expect(read.filter(record => record !== undefined)).toEqual([])
    // Where no other process can end a task, nobody asks at all.
    if (onSqlite) expect(get).not.toHaveBeenCalled()
    else expect(get).toHaveBeenCalled()
    get.mockRestore()
    await t.advance('30s')
    expect(await Promise.all(results)).toEqual(items.map(() => 5))
  })

  it.runIf(onSqlite)('knows the end of each of more tasks than are remembered', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const first = await t.submit(scripted, succeed)
    await t.submitMany(
      scripted,
      Array.from({ length: 5_000 }, () => ({ parameters: succeed })),
    )
    await t.drain()
    expect(await first.result()).toBe(5)
  })
})
