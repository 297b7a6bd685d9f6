import { isIP } from 'node:net'

/** The names of this machine in addresses and `Host` headers. */
export const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/** Returns whether an address to listen on can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  if (loopbackNames.has(host)) return true
  return isIP(host) === 4 && host.startsWith('127.')
}
