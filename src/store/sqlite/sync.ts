/**
 * The sync of the log: what makes a commit survive a power cut. SQLite writes its log without syncing it (synchronous=NORMAL), and
 * this file syncs it, through a descriptor of its own, before a promise resolves: the sync of a file covers what any descriptor wrote
 * to it. Where it runs is chosen by measurement: on the main thread while the disk is so fast that a hop to another thread would
 * cost more than it saves, off the thread as soon as a sync takes long enough for the event loop to notice.
 */
import fs from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createEmitter } from '../../runtime/emitter.ts'
import type { Database } from './driver.ts'
import { LogDamage, type StoreFaults, storeError } from './failures.ts'
import { markEnd, rewriteLog } from './log.ts'
import { type LogPages, logPagesOf } from './space.ts'

/** Milliseconds that a sync takes on average above which it no longer runs on the main thread. */
const slowMs = 2
/** Milliseconds of one sync that the event loop would notice: it alone sends the next ones off the main thread. */
const verySlowMs = 4
/** Share of the newest sync in that average: one slow sync among fast ones changes nothing. */
const newest = 0.2
/** Syncs off the thread after a slow one, before the main thread is tried again. */
const awayFor = 500

/** Commits that are answered in a row, each with up to some hundred callers. */
const answersPerTurn = 4

/** Milliseconds between two tries to write the log again. The first one follows the failure. */
const againAfterMs = 1_000

/** Who waits for a sync. */
interface Waiting {
  answer: () => void
  refuse: (error: unknown) => void
}

/**
 * Holds back the answers of commits until a sync has covered them. After one that failed they wait on, everything else is to be refused, and the
 * log is written again until a sync has covered it: then they are answered, and all goes on.
 */
export class Syncer {
  readonly #log: string | undefined
  readonly #faults: StoreFaults
  readonly #damage = createEmitter<[error: unknown]>()
  readonly #sync: ReturnType<typeof logSync> | undefined
  readonly #closing = new AbortController()
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #mending: Promise<void> | undefined
  #busy = false
  #isDamaged = false
  #failure: unknown

  /** @param log Path of the log of `db`; undefined = nothing to sync, for a database in memory. */
  constructor(db: Database, log: string | undefined, faults: StoreFaults) {
    this.#log = log
    this.#faults = faults
    this.#sync = log === undefined ? undefined : logSync(db, log, faults)
  }

  /** Calls back once what was written to the log is lost, at once where it is: then nothing goes on. Returns an unsubscribe function. */
  onDamage(listener: (error: unknown) => void): () => void {
    if (this.#isDamaged) listener(this.#failure)
    return this.#damage.on(listener)
  }

  /** Makes durable what a process that is gone has left in the log. Throws what the system throws. */
  inherit(): void {
    this.#sync?.inherit()
  }

  /** Why nothing can be promised for now, since a sync has failed. */
  get failure(): unknown {
    return this.#failure
  }

  /** Takes the answers of a commit; they are given when a sync that began after it has ended. */
  add(answer: () => void, refuse: (error: unknown) => void): void {
    this.#waiting.push({ answer, refuse })
  }

  /** Syncs what was added; at most one sync at a time, each covers everything added before it. One on the main thread has ended on return. */
  start(): void {
    if (this.#busy || this.#waiting.length === 0) return
    this.#busy = true
    this.#running = this.#run()
  }

  /** Resolves when nothing waits for a sync, or one has failed. */
  async settled(): Promise<void> {
    this.start()
    await this.#running
  }

  /**
   * Throws why nothing can be promised for now; STORE_FULL where a submission of ordinary size would find no room.
   *
   * @param hasFailed A write has failed: then also a log that could be begun anew needs room, for its checkpoint may have failed.
   */
  requireRoom(hasFailed: boolean): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#sync?.requireRoom(hasFailed)
  }

  /** After a sync that failed the log is written again once more: what was lost must not reach the file. Who still waits then is refused. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#mending
    this.#refuseAll()
    this.#sync?.close()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const covered = this.#waiting.splice(0)
      try {
        const syncing = this.#sync?.run()
        if (syncing !== undefined) await syncing
        const answering = this.#answer(covered)
        if (answering !== undefined) await answering
      } catch (error) {
        this.#failure = storeError(error, this.#log)
        this.#waiting.unshift(...covered)
        this.#mending = this.#mend()
      }
    }
    this.#busy = false
  }

  async #mend(): Promise<void> {
    for (let waitMs = 0; this.#failure !== undefined; waitMs = againAfterMs) {
      await setTimeout(waitMs, undefined, this.#closing).catch(() => undefined)
      const isLast = this.#closing.signal.aborted
      try {
        await this.#sync?.mend()
        this.#failure = undefined
      } catch (error) {
        this.#failure = storeError(error, this.#log)
        if (error instanceof LogDamage) {
          this.#isDamaged = true
          this.#refuseAll()
          return this.#damage.emit(this.#failure)
        }
        if (isLast) return
      }
    }
    await this.#answer(this.#waiting.splice(0))
  }

  /** Tells the callers of commits: a few at once; those beyond, which a slow sync has covered, in the next turns of the event loop. */
  #answer(covered: Waiting[]): Promise<void> | undefined {
    this.#faults.afterCommit?.()
    for (const { answer } of covered.splice(0, answersPerTurn)) answer()
    return covered.length === 0 ? undefined : setImmediate().then(() => this.#answer(covered))
  }

  #refuseAll(): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(this.#failure)
  }
}

