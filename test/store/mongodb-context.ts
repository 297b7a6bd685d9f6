import { type Document, MongoClient } from 'mongodb'
import type { TaskDocument } from '../../src/store/mongodb/documents.ts'
import type { StoreFaults } from '../../src/store/mongodb/faults.ts'
import { type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import type { Store } from '../../src/store/store.ts'
import type { StoreCaseContext } from '../../src/testing/store-cases.ts'
import { type FreshDatabase, freshDatabase } from '../servers/mongo.ts'

/** Stores in databases of their own, on one clock that the case moves. */
export class MongoContext implements StoreCaseContext {
  now = Date.parse('2031-05-04T03:02:01Z')
  readonly #faults: StoreFaults
  readonly #open = new Map<Store, FreshDatabase>()

  constructor(faults: StoreFaults = {}) {
    this.#faults = faults
  }

  advance(ms: number): void {
    this.now += ms
  }

  makeStore(): Promise<MongoStore> {
    return this.#openIn(freshDatabase())
  }

  /** Several processes that share one database, which is fresh. */
  async makeStores(count: number): Promise<MongoStore[]> {
    const database = freshDatabase()
    const stores: MongoStore[] = []
    for (let made = 0; made < count; made++) stores.push(await this.#openIn(database))
    return stores
  }

  /** A task as the database of the first store has it. */
  async document(taskId: string): Promise<Document | undefined> {
    const [database] = this.#open.values()
    await using client = new MongoClient(database?.url ?? '')
    const found = await client.db().collection<TaskDocument>('background_tasks').findOne({ _id: taskId })
    return found ?? undefined
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
    const store = mongodb({ url: database.url, now: () => this.now, faults: this.#faults })
    this.#open.set(store, database)
    await store.open()
    return store
  }
}
