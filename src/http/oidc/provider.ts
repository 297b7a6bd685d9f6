/** What an issuer publishes of itself: its keys, and where it signs people in. */
import type * as Jose from 'jose'
import { z } from 'zod'
import { importPart } from '../../runtime/installed.ts'
import type { Logger } from '../../runtime/log.ts'
import { QuillworkError } from '../../task/errors.ts'
import { messageOf } from '../../task/thrown.ts'
import { isProtected } from './settings.ts'

/** How long what was read is taken as it is, milliseconds; then it is read again when it is next used. */
const freshMs = 600_000
/** Time between two reads, milliseconds: any token may name a key that nobody has. */
const pauseMs = 60_000
/** The same after a read that failed. */
const retryMs = 5_000
/** The largest document of an issuer, bytes. */
const largestDocument = 524_288

const configurationSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  authorization_endpoint: z.string().optional(),
  token_endpoint: z.string().optional(),
})

const keysSchema = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(1_000),
})

/** What an issuer publishes. */
export interface Published {
  readonly kids: ReadonlySet<string>
  /** Finds the key of a token, for the verification. */
  readonly keys: ReturnType<typeof Jose.createLocalJWKSet>
  readonly authorizationEndpoint: string | undefined
  readonly tokenEndpoint: string | undefined
}

/** An issuer, as this process knows it. */
export interface Provider {
  /**
   * Returns what the issuer publishes; with `kid`, what it published after a token named a key that was not known. Known keys are used while the issuer is away. Throws
   * IDENTITY_PROVIDER_UNAVAILABLE where it is away and nothing, or not that key, is known.
   */
  read(kid?: string): Promise<Published>
}

/** How an issuer is read. */
export interface ProviderOptions {
  readonly issuer: string
  readonly log: Logger
  /** Milliseconds of a clock that never goes back. */
  readonly now?: (() => number) | undefined
  /** Longest time for a document, milliseconds. Default 5 s. */
  readonly timeoutMs?: number | undefined
}

/** Makes what reads an issuer. It asks for nothing before somebody does. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, log, now = () => performance.now(), timeoutMs = 5_000 } = options
  let known: { readonly published: Published; readonly readAt: number } | undefined
  let failure: QuillworkError | undefined
  let nextAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Published> | undefined

  async function readOnce(): Promise<Published> {
    try {
      const published = await publishedBy(issuer, timeoutMs)
      known = { published, readAt: now() }
      failure = undefined
      nextAt = now() + pauseMs
      return published
    } catch (error) {
      log.warn({ err: error, issuer }, 'identity provider not read; will retry')
      failure = unavailable(issuer)
      nextAt = now() + retryMs
      throw failure
    } finally {
      reading = undefined
    }
  }

  /** Returns a read that is under way, or a new one where it is time for one. */
  function readAgain(): Promise<Published> | undefined {
    if (reading === undefined && now() >= nextAt) reading = readOnce()
    return reading
  }

  return {
    async read(kid) {
      const isUnknown = known === undefined || (kid !== undefined && !known.published.kids.has(kid))
      if (!isUnknown && known !== undefined) {
        if (now() - known.readAt < freshMs) return known.published
        const { published } = known
        const wasAway = failure !== undefined
        const read = readAgain()?.catch(() => published)
        // A key that was withdrawn long ago is not to be taken once more. While the issuer is known to be away, nobody waits for it.
        return wasAway ? published : ((await read) ?? published)
      }
      const read = readAgain()
      if (read !== undefined) return read
      if (known === undefined || failure !== undefined) throw failure ?? unavailable(issuer)
      return known.published
    },
  }
}

function unavailable(issuer: string): QuillworkError {
  return new QuillworkError(
    'IDENTITY_PROVIDER_UNAVAILABLE',
    `The identity provider ${new URL(issuer).host} does not answer as it should, so nobody can be signed in by it for now. Try again; the log of the server says more.`,
    { details: { retryAfter: retryMs / 1_000 } },
  )
}

/** Loads what verifies tokens, where the first one comes. Throws PACKAGE_MISSING. */
export function loadJose(): Promise<typeof Jose> {
  return importPart('A token of an identity provider', ['jose'], () => import('jose'))
}

/** Reads what an issuer publishes: by OpenID Connect Discovery 1.0, section 4. Throws CONFIG_INVALID for what cannot be used, and what `fetch` throws. */
async function publishedBy(issuer: string, timeoutMs: number): Promise<Published> {
  const signal = AbortSignal.timeout(timeoutMs)
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const configuration = configurationSchema.parse(await documentAt(place, signal))
  // Anything else could have another issuer's keys believed (section 4.3).
  if (configuration.issuer !== issuer)
    throw invalid(
      `${place} is of the issuer ${JSON.stringify(configuration.issuer)}; set that one as it is, or correct the address.`,
    )
  const jwks = keysSchema.parse(await documentAt(configuration.jwks_uri, signal))
  const { createLocalJWKSet } = await loadJose()
  return {
    kids: new Set(jwks.keys.flatMap(({ kid }) => kid ?? [])),
    keys: createLocalJWKSet(jwks as Jose.JSONWebKeySet),
    authorizationEndpoint: configuration.authorization_endpoint,
    tokenEndpoint: configuration.token_endpoint,
  }
}

async function documentAt(address: string, signal: AbortSignal): Promise<unknown> {
  if (!isProtected(address)) throw invalid(`${address} is neither https:// nor on this machine.`)
  const response = await fetch(address, {
    signal,
    redirect: 'error',
    headers: { accept: 'application/json' },
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw invalid(`${address} answers ${response.status}.`)
  }
  const text = await textOf(response, address)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(`${address} is not JSON: ${messageOf(error)}`)
  }
}

async function textOf({ body }: Response, address: string): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    size += part.length
    if (size > largestDocument) throw invalid(`${address} is longer than ${largestDocument} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function invalid(message: string): QuillworkError {
  return new QuillworkError('CONFIG_INVALID', message)
}
