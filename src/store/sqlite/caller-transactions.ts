import type { AdmissionLimits } from '../../task/admission.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import type { CallerStatement, CallerTransaction, Created } from '../store.ts'
import { createEach, remember, type Written } from './create.ts'
import type { Database } from './driver.ts'
import type { Session } from './session.ts'

/** Statements that would end the transaction, which others share, or change how the file keeps its promises. */
const notTheCallers = /^(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|ATTACH|DETACH|VACUUM)\b/i
/** What SQL takes for white space: comments, too. */
const space = /^(?:\s|--[^\n]*(?:\n|$)|\/\*.*?(?:\*\/|$)|;)+/s

/** Runs the work of a caller in a group commit, with its writes and the tasks that it creates: all of them come to be, or none. */
export async function transact<T>(session: Session, work: (tx: CallerTransaction) => T): Promise<T> {
  const run = (db: Database) => {
    const tx = new Transaction(session, db)
    try {
      const value = work(tx)
      requireSynchronous(value)
      tx.requireWhole()
      return { value, made: tx.made }
    } catch (error) {
      throw isOfDisk(error) ? error : new Thrown(error)
    } finally {
      tx.isOpen = false
    }
  }
  try {
    const { value } = await session.file.writeOnce(run, ({ made }) => remember(session, made))
    return value
  } catch (error) {
    throw error instanceof Thrown ? error.thrown : error
  }
}

/** Whether SQLite says that the disk is full, or the file damaged: the store says so in its own words. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_(FULL|IOERR|CORRUPT)/.test(String(error.code))
}

/** What the caller's work threw: it is given back as it was, also where SQLite refused a statement of the caller. */
class Thrown extends Error {
  readonly thrown: unknown

  constructor(thrown: unknown) {
    super('The work of a transaction threw.')
    this.thrown = thrown
  }
}

/** A transaction while the work of its caller runs; refuses what comes later. */
class Transaction implements CallerTransaction {
  readonly made: Written[] = []
  isOpen = true
  /** Why it must be undone, also where the caller caught that. */
  #failure: unknown
  readonly #session: Session
  readonly #db: Database

  constructor(session: Session, db: Database) {
    this.#session = session
    this.#db = db
  }

  prepare(sql: string): CallerStatement {
    this.#requireOpen()
    const [word] = notTheCallers.exec(sql.replace(space, '')) ?? []
    if (word !== undefined)
      throw new QuillworkError(
        'OPTION_INVALID',
        `${word.toUpperCase()} cannot be used in a transaction of the store: it is committed when the work returns, and undone when the work throws.`,
      )
    const statement = this.#db.prepare(sql)
    // No iterator: one that is left open would hold up every other write.
    const within =
      <A extends unknown[], R>(call: (...values: A) => R) =>
      (...values: A): R => {
        this.#requireOpen()
        return call(...values)
      }
    return {
      run: within((...values) => statement.run(...values)),
      get: within((...values) => statement.get(...values)),
      all: within((...values) => statement.all(...values)),
    }
  }

  create(tasks: readonly NewTask[], limits: AdmissionLimits): Created[] {
    this.#requireOpen()
    try {
      const written = createEach(this.#session, tasks, limits)
      this.made.push(...written)
      return written.map(({ answer }) => answer)
    } catch (error) {
      // A part of the tasks may be written.
      this.#failure ??= error
      throw error
    }
  }

  /** Throws where it cannot be committed: a statement has ended it, such as `INSERT OR ROLLBACK`, or a task was not written whole. */
  requireWhole(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#db.inTransaction) return
    const message = 'A statement ended the transaction, so all of it was undone: nothing of it was written.'
    throw new QuillworkError('OPTION_INVALID', message)
  }

  #requireOpen(): void {
    if (!this.isOpen) {
      const message = 'The transaction has ended with the work that it was given to; begin another one.'
      throw new QuillworkError('OPTION_INVALID', message)
    }
    this.requireWhole()
  }
}

/** Throws OPTION_INVALID for a promise: what is awaited would come when the transaction has ended. */
function requireSynchronous(value: unknown): void {
  if (typeof (value as PromiseLike<unknown> | undefined | null)?.then !== 'function') return
  Promise.resolve(value).catch(() => undefined)
  const message =
    'The work of a transaction returned a promise, so it was undone. Await before the transaction, or after it: the file is held while it is open.'
  throw new QuillworkError('OPTION_INVALID', message)
}
