/** Servers that may not be the user's: one that an address names, and one that a folder announces which somebody else may have packed. */
import { lookup as systemLookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { addressScopeOf } from '../ai/providers/address-scope.ts'
import { isLoopback } from '../http/auth.ts'
import { QuillworkError } from '../index.ts'
import { shownAddress } from '../server/addresses.ts'
import type { Announcement } from '../server/data-directory.ts'

/** Who resolves names. */
type Lookup = (host: string, options: { all: true }) => Promise<readonly { address: string }[]>

/** Throws CONFIG_INVALID for http:// to a name that leads to a public address: the token and the texts would cross the network unencrypted. */
export async function refusePublicPlain(url: string, lookup: Lookup = systemLookup): Promise<void> {
  if (new URL(url).protocol !== 'http:') return
  const addresses = await addressesOf(url, lookup)
  if (addresses.every(address => addressScopeOf(address) === 'private')) return
  throw new QuillworkError(
    'CONFIG_INVALID',
    `${shownAddress(url)} leads to a public address, and http:// would send the token and the texts there unencrypted. Use https://.`,
  )
}

/**
 * Returns whether an announced server may be spoken to: it is on this machine, the process that it names is one of this user, and, where the system
 * tells it (Linux), so is the one that listens, or of root. The announcement alone is no proof: a folder that was packed elsewhere holds any.
 */
export async function isOwnServer({ url, pid }: Pick<Announcement, 'url' | 'pid'>): Promise<boolean> {
  const own = new Set(Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address)))
  const addresses = await addressesOf(url, systemLookup)
  const isHere = addresses.length > 0 && addresses.every(address => isLoopback(address) || own.has(address))
  return isHere && maySignal(pid) && listenersOf(Number(new URL(url).port)).every(isOwnUser)
}

/** Returns the addresses of the host of a URL; none for a name that leads nowhere, so that the request itself says so. */
async function addressesOf(url: string, lookup: Lookup): Promise<readonly string[]> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
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

/** Returns the users whose processes listen on a port of this machine, none where the system has no table of them (`man 5 proc`). */
function listenersOf(port: number): readonly number[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table => {
    const rows = textOf(table)
      .split('\n')
      .map(row => row.trim().split(/\s+/))
    return rows
      .filter(
        ([, local, , state]) =>
          state === listening && Number.parseInt(local?.split(':')[1] ?? '', 16) === port,
      )
      .map(row => Number(row[7]))
  })
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
