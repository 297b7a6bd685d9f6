/** The settings of an identity provider that speaks OpenID Connect. */
import { z } from 'zod'
import { type Role, roles } from '../identity.ts'
import { isLoopback } from '../loopback.ts'

/** Who signs people in, and what their tokens have to say. */
export interface OidcOptions {
  /** The issuer, letter for letter as its tokens name it in `iss`: `https://…`, and `http://…` on the loopback alone. */
  issuer: string
  /** What a token has to name in `aud`; of several, one of them. With the `clientId` among them the pages send the ID token, else the access token. */
  audience: string | readonly string[]
  /** The claim with the roles, or the path to it, such as `realm_access.roles`: a text or a list of texts. Default `roles`. */
  roleClaim?: string | undefined
  /** Roles by the values of that claim; of several, the highest counts. Default: each role by its own name. */
  roles?: Readonly<Record<string, Role>> | undefined
  /** The role of those whose token names none of these. Default: they are refused. */
  defaultRole?: Role | undefined
  /** The claim with the user, to whom novels and tasks belong. Take one that people cannot change themselves. Default `sub`. */
  userClaim?: string | undefined
  /** The public client by which the pages sign people in, with PKCE and without a secret. Default: the pages offer no sign-in. */
  clientId?: string | undefined
  /** The scopes that the pages ask for. Default `openid profile`. */
  scope?: string | undefined
}

/** The same with the defaults filled in. */
export interface OidcSettings {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly roleClaim: string
  readonly roles: Readonly<Record<string, Role>>
  readonly defaultRole?: Role | undefined
  readonly userClaim: string
  readonly clientId?: string | undefined
  readonly scope: string
}

const text = z.string().min(1, 'Give a text.').max(500)
const role = z.enum(roles, `Give one of ${roles.join(', ')}.`)

const ownNames: Readonly<Record<string, Role>> = Object.fromEntries(roles.map(each => [each, each]))

/** Checks the settings, and fills in the defaults. */
export const oidcSchema: z.ZodType<OidcSettings, OidcOptions> = z.strictObject({
  issuer: z
    .string()
    .refine(
      isIssuer,
      'Give the issuer as its tokens name it, such as https://id.example/realms/studio; http:// is for the loopback alone.',
    ),
  audience: z
    .union([text, z.array(text).min(1, 'Give at least one audience.').readonly()])
    .transform(given => [given].flat()),
  roleClaim: text.default('roles'),
  roles: z.record(text, role).default(ownNames),
  defaultRole: role.optional(),
  userClaim: text.default('sub'),
  clientId: text.optional(),
  scope: z
    .string()
    .regex(/^openid( [!#-[\]-~]+)*$/, 'Give scopes, openid first, such as "openid profile".')
    .default('openid profile'),
})

function isIssuer(given: string): boolean {
  if (!URL.canParse(given)) return false
  const { username, password, search, hash } = new URL(given)
  return isProtected(given) && `${username}${password}${search}${hash}` === '' && !/[?#\s]/.test(given)
}

/** Returns whether nobody on the way can read or change what is sent to an address: by TLS, or because it stays on this machine. */
export function isProtected(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}
