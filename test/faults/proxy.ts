import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the proxy does with bytes. `black-hole` takes them and sends nothing; its connections are reset when it ends. */
export type Mode =
  | { kind: 'pass' }
  | { kind: 'delay'; ms: number }
  | { kind: 'throttle'; bytesPerSecond: number }
  | { kind: 'black-hole' }

/** Which way bytes go: `up` from the client to the server, `down` back. */
export type Direction = 'up' | 'down'

/** A TCP proxy between a client and a server, with faults that are switched while it runs. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** The same address with the proxy's host and port. */
  through(url: string): string
  /** What happens to bytes from now on, on all connections; both ways unless a direction is given. */
  set(mode: Mode, direction?: Direction): void
  /** New connections are reset at once while true. */
  refuse(refused: boolean): void
  /** Resets all connections. Answers how many. */
  reset(): number
  /** Ends one way of all connections; the other way stays open. Answers how many. */
  halfClose(direction: Direction): number
  /** Resets each connection after so many more bytes of the direction, within a frame as it comes; undefined = no more. */
  cutAfter(bytes: number | undefined, direction: Direction): void
  /** Connections that are open now. */
  connections(): number
  /** How often a fault hit a connection: reset, cut, half-closed, refused, or bytes that were dropped. */
  faults(): number
  close(): Promise<void>
}

const pass: Mode = { kind: 'pass' }

/** Starts a proxy to the host and port of the address. */
export async function startProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const modes: Record<Direction, Mode> = { up: pass, down: pass }
  const limits: Partial<Record<Direction, number>> = {}
  const pairs = new Set<Pair>()
  let refused = false
  let faults = 0

  const server = createServer(client => {
    if (refused) {
      faults += 1
      client.resetAndDestroy()
      return
    }
    const upstream = connect(Number(targetPort), hostname)
    const pair: Pair = { client, upstream, torn: false, left: { ...limits } }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', end).on('close', end)
    }
    carry(pair, 'up')
    carry(pair, 'down')
  })

  function carry(pair: Pair, direction: Direction) {
    const [from, to] = direction === 'up' ? [pair.client, pair.upstream] : [pair.upstream, pair.client]
    let before = Promise.resolve()
    from.on('data', (piece: Buffer) => {
      from.pause()
      // One after the other: what is delayed is not overtaken.
      before = before.then(() => pour(pair, direction, to, piece)).then(() => void from.resume())
    })
    from.on('end', () => {
      before = before.then(() => void to.end())
    })
  }

  async function pour(pair: Pair, direction: Direction, to: Socket, piece: Buffer): Promise<void> {
    const mode = modes[direction]
    if (mode.kind === 'black-hole') {
      if (!pair.torn) faults += 1
      pair.torn = true
      return
    }
    const left = pair.left[direction]
    if (left !== undefined && piece.length >= left) {
      faults += 1
      to.write(piece.subarray(0, left), () => resetPair(pair))
      return
    }
    if (left !== undefined) pair.left[direction] = left - piece.length
    if (mode.kind === 'delay') await sleep(mode.ms)
    if (mode.kind === 'throttle') await sleep((piece.length / mode.bytesPerSecond) * 1_000)
    if (to.writable && !to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')])
  }

  function eachPair(act: (pair: Pair) => void): number {
    const now = [...pairs]
    for (const pair of now) act(pair)
    faults += now.length
    return now.length
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function close() {
    const closed = once(server, 'close')
    server.close()
    for (const pair of pairs) resetPair(pair)
    await closed
  }

  return {
    port,
    through(url) {
      const changed = new URL(url)
      changed.hostname = '127.0.0.1'
      changed.port = `${port}`
      return changed.href
    },
    set(mode, direction) {
      for (const way of direction === undefined ? (['up', 'down'] as const) : [direction]) modes[way] = mode
      // A connection that lost bytes is of no use to anybody any more.
      const open = Object.values(modes).every(({ kind }) => kind !== 'black-hole')
      if (open) for (const pair of pairs) if (pair.torn) resetPair(pair)
    },
    refuse: value => {
      refused = value
    },
    reset: () => eachPair(resetPair),
    halfClose: direction => eachPair(pair => void (direction === 'up' ? pair.upstream : pair.client).end()),
    cutAfter(bytes, direction) {
      if (bytes === undefined) delete limits[direction]
      else limits[direction] = bytes
      for (const pair of pairs) pair.left = { ...limits }
    },
    connections: () => pairs.size,
    faults: () => faults,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A connection of a client and the one that was made for it. */
interface Pair {
  client: Socket
  upstream: Socket
  /** Bytes were dropped. */
  torn: boolean
  /** Bytes until it is cut. */
  left: Partial<Record<Direction, number>>
}

function resetPair({ client, upstream }: Pair): void {
  client.resetAndDestroy()
  upstream.resetAndDestroy()
}
