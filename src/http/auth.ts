/** What a request must be like before anybody asks who sends it: its host, its origin, and the form of its token. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { QuillworkError } from '../task/errors.ts'
import { isLoopback, loopbackNames } from './loopback.ts'
import type { HttpOptions, HttpSettings } from './settings.ts'

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

/** Returns the bearer token of a request; an empty text where the header is of another form, undefined without one. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  if (authorization === undefined) return undefined
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
}

/** Returns whether a text is one of the tokens. The comparison takes the same time for any text. */
export function isToken(tokens: readonly string[], text: string): boolean {
  const sent = digest(text)
  return tokens.filter(token => timingSafeEqual(sent, digest(token))).length > 0
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Throws FORBIDDEN for a request that names another host: a page of another site whose name leads to this address (DNS rebinding)
 * would otherwise be answered like our own. Where requests need a credential (`isClosed`) and there is no list of hosts, that is the protection.
 */
export function checkHost(
  settings: HttpSettings,
  headers: IncomingHttpHeaders,
  isClosed = settings.tokens.length > 0,
): void {
  const name = hostName(headers.host ?? '')
  if (loopbackNames.has(name) || settings.allowedHosts.includes(name)) return
  if (
    withoutBrackets(name) === withoutBrackets(settings.host.toLowerCase()) ||
    (isClosed && settings.allowedHosts.length === 0)
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
