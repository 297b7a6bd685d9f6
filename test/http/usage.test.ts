import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

interface Sum {
  key: string
  calls: number
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  cost?: number
  unpricedCalls: number
  estimatedCalls: number
}
interface Report {
  items: Sum[]
  nextPageToken?: string
}

const use = { do: 'use', model: 'm', inputTokens: 10, outputTokens: 1 } as const
let api: Api
let root: string
let other: string
beforeAll(async () => {
  api = await serve()
  const subTask = [{ ...use, model: 'n', cost: 0.25, subject: 'novel-1' }]
  root = await api.submit(
    [
      { ...use, cachedInputTokens: 7, cost: 1, subject: 'novel-1' },
      { do: 'submitMany', count: 2, orders: subTask },
    ],
    {
      userId: 'ann',
    },
  )
  await api.engine.drain()
  await api.engine.jump('1d')
  other = await api.submit([use, use], { userId: 'bob' })
  await api.engine.drain()
})
afterAll(() => api[Symbol.asyncDispose]())

async function report(query: string): Promise<Report> {
  const answer = await api.ask<Report>(`/v1/usage${query}`)
  expect(answer.status).toBe(200)
  return answer.body
}

const keysOf = ({ items }: Report) => items.map(({ key, calls, cost }) => [key, calls, cost])

describe('a report of what model calls used', () => {
  test('is by day unless it says otherwise, the newest first', async () => {
    const today = new Date(api.engine.clock.now()).toISOString().slice(0, 10)
    const { items } = await report('')
    expect(items).toEqual([
      {
        key: today,
        calls: 2,
        inputTokens: 20,
        cachedInputTokens: 0,
        outputTokens: 2,
        unpricedCalls: 2,
        estimatedCalls: 0,
      },
      {
        key: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        calls: 3,
        inputTokens: 30,
        cachedInputTokens: 7,
        outputTokens: 3,
        cost: 1.5,
        unpricedCalls: 0,
        estimatedCalls: 0,
      },
    ])
  })

  test('is by user, subject, model and task, of everybody as the listing of tasks', async () => {
    expect(keysOf(await report('?by=user'))).toEqual([
      ['ann', 3, 1.5],
      ['bob', 2, undefined],
    ])
    expect(keysOf(await report('?by=subject'))).toEqual([
      ['', 2, undefined],
      ['novel-1', 3, 1.5],
    ])
    expect(keysOf(await report('?by=model'))).toEqual([
      ['m', 3, 1],
      ['n', 2, 0.5],
    ])
    expect((await report('?by=task')).items).toHaveLength(4)
  })

  test('shows what the filters let through', async () => {
    expect(keysOf(await report('?by=model&userId=bob'))).toEqual([['m', 2, undefined]])
    expect(keysOf(await report('?by=model&subject=novel-1'))).toEqual([
      ['m', 1, 1],
      ['n', 2, 0.5],
    ])
    expect(keysOf(await report(`?by=task&taskId=${root}`))).toEqual([[root, 1, 1]])
    expect(keysOf(await report(`?by=subject&treeOf=${root}`))).toEqual([['novel-1', 3, 1.5]])
    expect(keysOf(await report('?by=user&model=n'))).toEqual([['ann', 2, 0.5]])
    const yesterday = new Date(api.engine.clock.now() - 43_200_000).toISOString()
    expect(keysOf(await report(`?by=user&after=${yesterday}`))).toEqual([['bob', 2, undefined]])
    expect(keysOf(await report(`?by=user&before=${yesterday}`))).toEqual([['ann', 3, 1.5]])
    expect(keysOf(await report('?taskId=nobody'))).toEqual([])
  })

  test('has pages whose tokens belong to their report', async () => {
    const first = await report('?by=user&pageSize=1')
    expect(keysOf(first)).toEqual([['ann', 3, 1.5]])
    const second = await report(`?by=user&pageSize=1&pageToken=${first.nextPageToken}`)
    expect(keysOf(second)).toEqual([['bob', 2, undefined]])
    expect(second.nextPageToken).toBeUndefined()
    const wrong = await api.ask(`/v1/usage?by=model&pageSize=1&pageToken=${first.nextPageToken}`)
    expect(wrong.body).toMatchObject({ code: 'PAGE_TOKEN_INVALID' })
  })

  test.each([
    '?by=week',
    '?after=yesterday',
    '?taskId=not%20an%20id',
    '?subject=%00',
    '?novel=x',
    '?pageSize=0',
  ])('refuses %s', async query => {
    const answer = await api.ask(`/v1/usage${query}`)
    expect([answer.status, answer.body['code']]).toEqual([400, 'REQUEST_INVALID'])
  })

  test('of one task agrees with what the task itself tells', async () => {
    const own = await api.ask<{ items: object[] }>(`/v1/tasks/${root}/usage?tree=true`)
    const { items } = await report(`?by=model&treeOf=${root}`)
    expect(own.body.items).toEqual(
      items.map(({ key, unpricedCalls: _u, estimatedCalls: _e, ...sum }) => ({ model: key, ...sum })),
    )
    expect(keysOf(await report(`?by=task&treeOf=${other}`))).toEqual([[other, 2, undefined]])
  })
})

test('a server without novels estimates nothing', async () => {
  expect((await api.post('/v1/estimates', { taskType: 'Scripted' })).status).toBe(404)
})

test('the usage of an old task that ended says since when it has all calls', async () => {
  const ask = async (path: string) => (await api.ask(path)).body
  expect(await ask(`/v1/tasks/${other}/usage`)).not.toHaveProperty('since')
  const byUser = await report('?by=user')
  await api.engine.jump('40d')
  const since = new Date(Math.floor((api.engine.clock.now() - 30 * 86_400_000) / 86_400_000) * 86_400_000)
  expect(await ask(`/v1/tasks/${other}/usage`)).toEqual({ items: [], since: since.toISOString() })
  expect(await report('?by=user')).toEqual(byUser)
  expect(await report('?by=task')).toEqual({ items: [] })
})
