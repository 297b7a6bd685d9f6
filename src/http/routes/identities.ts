import { z } from 'zod'
import type { AuditFields } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { ShownApiKey } from '../api-keys.ts'
import { audited } from '../audit/audit.ts'
import { needs, rightsOf, roles } from '../identity.ts'
import { routesOf } from '../route.ts'
import {
  givenTime,
  id,
  named,
  pageOf,
  pageQuery,
  plainLine,
  plainText,
  time,
  timeText,
} from '../schemas/fields.ts'

const role = z
  .enum(roles)
  .describe(
    '`viewer` reads; `author` also writes novels and submits, cancels and retries tasks; `operator` also acts on the tasks of all users, on lanes and limits, and sees workers and metrics; ' +
      '`admin` also sets up models and keys, and acts for other users',
  )

const sees = z
  .enum(['own', 'all'])
  .describe('Whose tasks, events and usage it sees: those of its user, or of all users')

const meSchema = named(
  'Me',
  z.object({
    id: z
      .string()
      .describe(
        'Of an API key its id; of a person of the identity provider `oidc:` and their `sub`; `token` for the token of the server; `local` where none is needed',
      ),
    name: z.string(),
    role,
    userId: z.string().describe('The user for whom its requests act, to whom the novels belong that it sees'),
    sees,
    may: z
      .array(z.enum(needs))
      .describe('What it may do; each route of this document names what it needs as `x-quillwork-needs`'),
  }),
)

const keyFields = {
  id: z.string(),
  name: z.string(),
  role: z.string().describe('See `Me`'),
  userId: z.string(),
  sees,
  createdAt: time,
  expiresAt: time.optional().describe('From then on it is refused; absent: it has no end'),
  lastUsedAt: time.optional().describe('At most a minute behind; absent: it was never used'),
  revokedAt: time.optional().describe('Absent: it was not revoked'),
}

const keySchema = named('ApiKey', z.object(keyFields))

const newKey = z.strictObject({
  name: plainLine(100).min(1, 'Give the key a name, such as that of the program or person that has it.'),
  role,
  userId: plainText(200)
    .min(1)
    .optional()
    .describe('The user for whom its requests act; default: the user of this request'),
  sees: sees
    .optional()
    .describe('Default: `own` for a viewer and an author, `all` for an operator and an admin'),
  expiresAt: givenTime.optional().describe('From then on it is refused; default: it has no end'),
})

/** Returns what the audit trail shows of a key. */
function shownKey({ name, role, userId, sees, expiresAt, revokedAt }: ShownApiKey): AuditFields {
  return {
    ...{ name, role, userId, sees },
    ...defined({ expiresAt: expiresAt && timeText(expiresAt), revokedAt: revokedAt && timeText(revokedAt) }),
  }
}

const { get, post } = routesOf('identities')

const signInSchema = named(
  'SignIn',
  z.object({
    provider: z
      .object({
        issuer: z.string(),
        clientId: z.string().describe('The public client, which has no secret'),
        scope: z.string(),
        authorizationEndpoint: z.string(),
        tokenEndpoint: z.string(),
        sends: z
          .enum(['access_token', 'id_token'])
          .describe('Which token of the answer to send to this API: the one that is made for it'),
      })
      .optional()
      .describe('The identity provider; absent: people sign in with a token or an API key'),
  }),
)

/** Who sends requests, and the API keys. */
export const identityRoutes = [
  get('/v1/sign-in', {
    config: { open: true },
    summary: 'Read how people sign in',
    description:
      'By the identity provider: an authorization code with PKCE (RFC 7636), for which no secret is needed. The address `/sign-in` of the pages is where it leads back to.',
    sends: { 200: signInSchema },
    handle: async ({ oidc }) => ({ provider: await oidc?.signIn() }),
  }),
  get('/v1/me', {
    summary: 'Read who you are here, and what you may do',
    sends: { 200: meSchema },
    handle: async (_context, { identity }) => {
      if (identity === null) throw new QuillworkError('UNAUTHENTICATED', 'Nobody is signed in.')
      return { ...identity, may: rightsOf(identity.role) }
    },
  }),
  get('/v1/api-keys', {
    summary: 'List the API keys, the newest first; without their secrets, which nobody can read again',
    needs: 'administer',
    querystring: pageQuery,
    sends: { 200: pageOf(keySchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'STORE_FAILED'],
    handle: ({ keys }, { query }) => keys.list(defined(query)),
  }),
  post('/v1/api-keys', {
    summary: 'Make an API key',
    description:
      'This response alone has its `secret`: keep it. The key is sent as `Authorization: Bearer <secret>`, wherever the token of the server would be.',
    needs: 'administer',
    body: newKey,
    sends: { 201: z.object({ ...keyFields, secret: z.string().describe('The key itself') }) },
    refuses: ['OPTION_INVALID', 'STORE_FAILED'],
    handle: async ({ engine, keys, userId: ownUser }, request, reply) => {
      const { body } = request
      const { userId = ownUser, role, expiresAt } = body
      const isWide = role === 'operator' || role === 'admin'
      const sees = body.sees ?? (isWide ? 'all' : 'own')
      if (role === 'admin' && sees === 'own')
        throw new QuillworkError(
          'OPTION_INVALID',
          'An admin sees all: leave `sees` out, or choose another role.',
        )
      if (expiresAt !== undefined && expiresAt <= engine.store.tasks.now())
        throw new QuillworkError(
          'OPTION_INVALID',
          '`expiresAt` is in the past: such a key would never be taken.',
        )
      const { key, secret } = await keys.create({ name: body.name, role, userId, sees, expiresAt })
      audited(request, { target: key.id, after: shownKey(key) })
      reply.code(201)
      return { ...key, secret }
    },
  }),
  post('/v1/api-keys/:keyId([^:]+)::revoke', {
    summary: 'Refuse an API key from now on',
    description:
      'For ever; other processes of the store follow within five seconds, and streams that it has open end with their next heartbeat. A repeated request changes nothing.',
    needs: 'administer',
    params: z.object({ keyId: id }),
    sends: { 200: keySchema },
    refuses: ['API_KEY_NOT_FOUND', 'STORE_FAILED'],
    handle: async ({ keys }, request) => {
      const key = await keys.revoke(request.params.keyId)
      audited(request, { after: shownKey(key) })
      return key
    },
  }),
]
