import type { Server } from 'node:http'
import { BlockList, isIPv6, type Socket } from 'node:net'
import type { HttpSettings } from './settings.ts'

/** The connections of a server. */
export interface Connections {
  /** To be called with the connection of each authenticated request. */
  authenticated(socket: Socket): void
  /** Closes those that have sent no request, for which a server that stops would wait. */
  closeSilent(): void
}

/** A connection none of whose requests was authenticated yet. */
interface Stranger {
  /** Requests that are being answered. */
  requests: number
  /** Until it is closed for its silence; between two requests. */
  timer?: NodeJS.Timeout
}

/**
 * Limits the connections of a server, those of one address and all together. Where there is no room for another one, the connection that has
 * been open longest without an authenticated request gives way to it: who holds connections without a right to them keeps nobody out. Where
 * all have authenticated, the new one is closed. A connection of that kind is also closed when it is silent after an answer. The addresses of
 * trusted proxies have no limit of their own, for their connections are those of many clients.
 */
export function limitConnections(
  server: Server,
  { maxConnections, connectionsPerClient, idleTimeoutMs, trustedProxies }: HttpSettings,
): Connections {
  const proxies = listOf(trustedProxies)
  const byClient = new Map<string, Set<Socket>>()
  const all = new Set<Socket>()
  /** The one that has been open longest comes first. */
  const strangers = new Map<Socket, Stranger>()

  function forget(socket: Socket, client: string): void {
    const own = byClient.get(client)
    own?.delete(socket)
    if (own?.size === 0) byClient.delete(client)
    all.delete(socket)
    authenticated(socket)
  }

  function authenticated(socket: Socket): void {
    clearTimeout(strangers.get(socket)?.timer)
    strangers.delete(socket)
  }

  /** Returns whether there is room in a group of connections, after one of them gave way where that was necessary. */
  function makeRoom(group: ReadonlySet<Socket>, most: number): boolean {
    if (group.size < most) return true
    // Strangers are few among many where clients authenticate, and the first of many where they do not.
    for (const socket of strangers.keys()) {
      if (!group.has(socket)) continue
      forget(socket, clientOf(socket))
      socket.destroy()
      return true
    }
    return false
  }

  server.on('connection', socket => {
    const client = clientOf(socket)
    const own = byClient.get(client) ?? new Set()
    const mostOwn = isListed(proxies, client) ? maxConnections : connectionsPerClient
    if (!makeRoom(own, mostOwn) || !makeRoom(all, maxConnections)) return void socket.destroy()
    byClient.set(client, own.add(socket))
    all.add(socket)
    strangers.set(socket, { requests: 0 })
    socket.once('close', () => forget(socket, client))
  })
  server.on('request', ({ socket }, response) => {
    const stranger = strangers.get(socket)
    if (stranger === undefined) return
    stranger.requests += 1
    clearTimeout(stranger.timer)
    response.once('close', () => {
      stranger.requests -= 1
      if (stranger.requests > 0 || !strangers.has(socket)) return
      stranger.timer = setTimeout(() => socket.destroy(), idleTimeoutMs).unref()
    })
  })
  return {
    authenticated,
    closeSilent() {
      for (const [socket, { requests }] of strangers) if (requests === 0) socket.destroy()
    },
  }
}

/** The remote address of a closed connection is not known any more. */
const clients = new WeakMap<Socket, string>()

function clientOf(socket: Socket): string {
  const client = clients.get(socket) ?? socket.remoteAddress ?? ''
  clients.set(socket, client)
  return client
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = familyOf(address)
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

function isListed(list: BlockList, address: string): boolean {
  return address !== '' && list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
