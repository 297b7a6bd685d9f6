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

/**
 * Milliseconds that a connection may stay silent between two requests once it was authenticated. What is announced is `idleTimeoutMs`, for a
 * client that relies on less never loses a request.
 */
const keptMs = 72_000

/**
 * Limits the connections of a server, those of one address and all together. Where there is no room for another one, the connection that has
 * been open longest without an authenticated request gives way to it: who holds connections without a right to them keeps nobody out. Where
 * all have authenticated, the new one is closed. A connection of that kind is also closed when it is silent for `idleTimeoutMs` after an
 * answer, by the server itself. The addresses of trusted proxies have neither limit, for their connections are those of many clients.
 */
export function limitConnections(
  server: Server,
  { maxConnections, connectionsPerClient, trustedProxies }: HttpSettings,
): Connections {
  const proxies = listOf(trustedProxies)
  const byClient = new Map<string, Set<Socket>>()
  const all = new Set<Socket>()
  /** Those without an authenticated request, with the number of requests that are being answered. The one open longest comes first. */
  const strangers = new Map<Socket, number>()

  function forget(socket: Socket, client: string): void {
    const own = byClient.get(client)
    own?.delete(socket)
    if (own?.size === 0) byClient.delete(client)
    all.delete(socket)
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
    strangers.set(socket, 0)
    socket.once('close', () => forget(socket, client))
  })
  server.on('request', ({ socket }, response) => {
    const count = (change: number) => {
      const requests = strangers.get(socket)
      if (requests !== undefined) strangers.set(socket, requests + change)
    }
    count(1)
    // The server has just set its own time, which it lifts with the next request.
    response.once('finish', () => {
      if (!strangers.has(socket) || isListed(proxies, clientOf(socket))) socket.setTimeout(keptMs)
    })
    response.once('close', () => count(-1))
  })
  return {
    authenticated: socket => void strangers.delete(socket),
    closeSilent() {
      for (const [socket, requests] of strangers) if (requests === 0) socket.destroy()
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
