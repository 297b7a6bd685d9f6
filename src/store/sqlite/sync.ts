/**
 * The sync of the log: what makes a commit survive a power cut. SQLite writes its log without syncing it (synchronous=NORMAL), and
 * this file syncs it, through a descriptor of its own, before a promise resolves: the sync of a file covers what any descriptor wrote
 * to it. Where it runs is chosen by measurement: on the main thread while the disk is so fast that a hop to another thread would
 * cost more than it saves, off the thread as soon as a sync takes long enough for the event loop to notice.
 */
import fs from 'node:fs'
import { type StoreFaults, SyncFailure, storeError } from './failures.ts'

/** Milliseconds that a sync takes on average above which it no longer runs on the main thread. */
const slowMs = 2
/** Milliseconds of one sync that the event loop would notice: it alone sends the next ones off the main thread. */
const verySlowMs = 4
/** Share of the newest sync in that average: one slow sync among fast ones changes nothing. */
const newest = 0.2
/** Syncs off the thread after a slow one, before the main thread is tried again. */
const awayFor = 500

/**
 * Holds back the answers of commits until a sync has covered them.
 *
 * @param log Path of the log; undefined = nothing to sync, for a database in memory.
 */
export function createSyncer(log: string | undefined, faults: StoreFaults) {
  const sync = log === undefined ? undefined : logSync(log, faults.syncDelayMs ?? 0)
  let waiting: { answer: () => void; refuse: (error: unknown) => void }[] = []
  let running: Promise<void> | undefined
  let busy = false
  let failure: unknown

  async function run(): Promise<void> {
    busy = true
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      try {
        if (failure !== undefined) throw failure
        const syncing = sync?.run()
        if (syncing !== undefined) await syncing
        faults.afterCommit?.()
        for (const { answer } of covered) answer()
      } catch (error) {
        failure = storeError(error)
        for (const { refuse } of covered) refuse(failure)
      }
    }
    busy = false
  }

  /** Syncs what was added; at most one sync at a time, each covers everything added before it. One on the main thread has ended on return. */
  function start(): void {
    if (busy || waiting.length === 0) return
    busy = true
    running = run()
  }

  return {
    /** Why nothing can be promised any more, once a sync has failed. */
    get failure() {
      return failure
    },
    /** Takes the answers of a commit; they are given when a sync that began after it has ended. */
    add(answer: () => void, refuse: (error: unknown) => void): void {
      waiting.push({ answer, refuse })
    },
    start,
    /** Resolves when nothing waits for a sync. */
    async settled() {
      start()
      await running
    },
    close: () => sync?.close(),
  }
}

function logSync(log: string, delayMs: number) {
  let descriptor: number | undefined
  let away = 0
  let average = 0

  function here(file: number): undefined {
    const began = performance.now()
    if (delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs)
    try {
      fs.fdatasyncSync(file)
    } catch (error) {
      throw failureOf(error)
    }
    const took = performance.now() - began
    average += newest * (took - average)
    if (average <= slowMs && took <= verySlowMs) return
    away = awayFor
    average = 0
  }

  function offThread(file: number): Promise<void> {
    away -= 1
    return new Promise((resolve, reject) => {
      const run = () => fs.fdatasync(file, error => (error === null ? resolve() : reject(failureOf(error))))
      if (delayMs === 0) run()
      else setTimeout(run, delayMs)
    })
  }

  return {
    /** Returns when the log is synced, or a promise of it. */
    run() {
      descriptor ??= fs.openSync(log, 'r+')
      return away > 0 ? offThread(descriptor) : here(descriptor)
    },
    close() {
      if (descriptor !== undefined) fs.closeSync(descriptor)
    },
  }
}

function failureOf(error: unknown): SyncFailure {
  return new SyncFailure(error instanceof Error ? error.message : String(error), { cause: error })
}
