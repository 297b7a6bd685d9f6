import { type ErrorCode, QuillworkError } from '../index.ts'

/** What a command answers to the shell. Scripts rely on these. */
export const exitCodes = {
  /** What was asked for was done. */
  ok: 0,
  /** It was not: the task failed, there is no such task, the file cannot be read, the doctor found something wrong. */
  failed: 1,
  /** The command line or the configuration cannot be used; nothing was done. */
  usage: 2,
  /** The server does not answer or cannot be started: the data directory or the address is another process's. */
  unreachable: 3,
  /** Ended by Ctrl-C. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const

const byCode: Partial<Record<ErrorCode, number>> = {
  USAGE_INVALID: exitCodes.usage,
  CONFIG_INVALID: exitCodes.usage,
  OPTION_INVALID: exitCodes.usage,
  REQUEST_INVALID: exitCodes.usage,
  SERVER_UNREACHABLE: exitCodes.unreachable,
  STORE_LOCKED: exitCodes.unreachable,
}

/** The exit code for an error. */
export function exitCodeOf(error: QuillworkError): number {
  return byCode[error.code] ?? exitCodes.failed
}

/** Any error as one with a code, so that nobody sees a stack. */
export function codedError(error: unknown): QuillworkError {
  if (error instanceof QuillworkError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new QuillworkError('INTERNAL', message || 'Something unexpected happened.', { cause: error })
}
