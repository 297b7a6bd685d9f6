import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** Below the range from which the system takes ports for outgoing connections: a port stays free between two starts of a server. */
const lowest = 15_000
const highest = 31_000

/** A port of 127.0.0.1 that nobody listens on, chosen at random. */
export async function freePort(): Promise<number> {
  for (let turn = 0; turn < 100; turn++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await canListen(port)) return port
  }
  throw new Error('Found no free port on 127.0.0.1.')
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether something accepts connections on the port within a second. */
export async function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect({ port, host, timeout: 1_000 })
  try {
    await Promise.race([
      once(socket, 'connect'),
      once(socket, 'timeout').then(() => Promise.reject(new Error('No answer.'))),
    ])
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
