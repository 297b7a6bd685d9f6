import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server on which connections break. */
export interface BrokenWay extends AsyncDisposable {
  readonly url: string
  /** How many connections were broken. */
  readonly broken: number
  /** Breaks the next connections, so many of them, when that many more bytes of answers have come on them. */
  breakNext(count: number, afterBytes: number): void
}

/** Starts a proxy that passes bytes on until it is told to break. */
export async function brokenWay(to: string): Promise<BrokenWay> {
  const { port, hostname } = new URL(to)
  const sockets = new Set<Socket>()
  let [left, afterBytes, broken, since] = [0, 0, 0, 0]
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    let [bytes, counted] = [0, since]
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.on('data', (piece: Buffer) => {
      if (counted !== since) [bytes, counted] = [0, since]
      const isBroken = left > 0 && bytes + piece.length > afterBytes
      client.write(isBroken ? piece.subarray(0, afterBytes - bytes) : piece)
      bytes += piece.length
      if (!isBroken) return
      left -= 1
      broken += 1
      client.destroySoon()
      upstream.destroy()
    })
    upstream.on('close', () => client.end())
    client.on('close', () => upstream.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get broken() {
      return broken
    },
    breakNext(count, bytes) {
      left = count
      afterBytes = bytes
      since += 1
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
