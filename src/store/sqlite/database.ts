/**
 * The database file and its group commit: callers of one moment share one transaction, and a promise resolves after the sync that
 * covers it. The sync runs off the main thread (SQLite writes the log with synchronous=NORMAL, and this file syncs the log itself
 * before it tells anybody), so that a slow disk does not stand in the way of the event loop.
 */
import fs from 'node:fs'
import path from 'node:path'
import SqliteDatabase, { type Database } from 'better-sqlite3'
import { QuillworkError } from '../../task/errors.ts'
import { createBatch } from '../batch.ts'
import type { StoreFaults } from './faults.ts'
import { applyMigrations, type Migration } from './migrations.ts'

/** The database as the parts that share it see it: the engine's tables and the novel library's. */
export interface SharedDatabase {
  /**
   * Runs `work` in the next group commit; resolves after the sync that covers it. `work` is synchronous, may throw (only its own
   * writes are undone) and may run twice (the first run undone).
   */
  write<T>(work: (db: Database) => T): Promise<T>
  /** Runs `query` when everything written before is durable. */
  read<T>(query: (db: Database) => T): Promise<T>
  /** Brings the tables of one part to its newest version, in order, in a transaction. Throws STORE_NEWER. */
  migrate(part: string, migrations: readonly Migration[]): void
}

/** The file with its life cycle. */
export interface DatabaseFile extends SharedDatabase {
  /** What takes part in every transaction: written before its commit, forgotten when it is undone. */
  join(participant: Participant): void
  /** For preparing statements once; writes go through `write`. */
  readonly db: Database
  /** Calls back after each durable commit. Answers how to stop. */
  onCommit(listener: () => void): () => void
  close(): Promise<void>
}

/** State in memory that belongs to the transaction, such as counters that are written once per commit. */
export interface Participant {
  /** Writes what changed; called within the transaction. */
  flush(): void
  /** Forgets everything; the next use reads it from the file again. */
  reset(): void
}

interface Job {
  writes: boolean
  work(db: Database): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Jobs per transaction: bounds how long one turn of the event loop takes. */
const largestBatch = 512
/** Pages of the log after which a checkpoint is made; 4 KB each. */
const checkpointPages = 4_000

/**
 * Opens the file, takes it for this process, and checks that it holds what the promises need.
 *
 * @param file Path of the database; its folder is made. `':memory:'` promises nothing beyond the process.
 * Throws STORE_LOCKED when another process owns the file, STORE_UNSUITABLE when it does not keep its settings.
 */
export function openDatabase(file: string, faults: StoreFaults = {}): DatabaseFile {
  const db = open(file)
  const sync = file === ':memory:' ? undefined : logSync(`${file}-wal`, faults)
  const totalChanges = db.prepare('SELECT total_changes()').pluck()
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const listeners = new Set<() => void>()
  const participants: Participant[] = []
  let failure: unknown
  let closed = false

  function transact(jobs: readonly Job[], attempt: (job: Job) => unknown): unknown[] {
    begin.run()
    try {
      const values = jobs.map(attempt)
      for (const participant of participants) participant.flush()
      faults.beforeCommit?.()
      commit.run()
      return values
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK')
      for (const participant of participants) participant.reset()
      throw error
    }
  }

  /** The usual case: one transaction, no savepoints. When a job throws, all run again, each within a savepoint of its own. */
  function runWrites(jobs: readonly Job[]): unknown[] {
    try {
      return transact(jobs, job => job.work(db))
    } catch {
      return transact(jobs, job => attemptAlone(db, job, participants))
    }
  }

  async function send(jobs: Job[]): Promise<void> {
    if (failure !== undefined) {
      for (const job of jobs) job.reject(failure)
      return
    }
    const writes = jobs.filter(job => job.writes)
    for (const job of jobs) if (!job.writes) answer(job, () => job.work(db))
    if (writes.length === 0) return
    try {
      const before = totalChanges.get()
      const values = runWrites(writes)
      if (sync !== undefined && totalChanges.get() !== before) await sync.run()
      faults.afterCommit?.()
      settle(writes, values)
    } catch (error) {
      const coded = storeError(error)
      if (error instanceof SyncFailure) failure = coded
      for (const job of writes) job.reject(coded)
      return
    }
    for (const listener of listeners) listener()
  }

  const batch = createBatch(send, largestBatch)

  function enqueue<T>(writes: boolean, work: (db: Database) => T): Promise<T> {
    if (closed)
      return Promise.reject(
        new QuillworkError('STORE_CLOSED', 'The store is closed; open it again to go on.'),
      )
    return new Promise((resolve, reject) =>
      batch.add({ writes, work, resolve: resolve as (value: unknown) => void, reject }),
    )
  }

  return {
    db,
    write: work => enqueue(true, work),
    read: query => enqueue(false, query),
    join: participant => participants.push(participant),
    migrate: (part, migrations) => applyMigrations(db, part, migrations),
    onCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      if (closed) return
      closed = true
      await batch.idle()
      sync?.close()
      db.close()
    },
  }
}

