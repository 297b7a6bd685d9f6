/** Sign-in by an identity provider: its tokens (JWT, RFC 7519) become identities, and the pages learn where to send people. */
import type * as Jose from 'jose'
import type { Logger } from '../../runtime/log.ts'
import { hasControls } from '../../task/controls.ts'
import { QuillworkError } from '../../task/errors.ts'
import { fieldOf, textIn } from '../../task/thrown.ts'
import { type Identity, type Role, roles } from '../identity.ts'
import { createProvider, loadJose, type Published } from './provider.ts'
import type { OidcSettings } from './settings.ts'

/** The signatures that are taken: of a private key each. A secret that both sides know (HS256) is none, and neither is `none`. */
const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]

/** Kinds of tokens that say who somebody is (RFC 8725, section 3.11). A logout token, for one, has the same signature and says something else. */
const kinds: ReadonlySet<string> = new Set(['', 'jwt', 'at+jwt', 'application/at+jwt'])

/** How far the clocks of the issuer and of the store may be apart, seconds. */
const toleranceSeconds = 30
/** The longest id of a user. */
const longestUser = 200
/** The longest `sub` (OpenID Connect Core 1.0, section 2). */
const longestSubject = 255

/** How the pages sign people in. */
export interface SignIn {
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** The token that the pages send: that which is made for the audience of this server. */
  readonly sends: 'access_token' | 'id_token'
}

/** An identity provider. */
export interface Oidc {
  /**
   * Returns who has a token; undefined for a text that is no token of this issuer. Throws UNAUTHENTICATED for one that is not valid here,
   * IDENTITY_PROVIDER_UNAVAILABLE while nobody knows.
   */
  identify(token: string): Promise<Identity | undefined>
  /** Returns how the pages sign people in; undefined where they do not. Throws IDENTITY_PROVIDER_UNAVAILABLE. */
  signIn(): Promise<SignIn | undefined>
}

/** What an identity provider needs. */
export interface OidcParts {
  readonly settings: OidcSettings
  /** The clock of the store, epoch milliseconds: it says what has expired. */
  readonly now: () => number
  readonly log: Logger
  /** Milliseconds of a clock that never goes back. */
  readonly ticks?: (() => number) | undefined
  /** Longest time for a document of the issuer, milliseconds. Default 5 s. */
  readonly timeoutMs?: number | undefined
}

/** Makes what knows the tokens of an issuer. */
export function createOidc({ settings, now, log, ticks, timeoutMs }: OidcParts): Oidc {
  const { issuer, audience } = settings
  const provider = createProvider({ issuer, log, now: ticks, timeoutMs })
  let reported: Published | undefined
  return {
    async identify(token) {
      if (!looksLikeToken(token)) return undefined
      const jose = await loadJose()
      const read = readToken(token, jose)
      if (read?.payload.iss !== issuer) return undefined
      // Whatever refuses a token without its key does it before the issuer is asked for one.
      const kid = kidOf(read, { issuer, nowSeconds: now() / 1_000 })
      const { keys } = await provider.read(kid)
      const wanted: Jose.JWTVerifyOptions = {
        ...{ issuer, audience: [...audience], algorithms, requiredClaims: ['exp', 'sub'] },
        ...{ clockTolerance: toleranceSeconds, currentDate: new Date(now()) },
      }
      const { payload } = await jose.jwtVerify(token, keys, wanted).catch(error => {
        throw refused(issuer, whyOf(error))
      })
      return identityOf(payload, settings)
    },
    async signIn() {
      const { clientId } = settings
      if (clientId === undefined) return undefined
      const published = await provider.read()
      const found = signInBy(published, { ...settings, clientId })
      // Anybody may ask, and is not to fill the log.
      if (found === undefined && reported !== published)
        log.warn({ issuer }, 'sign-in of the pages disabled: an endpoint is not at the origin of the issuer')
      reported = published
      return found
    },
  }
}

function signInBy(
  { authorizationEndpoint = '', tokenEndpoint = '' }: Published,
  { issuer, audience, clientId, scope }: OidcSettings & { clientId: string },
): SignIn | undefined {
  // The content security policy of the pages lets them ask the origin of the issuer, and no other one.
  const isOfIssuer = (address: string) =>
    URL.canParse(address) && new URL(address).origin === new URL(issuer).origin
  if (!isOfIssuer(authorizationEndpoint) || !isOfIssuer(tokenEndpoint)) return undefined
  const sends = audience.includes(clientId) ? 'id_token' : 'access_token'
  return { issuer, clientId, scope, authorizationEndpoint, tokenEndpoint, sends }
}

