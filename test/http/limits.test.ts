import { createApp, type LimitHistoryJson, type LimitJson, type TaskJson } from 'quillwork/http'
import { testEngine } from 'quillwork/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { type Api, askingOf, serve } from './api.ts'

describe('the limits over HTTP', () => {
  let api: Api
  beforeEach(async () => {
    const limits = { 'openai:main:gpt/5': { requestsPerMinute: 60 }, free: {} }
    api = await serve({}, { limits })
  })
  afterEach(() => api[Symbol.asyncDispose]())

  const acquire = { do: 'acquire', limit: 'openai:main:gpt/5' }

  it('are listed with their use, and reset: a task that waits for a parked one goes on at once', async () => {
    await api.submit([acquire, { do: 'tooMany', retryAfterMs: 86_400_000, attempts: 1 }])
    await api.engine.drain()
    const waiting = await api.submit([acquire, { do: 'succeed', value: 'done' }])
    await api.engine.drain()
    const { body } = await api.ask<{ items: LimitJson[] }>('/v1/limits')
    const parkedUntil = new Date(api.engine.clock.now() + 900_000).toISOString()
    const parked = {
      key: acquire.limit,
      limit: { requestsPerMinute: 60 },
      waiting: 1,
      parkedUntil,
      isProbed: true,
    }
    expect(body.items).toMatchObject([parked])
    const reset = await api.post<LimitJson>('/v1/limits:reset', { key: acquire.limit })
    expect(reset).toMatchObject({ status: 200, body: { key: acquire.limit } })
    expect(reset.body.parkedUntil).toBeUndefined()
    await api.engine.advance('3s')
    expect((await api.ask<TaskJson>(`/v1/tasks/${waiting}`)).body.status).toBe('COMPLETED')
  })

  it('have a history: the most that was in use of those that were', async () => {
    const history = async (query = '') => (await api.ask<LimitHistoryJson>(`/v1/limits:history${query}`)).body
    expect(await history()).toMatchObject({ stepMs: 60_000, isComplete: true, items: [] })
    await api.submit([{ ...acquire, cost: 7 }, { do: 'hang' }])
    await api.engine.drain()
    await expect
      .poll(async () => (await history('?range=week')).items, { timeout: 10_000 })
      .toMatchObject([
        {
          key: acquire.limit,
          points: [{ limit: { requestsPerMinute: 60 }, requests: 1, tokens: 7, inFlight: 1, waiting: 0 }],
        },
      ])
    expect((await history('?range=day')).stepMs).toBe(900_000)
    expect((await api.ask('/v1/limits:history?range=year')).status).toBe(400)
  })

  it('name the tasks that wait, to who may see them', async () => {
    await api.submit([acquire, { do: 'tooMany', retryAfterMs: 86_400_000, attempts: 1 }], { userId: 'ann' })
    await api.engine.drain()
    const first = await api.submit([acquire, { do: 'succeed' }], { userId: 'ann' })
    await api.engine.drain()
    await api.engine.advance('1m')
    const second = await api.submit([acquire, { do: 'succeed' }], { userId: 'bob' })
    await api.engine.drain()
    const waiting = async (headers = {}) =>
      (await api.ask<{ items: LimitJson[] }>('/v1/limits', { headers })).body.items[0]
    const ofTask = (taskId: string) => ({ taskId, taskType: 'Scripted', lane: 'default' })
    const seen = await waiting()
    expect(seen).toMatchObject({
      waiting: 2,
      next: [ofTask(first), ofTask(second)],
      longestWaiting: ofTask(first),
    })
    const [one, other] = (seen?.next ?? []).map(({ since }) => Date.parse(since))
    expect((other ?? 0) - (one ?? 0)).toBeGreaterThanOrEqual(60_000)
    const made = await api.post<{ secret: string }>('/v1/api-keys', {
      ...{ name: 'Bob', role: 'viewer', userId: 'bob' },
    })
    const bobs = await waiting({ authorization: `Bearer ${made.body.secret}` })
    expect(bobs).toMatchObject({ waiting: 2, next: [{}, ofTask(second)] })
    for (const hidden of [bobs?.next?.[0], bobs?.longestWaiting])
      expect(Object.keys(hidden ?? {}).sort()).toEqual(['expectedAt', 'since'])
    expect(await api.post('/v1/limits:reset', { key: acquire.limit })).toMatchObject({
      body: { next: [ofTask(first), ofTask(second)] },
    })
  })

  it('of which there is none are refused, one that nobody has used is not', async () => {
    expect(await api.post('/v1/limits:reset', { key: 'nowhere' })).toMatchObject({
      status: 400,
      body: { code: 'LIMIT_UNKNOWN' },
    })
    expect(await api.post('/v1/limits:reset', { key: '' })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    })
    expect(await api.post('/v1/limits:reset', { key: 'free' })).toMatchObject({
      status: 200,
      body: { key: 'free', limit: {}, inFlight: 0, waiting: 0, requests: 0, tokens: 0 },
    })
  })

  it('are set part by part, and set back, and the audit trail says so', async () => {
    const path = `/v1/limits/${encodeURIComponent(acquire.limit)}`
    const set = (limit: unknown, at = path) =>
      api.ask<LimitJson & { detail: string }>(at, { method: 'PATCH', json: { limit } })
    expect(await set({ requestsPerMinute: 30 })).toMatchObject({
      status: 200,
      body: {
        key: acquire.limit,
        limit: { requestsPerMinute: 30 },
        setLimit: { requestsPerMinute: 30 },
        configured: { requestsPerMinute: 60 },
      },
    })
    expect((await set({ concurrency: 2 })).body.limit).toEqual({ requestsPerMinute: 30, concurrency: 2 })
    expect((await set({ concurrency: 1 }, '/v1/limits/free')).body.configured).toEqual({})
    const { items } = (await api.ask<{ items: LimitJson[] }>('/v1/limits')).body
    expect(items.map(({ limit }) => limit)).toEqual([
      { requestsPerMinute: 30, concurrency: 2 },
      { concurrency: 1 },
    ])
    const back = await set(null)
    expect(back.body.limit).toEqual({ requestsPerMinute: 60 })
    expect(back.body).not.toHaveProperty('setLimit')
    for (const wrong of [{}, { requestsPerMinute: 0 }, { tokensPerMinute: '9' }, { more: 1 }, 3])
      expect(await set(wrong)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect(await set({ concurrency: 1 }, '/v1/limits/nowhere')).toMatchObject({
      status: 404,
      body: { code: 'LIMIT_NOT_FOUND', detail: expect.stringContaining(acquire.limit) },
    })
    const trail = await api.ask<{ items: { before?: object; after?: object }[] }>(
      `/v1/audit?target=${encodeURIComponent(acquire.limit)}`,
    )
    const parts = { requestsPerMinute: 60, tokensPerMinute: null, concurrency: null }
    expect(trail.body.items.at(-1)).toMatchObject({
      before: { ...parts, isSet: false },
      after: { ...parts, requestsPerMinute: 30, isSet: true },
    })
  })

  it('are not set so low that a call that waits could never run', async () => {
    const free = '/v1/limits/free'
    const set = (limit: object) => api.ask(free, { method: 'PATCH', json: { limit } })
    await set({ tokensPerMinute: 1_000 })
    await api.submit([{ do: 'acquire', limit: 'free', cost: 900 }])
    await api.engine.drain()
    await api.submit([{ do: 'acquire', limit: 'free', cost: 800 }])
    await api.engine.drain()
    expect(await set({ tokensPerMinute: 799 })).toMatchObject({
      status: 409,
      body: { code: 'LIMIT_TOO_LOW', detail: expect.stringContaining('Set at least 800') },
    })
    expect(await set({ tokensPerMinute: 800 })).toMatchObject({ status: 200 })
  })

  it('are not set below the window of a model, or below the texts that a model for vectors is sent at once', async () => {
    const common = {
      provider: 'openai-compatible',
      baseUrl: 'http://127.0.0.1:1/v1',
      privateNetwork: true,
      account: 'home',
      maxOutputTokens: 1_024,
      fallbacks: [],
      timeouts: { first: 1_000, idle: 1_000, total: 1_000 },
    } as const
    const models = createModelCatalogue({
      configured: [
        { id: 'writer', config: { ...common, model: 'w', uses: ['prose'], contextTokens: 8_192 } },
        { id: 'vectors', config: { ...common, model: 'v', uses: ['embedding'], contextTokens: 900_000 } },
      ],
    })
    const [writer = '', vectors = ''] = models.models().map(({ limit }) => limit)
    await using engine = await testEngine({ tasks: [], limits: { [writer]: {}, [vectors]: {} } })
    const { app, ask } = await askingOf(createApp({ engine, models }))
    const set = (key: string, tokensPerMinute: number) =>
      ask(`/v1/limits/${encodeURIComponent(key)}`, { method: 'PATCH', json: { limit: { tokensPerMinute } } })
    expect(await set(writer, 8_191)).toMatchObject({
      status: 409,
      body: { code: 'LIMIT_TOO_LOW', detail: expect.stringContaining('Set at least 8192') },
    })
    expect(await set(writer, 8_192)).toMatchObject({ status: 200 })
    expect(await set(vectors, 900_000)).toMatchObject({ status: 200 })
    expect(await set(vectors, 800_000), 'its texts are fewer than its window').toMatchObject({ status: 200 })
    expect(await set(vectors, 1)).toMatchObject({ status: 409, body: { code: 'LIMIT_TOO_LOW' } })
    await app.close()
  })
})
