import { type Collection, type Document, MongoClient, type UpdateFilter } from 'mongodb'
import type { TaskDocument } from '../../src/store/mongodb/documents.ts'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { createMongoStore, type MongoStore } from '../../src/store/mongodb/store.ts'
import type { Store } from '../../src/store/store.ts'
import { defined } from '../../src/task/defined.ts'
import type { StoreCaseContext } from '../../src/testing/store-cases.ts'
import { type FreshDatabase, freshDatabase } from '../servers/mongo.ts'

/** A store whose process has a relay. */
export type Relay = MongoStore

/** Stores in databases of their own, on one clock that the case moves. */
export class MongoContext implements StoreCaseContext {
  now = Date.parse('2031-05-04T03:02:01Z')
  /** What relays said of partitions of others. */
  readonly notified: (readonly string[])[] = []
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
  async makeStores(count: 1): Promise<[MongoStore]>
  async makeStores(count: 2): Promise<[MongoStore, MongoStore]>
  async makeStores(count: 3): Promise<[MongoStore, MongoStore, MongoStore]>
  async makeStores(count: number): Promise<MongoStore[]> {
    const database = freshDatabase()
    const stores: MongoStore[] = []
    for (let made = 0; made < count; made++) stores.push(await this.#openIn(database))
    return stores
  }

  /** Several processes that share the partitions of one database, each with a relay; `partitions`: how many its build makes. */
  async makeRelays(count: number, partitions?: number): Promise<Relay[]> {
    const database = freshDatabase()
    const relays: Relay[] = []
    for (let made = 0; made < count; made++) relays.push(await this.#relayIn(database, relays, partitions))
    return relays
  }

  /** One more process beside the relays, of a build that makes another number of partitions. */
  async joinRelays(relays: Relay[], partitions: number): Promise<Relay> {
    const [first] = relays
    const database = first && this.#open.get(first)
    if (database === undefined) throw new RangeError('These relays were not made here.')
    const relay = await this.#relayIn(database, relays, partitions)
    relays.push(relay)
    return relay
  }

  async #relayIn(database: FreshDatabase, relays: readonly Relay[], partitions?: number): Promise<Relay> {
    const store = await this.#openIn(database, partitions)
    // As the broker brings it to every process.
    store.partitions?.share(names => {
      this.notified.push(names)
      for (const relay of relays) relay.partitions?.becameDue(names)
    })
    return store
  }

  /** The address of the first store's database. */
  get url(): string {
    const [database] = this.#open.values()
    return database?.url ?? ''
  }

  /** A store on the caller's own client. */
  async makeStoreOn(client: (url: string) => MongoClient): Promise<MongoStore> {
    const database = freshDatabase()
    const store = createMongoStore(
      { client: client(database.url), now: () => this.now },
      { aggregateAfterMs: 0 },
    )
    this.#open.set(store, database)
    await store.open()
    return store
  }

  /** A task as the database of the first store has it. */
  document(taskId: string): Promise<Document | null> {
    return this.#withTasks(tasks => tasks.findOne({ _id: taskId }))
  }

  /** Changes a task behind the back of every store. */
  change(taskId: string, update: UpdateFilter<TaskDocument>): Promise<unknown> {
    return this.#withTasks(tasks => tasks.updateOne({ _id: taskId }, update))
  }

  /** Takes a field from all documents of a collection of the first store's database, as an earlier version left them. */
  async unset(collection: string, field: string): Promise<void> {
    await using client = new MongoClient(this.url)
    await client
      .db()
      .collection(collection)
      .updateMany({}, { $unset: { [field]: '' } })
  }

  /** Empties a collection of the first store's database. */
  async empty(collection: string): Promise<void> {
    await using client = new MongoClient(this.url)
    await client.db().collection(collection).deleteMany({})
  }

  /** How many documents a collection of the first store's database has. */
  async count(collection: string): Promise<number> {
    await using client = new MongoClient(this.url)
    return await client.db().collection(collection).countDocuments()
  }

  async #withTasks<T>(work: (tasks: Collection<TaskDocument>) => Promise<T>): Promise<T> {
    await using client = new MongoClient(this.url)
    return await work(client.db().collection<TaskDocument>('background_tasks'))
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

  async #openIn(database: FreshDatabase, partitions?: number): Promise<MongoStore> {
    const store = createMongoStore(
      { url: database.url, now: () => this.now, faults: this.#faults },
      { aggregateAfterMs: 0, ...defined({ partitions }) },
    )
    this.#open.set(store, database)
    await store.open()
    return store
  }
}
