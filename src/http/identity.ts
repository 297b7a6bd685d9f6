/** Who sends a request, and what they may do. */
import { QuillworkError } from '../task/errors.ts'

/** What an identity may do, each what the one before may, and more. */
export const roles = ['viewer', 'author', 'operator', 'admin'] as const

/**
 * `viewer` reads. `author` also writes novels, and submits, cancels and retries tasks. `operator` also acts on the tasks of all users, and on lanes and
 * limits, and sees workers and metrics. `admin` also sets up models and API keys, and acts for other users.
 */
export type Role = (typeof roles)[number]

/** What a route needs, in the order of the roles: each role has its own and those before. */
export const needs = ['read', 'write', 'operate', 'administer'] as const

/** What a route needs of who asks. */
export type Need = (typeof needs)[number]

/** Who sends a request. */
export interface Identity {
  /** Unique: of an API key its id, of a person of the identity provider `oidc:` and their `sub`, `token` for the token of the server, `local` where none is needed. */
  readonly id: string
  /** What people call it. */
  readonly name: string
  readonly role: Role
  /** The user for whom it acts, to whom the novels belong that it sees. */
  readonly userId: string
  /** Whose tasks it sees: those of its user, or all. */
  readonly sees: 'own' | 'all'
}

/** Who is asked nothing: the routes that are open to everybody. It sees nothing. */
export const nobody: Identity = { id: '', name: 'nobody', role: 'viewer', userId: '', sees: 'own' }

/** Returns whether a text is a role. */
export function isRole(text: unknown): text is Role {
  return roles.some(role => role === text)
}

/** Returns what a role may do. */
export function rightsOf(role: Role): Need[] {
  return needs.slice(0, roles.indexOf(role) + 1)
}

/** Returns whether an identity has a right. */
function may({ role }: Pick<Identity, 'role'>, need: Need): boolean {
  return needs.indexOf(need) <= roles.indexOf(role)
}

/** Returns what a route needs that does not say it. */
export function needOf(method: string): Need {
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write'
}

/** Throws FORBIDDEN, naming the role that is needed. */
export function requireRight(identity: Identity, need: Need): void {
  if (!may(identity, need)) throw forbidden(identity, need)
}

function forbidden({ name, role }: Identity, need: Need): QuillworkError {
  const needed = roles[needs.indexOf(need)]
  return new QuillworkError(
    'FORBIDDEN',
    `This needs the role ${needed}; ${JSON.stringify(name)} has the role ${role}.`,
    { details: { neededRole: needed } },
  )
}

/** Throws FORBIDDEN for an identity that sees the tasks of its own user alone. */
export function requireSeesAll({ name, sees }: Identity): void {
  if (sees === 'all') return
  throw new QuillworkError(
    'FORBIDDEN',
    `This shows what all users have; ${JSON.stringify(name)} sees its own user alone.`,
  )
}

/** What is done with the data of a user: they are seen, they are acted on by an operator, or somebody acts as that user. */
export type Use = 'see' | 'operate' | 'act as'

/**
 * Returns the user whose data a request is about, which it may name; undefined for all users. Throws FORBIDDEN where it names one that it may not use
 * like that.
 */
export function userIn(
  identity: Identity,
  given: string | undefined,
  use: 'see' | 'operate',
): string | undefined {
  if (given === identity.userId || usesAll(identity, use)) return given
  if (given === undefined) return identity.userId
  throw refusedUser(identity, use)
}

/** Returns the user as whom a request acts: that of its identity, unless it names another one. Throws FORBIDDEN where it may not. */
export function userActedAs(identity: Identity, given: string | undefined): string {
  if (given === undefined || given === identity.userId) return identity.userId
  if (may(identity, 'administer')) return given
  throw refusedUser(identity, 'act as')
}

/** Returns whether an identity may use the data of every user. */
export function usesAll(identity: Identity, use: 'see' | 'operate'): boolean {
  return identity.sees === 'all' && (use === 'see' || may(identity, 'operate'))
}

function refusedUser(identity: Identity, use: Use): QuillworkError {
  const { name, userId } = identity
  const who = `${JSON.stringify(name)} acts for the user ${JSON.stringify(userId)}`
  const isNarrow = use === 'see' || (use === 'operate' && may(identity, 'operate'))
  if (isNarrow) return new QuillworkError('FORBIDDEN', `${who} and sees that user alone; leave userId out.`)
  const role = use === 'operate' ? 'operator' : 'admin'
  const details = { neededRole: role }
  return new QuillworkError('FORBIDDEN', `${who}; for another user this needs the role ${role}.`, { details })
}
