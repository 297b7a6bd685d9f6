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
   * writes are undone) and may run twice (the first run undone). `committed` is called when the transaction is committed and not yet
   * synced: for memory that mirrors the file, and that dies with the process.
   */
  write<T>(work: (db: Database) => T, committed?: (value: T) => void): Promise<T>
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
  /** Calls back after each commit, before its sync. Answers how to stop. */
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
  committed: ((value: never) => void) | undefined
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Jobs per transaction: bounds how long one turn of the event loop takes. */
const largestBatch = 512
/** Pages of the log after which a checkpoint is made; 4 KB each. */
const checkpointPages = 4_000
/** Transactions in a row that one sync waits for, so that what a commit sets off is covered by the same sync. */
const mostRounds = 3

/**
 * Opens the file, takes it for this process, and checks that it holds what the promises need.
 *
 * @param file Path of the database; its folder is made. `':memory:'` promises nothing beyond the process.
 * Throws STORE_LOCKED when another process owns the file, STORE_UNSUITABLE when it does not keep its settings.
 */
export function openDatabase(file: string, faults: StoreFaults = {}): DatabaseFile {
  const db = open(file)
  const transactions = createTransactions(db, faults)
  const syncer = createSyncer(file === ':memory:' ? undefined : logSync(`${file}-wal`, faults), faults)
  const listeners = new Set<() => void>()
  let rounds = 0
  let closed = false

  async function send(jobs: Job[]): Promise<void> {
    const reads = jobs.filter(job => !job.writes)
    if (reads.length > 0) {
      await syncer.settled()
      for (const job of reads) answer(job, () => job.work(db))
    }
    const writes = jobs.filter(job => job.writes)
    if (writes.length === 0) return
    if (syncer.failure === undefined) write(writes)
    else for (const job of writes) job.reject(syncer.failure)
    await turn()
    rounds = batch.size() === 0 || rounds >= mostRounds ? 0 : rounds + 1
    if (rounds === 0) syncer.start()
  }

  function write(jobs: readonly Job[]): void {
    try {
      const values = transactions.run(jobs)
      jobs.forEach((job, index) => {
        const value = values[index]
        if (!(value instanceof JobFailure)) job.committed?.(value as never)
      })
      syncer.add(
        () => settle(jobs, values),
        error => {
          for (const job of jobs) job.reject(error)
        },
      )
      for (const listener of listeners) listener()
    } catch (error) {
      const coded = storeError(error, file)
      for (const job of jobs) job.reject(coded)
    }
  }

  const batch = createBatch(send, largestBatch)

  function enqueue<T>(job: Pick<Job, 'writes' | 'work' | 'committed'>): Promise<T> {
    if (closed) return Promise.reject(closedError())
    return new Promise((resolve, reject) =>
      batch.add({ ...job, resolve: resolve as (value: unknown) => void, reject }),
    )
  }

  return {
    db,
    write: (work, committed) => enqueue({ writes: true, work, committed }),
    read: query => enqueue({ writes: false, work: query, committed: undefined }),
    join: participant => transactions.participants.push(participant),
    migrate: (part, migrations) => applyMigrations(db, part, migrations),
    onCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      if (closed) return
      closed = true
      await batch.idle()
      await syncer.settled()
      syncer.close()
      db.close()
    },
  }
}

/** The rest of this turn of the event loop: what reacts to a commit gets its chance to join the next one. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

interface Transactions {
  readonly participants: Participant[]
  /** The values of the jobs; throws when none of them could be committed. */
  run(jobs: readonly Job[]): unknown[]
}

function createTransactions(db: Database, faults: StoreFaults): Transactions {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const participants: Participant[] = []

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

  return {
    participants,
    /** The usual case: one transaction, no savepoints. When a job throws, all run again, each within a savepoint of its own. */
    run(jobs) {
      try {
        return transact(jobs, job => job.work(db))
      } catch {
        return transact(jobs, job => attemptAlone(db, job, participants))
      }
    },
  }
}

interface Syncer {
  /** Why nothing can be promised any more, once a sync has failed. */
  readonly failure: unknown
  /** Takes the answers of a commit; they are given when a sync that began after it has ended. */
  add(answer: () => void, refuse: (error: unknown) => void): void
  /** Syncs what was added; at most one sync at a time, each covers everything added before it. */
  start(): void
  /** Resolves when nothing waits for a sync. */
  settled(): Promise<void>
  close(): void
}

function createSyncer(
  sync: { run(): Promise<void>; close(): void } | undefined,
  faults: StoreFaults,
): Syncer {
  let waiting: { answer: () => void; refuse: (error: unknown) => void }[] = []
  let running: Promise<void> | undefined
  let failure: unknown

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      try {
        if (failure !== undefined) throw failure
        await sync?.run()
        faults.afterCommit?.()
        for (const { answer } of covered) answer()
      } catch (error) {
        failure = storeError(error)
        for (const { refuse } of covered) refuse(failure)
      }
    }
    running = undefined
  }

  function start(): void {
    running ??= waiting.length === 0 ? undefined : run()
  }

  return {
    get failure() {
      return failure
    },
    add: (answer, refuse) => waiting.push({ answer, refuse }),
    start,
    async settled() {
      start()
      await running
    },
    close: () => sync?.close(),
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

/** What a store answers after `close`. */
export function closedError(): QuillworkError {
  return new QuillworkError('STORE_CLOSED', 'The store is closed; open it again to go on.')
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
