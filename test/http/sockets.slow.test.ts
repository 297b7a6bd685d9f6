import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { serve } from './api.ts'

const token = 'a-long-random-token-of-this-test'
const idle = 5_000

/** Opens connections from many addresses of this machine, which say nothing, a hundred at a time. */
async function holdSockets(port: number): Promise<Socket[]> {
  const held: Socket[] = []
  for (let from = 0; from < idle; from += 100) {
    const some = Array.from({ length: 100 }, (_, index) => {
      const localAddress = `127.0.${1 + ((from + index) % 50)}.1`
      const socket = connect({ port, host: '127.0.0.1', localAddress })
      socket.on('error', () => undefined)
      return socket
    })
    await Promise.all(some.map(socket => once(socket, 'connect')))
    held.push(...some)
  }
  return held
}

test('5,000 sockets that say nothing keep nobody out, and are closed in their time', async () => {
  await using api = await serve({ token, headersTimeoutMs: 5_000 })
  const port = Number(new URL(api.url).port)
  const before = process.memoryUsage.rss()
  const held = await holdSockets(port)
  const closed = Promise.all(held.map(socket => (socket.destroyed ? undefined : once(socket, 'close'))))
  const open = () =>
    new Promise<number>(resolve => api.app.server.getConnections((_, count) => resolve(count)))
  // Those that were let in are no more than there may be; the others were closed at once.
  expect(await open()).toBeLessThanOrEqual(1_000)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  for (let asked = 0; asked < 100; asked++) {
    const { status } = await api.ask('/v1/tasks', {
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
    })
    expect(status).toBe(200)
  }
  delay.disable()
  process.stderr.write(
    `${idle} idle sockets: loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, ` +
      `${((process.memoryUsage.rss() - before) / 1e6).toFixed(0)} MB more\n`,
  )
  for (const socket of held) socket.resume()
  await closed
  expect(await open()).toBeLessThanOrEqual(1)
}, 120_000)
