import { type ErrorCode, QuillworkError } from '../../task/errors.ts'

/** The log does not hold what was written to it. */
export class LogDamage extends Error {
  override readonly name = 'LogDamage'
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
  if (said === 'EDQUOT' || said === 'EFBIG') {
    const advice = 'raise it, the work goes on by itself'
    return error(
      'STORE_FULL',
      `${file} may not grow: a quota or a limit on file sizes is reached (${said}); ${advice}.`,
    )
  }
  if (cause instanceof LogDamage) {
    const advice =
      'The process has to end: at its start the file is read again, and what is lost runs again. Check the disk'
    return error('STORE_DAMAGED', `The disk lost a part of ${file}: ${cause.message}. ${advice}.`)
  }
  if (said === 'SQLITE_NOTADB' || said === 'SQLITE_CORRUPT') {
    const advice = 'restore it from a backup or name another file'
    return error('STORE_UNSUITABLE', `${file} is not a readable database; ${advice}.`)
  }
  const isOfSystem = cause instanceof Error && 'syscall' in cause
  if (!said.startsWith('SQLITE_') && !isOfSystem) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return error('STORE_FAILED', `The database could not do what it was asked: ${message}`)
}

/** Faults that tests and benchmarks cause on purpose; never set in production. */
export interface StoreFaults {
  /** Milliseconds that every sync of the log takes longer. */
  syncDelayMs?: number
  /** Runs within the transaction, before its commit. */
  beforeCommit?(): void
  /** Runs before each sync of the log; what it throws is how the sync fails. */
  beforeSync?(): void
  /** Runs after the sync, before a promise resolves. */
  afterCommit?(): void
}
