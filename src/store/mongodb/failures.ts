/** Operations on their way to the server: each has a deadline, and one whose outcome is unknown is sent again. What callers get of a failure. */
import { MongoBulkWriteError, MongoError, MongoServerError, type WriteError } from 'mongodb'
import { atMost } from '../../runtime/at-most.ts'
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

/**
 * Returns whether the operation may or may not have been executed: the connection broke, the answer did not come in time, or the server stepped
 * down meanwhile. Such an operation is sent again, for every write recognises its own earlier self.
 */
function isUnknownOutcome(error: unknown): boolean {
  if (error instanceof UnknownOutcome) return true
  if (!(error instanceof MongoError)) return false
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError'))
    return true
  return networkErrors.has(error.name)
}

const networkErrors = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoServerClosedError',
])

/** Our own deadline passed, or a fault was caused on purpose: the operation may have been executed. */
export class UnknownOutcome extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnknownOutcome'
  }
}

/** Returns the error that a caller of the store gets; of a write among many, what the server said of it. */
export function storeError(error: unknown, operation: string): QuillworkError {
  if (error instanceof QuillworkError) return error
  const cause = causeOf(error)
  if ((error instanceof MongoServerError || isWriteError(error)) && error.code === outOfDisk)
    return new QuillworkError('STORE_FULL', 'The disk of the database is full.', { cause })
  return new QuillworkError('STORE_FAILED', `The database could not do "${operation}": ${cause.message}`, {
    cause,
  })
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
const firstWaitMs = 50

/** Sends operations. */
export interface Sender {
  /** As `SharedDatabase.run`. `deadlineMs`: of each send, where another one than usual is meant. */
  run<T>(operation: string, work: () => Promise<T>, options?: { deadlineMs: number }): Promise<T>
  /** As `SharedDatabase.wait`. */
  wait(ms: number): Promise<void>
  /** Operations on their way now, and waits. */
  readonly inFlight: number
  /** From now on every operation fails with STORE_CLOSED. */
  close(): void
}

/** @param usualMs Milliseconds that one send may take. */
export function createSender(usualMs: number, faults: StoreFaults | undefined): Sender {
  let closed = false
  let inFlight = 0

  async function once<T>(operation: string, work: () => Promise<T>, deadlineMs: number): Promise<T> {
    await faults?.before?.(operation)
    // The driver has no deadline of its own for an operation whose connection hangs.
    const answer = await atMost(deadlineMs, work(), () => {
      throw new UnknownOutcome(`no answer to "${operation}" within ${deadlineMs} ms`)
    })
    await faults?.after?.(operation)
    return answer
  }

  async function runAgain<T>(operation: string, work: () => Promise<T>, deadlineMs: number): Promise<T> {
    for (let sends = 1, waitMs = firstWaitMs; ; sends += 1, waitMs *= 2) {
      if (closed) throw closedError()
      try {
        return await once(operation, work, deadlineMs)
      } catch (error) {
        if (closed) throw closedError()
        if (sends >= mostSends || !isUnknownOutcome(error)) throw storeError(error, operation)
        await new Promise(resolve => setTimeout(resolve, waitMs))
      }
    }
  }

  return {
    async run(operation, work, { deadlineMs } = { deadlineMs: usualMs }) {
      inFlight += 1
      try {
        return await runAgain(operation, work, deadlineMs)
      } finally {
        inFlight -= 1
      }
    },
    async wait(ms) {
      inFlight += 1
      await new Promise(resolve => setTimeout(resolve, ms))
      inFlight -= 1
    },
    get inFlight() {
      return inFlight
    },
    close() {
      closed = true
    },
  }
}
