/** Servers that may not be the user's: one that an address names, and one that a folder announces which somebody else may have packed. */
import type { lookup as systemLookup } from 'node:dns'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { isIP, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { guardedLookup } from '../ai/providers/address-scope.ts'
import { isLoopback } from '../http/loopback.ts'
import { QuillworkError } from '../index.ts'
import { shownAddress } from '../server/addresses.ts'
import type { Announcement } from '../server/data-directory.ts'

/**
 * Returns the connections to an API by http://, to private addresses alone, looked at when each is made: to others, the token and the texts would cross
 * the network unencrypted. Undefined for https://, which any address may have.
 */
export function privateConnections(url: string, lookup?: typeof systemLookup): Agent | undefined {
  if (new URL(url).protocol !== 'http:') return undefined
  const refusal = () =>
    new QuillworkError(
      'CONFIG_INVALID',
      `${shownAddress(url)} leads to an address that is not private, and http:// would send the token and the texts there unencrypted. Use https://.`,
    )
  return new Agent({
    keepAlive: true,
    lookup: guardedLookup(scope => scope === 'private', refusal, lookup),
  })
}

/**
 * Returns whether an announced server may be spoken to: it is on this machine by an address, not a name, the process that it names is one of this user, and, where the system
 * tells it (Linux), so is the one that listens, or of root. The announcement alone is no proof: a folder that was packed elsewhere holds any.
 * `ofAnyUser`: the last two do not count.
 */
export function isOwnServer(
  { url, pid }: Pick<Announcement, 'url' | 'pid'>,
  { ofAnyUser = false } = {},
): boolean {
  const { hostname, port } = new URL(url)
  const address = hostname.replace(/^\[|\]$/g, '')
  const own = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? [])
  if (isIP(address) === 0 || (!isLoopback(address) && !own.includes(address))) return false
  return ofAnyUser || (maySignal(pid) && listenersOf(address, Number(port || 80)).every(isOwnUser))
}

/** Returns whether a process is alive, and of this user or one that this user may signal. */
function maySignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** State of a socket that listens, in the tables of Linux. */
const listening = '0A'

/** Returns the users whose processes listen at an address, none where the system has no table of them (`man 5 proc`). */
function listenersOf(address: string, port: number): readonly number[] {
  const hex = wordsOf(address)
  const places = [hex, `0000000000000000FFFF0000${hex}`, '00000000', '0'.repeat(32)]
  const wanted = places.map(place => `${place}:${port.toString(16).toUpperCase().padStart(4, '0')}`)
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table =>
    textOf(table)
      .split('\n')
      .map(row => row.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === listening && wanted.includes(local))
      .map(row => Number(row[7])),
  )
}

/** Returns an address as the tables have it: words of four bytes, the last byte of each first. */
function wordsOf(address: string): string {
  const bytes = isIPv4(address)
    ? address.split('.').map(Number)
    : groupsOf(address).flatMap(group => [group >> 8, group & 255])
  const hex = bytes.map(byte => byte.toString(16).toUpperCase().padStart(2, '0'))
  return Array.from({ length: hex.length / 4 }, (_, word) =>
    hex
      .slice(4 * word, 4 * word + 4)
      .toReversed()
      .join(''),
  ).join('')
}

/** Returns the eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split('::')
    .map(part => part.split(':').filter(group => group !== ''))
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return groups.map(group => Number.parseInt(group, 16))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function isOwnUser(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}