/** A job that failed although the others went through. */
class JobFailure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

function attemptAlone(db: Database, job: Job, participants: readonly Participant[]): unknown {
  db.exec('SAVEPOINT job')
  try {
    const value = job.work(db)
    for (const participant of participants) participant.flush()
    db.exec('RELEASE job')
    return value
  } catch (error) {
    // A full disk ends the whole transaction by itself; then nothing is left to roll back to.
    if (!db.inTransaction) throw error
    db.exec('ROLLBACK TO job; RELEASE job')
    for (const participant of participants) participant.reset()
    return new JobFailure(error)
  }
}

function settle(jobs: readonly Job[], values: readonly unknown[]): void {
  jobs.forEach((job, index) => {
    const value = values[index]
    if (value instanceof JobFailure) job.reject(storeError(value.error))
    else job.resolve(value)
  })
}

function answer(job: Job, query: () => unknown): void {
  try {
    job.resolve(query())
  } catch (error) {
    job.reject(storeError(error))
  }
}

class SyncFailure extends Error {
  override readonly name = 'SyncFailure'
}

/** The log is synced through a descriptor of its own: the sync of a file covers what any descriptor wrote to it. */
function logSync(log: string, faults: StoreFaults): { run(): Promise<void>; close(): void } {
  let descriptor: number | undefined
  const delay = faults.syncDelayMs ?? 0
  return {
    run: () =>
      new Promise((resolve, reject) => {
        descriptor ??= fs.openSync(log, 'r+')
        const done = (error: Error | null) => {
          if (error === null) resolve()
          else reject(new SyncFailure(error.message, { cause: error }))
        }
        if (delay === 0) fs.fdatasync(descriptor, done)
        else setTimeout(() => fs.fdatasync(descriptor ?? 0, done), delay)
      }),
    close() {
      if (descriptor !== undefined) fs.closeSync(descriptor)
    },
  }
}

function open(file: string): Database {
  if (file !== ':memory:') fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true })
  const db = new SqliteDatabase(file, { timeout: 0 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('foreign_keys = ON')
    db.pragma('temp_store = MEMORY')
    db.pragma('cache_size = -32768')
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    // Takes the exclusive lock now, so that a second process learns it here and not at its first write.
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    if (file !== ':memory:') readBack(db, file)
    return db
  } catch (error) {
    db.close()
    throw storeError(error, file)
  }
}

/** A pragma that silently did nothing would break the promise: what matters is read back. */
function readBack(db: Database, file: string): void {
  const wanted = { journal_mode: 'wal', synchronous: 1, locking_mode: 'exclusive' }
  for (const [pragma, value] of Object.entries(wanted)) {
    const held = db.pragma(pragma, { simple: true })
    if (held !== value) {
      throw new QuillworkError(
        'STORE_UNSUITABLE',
        `${file} does not hold the setting ${pragma}=${value} (it says ${String(held)}); put it on a local disk with a file system that supports it.`,
      )
    }
  }
}

/** Makes a coded error of what SQLite or the file system said. */
export function storeError(error: unknown, file = 'the database file'): unknown {
  if (error instanceof QuillworkError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new QuillworkError(
      'STORE_LOCKED',
      `Another process owns ${file}; stop it, or talk to its server instead.`,
      { cause: error },
    )
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return new QuillworkError(
      'STORE_FULL',
      `The disk of ${file} is full; make room, the work goes on by itself.`,
      { cause: error },
    )
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return new QuillworkError(
      'STORE_UNSUITABLE',
      `${file} is not a readable database; restore it from a backup or name another file.`,
      {
        cause: error,
      },
    )
  }
  if (!code.startsWith('SQLITE_') && !(error instanceof SyncFailure)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new QuillworkError('STORE_FAILED', `The database could not do what it was asked: ${message}`, {
    cause: error,
  })
}
