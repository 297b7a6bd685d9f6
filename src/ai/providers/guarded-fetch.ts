import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent, Response as Answer, fetch as undiciFetch } from 'undici'
import { importPart } from '../../runtime/installed.ts'
import { ModelError } from '../model-error.ts'
import { type AddressScope, addressScopeOf, guardedLookup } from './address-scope.ts'

/** How a guarded client differs from the usual one. */
export interface GuardOptions {
  /** Whether addresses of this machine and of private networks may be called. Default false. */
  readonly privateNetwork?: boolean
  /** Most bytes of an answer, unpacked; what comes after them ends the call. Default 64 MiB. */
  readonly maxBytes?: number
  /** Who resolves names. Default: the system. */
  readonly lookup?: typeof systemLookup
}

/** Far more than the longest answer of a model takes as a stream of events. */
const usualMaxBytes = 64 * 1_048_576
/** A refusal is cut off here, in bytes: it is only read for its code. */
const longestRefusal = 262_144

/**
 * A `fetch` for addresses that nobody vouches for. It speaks https to addresses that `addressScopeOf` lets through, and http to the private ones of
 * them, checked in the very lookup whose answer the connection uses, so a name that changes its address after a check gains nothing. It follows no redirect, sends
 * no credentials of a URL, takes no proxy from the environment, and caps the size of answers. How long a call takes is the caller's
 * affair: its signal ends the connection. Rejects with `ModelError` for an address that may not be called.
 */
export function guardedFetch(options: GuardOptions = {}): typeof fetch {
  const { privateNetwork = false, maxBytes = usualMaxBytes, lookup = systemLookup } = options
  const clients = new Map<string, ReturnType<typeof load>>()
  return async (input, init) => {
    const address = input instanceof Request ? input.url : `${input}`
    const protocol = URL.canParse(address) ? new URL(address).protocol : ''
    const allows = (scope: AddressScope) =>
      scope === 'public' ? protocol === 'https:' : privateNetwork && scope === 'private'
    const problem = addressProblem(address, allows)
    if (problem !== undefined) throw forbidden(problem)
    const request = new Request(input, init)
    const client =
      clients.get(protocol) ??
      load(
        guardedLookup(allows, () => forbidden('its name leads to an address that may not be called'), lookup),
      )
    clients.set(protocol, client)
    const body = request.body === null ? null : await request.text()
    const { fetch, agent } = await client
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...Object.fromEntries(request.headers), 'accept-encoding': 'identity' },
      body,
      signal: request.signal,
      redirect: 'manual',
      dispatcher: agent,
    })
    return checked(response, maxBytes)
  }
}

/** Loads the client with the first call. Waits are the caller's, so its own are off. */
async function load(lookup: LookupFunction): Promise<{ fetch: typeof undiciFetch; agent: Agent }> {
  const { Agent, fetch } = await importPart('A call of a model', ['undici'], () => import('undici'))
  return { fetch, agent: new Agent({ connect: { lookup }, headersTimeout: 0, bodyTimeout: 0 }) }
}

/**
 * What is wrong with the address of a model, if it shows without asking for its name. Numbers in any notation (decimal, octal, hex) are
 * what the URL parser makes of them.
 */
function addressProblem(address: string, allows: (scope: AddressScope) => boolean): string | undefined {
  if (!URL.canParse(address)) return 'it is no URL'
  const { protocol, hostname, username, password } = new URL(address)
  if (protocol !== 'http:' && protocol !== 'https:') return 'only http and https are spoken'
  if (username !== '' || password !== '') return 'a URL with a user or a password is not called'
  const literal = hostname.replace(/^\[|\]$/gu, '')
  return isIP(literal) !== 0 && !allows(addressScopeOf(literal)) ? 'its address may not be called' : undefined
}

function forbidden(why: string): ModelError {
  return new ModelError(
    'MODEL_ADDRESS_FORBIDDEN',
    `The address of the model is refused: ${why}. Correct its baseUrl: http:// is for private addresses alone, https:// for all others. ` +
      'If it is a server of your own, set privateNetwork for this model.',
  )
}

/** Passes on an answer that is no redirect, up to its greatest size. */
async function checked(answer: Answer, maxBytes: number): Promise<Response> {
  const { status, headers, body } = answer
  if (status >= 300 && status < 400) {
    await body?.cancel()
    throw new ModelError(
      'MODEL_REQUEST_REFUSED',
      `The address of the model answers with a redirect (HTTP ${status}), which is not followed. Set its baseUrl to where it leads.`,
      { details: { status } },
    )
  }
  const limited =
    body === null ? null : answer.ok ? capped(body, maxBytes, tooLarge) : capped(body, longestRefusal)
  return new Response(limited, { status, headers: [...headers] })
}

/** A stream of at most so many bytes. What is longer ends with the error, or, where there is none, as if it had ended. */
function capped(
  body: NonNullable<Answer['body']>,
  maxBytes: number,
  error?: () => ModelError,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let left = maxBytes
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      left -= value.byteLength
      if (left >= 0) return controller.enqueue(value)
      await reader.cancel()
      if (error !== undefined) return controller.error(error())
      controller.enqueue(value.subarray(0, value.byteLength + left))
      controller.close()
    },
    cancel: reason => reader.cancel(reason),
  })
}

function tooLarge(): ModelError {
  return new ModelError(
    'MODEL_ANSWER_MALFORMED',
    'The answer of the model is larger than any answer is, so it was cut off. See whether the baseUrl leads to the API of a model.',
  )
}
