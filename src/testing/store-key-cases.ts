/** API keys: kept by id, revoked once, listed a page at a time. */
import assert from 'node:assert/strict'
import type { ApiKeyRecord } from '../store/store.ts'

import { allPages, it, rejectsWith, type StoreCase } from './store-case.ts'

const keyOf = (id: string, createdAt: number): ApiKeyRecord => ({
  ...{ id, name: `key ${id}`, role: 'author', userId: 'ann', sees: 'own', digest: 'abc', createdAt },
})

/** Cases of API keys. */
export const keyCases: readonly StoreCase[] = [
  it('API keys: are kept, and listed with the newest first', async (store, context) => {
    const keys = [keyOf('a', 1), keyOf('b', 3), { ...keyOf('c', 2), expiresAt: 9 }]
    for (const key of keys) await store.apiKeys.add(key)
    const again = await context.reopenStore(store)
    assert.deepEqual(await again.apiKeys.get('c'), keys[2])
    assert.equal(await again.apiKeys.get('d'), undefined)
    const found = await allPages(page => again.apiKeys.list(page), 2)
    assert.deepEqual(
      found.map(({ id }) => id),
      ['b', 'c', 'a'],
    )
    await rejectsWith('PAGE_TOKEN_INVALID', again.apiKeys.list({ pageSize: 1, pageToken: 'x' }))
  }),
  it('API keys: one is revoked once, and keeps its time; its last use does not undo that', async store => {
    await store.apiKeys.add(keyOf('a', 1))
    await Promise.all([store.apiKeys.used('a', 5), store.apiKeys.revoke('a', 7), store.apiKeys.used('a', 6)])
    assert.equal((await store.apiKeys.get('a'))?.revokedAt, 7)
    assert.equal((await store.apiKeys.revoke('a', 8))?.revokedAt, 7)
    await store.apiKeys.used('a', 9)
    const { lastUsedAt, revokedAt } = (await store.apiKeys.get('a')) ?? {}
    assert.deepEqual({ lastUsedAt, revokedAt }, { lastUsedAt: 9, revokedAt: 7 })
    assert.equal(await store.apiKeys.revoke('b', 8), undefined)
    await store.apiKeys.used('b', 9)
  }),
]
