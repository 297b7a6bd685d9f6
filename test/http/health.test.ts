import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createHealthListener } from 'quillwork/http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

let api: Api
beforeEach(async () => {
  api = await serve({ token: 'a-long-random-token' })
})
afterEach(() => api[Symbol.asyncDispose]())

describe('GET /v1/workers', () => {
  test('names the process that owns the store', async () => {
    const headers = { authorization: 'Bearer a-long-random-token' }
    const { body } = await api.ask<{ items: object[] }>('/v1/workers', { headers })
    expect(body.items).toEqual([
      expect.objectContaining({
        nodeId: api.engine.settings.nodeId,
        roles: ['worker', 'maintenance'],
        running: 0,
        pid: process.pid,
      }),
    ])
  })
})

describe('the health listener', () => {
  test('answers health and metrics as the API does, and nothing else', async () => {
    const listener = createHealthListener(api.app).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
    const status = async (path: string, headers = {}) => (await fetch(url + path, { headers })).status
    expect(await status('/healthz')).toBe(200)
    expect(await status('/readyz?now')).toBe(200)
    expect(await status('/metrics')).toBe(401)
    expect(await status('/metrics', { authorization: 'Bearer a-long-random-token' })).toBe(200)
    expect(await status('/v1/tasks', { authorization: 'Bearer a-long-random-token' })).toBe(404)
    listener.close()
    listener.closeAllConnections()
    await once(listener, 'close')
  })
})
