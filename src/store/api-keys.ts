/** API keys as every store keeps them, over records: who each is for, and a digest in place of its secret. */
import { defineKind, getOne, insert, type Records, replace } from '../records/records.ts'
import type { Page, PageRequest } from '../task/page.ts'
import { pageKey, pageOf, pageToken } from './pages.ts'

/** An API key. Times are epoch milliseconds. */
export interface ApiKeyRecord {
  id: string
  /** What people call it. */
  name: string
  role: string
  /** The user for whom its requests act. */
  userId: string
  /** Whose tasks it sees. */
  sees: 'own' | 'all'
  /** SHA-256 of the secret, in base64url. */
  digest: string
  createdAt: number
  /** From then on it is refused; absent: it has no end. */
  expiresAt?: number
  /** At most a minute behind; absent before the first request. */
  lastUsedAt?: number
  revokedAt?: number
}

/** The API keys of a store. */
export interface ApiKeyStore {
  get(id: string): Promise<ApiKeyRecord | undefined>
  /** The newest first. */
  list(page: PageRequest): Promise<Page<ApiKeyRecord>>
  add(key: ApiKeyRecord): Promise<void>
  /** Revokes a key; one that is revoked keeps its time. Returns it as it is then, undefined for none. */
  revoke(id: string, at: number): Promise<ApiKeyRecord | undefined>
  /** Writes down when a key was last used. Does nothing where the key is changed at the same time. */
  used(id: string, at: number): Promise<void>
}

/** The kind of the records. */
export const apiKeys = defineKind<ApiKeyRecord>({
  name: 'api_keys',
  fields: { createdAt: 'integer' },
  indexes: { newest: ['createdAt', 'id'] },
})

/** Makes the port of API keys of any store. */
export function createApiKeyStore(records: Records): ApiKeyStore {
  const keyOf = ({ revision: _, ...key }: ApiKeyRecord & { revision: string }): ApiKeyRecord => key
  return {
    async get(id) {
      const found = await getOne(records, apiKeys, id)
      return found && keyOf(found)
    },
    async list({ pageSize, pageToken: token }) {
      const after = pageKey('api-keys', token, ['number', 'string'])
      const query = { order: ['createdAt', 'id'], reverse: true, after, limit: pageSize + 1 } as const
      return pageOf(await records.find(apiKeys, query), pageSize, {
        item: keyOf,
        token: ({ createdAt, id }) => pageToken('api-keys', [createdAt, id]),
      })
    },
    async add(key) {
      await records.commit([insert(apiKeys, key)])
    },
    async revoke(id, at) {
      for (;;) {
        const found = await getOne(records, apiKeys, id)
        if (found === undefined || found.revokedAt !== undefined) return found && keyOf(found)
        const revoked = { ...found, revokedAt: at }
        if ((await records.commit([replace(apiKeys, revoked)])) === 'applied') return keyOf(revoked)
      }
    },
    async used(id, at) {
      const found = await getOne(records, apiKeys, id)
      if (found === undefined) return
      await records.commit([replace(apiKeys, { ...found, lastUsedAt: at })])
    },
  }
}
