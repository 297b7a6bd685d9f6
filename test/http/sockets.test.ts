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
function dial(): { socket: Socket; answer: Promise<string>; ready: Promise<void> } {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  sockets.push(socket)
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString()
  })
  socket.on('error', () => undefined)
  const answer = new Promise<string>(resolve => socket.on('close', () => resolve(text)))
  const ready = new Promise<void>(resolve => socket.on('connect', () => resolve()))
  return { socket, answer, ready }
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

  test('sockets above the cap are closed at once, and the others are served', async () => {
    api = await serve({ maxConnections: 5 })
    const kept = Array.from({ length: 5 }, dial)
    await Promise.all(kept.map(({ ready }) => ready))
    const extra = Array.from({ length: 50 }, dial)
    expect(await Promise.all(extra.map(({ answer }) => answer))).toEqual(extra.map(() => ''))
    const [first] = kept
    first?.socket.write(`GET /healthz HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
    expect(await first?.answer).toMatch(/^HTTP\/1\.1 200 /)
  })
})
