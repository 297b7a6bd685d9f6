/** The compositions that tests of the writing tasks run on, as data: one text of each test runs on all of them. */
import path from 'node:path'
import { sqlite } from 'quillwork/sqlite'
import { describe } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { type NovelLibrary, novelLibrary } from '../../src/novel/library/library.ts'
import { mongoLibraryRecords, sqliteLibraryRecords } from '../../src/novel/library/open.ts'
import type { Records } from '../../src/records/records.ts'
import { createMongoStore, type MongoStore } from '../../src/store/mongodb/store.ts'
import type { Store } from '../../src/store/store.ts'
import { describeDistributed, installation } from '../distributed/installation.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { sizeOf } from '../size.ts'
import { countedBroker } from './counted-broker.ts'

/** Where tasks and novels are, and who wakes workers up, for one test. */
export interface Place {
  open(now: () => number): Store
  /** Of the store that was opened. Throws where none was. */
  library(): NovelLibrary
  /** Those of that library. */
  records(): Records
  /** Absent = the one of the process. */
  readonly broker?: Broker
  /** Whether something outside the process is at work for it. */
  isBusy(): boolean
  remove(): Promise<void>
}

/** A composition: what it needs, and how a test gets one for itself. */
export interface Composition {
  readonly name: string
  /** `describe`, for tests that need its servers. */
  readonly describe: (title: string, tests: () => void) => void
  /** `folder`: where what a process leaves behind is kept; default: nowhere, where that can be. */
  place(folder?: string): Place
}

/** Those whose workers are woken in the process, one for each store; the quickest first. */
export const onEachStore: readonly Composition[] = [
  { name: 'SQLite', describe, place: sqlitePlace },
  { name: 'MongoDB', describe: describeWithMongo, place: mongoPlace },
]

/** The embedded one and the distributed one; in the slow run also that between them, whose parts these two have. */
export const compositions: readonly Composition[] = [
  ...onEachStore.slice(0, sizeOf(1, onEachStore.length)),
  { name: 'MongoDB and RabbitMQ', describe: describeDistributed, place: distributedPlace },
]

/** The library in a place, and its records. */
interface Opened {
  library?: NovelLibrary
  records?: Records
}

function sqlitePlace(folder?: string): Place {
  const file = folder === undefined ? ':memory:' : path.join(folder, 'quillwork.db')
  const opened: Opened = {}
  return {
    open(now) {
      const store = sqlite({ file, now })
      opened.records = sqliteLibraryRecords(store.database)
      opened.library = novelLibrary(opened.records, { now })
      return store
    },
    library: () => present(opened.library),
    records: () => present(opened.records),
    isBusy: () => false,
    remove: async () => undefined,
  }
}

function mongoPlace(): Place {
  const database = freshDatabase()
  return { ...onDatabase(database.url), remove: () => database.drop() }
}

function distributedPlace(): Place {
  const home = installation({ lanes: ['batch'] })
  // A busy machine must not make the broker say less than it knows: an unconfirmed message would be sent, and counted, twice.
  const patient = { confirmMs: 30_000, heartbeatS: 30 }
  const { broker, isBusy } = countedBroker(rabbitmq({ url: home.brokerUrl, prefix: home.prefix, ...patient }))
  const kept = onDatabase(home.databaseUrl)
  return {
    ...kept,
    broker,
    isBusy: () => kept.isBusy() || isBusy(),
    remove: async () => home[Symbol.asyncDispose](),
  }
}

function onDatabase(url: string): Pick<Place, 'open' | 'library' | 'records' | 'isBusy'> {
  const opened: Opened & { store?: MongoStore } = {}
  return {
    open(now) {
      const store = createMongoStore({ url, now }, { aggregateAfterMs: 0 })
      opened.store = store
      opened.records = mongoLibraryRecords(store.database)
      opened.library = novelLibrary(opened.records, { now })
      return store
    },
    library: () => present(opened.library),
    records: () => present(opened.records),
    isBusy: () => (opened.store?.database.inFlight ?? 0) > 0,
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The store is not open.')
  return value
}
