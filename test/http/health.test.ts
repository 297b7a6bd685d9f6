import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createApp, createHealthListener } from 'quillwork/http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, askingOf, serve } from './api.ts'

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
        attempts: [],
        version: expect.stringMatching(/^\d/),
        pid: process.pid,
      }),
    ])
  })
})

test('a process without the role worker has no slots', async () => {
  await using client = await serve({}, { roles: ['maintenance'] })
  const capabilities = await client.ask<{ lanes: object[] }>('/v1/capabilities')
  expect(capabilities.body.lanes).toContainEqual({ lane: 'default', slots: 0 })
  const lanes = await client.ask<{ items: object[] }>('/v1/lanes')
  expect(lanes.body.items).toContainEqual(expect.objectContaining({ lane: 'default', slots: 0 }))
  const workers = await client.ask<{ items: object[] }>('/v1/workers')
  expect(workers.body.items).toEqual([expect.objectContaining({ roles: ['maintenance'], lanes: {} })])
})

describe('GET /v1/proof', () => {
  test('proves the server of a data directory to whoever asks, once a nonce is long enough', async () => {
    const app = createApp({ engine: api.engine, prove: nonce => `of ${nonce}` })
    const asking = await askingOf(app)
    const nonce = 'n'.repeat(22)
    expect((await asking.ask(`/v1/proof?nonce=${nonce}`)).body).toEqual({ proof: `of ${nonce}` })
    expect((await asking.ask(`/v1/proof?nonce=${nonce.slice(1)}`)).status).toBe(400)
    expect((await asking.ask('/v1/proof')).status).toBe(400)
    await app.close()
    // An app of a library has no data directory.
    expect((await api.ask(`/v1/proof?nonce=${nonce}`)).status).toBe(404)
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
  test('has the limits of connections of the API', async () => {
    const config = { connectionsPerClient: 2, headersTimeoutMs: 60_000 }
    const listener = createHealthListener(api.app, config).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    expect(listener.headersTimeout).toBe(60_000)
    const sockets: Socket[] = []
    for (let index = 0; index < 3; index++) {
      const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1')
      sockets.push(socket.resume().on('error', () => undefined))
      await once(socket, 'connect')
    }
    // The one that is open longest gives way.
    await once(sockets[0] as Socket, 'close')
    expect(sockets.slice(1).map(({ closed }) => closed)).toEqual([false, false])
    for (const socket of sockets) socket.destroy()
    listener.close()
    listener.closeAllConnections()
    await once(listener, 'close')
  })
})
