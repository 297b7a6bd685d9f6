import { type ErrorCode, QuillworkError } from '../../task/errors.ts'

/** The log could not be synced: nothing that was written since the last sync is promised. */
export class SyncFailure extends Error {
  override readonly name = 'SyncFailure'
}

/** The error of a store after `close`. */
export function closedError(): QuillworkError {
  return new QuillworkError('STORE_CLOSED', 'The store is closed; open it again to go on.')
}

/** Makes a coded error of what SQLite or the file system said. */
export function storeError(cause: unknown, file = 'the database file'): unknown {
  if (cause instanceof QuillworkError) return cause
  const said = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const error = (code: ErrorCode, message: string) => new QuillworkError(code, message, { cause })
  if (said.startsWith('SQLITE_BUSY') || said.startsWith('SQLITE_LOCKED'))
    return error('STORE_LOCKED', `Another process owns ${file}; stop it, or talk to its server instead.`)
  if (said === 'SQLITE_FULL' || said === 'ENOSPC')
    return error('STORE_FULL', `The disk of ${file} is full; make room, the work goes on by itself.`)
  if (said === 'SQLITE_NOTADB' || said === 'SQLITE_CORRUPT') {
    const advice = 'restore it from a backup or name another file'
    return error('STORE_UNSUITABLE', `${file} is not a readable database; ${advice}.`)
  }
  if (!said.startsWith('SQLITE_') && !(cause instanceof SyncFailure)) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return error('STORE_FAILED', `The database could not do what it was asked: ${message}`)
}

/** Faults that tests and benchmarks cause on purpose; never set in production. */
export interface StoreFaults {
  /** Milliseconds that every sync of the log takes longer. */
  syncDelayMs?: number
  /** Runs within the transaction, before its commit. */
  beforeCommit?(): void
  /** Runs after the sync, before a promise resolves. */
  afterCommit?(): void
}
