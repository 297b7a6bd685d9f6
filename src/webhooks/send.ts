/**
 * Sends a request to an address that a person typed. It may not lead into the networks of the server: the address is checked in the very lookup whose
 * answer the connection uses, so a name that changes its address after a check gains nothing. No redirect is followed, no proxy of the environment is
 * taken, and of the answer only the head is read.
 */
import { lookup as systemLookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { type AddressScope, addressScopeOf, guardedLookup } from '../ai/providers/address-scope.ts'
import { QuillworkError } from '../index.ts'

/** Where requests may go. */
export interface SendOptions {
  /** Hosts that may be this machine or in a private network, and be spoken to over http://. Default none. */
  readonly privateHosts?: readonly string[]
  /** Milliseconds from the call to the head of the answer; default 20,000. */
  readonly timeoutMs?: number
  /** Who resolves names. Default: the system. */
  readonly lookup?: typeof systemLookup
}

/** What is sent. */
export interface Sending {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
  signal: AbortSignal
}

/** What the receiver says: its status, and its Retry-After where it has one. */
export interface Receipt {
  status: number
  retryAfter?: string
}

/** Sends a body by POST. Rejects with WEBHOOK_ADDRESS_FORBIDDEN, and with WEBHOOK_UNDELIVERED where there is no answer. */
export type Send = (sending: Sending) => Promise<Receipt>

/** Milliseconds; the specification asks for 15 to 30 seconds. */
const usualTimeoutMs = 20_000
/** Bytes of the head of an answer. */
const largestHead = 16_384

/** Returns what sends to addresses that may be called. */
export function guardedSend(options: SendOptions = {}): Send {
  const { timeoutMs = usualTimeoutMs, lookup = systemLookup } = options
  return async ({ url, headers, body, signal }) => {
    const address = requireAllowed(url, options)
    const { allows } = addressRules(address, options)
    const resolve = guardedLookup(
      allows,
      () => forbidden('its name leads to an address that may not be called'),
      lookup,
    )
    const isOver = AbortSignal.timeout(timeoutMs)
    const request = address.protocol === 'https:' ? httpsRequest : httpRequest
    const sent = request(address, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own: one that is kept could have been opened under other rules.
      agent: false,
      lookup: resolve,
      maxHeaderSize: largestHead,
      signal: AbortSignal.any([signal, isOver]),
    })
    try {
      const { statusCode = 0, headers: answered } = await headOf(sent, body)
      const retryAfter = answered['retry-after']
      return retryAfter === undefined ? { status: statusCode } : { status: statusCode, retryAfter }
    } catch (error) {
      if (error instanceof QuillworkError) throw error
      signal.throwIfAborted()
      const why = isOver.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(error)
      throw new UndeliveredError(why, { cause: error })
    } finally {
      sent.destroy()
    }
  }
}

/** Sends the body, and returns the head of the answer. */
function headOf(sent: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Also what goes wrong after the head came: it is not read.
    sent.on('error', reject)
    // A receiver that switches to another protocol ends the request without an error.
    sent.once('close', () => reject(new UndeliveredError('the connection ended without an answer')))
    sent.once('response', answer => {
      answer.on('error', () => undefined)
      resolve(answer)
    })
    sent.end(body)
  })
}

/** The code of the system says more than most messages, and names no address. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? `the connection failed (${code})` : 'the connection failed'
}

/** A delivery that may work at another time. */
export class UndeliveredError extends QuillworkError {
  /** Milliseconds that the receiver asks to wait, where it does. */
  readonly retryAfterMs?: number

  constructor(why: string, { cause, retryAfterMs }: { cause?: unknown; retryAfterMs?: number } = {}) {
    super('WEBHOOK_UNDELIVERED', `The receiver of the webhook did not take the event: ${why}.`, { cause })
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }
}

/**
 * Returns an address that may be called, as far as it shows without asking for its name. Numbers in any notation (decimal, octal, hex) are what the URL
 * parser makes of them. Throws WEBHOOK_ADDRESS_FORBIDDEN.
 */
export function requireAllowed(url: string, options: Pick<SendOptions, 'privateHosts'>): URL {
  if (!URL.canParse(url)) throw forbidden('it is no URL')
  const address = new URL(url)
  const { protocol, username, password } = address
  if (protocol !== 'http:' && protocol !== 'https:') throw forbidden('only https is spoken')
  if (username !== '' || password !== '') throw forbidden('a URL with a user or a password is not called')
  const { host, isPrivate, allows } = addressRules(address, options)
  if (protocol === 'http:' && !isPrivate) throw forbidden('http:// is unencrypted')
  if (isIP(host) !== 0 && !allows(addressScopeOf(host))) throw forbidden('its address may not be called')
  return address
}

/** Returns the host of an address, whether it may be a private one, and which addresses may be called. */
function addressRules({ hostname, protocol }: URL, { privateHosts = [] }: Pick<SendOptions, 'privateHosts'>) {
  const host = hostname
    .replace(/^\[|\]$/gu, '')
    .replace(/\.$/u, '')
    .toLowerCase()
  const isPrivate = privateHosts.some(each => each.toLowerCase() === host)
  const allows = (scope: AddressScope) =>
    scope === 'public' ? protocol === 'https:' : isPrivate && scope === 'private'
  return { host, isPrivate, allows }
}

function forbidden(why: string): QuillworkError {
  return new QuillworkError(
    'WEBHOOK_ADDRESS_FORBIDDEN',
    `The address of the webhook is refused: ${why}. Give an https:// address on the open network; for a receiver of your own in a private network, name its host in the setting webhookHosts.`,
  )
}
