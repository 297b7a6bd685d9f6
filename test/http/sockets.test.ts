import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

let api: Api
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await api[Symbol.asyncDispose]()
})

/** A socket to the API; `answer` resolves with everything that came, once the server has closed it. */
function dial(): { socket: Socket; answer: Promise<string> } {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  sockets.push(socket)
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString()
  })
  socket.on('error', () => undefined)
  const answer = new Promise<string>(resolve => socket.on('close', () => resolve(text)))
  return { socket, answer }
}

const host = 'Host: 127.0.0.1\r\n'

function problemIn(text: string): unknown {
  expect(text).toContain('content-type: application/problem+json')
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

describe('sockets that hold on', () => {
  test('headers that do not end are answered 408', async () => {
    api = await serve({ headersTimeoutMs: 50 })
    const { socket, answer } = dial()
    socket.write(`GET /v1/tasks HTTP/1.1\r\n${host}X-Slow: `)
    const text = await answer
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(problemIn(text)).toMatchObject({ code: 'REQUEST_TIMEOUT', retryable: true })
  })

  test('a socket that says nothing is closed', async () => {
    api = await serve({ headersTimeoutMs: 50 })
    const { answer } = dial()
    expect(await answer).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })

  test('a body that does not end is answered 408', async () => {
    api = await serve({ bodyTimeoutMs: 50 })
    const { socket, answer } = dial()
    socket.write(
      `POST /v1/tasks HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"task`,
    )
    const text = await answer
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(problemIn(text)).toMatchObject({ code: 'REQUEST_TIMEOUT' })
    expect(await api.ask('/healthz')).toMatchObject({ status: 200 })
  })

  test('a body in time is not cut off by the clock of another one', async () => {
    api = await serve({ bodyTimeoutMs: 50 })
    const { socket, answer } = dial()
    const body = '{"taskType":"Scripted","parameters":{"orders":[]}}'
    const head = `POST /v1/tasks HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
    socket.write(`${head}\r\n${body}`)
    socket.write(`${head}Connection: close\r\n\r\n${body}`)
    expect((await answer).match(/HTTP\/1\.1 202 /g)).toHaveLength(2)
  })

  test('headers that are too large are answered 431', async () => {
    api = await serve()
    const { socket, answer } = dial()
    socket.write(`GET /v1/tasks HTTP/1.1\r\n${host}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`)
    const text = await answer
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    expect(problemIn(text)).toMatchObject({ code: 'HEADERS_TOO_LARGE' })
  })

  test.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\x16\x03\x01\x02',
    'GET /v1/tasks HTTP/1.1\r\nContent-Length: x\r\n\r\n',
  ])('%j is answered 400, and the socket closed', async text => {
    api = await serve()
    const { socket, answer } = dial()
    socket.write(text)
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('a request that may be read in two ways is refused', async () => {
    api = await serve()
    const { socket, answer } = dial()
    socket.write(
      `POST /v1/tasks HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    )
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('without a host, or with another one, nothing is answered', async () => {
    api = await serve()
    for (const head of [
      'GET /v1/tasks HTTP/1.0\r\n',
      'GET /v1/tasks HTTP/1.1\r\nHost: \r\nConnection: close\r\n',
    ]) {
      const { socket, answer } = dial()
      socket.write(`${head}\r\n`)
      expect(await answer).toMatch(/^HTTP\/1\.1 40[03] /)
    }
  })

  describe('that are more than there may be', () => {
    const token = 'a-long-random-token'
    const request = `GET /v1/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${token}\r\n`
    const last = `${request}Connection: close\r\n\r\n`

    /** Opens connections, one after the other, that have sent a request each, and received the answer. */
    async function dialAll(count: number, first: string) {
      const dialled: ReturnType<typeof dial>[] = []
      for (let index = 0; index < count; index++) {
        const one = dial()
        one.socket.write(`${first}\r\n`)
        await once(one.socket, 'data')
        dialled.push(one)
      }
      return dialled
    }

    test.each([
      ['of one address', { connectionsPerClient: 5 }],
      ['of all', { maxConnections: 5 }],
    ])('%s: those without an authenticated request give way, the longest open first', async (_of, limits) => {
      api = await serve({ token, ...limits })
      const [known] = await dialAll(1, request)
      const idle = await dialAll(4, `GET /healthz HTTP/1.1\r\n${host}`)
      const [latest] = await dialAll(1, request)
      await idle[0]?.answer
      for (let index = 0; index < 50; index++) {
        const { socket, answer } = dial()
        socket.write(last)
        expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
      }
      for (const { socket, answer } of [known, latest].filter(each => each !== undefined)) {
        socket.write(last)
        expect((await answer).match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
      }
    })

    test('a new one is closed where all have authenticated', async () => {
      api = await serve({ token, connectionsPerClient: 3 })
      const known = await dialAll(3, request)
      const extra = Array.from({ length: 20 }, dial)
      expect(await Promise.all(extra.map(({ answer }) => answer))).toEqual(extra.map(() => ''))
      for (const { socket, answer } of known) {
        socket.write(last)
        expect((await answer).match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
      }
    })

    test('those of a trusted proxy are those of many clients', async () => {
      api = await serve({ token, connectionsPerClient: 3, trustedProxies: ['127.0.0.0/8'] })
      const known = await dialAll(10, request)
      for (const { socket, answer } of known) {
        socket.write(last)
        expect((await answer).match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
      }
    })
  })

  test('a server that stops does not wait for connections that never said anything', async () => {
    api = await serve()
    const dialled = [dial(), dial()]
    const connections = () =>
      new Promise(resolve => api.app.server.getConnections((_, count) => resolve(count)))
    await expect.poll(connections).toBe(2)
    await api.app.close()
    expect(await Promise.all(dialled.map(({ answer }) => answer))).toEqual(['', ''])
  })

  test('a connection that is silent after an answer is closed as long as it did not authenticate', async () => {
    const token = 'a-long-random-token'
    api = await serve({ token, idleTimeoutMs: 20 })
    const known = dial()
    known.socket.write(`GET /v1/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${token}\r\n\r\n`)
    await once(known.socket, 'data')
    const unknown = dial()
    unknown.socket.write(`GET /v1/tasks HTTP/1.1\r\n${host}\r\n`)
    expect(await unknown.answer).toMatch(/^HTTP\/1\.1 401 /)
    known.socket.write(`GET /v1/tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
    expect((await known.answer).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401'])
  })
})
