import { realpathSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { Steps } from '../../runtime/cooperate.ts'
import { createEmitter } from '../../runtime/emitter.ts'
import { Failed, gather } from '../../runtime/gather.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Database, Statement } from './driver.ts'
import { closedError, type StoreFaults, storeError } from './failures.ts'
import { applyMigrations, type Migration, openFile } from './file.ts'
import { createSpace, type Space } from './space.ts'
import { Syncer } from './sync.ts'
import {
  answer,
  answerInSteps,
  createTransactions,
  createTurn,
  type Job,
  type Participant,
  refuse,
  settle,
} from './transactions.ts'

/**
 * The database file and its group commit: callers of one moment share one transaction, and a promise resolves after the sync that
 * covers it. The sync runs off the main thread (SQLite writes the log with synchronous=NORMAL, and this file syncs the log itself
 * before it resolves a promise), so that a slow disk does not stand in the way of the event loop.
 */

/** The database as the parts that share it see it: the engine's tables and the novel library's. */
export interface SharedDatabase {
  /**
   * Runs `work` in the next group commit; resolves after the sync that covers it. `work` is synchronous, may throw (only its own
   * writes are undone) and may run twice (the first run undone). `committed` is called when the transaction is committed and not yet
   * synced: for memory that mirrors the file, and that dies with the process. `size`: how many records it writes, about; default one.
   */
  write<T>(work: (db: Database) => T, committed?: (value: T) => void, size?: number): Promise<T>
  /** Runs `query` when everything written before is durable. */
  read<T>(query: (db: Database) => T): Promise<T>
  /** Brings the tables of one part to its newest version, in order, in a transaction. Throws STORE_NEWER, STORE_FULL. */
  migrate(part: string, migrations: readonly Migration[]): void
}

/** The file with its life cycle. */
export interface DatabaseFile extends SharedDatabase {
  /**
   * As `write`, for work that is long: alone in its transaction, and interrupted by other turns of the event loop, none of which writes or
   * reads meanwhile.
   */
  writeInSteps<T>(work: (db: Database) => Steps<T>, committed?: (value: T) => void): Promise<T>
  /** As `write`, for work of a caller of the store: it runs only once, in a transaction of its own, which shares a sync with others. */
  writeOnce<T>(work: (db: Database) => T, committed?: (value: T) => void): Promise<T>
  /** As `read`, for a query that is long: other turns of the event loop interrupt it, none of which writes meanwhile. */
  readInSteps<T>(query: (db: Database) => Steps<T>): Promise<T>
  /** Resolves when a transaction that other turns interrupt has ended; undefined while none is open. What reads without `read` awaits it. */
  readonly openTransaction: Promise<void> | undefined
  /** What takes part in every transaction: written before its commit, reset when it is undone. */
  join(participant: Participant): void
  /** For preparing statements once; writes go through `write`. */
  readonly db: Database
  /** Resolves while a submission of ordinary size would be taken; after a write that failed, when another one was done. Rejects with why not. */
  takesWrites(): Promise<void>
  /** Calls back once the disk has lost what was written, at once where it has: nothing is taken any more. Returns an unsubscribe function. */
  onDamage(listener: (error: unknown) => void): () => void
  /** Gives back, at times when it is called, a part of the space that is no longer used. Rejects as `write` does. */
  compact(): Promise<void>
  /** As `Store.scrub`. */
  scrub(): Promise<void>
  /** As `SqliteStore.isWasted`. */
  readonly isWasted: boolean
  /** Calls back after each commit, before its sync. Returns an unsubscribe function. */
  onCommit(listener: () => void): () => void
  close(): Promise<void>
}

/** Jobs that are taken at a time. Each resolves the promise of its caller. */
const largestBatch = 512
/** Records per transaction, about: bounds how long the event loop is held. */
const mostRecords = 600
/** Records that are written before the length of the log is asked for again: that costs as much as to write two. */
const mostUnseen = 400
/** Transactions in a row that one sync waits for, so that what a commit sets off is covered by the same sync. */
const mostRounds = 3
/** Transactions of one `compact` that give free pages back. */
const mostReleases = 50
/** Those of one `scrub`: enough for any file. */
const mostScrubs = 100_000

/**
 * Opens the file, takes it for this process, and checks that it holds what the promises need.
 *
 * @param file Path of the database; its folder is made. `':memory:'` promises nothing beyond the process.
 * Throws STORE_LOCKED when another process owns the file, STORE_UNSUITABLE when it does not keep its settings.
 */
export function openDatabase(file: string, faults: StoreFaults = {}): DatabaseFile {
  const db = openFile(file)
  const commits = createEmitter()
  const syncer = openSyncer(db, file, faults)
  const space = openSpace(db)
  const writer = createWriter({ db, file, faults, syncer, space, committed: () => commits.emit() })
  const answerReads = createReader(db, syncer)
  let rounds = 0
  let closed = false

  async function send(jobs: Job[]): Promise<void> {
    const reads = jobs.filter(job => !job.writes)
    if (reads.length > 0) await answerReads(reads)
    const writes = jobs.filter(job => job.writes)
    if (writes.length === 0) return
    for (const [index, part] of partsOf(writes.filter(job => job.inSteps !== true)).entries()) {
      if (index > 0) {
        syncer.start()
        await setImmediate()
      }
      await writer.write(part)
    }
    const [long, ...others] = writes.filter(job => job.inSteps === true)
    // What has come meanwhile goes between two of them.
    for (const job of others) batch.add(job)
    if (long !== undefined) await writer.writeAlone(long)
    // What reacts to a commit can join the next one.
    await setImmediate()
    rounds = batch.size() === 0 || rounds >= mostRounds ? 0 : rounds + 1
    if (rounds === 0) syncer.start()
  }

  const batch = gather<Job, never>(jobs => send(jobs).then(() => []), { largest: largestBatch })

  function enqueue<T>(job: Omit<Job, 'resolve' | 'reject'>): Promise<T> {
    if (closed) return Promise.reject(closedError())
    return new Promise((resolve, reject) =>
      batch.add({ ...job, resolve: resolve as (value: unknown) => void, reject }),
    )
  }

  const write = <T>(work: (db: Database) => T, committed?: (value: T) => void, size = 1) =>
    enqueue<T>({ writes: true, size, work, committed })
  const read = <T>(query: (db: Database) => T) =>
    enqueue<T>({ writes: false, work: query, committed: undefined })

  return {
    db,
    write,
    writeOnce: (work, committed) => enqueue({ writes: true, once: true, work, committed }),
    writeInSteps: (work, committed) => enqueue({ writes: true, inSteps: true, work, committed }),
    get openTransaction() {
      return writer.openTransaction
    },
    read,
    readInSteps: query => enqueue({ writes: false, inSteps: true, work: query, committed: undefined }),
    async takesWrites() {
      if (closed) throw closedError()
      await writer.openTransaction
      syncer.requireRoom(writer.hasFailed)
      if (writer.hasFailed) await write(touch)
    },
    isWasted: space.isWasted,
    compact: createCompaction(db, space, { read, write }),
    scrub: sharedBefore(() => scrub(space, { read, write })),
    onDamage: listener => syncer.onDamage(listener),
    join: participant => writer.participants.push(participant),
    migrate: (part, migrations) => migrate(db, part, migrations),
    onCommit: listener => commits.on(listener),
    async close() {
      if (closed) return
      closed = true
      await batch.idle()
      await syncer.settled()
      await syncer.close()
      db.close()
    },
  }
}

/** Returns what answers queries when everything written before is durable. */
function createReader(db: Database, syncer: Syncer) {
  const turn = createTurn()
  return async (jobs: readonly Job[]) => {
    await syncer.settled()
    for (const job of jobs) {
      // Who reads one page after the other would keep the event loop until the last one.
      if (turn.isOver()) await turn.next()
      if (syncer.failure !== undefined) job.reject(syncer.failure)
      else if (job.inSteps === true) await answerInSteps(job, db, turn)
      else answer(job, () => job.work(db))
    }
  }
}

/** Returns what gives back a part of the free pages, and the space of the log where nothing was written since the last call. */
function createCompaction(
  db: Database,
  space: Space,
  { read, write }: Pick<SharedDatabase, 'read' | 'write'>,
) {
  const changes = db.prepare('SELECT total_changes()').pluck()
  let last: unknown
  return async () => {
    const before = last
    last = await read(() => changes.get())
    let releases = 0
    try {
      while (releases < mostReleases && (await read(space.hasMuchFree))) {
        await write(space.release)
        releases += 1
      }
    } finally {
      // Also where a full disk let nothing be released: this gives it room.
      if (last === before || releases > 0) await read(space.truncateLog)
    }
  }
}

/**
 * Overwrites what was deleted. Deleting has cleared it within the pages that are still used (`secure_delete`), unless SQLite moved it there before: a short
 * file is written anew, of a longer one the free pages go. Then the log, which has older pages, is cut off. Throws STORE_FULL, STORE_FAILED where some
 * may be left.
 */
async function scrub(space: Space, { read, write }: Pick<SharedDatabase, 'read' | 'write'>): Promise<void> {
  if (!(await read(space.rewrite))) {
    let steps = 0
    // Others may free pages meanwhile: each step gives back many more than they do.
    for (; steps < mostScrubs && (await read(space.freePages)) > 0; steps += 1) await write(space.release)
    if (steps === mostScrubs)
      throw new QuillworkError(
        'STORE_FAILED',
        'Pages are freed faster than they are given back; try again later.',
      )
  }
  await read(space.cutLog)
}

/** Returns what does the work one at a time, once for all who ask before it begins. */
function sharedBefore(work: () => Promise<void>): () => Promise<void> {
  let next: Promise<void> | undefined
  let last = Promise.resolve()
  return () => {
    if (next !== undefined) return next
    const begin = () => {
      next = undefined
      return work()
    }
    next = last.then(begin, begin)
    last = next
    return next
  }
}

/** Returns jobs by transaction, in their order. */
function partsOf(jobs: readonly Job[]): Job[][] {
  const parts: Job[][] = []
  let left = 0
  for (const job of jobs) {
    const { size = 1, once = false } = job
    if (once || size > left || parts.length === 0) {
      parts.push([])
      left = once ? 0 : mostRecords
    }
    parts.at(-1)?.push(job)
    left -= size
  }
  return parts
}

function sizeOf(jobs: readonly Job[]): number {
  return jobs.reduce((sum, { size = 1 }) => sum + size, 0)
}

interface Writing {
  db: Database
  file: string
  faults: StoreFaults
  syncer: Syncer
  space: Space
  /** Called after each commit. */
  committed(): void
}

/** Writes jobs: each is answered when a sync has covered its commit. */
function createWriter({ db, file, faults, syncer, space, committed }: Writing) {
  const transactions = createTransactions(db, faults)
  let hasFailed = false
  let openTransaction: Promise<void> | undefined
  /** Records written since the log was last looked at. */
  let unseen = 0

  function succeed(jobs: readonly Job[], values: readonly unknown[]): void {
    hasFailed = false
    jobs.forEach((job, index) => {
      const value = values[index]
      if (!(value instanceof Failed)) job.committed?.(value as never)
    })
    syncer.add(
      () => settle(jobs, values),
      error => refuse(jobs, error),
    )
    committed()
  }

  function fail(jobs: readonly Job[], error: unknown): void {
    hasFailed = true
    refuse(jobs, writeError(error, file, syncer))
  }

  /** Between turns of the event loop, for it takes some milliseconds. What is not synced must not reach the file. */
  async function checkpoint(): Promise<void> {
    await syncer.settled()
    await setImmediate()
    if (syncer.failure === undefined) space.checkpoint()
    await setImmediate()
  }

  /** Where a checkpoint was due it is asked again after the next write, for it may not have been possible. */
  async function keepShort(): Promise<void> {
    if (space.isCheckpointDue()) await checkpoint()
    else unseen = 0
  }

  return {
    participants: transactions.participants,
    /** The last write has failed. */
    get hasFailed() {
      return hasFailed
    },
    /** As `DatabaseFile.openTransaction`. */
    get openTransaction() {
      return openTransaction
    },
    /** Writes jobs together. */
    async write(jobs: readonly Job[]): Promise<void> {
      if (syncer.failure !== undefined) return refuse(jobs, syncer.failure)
      try {
        succeed(jobs, transactions.run(jobs))
      } catch (error) {
        fail(jobs, error)
      }
      unseen += sizeOf(jobs)
      if (unseen >= mostUnseen) await keepShort()
    },
    /** Writes a job in steps. Not before the syncs have ended: after one that fails the log is written again, and no transaction may be open then. */
    async writeAlone(job: Job): Promise<void> {
      await syncer.settled()
      if (syncer.failure !== undefined) return void refuse([job], syncer.failure)
      openTransaction = transactions
        .runInSteps(job)
        .then(
          value => succeed([job], [value]),
          error => fail([job], error),
        )
        .finally(() => {
          openTransaction = undefined
        })
      await openTransaction
      await keepShort()
    },
  }
}

/** What an earlier process left in the log is made durable before anything is promised on top of it. */
function openSyncer(db: Database, file: string, faults: StoreFaults): Syncer {
  try {
    // SQLite keeps the log beside what a symbolic link leads to.
    const log = file === ':memory:' ? undefined : `${realpathSync(file)}-wal`
    const syncer = new Syncer(db, log, faults)
    syncer.inherit()
    return syncer
  } catch (error) {
    db.close()
    throw storeError(error, db.name)
  }
}

function openSpace(db: Database): Space {
  try {
    return createSpace(db)
  } catch (error) {
    db.close()
    throw storeError(error, db.name)
  }
}

function migrate(db: Database, part: string, migrations: readonly Migration[]): void {
  try {
    applyMigrations(db, part, migrations)
  } catch (error) {
    throw storeError(error, db.name)
  }
}

/** Returns the coded error of a commit. SQLite tells a limit on the size of a file, and a quota, from no other failure. */
function writeError(error: unknown, file: string, syncer: Syncer): unknown {
  const isWrite = error instanceof Error && 'code' in error && error.code === 'SQLITE_IOERR_WRITE'
  try {
    if (isWrite) syncer.requireRoom(true)
  } catch (full) {
    return full
  }
  return storeError(error, file)
}

/** A write that changes nothing: the file says what it said. */
function touch(db: Database): void {
  db.pragma(`user_version = ${db.pragma('user_version', { simple: true })}`)
}

/** Prepares a statement at its first use and keeps it. */
export type Statements = (sql: string) => Statement
