/** Operations on their way to the server: each has a deadline, and one whose outcome is unknown is sent again. What callers get of a failure. */
import { MongoBulkWriteError, MongoError, MongoServerError, type WriteError } from 'mongodb'
import { atMost } from '../../runtime/at-most.ts'
import { retryUntilStored } from '../../runtime/retry-until-stored.ts'
import { QuillworkError } from '../../task/errors.ts'
import { duplicateKey, isDuplicateKey } from './indexes.ts'

/** Waits for an unordered write of many documents; those that were there already, by an earlier send of the same, are no failure. */
export async function ignoreDuplicates(write: Promise<unknown>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    if (!(error instanceof MongoBulkWriteError)) return
    const isOther = [error.writeErrors].flat().some(({ code }) => code !== duplicateKey)
    if (isOther || error.result.getWriteConcernError() !== undefined) throw error
  }
}

/** Returns what an unordered write of many could not make, and how many it matched. Throws an error that is of the whole. */
export function writeErrorsOf(error: unknown): { matched: number; failed: readonly WriteError[] } {
  if (!(error instanceof MongoBulkWriteError)) throw error
  const failed = [error.writeErrors].flat()
  if (failed.length === 0) throw error
  return { matched: error.result.matchedCount, failed }
}

/**
 * Returns whether the operation may or may not have been executed: the connection broke, the answer did not come in time, or the server stepped
 * down meanwhile. Such an operation is sent again, for every write recognises its own earlier self.
 */
function isUnknownOutcome(error: unknown): boolean {
  if (error instanceof UnknownOutcome) return true
  if (!(error instanceof MongoError)) return false
  // Another process took this one for gone, and ended its transaction.
  if (error instanceof MongoServerError && error.code === interrupted) return true
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError'))
    return true
  return networkErrors.has(error.name)
}

/** Code of MongoDB's Interrupted. */
const interrupted = 11_601

const networkErrors = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoServerClosedError',
])

/** Our own deadline passed, or a fault was caused on purpose: the operation may have been executed. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome'
}

/** Returns the error that a caller of the store gets; of a write among many, what the server said of it. */
export function storeError(error: unknown, operation: string): QuillworkError {
  if (error instanceof QuillworkError) return error
  const cause = causeOf(error)
  if ((error instanceof MongoServerError || isWriteError(error)) && error.code === outOfDisk)
    return new QuillworkError('STORE_FULL', 'The disk of the database is full.', { cause })
  const message = `The database could not do "${operation}": ${cause.message}`
  const isTooLarge = error instanceof MongoServerError && error.code === tooLargeForCache
  return new QuillworkError(isTooLarge ? 'TRANSACTION_TOO_LARGE' : 'STORE_FAILED', message, { cause })
}

function causeOf(error: unknown): Error {
  if (error instanceof Error) return error
  return new Error(isWriteError(error) ? (error.errmsg ?? 'no reason given') : String(error))
}

/** What the driver returns for one write among many: not an error, and of a class that it does not export. */
function isWriteError(error: unknown): error is Pick<WriteError, 'code' | 'errmsg'> {
  return typeof error === 'object' && error !== null && 'code' in error && 'errmsg' in error
}

/** Code of MongoDB's OutOfDiskSpace. */
const outOfDisk = 14_031
/** Code of MongoDB's TransactionTooLargeForCache: a part of the server's cache is what a transaction may write. */
const tooLargeForCache = 313

/** Returns the error of a store that was closed. */
export function closedError(): QuillworkError {
  return new QuillworkError('STORE_CLOSED', 'The store is closed.')
}

/** Faults that tests cause on purpose; never set in production. */
export interface StoreFaults {
  /** Runs before each operation is sent. May throw, or wait. `operation` is the name that the adapter gives it, such as `claim`. */
  before?(operation: string): Promise<void> | void
  /** Runs after each operation was executed, before its caller gets the answer. May throw: the operation was executed, its caller does not know. */
  after?(operation: string): Promise<void> | void
}

/** Sends of one operation whose outcome is unknown. */
const mostSends = 4

/** Somebody waits for the next send, so the timer keeps the process alive. */
const clock = {
  after(ms: number, callback: () => void) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** Sends operations. @param usualMs Milliseconds that one send may take. */
export function createSender(usualMs: number, faults: StoreFaults | undefined) {
  let closed = false
  let inFlight = 0

  async function once<T>(operation: string, work: () => Promise<T>, deadlineMs: number): Promise<T> {
    if (closed) throw closedError()
    await faults?.before?.(operation)
    // The driver has no deadline of its own for an operation whose connection hangs.
    const answer = await atMost(deadlineMs, work(), () => {
      throw new UnknownOutcome(`no answer to "${operation}" within ${deadlineMs} ms`)
    })
    await faults?.after?.(operation)
    return answer
  }

  return {
    /** As `SharedDatabase.run`. `deadlineMs`: of each send, where another one than usual is meant. */
    async run<T>(operation: string, work: () => Promise<T>, deadlineMs = usualMs): Promise<T> {
      inFlight += 1
      let sends = 0
      const again = (error: unknown) => ++sends < mostSends && !closed && isUnknownOutcome(error)
      try {
        return await retryUntilStored(() => once(operation, work, deadlineMs), { clock, again })
      } catch (error) {
        throw closed ? closedError() : storeError(error, operation)
      } finally {
        inFlight -= 1
      }
    },
    /** As `SharedDatabase.wait`. */
    async wait(ms: number): Promise<void> {
      inFlight += 1
      await new Promise(resolve => setTimeout(resolve, ms))
      inFlight -= 1
    },
    /** Operations on their way now, and waits. */
    get inFlight() {
      return inFlight
    },
    /** From now on every operation fails with STORE_CLOSED. */
    close() {
      closed = true
    },
  }
}
