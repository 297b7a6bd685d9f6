/** Finds out who sends a request: by a token of the settings, an API key, a token of the identity provider, or the program that made the app. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyRequest } from 'fastify'
import type { Logger } from '../runtime/log.ts'
import { QuillworkError } from '../task/errors.ts'
import { type ApiKeys, isApiKey } from './api-keys.ts'
import { bearerOf, isToken } from './auth.ts'
import { type Identity, isRole, type Need } from './identity.ts'
import type { Oidc } from './oidc/oidc.ts'
import type { HttpSettings } from './settings.ts'
import { createThrottle } from './throttle.ts'

/** A request, for a program that knows who sends it. */
export interface AskingRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** The address of the client; that of `X-Forwarded-For` behind a trusted proxy. */
  readonly ip: string
  readonly raw: IncomingMessage
}

/** What is to be done, for a program that allows less than the role does. */
export interface AskedAction {
  /** What the route needs. */
  readonly action: Need
  readonly method: string
  /** The address of the route with its parameters, such as `/v1/tasks/:taskId`. */
  readonly route: string
  /** The values of the parameters, as they were sent: not validated yet. */
  readonly params: Readonly<Record<string, string>>
}

/** Returns who sends a request; undefined where it does not know. */
export type Authenticate = (request: AskingRequest) => Identity | undefined | Promise<Identity | undefined>

/** Returns whether an identity, whose role allows it, may do something. */
export type Authorize = (identity: Identity, asked: AskedAction) => boolean | Promise<boolean>

/** Finds out who asks. */
export interface Authenticator {
  /** Whether requests need a credential. */
  readonly isClosed: boolean
  /** Throws UNAUTHENTICATED, CREDENTIALS_THROTTLED, IDENTITY_PROVIDER_UNAVAILABLE, STORE_FAILED. */
  identify(request: FastifyRequest): Promise<Identity>
  /** Returns whether a request that is still being answered would be taken for the same identity again. Never rejects: what cannot be asked holds. */
  isStill(request: FastifyRequest, identity: Identity): Promise<boolean>
  /** Throws FORBIDDEN where the program does not allow it. */
  authorize(identity: Identity, asked: AskedAction): Promise<void>
}

interface AuthenticatorOptions {
  settings: HttpSettings
  keys: ApiKeys
  oidc: Oidc | undefined
  authenticate: Authenticate | undefined
  authorize: Authorize | undefined
  log: Logger
}

/** Makes the authenticator of an app. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { settings, keys, oidc, authenticate, authorize } = options
  const { tokens, userId } = settings
  const throttle = createThrottle(options.log)
  const isClosed = tokens.length > 0 || oidc !== undefined || authenticate !== undefined
  const asAdmin = (id: string): Identity => ({ id, name: id, role: 'admin', userId, sees: 'all' })
  const byToken = asAdmin('token')
  const local = asAdmin('local')

  /** Returns who it is by what is built in. */
  async function known(sent: string | undefined): Promise<Identity | undefined> {
    if (sent !== undefined && isToken(tokens, sent)) return byToken
    return sent === undefined ? undefined : ((await keys.identify(sent)) ?? oidc?.identify(sent))
  }

  async function identify(request: FastifyRequest): Promise<Identity> {
    const { authorization } = request.headers
    const sent = bearerOf(request.headers)
    const found = (await known(sent)) ?? (await asked(authenticate, request))
    if (found !== undefined) return found
    // What looks like a key is to be one, also where no token is needed: a wrong one would act as admin.
    if (!isClosed && (sent === undefined || !isApiKey(sent))) return local
    throw new QuillworkError(
      'UNAUTHENTICATED',
      authorization === undefined
        ? `Send the token of this server, ${oidc === undefined ? '' : 'one of its identity provider, '}or an API key, in the header Authorization: Bearer <token>.`
        : `This is neither the token of this server nor one of its API keys${oidc === undefined ? '' : ', nor a token of its identity provider'}.`,
    )
  }

  return {
    isClosed,
    async identify(request) {
      try {
        return await identify(request)
      } catch (error) {
        const { authorization } = request.headers
        if (isUnauthenticated(error) && authorization !== undefined)
          throttle.refuse(request.ip, authorization)
        throw error
      }
    },
    async isStill(request, identity) {
      try {
        return isDeepStrictEqual(await identify(request), identity)
      } catch (error) {
        return !isUnauthenticated(error)
      }
    },
    async authorize(identity, action) {
      if (authorize === undefined || (await authorize(identity, action)) === true) return
      throw new QuillworkError('FORBIDDEN', `${JSON.stringify(identity.name)} may not do this here.`)
    },
  }
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof QuillworkError && error.code === 'UNAUTHENTICATED'
}

/** Asks the program. Throws CONFIG_INVALID where it returns what is no identity. */
async function asked(
  authenticate: Authenticate | undefined,
  { method, url, headers, ip, raw }: FastifyRequest,
): Promise<Identity | undefined> {
  const found = await authenticate?.({ method, url, headers, ip, raw })
  if (found === undefined || found === null) return undefined
  const { id, name, role, userId, sees } = found
  const texts: unknown[] = [id, name, userId]
  const isWhole = texts.every(text => typeof text === 'string' && text !== '')
  if (!isWhole || !isRole(role) || (sees !== 'own' && sees !== 'all'))
    throw new QuillworkError(
      'CONFIG_INVALID',
      'The hook `authenticate` returned no identity: give id, name, role, userId, and sees as own or all.',
    )
  return { id, name, role, userId, sees }
}
