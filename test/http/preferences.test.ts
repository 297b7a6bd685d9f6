import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'
import { EventClient } from './event-client.ts'

let api: Api
beforeAll(async () => {
  api = await serve({ streamsPerClient: 1 })
})
afterAll(() => api[Symbol.asyncDispose]())

interface TaskAnswer extends Record<string, unknown> {
  id: string
  status: string
}

const submission = (...orders: object[]) => ({ taskType: 'Scripted', parameters: { orders } })

/** Submits a task that runs until it is told to end. */
const held = () => api.submit([{ do: 'waitFor', name: 'go' }, { do: 'succeed' }])

/** Lets a task end, once a request waits for its end. */
async function release(id: string): Promise<void> {
  await expect.poll(openStreams).toBe(1)
  await api.engine.signal(id, 'go')
  await api.engine.drain()
}

describe('Prefer: wait', () => {
  test('a submission is answered with 200 and the ended task', async () => {
    const answer = await api.post<TaskAnswer>('/v1/tasks', submission({ do: 'succeed', value: 7 }), {
      prefer: 'respond-async, wait=30',
    })
    expect(answer).toMatchObject({ status: 200, body: { status: 'COMPLETED', done: true, result: 7 } })
    expect(answer.headers.get('preference-applied')).toBe('wait=30')
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${answer.body.id}`)
    expect(answer.headers.get('retry-after')).toBeNull()
  })

  test('a reading waits for the end, whatever version its client has', async () => {
    const id = await held()
    await api.engine.drain()
    const { headers } = await api.ask(`/v1/tasks/${id}`)
    const known = { 'if-none-match': headers.get('etag') ?? '' }
    const asked = api.ask<TaskAnswer>(`/v1/tasks/${id}`, { headers: { ...known, prefer: 'wait="30"' } })
    await release(id)
    expect(await asked).toMatchObject({ status: 200, body: { status: 'COMPLETED' } })
    const again = await api.ask(`/v1/tasks/${id}`, { headers: { prefer: 'wait=30' } })
    expect(again.headers.get('preference-applied')).toBe('wait=30')
  })

  test('is answered when the time is over, and says how long that was', async () => {
    const answer = await api.post<TaskAnswer>('/v1/tasks', submission({ do: 'hang' }), { prefer: 'wait=0' })
    expect(answer).toMatchObject({ status: 202, body: { done: false } })
    expect(answer.headers.get('preference-applied')).toBe('wait=0')
    await api.post(`/v1/tasks/${answer.body.id}:cancel`)
  })

  test.each(['wait', 'wait=soon', 'wait=-1', 'return=minimal', 'wait=1e3', ''])(
    'ignores %j',
    async prefer => {
      const id = await held()
      const answer = await api.ask(`/v1/tasks/${id}`, { headers: { prefer } })
      expect(answer).toMatchObject({ status: 200, body: { done: false } })
      expect(answer.headers.get('preference-applied')).toBeNull()
    },
  )

  test('takes the place of a stream: without one it is answered at once, and it frees its own', async () => {
    const stream = new EventClient(`${api.url}/v1/events`)
    const id = await held()
    const waiting = { headers: { prefer: 'wait=600' } }
    await stream.connect()
    const { headers, body } = await api.ask<TaskAnswer>(`/v1/tasks/${id}`, waiting)
    expect([body['done'], headers.get('preference-applied')]).toEqual([false, null])
    stream.cut()
    await expect.poll(openStreams).toBe(0)
    const left = new AbortController()
    const dropped = fetch(`${api.url}/v1/tasks/${id}`, { ...waiting, signal: left.signal })
    const gone = expect(dropped).rejects.toThrow()
    await expect.poll(openStreams).toBe(1)
    left.abort()
    await gone
    await expect.poll(openStreams).toBe(0)
    const applied = api.ask(`/v1/tasks/${id}`, waiting)
    await release(id)
    expect((await applied).headers.get('preference-applied')).toBe('wait=60')
  })
})

async function openStreams(): Promise<number> {
  const { text } = await api.ask('/metrics')
  return Number(/^quillwork_sse_connections (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

/** An answer as it came over the wire. */
async function raw(path: string, headers: Record<string, string>, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      const sent = request(api.url + path, { method, headers, agent: false }, async response => {
        const pieces: Buffer[] = []
        for await (const piece of response) pieces.push(piece as Buffer)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) })
      })
      sent.on('error', reject).end()
    },
  )
}

describe('Accept-Encoding', () => {
  /** Returns the address of a task whose answer is long. */
  const long = async () =>
    `/v1/tasks/${await api.submit([], { parameters: { orders: [], note: 'ink '.repeat(500) } })}`
  const unpack = { gzip: gunzipSync, br: brotliDecompressSync }

  test.each([
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['*', 'br'],
  ] as const)('%s: longer answers are sent as %s', async (accept, encoding) => {
    const path = await long()
    const plain = await raw(path, {})
    expect(plain.headers).not.toHaveProperty('content-encoding')
    const packed = await raw(path, { 'accept-encoding': accept })
    expect(packed.headers).toMatchObject({
      'content-encoding': encoding,
      'content-length': `${packed.body.length}`,
      vary: expect.stringContaining('accept-encoding'),
    })
    expect(packed.body.length).toBeLessThan(plain.body.length / 2)
    expect(unpack[encoding](packed.body)).toEqual(plain.body)
  })

  test.each(['identity', 'zstd', 'gzip;q=0', ''])('%j: sent as they are', async accept => {
    const { headers } = await raw(await long(), { 'accept-encoding': accept })
    expect(headers).not.toHaveProperty('content-encoding')
  })

  test('a page of a listing is compressed too; short answers, streams and HEAD stay what they are', async () => {
    for (let left = 4; left > 0; left--) await api.submit([{ do: 'succeed' }])
    const accept = { 'accept-encoding': 'gzip' }
    const page = await raw('/v1/tasks?pageSize=4', accept)
    expect(JSON.parse(gunzipSync(page.body).toString())).toMatchObject({ items: { length: 4 } })
    expect((await raw('/healthz', accept)).headers).not.toHaveProperty('content-encoding')
    expect((await raw('/v1/tasks', accept, 'HEAD')).body).toHaveLength(0)
    const stream = new EventClient(`${api.url}/v1/events`)
    await stream.connect({ headers: accept })
    expect(stream.headers).not.toHaveProperty('content-encoding')
    stream.cut()
  })
})

describe('traceparent', () => {
  test('answers name the trace of the caller, with the span that the task has as its parent', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    const answer = await api.post<TaskAnswer>('/v1/tasks', submission({ do: 'succeed' }), headers)
    const sent = answer.headers.get('traceparent') ?? ''
    expect(sent).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-01$`))
    expect(sent).not.toContain('00f067aa0ba902b7')
    expect((await api.engine.tasks.get(answer.body.id)).traceparent).toBe(sent)
  })

  test('answers to others name a new one, problems too', async () => {
    const { headers, body } = await api.ask('/v1/tasks/nothing')
    expect(headers.get('traceparent')).toMatch(new RegExp(`^00-${body['traceId']}-[\\da-f]{16}-01$`))
  })
})

describe('OPTIONS', () => {
  test('says which methods an address takes', async () => {
    const { status, headers } = await raw('/v1/tasks', {}, 'OPTIONS')
    expect([status, headers['allow']]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    const action = await raw('/v1/schedules/nightly:run', {}, 'OPTIONS')
    expect(action.headers['allow'], 'of an action, not of a schedule of that name').toBe('POST, OPTIONS')
    expect(await raw('/v1/nothing', {}, 'OPTIONS')).toMatchObject({ status: 404 })
  })
})
