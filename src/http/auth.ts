/** Who may send requests: without a token, everybody on the loopback address; with one, every request that carries it. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { QuillworkError } from '../task/errors.ts'
import type { HttpOptions, HttpSettings } from './settings.ts'

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/** Returns whether an address to listen on can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  if (loopbackNames.has(host)) return true
  return isIP(host) === 4 && host.startsWith('127.')
}

/** Throws CONFIG_INVALID where listening on the address without a token would let anybody in. */
export function assertSafeToListen({
  host = '127.0.0.1',
  token = '',
}: Pick<HttpOptions, 'host' | 'token'>): void {
  if (isLoopback(host) || [token].flat().some(each => each !== '')) return
  throw new QuillworkError(
    'CONFIG_INVALID',
    `Listening on ${host || 'every address'} would let anybody on the network in: set a token, or listen on 127.0.0.1.`,
  )
}

/** Throws UNAUTHENTICATED for a request without one of the tokens. The comparison takes the same time for any text. */
export function checkToken(tokens: readonly string[], { authorization }: IncomingHttpHeaders): void {
  if (tokens.length === 0) return
  const sent = digest(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '')
  if (tokens.filter(token => timingSafeEqual(sent, digest(token))).length > 0) return
  throw new QuillworkError(
    'UNAUTHENTICATED',
    authorization === undefined
      ? 'Send the token of this server in the header Authorization: Bearer <token>.'
      : 'This is not the token of this server.',
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Throws FORBIDDEN for a request that names another host: a page of another site whose name leads to this address (DNS rebinding)
 * would otherwise be answered like our own. With a token and no list of hosts, the token is the protection.
 */
export function checkHost(settings: HttpSettings, headers: IncomingHttpHeaders): void {
  const name = hostName(headers.host ?? '')
  if (loopbackNames.has(name) || settings.allowedHosts.includes(name)) return
  if (
    withoutBrackets(name) === withoutBrackets(settings.host.toLowerCase()) ||
    (settings.tokens.length > 0 && settings.allowedHosts.length === 0)
  )
    return
  throw new QuillworkError(
    'FORBIDDEN',
    'The Host header names a host that is not allowed on this server; see the setting allowedHosts.',
  )
}

/** Returns an IPv6 address as it is listened on: a Host header has it in brackets. */
function withoutBrackets(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1')
}

/** Returns the name in a Host header, without its port. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Throws FORBIDDEN for requests of a page of another site: any change (CSRF), and anything that it loads in the background, such as event
 * streams, whose number is limited. Following a link is allowed. Programs send none of these headers.
 */
export function checkOrigin(settings: HttpSettings, method: string, headers: IncomingHttpHeaders): void {
  const { origin } = headers
  if (origin !== undefined && settings.allowedOrigins.includes(origin)) return
  const site = headers['sec-fetch-site']
  if (safeMethods.has(method)) {
    if (site !== 'cross-site' || headers['sec-fetch-mode'] === 'navigate') return
    throw new QuillworkError('FORBIDDEN', 'A page of another site may not load anything from here.')
  }
  const isOwn = origin === undefined || originHost(origin) === headers.host?.toLowerCase()
  if (isOwn && (site === undefined || site === 'same-origin' || site === 'none')) return
  throw new QuillworkError('FORBIDDEN', 'A page of another site may not change anything here.')
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
