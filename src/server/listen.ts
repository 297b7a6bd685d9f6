import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { QuillworkError } from '../index.ts'

/** Where to listen, and the option that selects another port. */
export interface ListenPlace {
  host: string
  port: number
  option: '--port' | '--health-port'
}

/** Calls `begin`, which listens, and returns the address, such as `http://127.0.0.1:7420`. Throws SERVER_UNREACHABLE when that fails. */
export async function listenOn(
  server: Server,
  place: ListenPlace,
  begin: () => Promise<unknown>,
): Promise<string> {
  const { host, port } = place
  try {
    await begin()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    throw new QuillworkError('SERVER_UNREACHABLE', whyNot(code, place), { cause })
  }
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${actual}`
}

/** Returns the address of a server for programs on this machine, without a name: what a name leads to can change. */
export function literalOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return reachable(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`)
}

/** Makes a plain server listen. Rejects with the error of the system. */
export async function begin(server: Server, { host, port }: ListenPlace): Promise<void> {
  server.listen({ host, port })
  await once(server, 'listening')
}

/** Returns the address for programs on this machine: the loopback for a server that listens on all addresses. */
export function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

function whyNot(code: string, { host, port, option }: ListenPlace): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} of ${host} is in use by another program. Choose another port with ${option}, or any free port with ${option} 0.`
  if (code === 'EACCES')
    return `This user may not listen on port ${port} of ${host}. Choose one above 1023 with ${option}.`
  return `The server cannot listen on ${host}:${port} (${code}). Is it an address of this machine?`
}
