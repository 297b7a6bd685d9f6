import path from 'node:path'
import { sqliteRecords, statementsOf } from '../../records/sqlite.ts'
import { createColdPorts } from '../cold-records.ts'
import type { Store } from '../store.ts'
import type { StoreTransfer } from '../transfer.ts'
import { createUsageStore } from '../usage-days.ts'
import { createAggregate } from './aggregate.ts'
import { apply } from './apply.ts'
import { createAttempts } from './attempts.ts'
import { createBackups } from './backup.ts'
import { transact } from './caller-transactions.ts'
import { claim, extend, overdue, voidLeases } from './claim.ts'
import { create } from './create.ts'
import { openDatabase, type SharedDatabase } from './database.ts'
import { createEnded } from './ended.ts'
import { type StoreFaults, storeError } from './failures.ts'
import { createFairOrder } from './fair-order.ts'
import { createInFlight } from './in-flight.ts'
import { createKeys } from './keys.ts'
import { createLanes } from './lanes.ts'
import { createListingIndex } from './listing-index.ts'
import { createOutbox, earliestWake } from './outbox.ts'
import { createOutput } from './output.ts'
import { createTrim, erase, prune } from './prune.ts'
import { createQueries } from './queries.ts'
import { engineMigrations } from './schema.ts'
import { createTurns, type Session } from './session.ts'
import { createTransfer } from './transfer.ts'
import { rollUpUsage } from './usage.ts'

/** How a SQLite store is opened. */
export interface SqliteOptions {
  /** Path of the database file; its folder is made. `':memory:'` keeps nothing beyond the process. */
  file: string
  /** The clock, epoch milliseconds; default the system's. */
  now?: () => number
  /** Faults that tests and benchmarks cause on purpose. */
  faults?: StoreFaults
}

/** A store in one SQLite file, with the database for others to join, such as the novel library. */
export interface SqliteStore extends Store {
  readonly database: SharedDatabase
  /** For moving all of it to another store, or from one; nothing else uses the store meanwhile. */
  readonly transfer: StoreTransfer
  /** Much of the file is free and cannot be given back: an earlier build made it, and it is too long to be rewritten at its opening. */
  readonly isWasted: boolean
}

/**
 * Opens a store in one SQLite file. What it acknowledges survives a power cut. One process owns the file.
 *
 * Throws STORE_LOCKED when another process owns it, STORE_NEWER when a newer version wrote it, STORE_UNSUITABLE when the file
 * cannot keep the promises, STORE_FULL when the disk has no space left.
 */
export function sqlite(options: SqliteOptions): SqliteStore {
  const session = openSession(options)
  const { file } = session
  const records = sqliteRecords(file)
  return {
    kind: 'sqlite',
    capabilities: { manyProcesses: false, callerTransactions: false },
    database: file,
    tasks: {
      now: session.now,
      create: (tasks, limits, options) => create(session, tasks, limits, options),
      claim: claims => claim(session, claims),
      apply: (transitions, options) => apply(session, transitions, options),
      extend: (leases, leaseMs) => extend(session, leases, leaseMs),
      overdue: limit => overdue(session, limit),
      prune: (retention, limit) => prune(session, retention, limit),
      erase: (rootTaskId, limit) => erase(session, rootTaskId, limit),
      trim: createTrim(session),
      close: () => file.close(),
    },
    outbox: createOutbox(session),
    attempts: createAttempts(session),
    output: createOutput(session),
    queries: createQueries(session),
    ended: createEnded(session),
    lanes: createLanes(session),
    ...createColdPorts(records),
    usage: createUsageStore(records, request => rollUpUsage(session, request)),
    transfer: createTransfer(session),
    isWasted: file.isWasted,
    transact: work => transact(session, work),
    takesWrites: () => file.takesWrites(),
    compact: () => file.compact(),
    scrub: () => file.scrub(),
    ...(options.file === ':memory:'
      ? {}
      : { backups: createBackups(file.db, path.resolve(options.file), () => file.openTransaction) }),
    onDamage: listener => file.onDamage(listener),
  }
}

/** Opens the file and reads what is known of it from the start. What fails lets go of the file again. */
function openSession({ file: name, faults, now = Date.now }: SqliteOptions): Session {
  const file = openDatabase(name, faults)
  try {
    file.migrate('engine', engineMigrations)
    const sql = statementsOf(file.db)
    const aggregate = createAggregate(sql)
    const order = createFairOrder(sql)
    const listing = createListingIndex(file, sql)
    const keys = createKeys(file, sql, listing)
    for (const participant of [aggregate, order, listing, keys]) file.join(participant)
    const dirty = { voidLeases: true, leaseChecks: 0, parents: true, lastParent: 0, wakeAt: undefined }
    const session: Session = {
      file,
      sql,
      aggregate,
      order,
      listing,
      keys,
      inFlight: createInFlight(),
      dirty,
      usageTurns: createTurns(),
      now,
    }
    session.dirty.wakeAt = earliestWake(session)
    voidLeases(session)
    return session
  } catch (error) {
    file.db.close()
    throw storeError(error, name)
  }
}
