import type { LimitJson, TaskJson } from 'quillwork/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Api, serve } from './api.ts'

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
})
