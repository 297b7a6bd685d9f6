import { afterEach, it } from 'vitest'
import { type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import type { Store } from '../../src/store/store.ts'
import type { StoreNeed } from '../../src/testing/store-case.ts'
import { type StoreCaseContext, storeCases } from '../../src/testing/store-cases.ts'
import { describeWithMongo, type FreshDatabase, freshDatabase } from '../servers/mongo.ts'

/** Needs that a store of many processes does not have, each with the reason. */
const notOffered: Readonly<Record<StoreNeed, string>> = {
  'slow-sync': 'the disk belongs to the server',
  'in-process-deliveries': 'what was told is with a broker that outlives the process',
  'void-leases': 'other processes may hold leases when one begins',
}

/** Stores in databases of their own, on one clock that the case moves. */
class MongoContext implements StoreCaseContext {
  now = Date.parse('2031-05-04T03:02:01Z')
  readonly #open = new Map<Store, FreshDatabase>()

  advance(ms: number): void {
    this.now += ms
  }

  makeStore(): Promise<MongoStore> {
    return this.#openIn(freshDatabase())
  }

  async reopenStore(store: Store): Promise<MongoStore> {
    const database = this.#open.get(store)
    if (database === undefined) throw new RangeError('This store was not made here.')
    await store.tasks.close()
    return this.#openIn(database)
  }

  async end(): Promise<void> {
    for (const store of this.#open.keys()) await store.tasks.close()
    for (const database of new Set(this.#open.values())) await database.drop()
  }

  async #openIn(database: FreshDatabase): Promise<MongoStore> {
    const store = mongodb({ url: database.url, now: () => this.now })
    this.#open.set(store, database)
    await store.open()
    return store
  }
}

describeWithMongo('a store in MongoDB', () => {
  let context: MongoContext | undefined
  afterEach(() => context?.end())

  for (const { name, needs, run } of storeCases)
    it.skipIf(needs !== undefined)(
      needs === undefined ? name : `${name} (${notOffered[needs]})`,
      async () => {
        context = new MongoContext()
        await run(context)
      },
    )
})