/** Returns whether a text has the form of a signed token: three parts. */
function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)
}

interface ReadToken {
  readonly header: Jose.JWTHeaderParameters
  readonly payload: Jose.JWTPayload
}

/** Returns what a token says, which nobody has verified; undefined where it cannot be read. */
function readToken(token: string, jose: typeof Jose): ReadToken | undefined {
  try {
    return {
      header: jose.decodeProtectedHeader(token) as Jose.JWTHeaderParameters,
      payload: jose.decodeJwt(token),
    }
  } catch {
    return undefined
  }
}

/** Returns the key that a token names. Throws UNAUTHENTICATED for one that no key could make valid. */
function kidOf(
  { header, payload }: ReadToken,
  { issuer, nowSeconds }: { issuer: string; nowSeconds: number },
): string {
  const { alg, kid, typ = '' } = header
  if (!algorithms.some(each => each === alg))
    throw refused(issuer, `is signed by ${JSON.stringify(alg)?.slice(0, 20)}, which is not taken`)
  if (!kinds.has(String(typ).toLowerCase())) throw refused(issuer, 'is of another kind')
  if (typeof kid !== 'string' || kid === '') throw refused(issuer, 'does not name its key (kid)')
  if (typeof payload.exp === 'number' && payload.exp <= nowSeconds - toleranceSeconds) throw expired(issuer)
  return kid
}

/** Returns what the verification found wrong. */
function whyOf(error: unknown): string {
  const claim = textIn(error, 'claim')
  if (claim !== undefined) return `is not valid here, or not at this time: see its claim ${claim}`
  return textIn(error, 'code') === 'ERR_JWKS_NO_MATCHING_KEY'
    ? 'names a key that the issuer does not have'
    : 'is not signed by the issuer'
}

function refused(issuer: string, why: string): QuillworkError {
  return new QuillworkError('UNAUTHENTICATED', `The token of ${new URL(issuer).host} ${why}.`)
}

function expired(issuer: string): QuillworkError {
  const message = `The token of ${new URL(issuer).host} has expired: sign in again.`
  return new QuillworkError('UNAUTHENTICATED', message, { details: { ended: 'expired' } })
}

/** Returns the identity of verified claims. Throws UNAUTHENTICATED where they name no user, or no role. */
function identityOf(claims: Jose.JWTPayload, settings: OidcSettings): Identity {
  const { issuer, userClaim } = settings
  const userId = claimAt(claims, userClaim)
  if (!isLine(userId, longestUser))
    throw refused(issuer, `names no user in its claim ${userClaim}, or none that can be one here`)
  const { sub } = claims
  if (!isLine(sub, longestSubject)) throw refused(issuer, 'names nobody in its claim sub')
  const role = roleOf(claims, settings)
  if (role === undefined)
    throw refused(issuer, `names none of the roles of this server in its claim ${settings.roleClaim}`)
  const name = [claims['name'], claims['preferred_username'], claims['email'], userId].find(each =>
    isLine(each, longestUser),
  ) as string
  const sees = role === 'operator' || role === 'admin' ? 'all' : 'own'
  return { id: `oidc:${sub}`, name, role, userId, sees }
}

/** Returns the highest role that the claims give. */
function roleOf(claims: Jose.JWTPayload, settings: OidcSettings): Role | undefined {
  const given = [claimAt(claims, settings.roleClaim)].flat()
  const found = given.flatMap(each =>
    typeof each === 'string' && Object.hasOwn(settings.roles, each) ? [settings.roles[each]] : [],
  )
  return roles.findLast(each => found.includes(each)) ?? settings.defaultRole
}

/** Returns a claim by its name, which may have dots, or else by the path to it. */
function claimAt(claims: Jose.JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let value: unknown = claims
  for (const part of name.split('.'))
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, part) && fieldOf(value, part)
  return value
}

/** Returns whether a value is text of one line that is not empty, as the store takes it. */
function isLine(value: unknown, longest: number): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= longest &&
    !hasControls(value) &&
    !/\p{Surrogate}/u.test(value)
  )
}
