import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { until } from '../servers/until.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

const open: AsyncDisposable[] = []

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

it('passes bytes both ways', async () => {
  const { client } = await setUp()
  client.write('hello')
  await until(() => client.heard() === 'hello', 'echo')
})

it('delays bytes, in order', async () => {
  const { proxy, client } = await setUp()
  proxy.set({ kind: 'delay', ms: 60 }, 'down')
  const start = performance.now()
  client.write('one ')
  client.write('two')
  await until(() => client.heard() === 'one two', 'echo')
  expect(performance.now() - start).toBeGreaterThan(55)
})

it('throttles bytes', async () => {
  const { proxy, client } = await setUp()
  proxy.set({ kind: 'throttle', bytesPerSecond: 10_000 }, 'up')
  const start = performance.now()
  client.write('x'.repeat(1_000))
  await until(() => client.heard().length === 1_000, 'echo')
  expect(performance.now() - start).toBeGreaterThan(90)
})

it('swallows bytes, and resets the connection when that is over', async () => {
  const { proxy, client } = await setUp()
  proxy.set({ kind: 'black-hole' })
  client.write('lost')
  await until(() => proxy.faults() === 1, 'fault')
  expect(client.closed()).toBe(false)
  proxy.set({ kind: 'pass' })
  await until(() => client.closed(), 'end of the connection')
  expect(client.heard()).toBe('')
})

it('cuts a connection within what is sent', async () => {
  const { proxy, client } = await setUp()
  proxy.cutAfter(3, 'up')
  client.write('hello')
  await until(() => client.closed(), 'end of the connection')
  expect(proxy.faults()).toBe(1)
})

it('resets, half-closes and refuses connections', async () => {
  const { proxy, client, connectAgain } = await setUp()
  expect(proxy.reset()).toBe(1)
  await until(() => client.closed(), 'end of the connection')
  const second = await connectAgain()
  expect(proxy.halfClose('down')).toBe(1)
  await until(() => second.endHeard(), 'end of one way')
  proxy.refuse(true)
  const third = await connectAgain()
  await until(() => third.closed(), 'end of the connection')
  expect(proxy.faults()).toBe(3)
})

/** A server that echoes, a proxy before it, and a client of the proxy. */
async function setUp() {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
  const proxy = await startProxy(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`)
  open.push(proxy)
  return { proxy, client: await client(proxy), connectAgain: () => client(proxy) }
}

async function client(proxy: TcpProxy) {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  let heard = ''
  let ended = false
  socket.on('error', () => undefined)
  socket.on('data', piece => {
    heard += piece.toString()
  })
  socket.on('end', () => {
    ended = true
  })
  await until(() => proxy.connections() > 0 || socket.destroyed, 'connection through the proxy')
  open.push({ [Symbol.asyncDispose]: async () => void socket.destroy() })
  return {
    write: (text: string) => void socket.write(text),
    heard: () => heard,
    endHeard: () => ended,
    closed: () => socket.destroyed,
  }
}
