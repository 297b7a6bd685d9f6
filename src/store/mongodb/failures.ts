/** Operations on their way to the server: each has a deadline, and one whose outcome is unknown is sent again. What callers get of a failure. */
import {
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoError,
  MongoServerError,
  type WriteError,
} from 'mongodb'
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
function isUnknownOutcome(thrown: unknown): boolean {
  if (thrown instanceof UnknownOutcome) return true
  const error = ofWhole(thrown)
  if (!(error instanceof MongoError)) return false
  if (error instanceof MongoServerError && unknownOutcomes.has(Number(error.code))) return true
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError'))
    return true
  return networkErrors.has(error.name)
}

/**
 * Codes of answers that leave the outcome open: another process took this one for gone, and ended its transaction (Interrupted); and those of
 * a server that is no primary, or stops being one. Of a read the driver gives them no label.
 */
const unknownOutcomes = new Set([11_601, 91, 189, 10_107, 11_600, 11_602, 13_435, 13_436])

const noServer = 'MongoServerSelectionError'

const networkErrors = new Set([
  // There is no primary for now, or no connection was free: not executed.
  noServer,
  'MongoWaitQueueTimeoutError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoServerClosedError',
])

/** A write of many wraps what the whole of it met, such as a missing primary, in an error without its name and labels. Returns that. */
function ofWhole(error: unknown): unknown {
  return error instanceof MongoBulkWriteError && error.errorResponse instanceof MongoError
    ? error.errorResponse
    : error
}

/** Whether no server was found that takes the operation. */
function isUnreachable(thrown: unknown): boolean {
  const error = ofWhole(thrown)
  return error instanceof MongoError && error.name === noServer
}

/** Our own deadline passed, the server ended a write by its time limit, or a fault was caused on purpose: it may have been executed. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome'
}

/** Returns the error that a caller of the store gets; of a write among many, what the server said of it. */
export function storeError(error: unknown, operation: string): QuillworkError {
  if (error instanceof QuillworkError) return error
  const cause = causeOf(error)
  if ((error instanceof MongoServerError || isWriteError(error)) && error.code === outOfDisk)
    return new QuillworkError('STORE_FULL', 'The disk of the database is full.', { cause })
  if (isTimedOut(error)) return timedOut(operation, cause)
  const message = `The database could not do "${operation}": ${cause.message}`
  const isTooLarge = error instanceof MongoServerError && error.code === tooLargeForCache
  return new QuillworkError(isTooLarge ? 'TRANSACTION_TOO_LARGE' : 'STORE_FAILED', message, { cause })
}

/** Code of MongoDB's MaxTimeMSExpired. */
const maxTimeExpired = 50

function isTimedOut(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === maxTimeExpired
}

function timedOut(operation: string, cause: Error): QuillworkError {
  const message = `The database ended "${operation}", which took too long: it had to read too much. Narrow the filter, or ask for less.`
  return new QuillworkError('QUERY_TIMED_OUT', message, { cause })
}

/** Where the options stand among the arguments of an operation. */
const reads = { find: 1, findOne: 1, aggregate: 1, countDocuments: 1 } as const
const writes = {
  insertOne: 1,
  insertMany: 1,
  bulkWrite: 1,
  deleteOne: 1,
  deleteMany: 1,
  updateOne: 2,
  updateMany: 2,
  replaceOne: 2,
  findOneAndUpdate: 2,
} as const
const places: ReadonlyMap<PropertyKey, number> = new Map(Object.entries({ ...reads, ...writes }))

/**
 * Returns the collection, each of whose operations the server ends after so many milliseconds: none goes on there when nobody waits for it
 * any more. A read that was ended is the caller's to narrow; of a write some may have been done, so it is one of unknown outcome.
 */
export function withTimeLimit<T extends Document>(
  collection: Collection<T>,
  maxTimeMS: number,
): Collection<T> {
  return new Proxy(collection, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const place = places.get(name)
      if (place === undefined) return member.bind(target)
      return (...given: unknown[]) => {
        given[place] = { maxTimeMS, ...(given[place] as object | undefined) }
        const answer: unknown = member.apply(target, given)
        return Object.hasOwn(writes, name) ? withOpenEnd(answer as Promise<unknown>) : answer
      }
    },
  })
}

async function withOpenEnd(write: Promise<unknown>): Promise<unknown> {
  try {
    return await write
  } catch (error) {
    if (isTimedOut(error)) throw new UnknownOutcome(`the server ended the write: ${causeOf(error).message}`)
    throw error
  }
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

/**
 * Returns the milliseconds after which the server ends an operation, of those that one send may take: the other half is for finding a primary
 * and a free connection before it is sent.
 */
export function timeLimitOf(deadlineMs: number): number {
  return Math.ceil(deadlineMs / 2)
}

/** How long an operation is sent, and sent again; default as all are. */
export interface SendLimits {
  /** Milliseconds of each send. */
  deadlineMs?: number
  /** Whether it waits for a server that is no longer, or not yet, to be found. Default true. */
  waitsForServer?: boolean
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
    /** As `SharedDatabase.run`. An election is waited out: each send waits for a primary for half of its time. */
    async run<T>(
      operation: string,
      work: () => Promise<T>,
      { deadlineMs = usualMs, waitsForServer = true }: SendLimits = {},
    ): Promise<T> {
      inFlight += 1
      let sent = 0
      let last: Promise<unknown> = Promise.resolve()
      const send = async () => {
        // What has not answered may still run: the server ends it within this time.
        await atMost(timeLimitOf(deadlineMs), last, () => undefined)
        return once(
          operation,
          () => {
            const answer = work()
            last = answer.catch(() => undefined)
            return answer
          },
          deadlineMs,
        )
      }
      const again = (error: unknown) =>
        ++sent < mostSends && !closed && isUnknownOutcome(error) && (waitsForServer || !isUnreachable(error))
      try {
        return await retryUntilStored(send, { clock, again })
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