/** What a submission of ordinary size adds to the log, in bytes. */
const ordinaryBytes = 65_536
/** A page of the log with its header, in bytes. */
const loggedPageBytes = 4_120

/** Pages of the log before the place of the next write: a log of which all is in the file is begun anew. */
function pagesBefore({ written, copied }: LogPages): number {
  return written === copied ? 0 : written
}

function logSync(db: Database, log: string, faults: StoreFaults) {
  const delayMs = faults.syncDelayMs ?? 0
  // Opened before anything is synced: the system reports a failure only to descriptors that are open when it happens.
  const file = fs.openSync(log, 'r+')
  /** The end of the log that is written again; undefined while none is. */
  let mark: number | undefined
  const logPages = logPagesOf(db)
  let away = 0
  let average = 0

  function here(): undefined {
    const began = performance.now()
    if (delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs)
    fs.fdatasyncSync(file)
    const took = performance.now() - began
    average += newest * (took - average)
    if (average <= slowMs && took <= verySlowMs) return
    away = awayFor
    average = 0
  }

  function offThread(): Promise<void> {
    away -= 1
    return new Promise((resolve, reject) => {
      const run = () => fs.fdatasync(file, error => (error === null ? resolve() : reject(error)))
      if (delayMs === 0) run()
      else void setTimeout(delayMs).then(run)
    })
  }

  return {
    /** Returns when the log is synced, or a promise of it. */
    run() {
      faults.beforeSync?.()
      return away > 0 ? offThread() : here()
    },
    /** Writes again, and syncs, what a process that is gone may have left in memory only. Throws what the system throws. */
    inherit() {
      if (fs.fstatSync(file).size === 0) return
      try {
        rewriteLog(file)
        faults.beforeSync?.()
        fs.fdatasyncSync(file)
      } catch (error) {
        fs.closeSync(file)
        throw error
      }
    },
    /** Writes the log again, and syncs it. Throws LogDamage, and what SQLite and the system throw. */
    async mend() {
      mark ??= markEnd(db)
      rewriteLog(file, mark)
      faults.beforeSync?.()
      await offThread()
      mark = undefined
    },
    /** Writes behind the end of the log, where nobody reads, and cuts that off again. A log that is written over from its beginning needs no room. */
    requireRoom(hasFailed: boolean) {
      const { size } = fs.fstatSync(file)
      if (!hasFailed && size >= ordinaryBytes + loggedPageBytes * pagesBefore(logPages())) return
      try {
        const written = fs.writeSync(file, Buffer.alloc(ordinaryBytes), 0, ordinaryBytes, size)
        if (written < ordinaryBytes) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      } catch (error) {
        throw storeError(error, log)
      } finally {
        fs.ftruncateSync(file, size)
      }
    },
    close: () => fs.closeSync(file),
  }
}
