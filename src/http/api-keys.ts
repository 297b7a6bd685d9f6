/** API keys: bearer tokens with a role and a user of their own. The store has a digest; the secret is shown once. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Logger } from '../runtime/log.ts'
import type { ApiKeyRecord, ApiKeyStore, Page, PageRequest } from '../store/store.ts'
import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import { type Identity, isRole, type Role } from './identity.ts'

/** How long what was read of a key counts, milliseconds: so long a revoked one may go on elsewhere. */
const cachedMs = 5_000
/** Keys, and ids that are none, of which something is remembered. */
const mostCached = 1_000
/** Milliseconds between two writes of the last use of a key. */
const usedEveryMs = 60_000

/** How a key ends. */
export const endsOfKeys = ['revoked', 'expired'] as const

const saidOfEnds = { revoked: 'was revoked', expired: 'has expired' } as const

const form = /^qwk_([\da-f]{16})_[\w-]{43}$/

/** What a key is made with. */
export interface NewApiKey extends Pick<Identity, 'name' | 'userId' | 'sees'> {
  role: Role
  expiresAt?: number | undefined
}

/** A key without its digest, as it may be shown. */
export type ShownApiKey = Omit<ApiKeyRecord, 'digest'>

/** The API keys of a store, for one process. */
export interface ApiKeys {
  /**
   * Returns who has a key; undefined for a text that is none, or not one of this store. Throws UNAUTHENTICATED for one that was revoked or has
   * expired, STORE_FAILED.
   */
  identify(secret: string): Promise<Identity | undefined>
  /** Makes a key. Returns it with its secret, which nobody can read again. */
  create(key: NewApiKey): Promise<{ key: ShownApiKey; secret: string }>
  list(page: PageRequest): Promise<Page<ShownApiKey>>
  /** Throws API_KEY_NOT_FOUND. */
  revoke(id: string): Promise<ShownApiKey>
}

/** Returns whether a text looks like a key of any server, or a part of one. */
export function isApiKey(text: string): boolean {
  return text.startsWith('qwk_')
}

/** @param now The clock of the store, epoch milliseconds. */
export function createApiKeys(store: ApiKeyStore, now: () => number, log: Logger): ApiKeys {
  interface Known {
    readonly readAt: number
    readonly record: Promise<ApiKeyRecord | undefined>
    isNoted: boolean
  }
  const known = new Map<string, Known>()

  function lookUp(id: string): Known {
    const found = known.get(id)
    const at = performance.now()
    if (found !== undefined && at - found.readAt < cachedMs) return found
    known.delete(id)
    const [oldest] = known.keys()
    if (known.size >= mostCached && oldest !== undefined) known.delete(oldest)
    const read: Known = { readAt: at, record: store.get(id), isNoted: false }
    known.set(id, read)
    read.record.catch(() => known.delete(id))
    return read
  }

  /** Writes the last use down once a minute. Nobody waits for it. */
  function noteUse(read: Known, { id, lastUsedAt = 0 }: ApiKeyRecord): void {
    const at = now()
    if (read.isNoted || at - lastUsedAt < usedEveryMs) return
    read.isNoted = true
    store
      .used(id, at)
      .catch(error => log.warn({ err: error, keyId: id }, 'last use of an API key not stored'))
  }

  return {
    async identify(secret) {
      const id = form.exec(secret)?.[1]
      if (id === undefined) return undefined
      const read = lookUp(id)
      const record = await read.record
      const sent = digest(secret)
      if (
        !timingSafeEqual(sent, Buffer.from(record?.digest ?? digest('').toString('base64url'), 'base64url'))
      )
        return undefined
      if (record === undefined) return undefined
      requireValid(record, now())
      noteUse(read, record)
      return identityOf(record)
    },
    async create({ expiresAt, ...key }) {
      const id = randomBytes(8).toString('hex')
      const secret = `qwk_${id}_${randomBytes(32).toString('base64url')}`
      const record = { id, ...key, createdAt: now(), ...defined({ expiresAt }) }
      await store.add({ ...record, digest: digest(secret).toString('base64url') })
      known.delete(id)
      return { key: record, secret }
    },
    async list(page) {
      const { items, ...rest } = await store.list(page)
      return { ...rest, items: items.map(shownOf) }
    },
    async revoke(id) {
      const revoked = await store.revoke(id, now())
      known.delete(id)
      if (revoked !== undefined) return shownOf(revoked)
      throw new QuillworkError('API_KEY_NOT_FOUND', `There is no API key ${id}.`)
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function shownOf({ digest: _, ...key }: ApiKeyRecord): ShownApiKey {
  return key
}

function requireValid(
  { id, name, role, userId, revokedAt, expiresAt = Number.POSITIVE_INFINITY }: ApiKeyRecord,
  now: number,
): void {
  const ended = revokedAt !== undefined ? 'revoked' : expiresAt <= now ? 'expired' : undefined
  if (ended === undefined) return
  const message = `The API key ${JSON.stringify(name)} (${id}) ${saidOfEnds[ended]}.`
  // `apiKey` is for the audit trail: an answer has `ended` alone.
  throw new QuillworkError('UNAUTHENTICATED', message, {
    details: { ended, apiKey: { id, name, role, userId } },
  })
}

/** A role that only a later version knows may do the least. */
function identityOf({ id, name, role, userId, sees }: ApiKeyRecord): Identity {
  return { id, name, role: isRole(role) ? role : 'viewer', userId, sees }
}
