import { setImmediate } from 'node:timers/promises'
import type { Steps } from '../../runtime/cooperate.ts'
import { Failed } from '../../runtime/gather.ts'
import type { Database } from './driver.ts'
import { type StoreFaults, storeError } from './failures.ts'

/** State in memory that belongs to the transaction, such as counters that are written once per commit. */
export interface Participant {
  /** Writes what changed; called within the transaction. */
  flush(): void
  /** Drops everything; the next use reads it from the file again. */
  reset(): void
}

/** One caller's part of a transaction, or a query. */
export interface Job {
  writes: boolean
  /** Records that it writes, about; a transaction takes jobs up to a number of them. Default one. */
  size?: number
  /** `work` returns steps, between which the event loop may turn. Those of a write have a transaction of their own, which stays open meanwhile. */
  inSteps?: boolean
  /** It is alone in its transaction, and does not run again: what it does is the caller's, and no other job may fail with it. */
  once?: boolean
  work(db: Database): unknown
  committed: ((value: never) => void) | undefined
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Milliseconds after which a job in steps, and reads one after the other, let the event loop turn. */
const turnMs = 2

/** A turn of the event loop that long work shares with others. The first one is over at once. */
export interface Turn {
  isOver(): boolean
  /** Resolves in the next turn of the event loop. */
  next(): Promise<void>
}

/** Returns the turns of work that is long. */
export function createTurn(): Turn {
  let ends = 0
  return {
    isOver: () => performance.now() > ends,
    async next() {
      await setImmediate()
      ends = performance.now() + turnMs
    },
  }
}

/** Runs steps to their end, and lets the event loop turn in between. */
async function runSteps<T>(steps: Steps<T>, turn: Turn): Promise<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    if (turn.isOver()) await turn.next()
  }
}

/** Runs jobs together, one transaction for all, in which the participants take part. */
export function createTransactions(db: Database, faults: StoreFaults) {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const participants: Participant[] = []

  function complete(): void {
    for (const participant of participants) participant.flush()
    faults.beforeCommit?.()
    commit.run()
  }

  function undo(): void {
    if (db.inTransaction) db.exec('ROLLBACK')
    for (const participant of participants) participant.reset()
  }

  function transact(jobs: readonly Job[], attempt: (job: Job) => unknown): unknown[] {
    begin.run()
    try {
      const values = jobs.map(attempt)
      complete()
      return values
    } catch (error) {
      undo()
      throw error
    }
  }

  return {
    participants,
    /**
     * Returns the values of the jobs, `Failed` for one that failed although the others went through; throws when none could be committed. In
     * the usual case there are no savepoints. When a job throws, all run again, each within a savepoint of its own. One that may run only once has it from the start.
     */
    run(jobs: readonly Job[]): unknown[] {
      const inSavepoints = () => transact(jobs, job => attemptAlone(db, job, participants))
      if (jobs.some(({ once }) => once)) return inSavepoints()
      try {
        return transact(jobs, job => job.work(db))
      } catch {
        return inSavepoints()
      }
    },
    /**
     * Resolves with the value of a job in steps, which has a transaction for itself. Until then nothing else may use the database: it would
     * see, or write into, what may yet be undone.
     */
    async runInSteps(job: Job): Promise<unknown> {
      begin.run()
      try {
        const value = await runSteps(job.work(db) as Steps<unknown>, createTurn())
        complete()
        return value
      } catch (error) {
        undo()
        throw error
      }
    },
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
    return new Failed(error)
  }
}

/** Resolves the jobs of a commit with their values. */
export function settle(jobs: readonly Job[], values: readonly unknown[]): void {
  jobs.forEach((job, index) => {
    const value = values[index]
    if (value instanceof Failed) job.reject(storeError(value.error))
    else job.resolve(value)
  })
}

/** Tells the callers of jobs why none of them was done. */
export function refuse(jobs: readonly Job[], error: unknown): void {
  for (const job of jobs) job.reject(error)
}

/** Runs a query and resolves its job. */
export function answer(job: Job, query: () => unknown): void {
  try {
    job.resolve(query())
  } catch (error) {
    job.reject(storeError(error))
  }
}

/** As `answer`, for a query in steps. */
export async function answerInSteps(job: Job, db: Database, turn: Turn): Promise<void> {
  try {
    job.resolve(await runSteps(job.work(db) as Steps<unknown>, turn))
  } catch (error) {
    job.reject(storeError(error))
  }
}
