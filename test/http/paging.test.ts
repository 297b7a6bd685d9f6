import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sizeOf } from '../size.ts'
import { type Api, serve } from './api.ts'

interface Page {
  items: { id: string; status: string; userId: string }[]
  nextPageToken?: string
}

let api: Api
const before: string[] = []

beforeAll(async () => {
  api = await serve({}, { start: false })
  for (let i = 0; i < 60; i++) {
    const id = await api.submit([], { userId: `user-${i % 3}`, tags: i % 2 === 0 ? ['even'] : [] })
    before.push(id)
    if (i % 5 === 0) await api.post(`/v1/tasks/${id}:cancel`)
  }
})
afterAll(() => api[Symbol.asyncDispose]())

/** Walks a listing with page sizes of its own, while others submit. */
async function walk(query: string, sizes: readonly number[], submits: boolean): Promise<string[]> {
  const seen: string[] = []
  let token: string | undefined
  for (let step = 0; ; step++) {
    const size = sizes[step % sizes.length] ?? 1
    const rest = token === undefined ? '' : `&pageToken=${encodeURIComponent(token)}`
    const { status, body } = await api.ask<Page>(`/v1/tasks?${query}&pageSize=${size}${rest}`)
    expect(status).toBe(200)
    expect(body.items.length).toBeLessThanOrEqual(size)
    seen.push(...body.items.map(item => item.id))
    if (submits) await api.submit([], { userId: 'user-0' })
    if (body.nextPageToken === undefined) return seen
    token = body.nextPageToken
  }
}

describe('paging', () => {
  test('shows each task once, newest first, whatever the sizes, while tasks are submitted', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(sizes, async each => {
        const seen = await walk('', each, true)
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen.filter(id => before.includes(id))).toEqual([...before].reverse())
      }),
      { numRuns: sizeOf(6, 15) },
    )
  }, 90_000)

  test('goes from the oldest on where it is asked to, and no token serves both ways', async () => {
    const seen = await walk('order=oldest&status=CANCELLED&status=QUEUED', [7, 3], false)
    expect(seen.filter(id => before.includes(id))).toEqual(before)
    const newest = await api.ask<Page>('/v1/tasks?pageSize=1')
    expect(await api.ask('/v1/tasks?pageSize=1&order=newest')).toMatchObject({ body: newest.body })
    const token = (page: { body: Page }) => encodeURIComponent(page.body.nextPageToken ?? '')
    const oldest = await api.ask<Page>('/v1/tasks?pageSize=1&order=oldest')
    for (const query of [`order=oldest&pageToken=${token(newest)}`, `pageToken=${token(oldest)}`])
      expect(await api.ask(`/v1/tasks?pageSize=1&${query}`)).toMatchObject({
        status: 400,
        body: { code: 'PAGE_TOKEN_INVALID' },
      })
    for (const order of ['random', '', 'newest&order=oldest'])
      expect((await api.ask(`/v1/tasks?order=${order}`)).status, order).toBe(400)
  })

  test.each([
    ['status=CANCELLED', (i: number) => i % 5 === 0],
    ['status=CANCELLED&status=QUEUED&userId=user-1', (i: number) => i % 3 === 1],
    ['tag=even&userId=user-2', (i: number) => i % 2 === 0 && i % 3 === 2],
    ['taskType=Scripted&rootsOnly=true&status=CANCELLED', (i: number) => i % 5 === 0],
    ['taskType=Unheard', () => false],
    ['lane=elsewhere', () => false],
  ])('%s shows what it names', async (query, fits) => {
    const seen = await walk(query, [3, 7], false)
    expect(seen).toEqual(before.filter((_, i) => fits(i)).reverse())
  })

  test('a filter in other words is the same filter', async () => {
    const first = await api.ask<Page>('/v1/tasks?status=QUEUED&status=CANCELLED&status=QUEUED&pageSize=50')
    const seen = first.body.items.map(item => item.id)
    expect(new Set(seen).size).toBe(50)
    const token = encodeURIComponent(first.body.nextPageToken ?? '')
    const rest = await api.ask<Page>(
      `/v1/tasks?status=CANCELLED&status=QUEUED&pageSize=200&pageToken=${token}`,
    )
    expect(rest.status).toBe(200)
    expect(rest.body.items.filter(item => seen.includes(item.id))).toEqual([])
  })

  test('a token holds for its own listing alone', async () => {
    const { body } = await api.ask<Page>('/v1/tasks?status=QUEUED&pageSize=1')
    const token = encodeURIComponent(body.nextPageToken ?? '')
    const other = await api.ask(`/v1/tasks?status=CANCELLED&pageSize=1&pageToken=${token}`)
    expect(other).toMatchObject({ status: 400, body: { code: 'PAGE_TOKEN_INVALID' } })
  })

  test.each([
    'pageSize=0',
    'pageSize=-1',
    'pageSize=many',
    'pageSize=1.5',
    'pageSize=1e400',
    'pageSize=1&pageSize=2',
  ])('%s is refused', async query => {
    expect(await api.ask(`/v1/tasks?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    })
  })

  test('a page larger than 200 is a page of 200', async () => {
    const { status, body } = await api.ask<Page>('/v1/tasks?pageSize=100000')
    expect(status).toBe(200)
    expect(body.items.length).toBeGreaterThanOrEqual(60)
    expect(body.items.length).toBeLessThanOrEqual(200)
  })
})
