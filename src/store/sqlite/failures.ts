import { QuillworkError } from '../../task/errors.ts'

/** The log could not be synced: nothing that was written since the last sync is promised. */
export class SyncFailure extends Error {
  override readonly name = 'SyncFailure'
}

/** The error of a store after `close`. */
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

/** Faults that tests and benchmarks cause on purpose; never set in production. */
export interface StoreFaults {
  /** Milliseconds that every sync of the log takes longer. */
  syncDelayMs?: number
  /** Runs within the transaction, before its commit. */
  beforeCommit?(): void
  /** Runs after the sync, before a promise resolves. */
  afterCommit?(): void
}
