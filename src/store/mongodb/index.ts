import { createMongoStore, type MongoOptions, type MongoStore } from './store.ts'

export type { MongoOptions, MongoStore } from './store.ts'

/**
 * A store in a MongoDB database. What it acknowledges is held by a majority of the replica set. Several processes may share it.
 *
 * `open` throws STORE_UNSUITABLE when the database cannot keep the promises, STORE_FAILED when it cannot be reached.
 */
export function mongodb(options: MongoOptions): MongoStore {
  return createMongoStore(options)
}
