/** Where the store under random commands keeps its truth: a database of a server. */

import { MongoClient } from 'mongodb'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { createMongoStore } from '../../src/store/mongodb/store.ts'
import { atRest } from '../../src/testing/store-case.ts'
import { type FreshDatabase, freshDatabase } from '../servers/mongo.ts'
import { breakIfAsked, type Place } from './model-places.ts'

/**
 * Places in one database, one after the other: its indexes are made once.
 *
 * @param faults What else goes wrong.
 */
export function mongoPlaces(faults: StoreFaults = {}): { next(): Place; drop(): Promise<void> } {
  const database = freshDatabase()
  return {
    next: () => ({
      async open(ground) {
        const before = () => breakIfAsked(ground())
        const store = createMongoStore(
          { url: database.url, now: () => ground()?.now ?? 0, faults: { ...faults, before } },
          { aggregateAfterMs: 0 },
        )
        await store.open()
        return store
      },
      rest: atRest,
      remove: () => empty(database),
    }),
    drop: () => database.drop(),
  }
}

async function empty({ url, name }: FreshDatabase): Promise<void> {
  const client = new MongoClient(url)
  try {
    for (const collection of await client.db(name).collections()) await collection.deleteMany({})
  } finally {
    await client.close()
  }
}
