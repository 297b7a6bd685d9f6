/** Sign-in by the identity provider of the server: an authorization code (RFC 6749) with PKCE (RFC 7636), which the browser exchanges itself. */
import { readStored, writeStored } from '../browser/state.ts'
import type { components } from './schema.ts'
import { answerOfProvider, takeToken, wayBack } from './token.ts'

/** The identity provider of the server, as the API returns it. */
export type Provider = NonNullable<components['schemas']['SignIn']['provider']>

/** Why nobody was signed in: the person was refused by the provider, the answer was not one to the question of this tab, or there was none. */
export type SignInFailure = 'refusedByProvider' | 'notAsked' | 'noAnswer'

const place = 'quillwork.sign-in'
/** Milliseconds: longest wait for the token. */
const longestWait = 15_000

/** A sign-in that this tab has begun. */
interface Begun {
  readonly provider: Provider
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly remember: boolean
  /** The page that was asked for. */
  readonly page: string
}

/** Returns whether a token came from an identity provider. */
export function isOfProvider(token: string | undefined): boolean {
  return token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
}

/** Returns whether this browser can sign in by a provider: it signs nothing on a page that anybody on the way could have changed. */
export function canSignIn(): boolean {
  return window.isSecureContext
}

/** Leaves for the sign-in of the provider. */
export async function beginSignIn(provider: Provider, remember: boolean): Promise<void> {
  const { pathname, search } = window.location
  const begun: Begun = {
    ...{ provider, remember, state: random(), nonce: random(), verifier: random() },
    page: pathname + search,
  }
  writeStored(place, begun, 'session')
  const address = new URL(provider.authorizationEndpoint)
  const asked = {
    response_type: 'code',
    client_id: provider.clientId,
    redirect_uri: redirectUri(),
    scope: provider.scope,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: base64url(await digest(begun.verifier)),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value)
  window.location.assign(address)
}

let returned: Promise<SignInFailure | undefined> | undefined

/** Finishes a sign-in where the provider has led back to here, once: the page begins anew, signed in. Resolves with what went wrong; undefined for nothing. */
export function finishSignIn(): Promise<SignInFailure | undefined> | undefined {
  if (answerOfProvider !== undefined) returned ??= finish(answerOfProvider)
  return returned
}

async function finish(answer: URLSearchParams): Promise<SignInFailure | undefined> {
  const begun = readStored(place, 'session') as Begun | undefined
  writeStored(place, undefined, 'session')
  if (begun === undefined || answer.get('state') !== begun.state) return 'notAsked'
  window.history.replaceState(window.history.state, '', begun.page)
  // RFC 9207: an answer of another issuer is not to be sent to this one.
  if (![null, begun.provider.issuer].includes(answer.get('iss'))) return 'notAsked'
  const code = answer.get('code')
  if (code === null) return 'refusedByProvider'
  const tokens = await exchange(begun, code)
  if (tokens === undefined) return 'noAnswer'
  const token = tokens[begun.provider.sends]
  if (typeof token !== 'string' || !isForUs(tokens['id_token'], begun)) return 'notAsked'
  takeToken(token, begun.remember)
  window.location.reload()
  // Until it is gone.
  return new Promise(() => undefined)
}

/** Exchanges the code for tokens; undefined where the provider does not give any. */
async function exchange(
  { provider, verifier }: Begun,
  code: string,
): Promise<Record<string, unknown> | undefined> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: provider.clientId,
    redirect_uri: redirectUri(),
    code,
    code_verifier: verifier,
  })
  const signal = AbortSignal.timeout(longestWait)
  try {
    const answer = await fetch(provider.tokenEndpoint, { method: 'POST', body, credentials: 'omit', signal })
    const tokens: unknown = await answer.json()
    return answer.ok && typeof tokens === 'object'
      ? ((tokens ?? undefined) as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns whether an ID token answers the question of this tab. It comes from the provider itself, over TLS, so its signature is for the server to check
 * (OpenID Connect Core 1.0, section 3.1.3.7).
 */
function isForUs(idToken: unknown, { provider, nonce }: Begun): boolean {
  try {
    const [, payload = ''] = String(idToken).split('.')
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), each =>
      each.charCodeAt(0),
    )
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    const isForClient = [claims['aud']].flat().includes(provider.clientId)
    return claims['nonce'] === nonce && claims['iss'] === provider.issuer && isForClient
  } catch {
    return false
  }
}

function redirectUri(): string {
  return window.location.origin + wayBack
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
