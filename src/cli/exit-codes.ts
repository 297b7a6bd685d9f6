import { type ErrorCode, QuillworkError } from '../index.ts'

/** Exit codes of the commands. Scripts rely on them. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const

/** What each exit code means, for the help and the reference. */
export const exitMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.ok, 'done'],
  [
    exitCodes.failed,
    'failed: a task failed or completed with errors, a task or file does not exist, or the doctor found something wrong',
  ],
  [exitCodes.usage, 'the command line or the configuration is invalid; nothing was done'],
  [
    exitCodes.unreachable,
    'the server does not answer or cannot start: another process owns the data directory or the port, or the store or the broker is unreachable',
  ],
  [exitCodes.interrupted, 'ended by Ctrl-C (143 by SIGTERM); `serve` ends with 0 after a clean stop'],
]

const byCode: Partial<Record<ErrorCode, number>> = {
  USAGE_INVALID: exitCodes.usage,
  CONFIG_INVALID: exitCodes.usage,
  OPTION_INVALID: exitCodes.usage,
  REQUEST_INVALID: exitCodes.usage,
  PARAMETERS_INVALID: exitCodes.usage,
  PARAMETERS_TOO_LARGE: exitCodes.usage,
  PROMPT_INVALID: exitCodes.usage,
  PAGE_TOKEN_INVALID: exitCodes.usage,
  TASK_TYPE_UNKNOWN: exitCodes.usage,
  LANE_UNKNOWN: exitCodes.usage,
  LANE_NOT_FOUND: exitCodes.usage,
  SCHEDULE_NOT_FOUND: exitCodes.usage,
  SCHEDULE_INVALID: exitCodes.usage,
  LIMIT_UNKNOWN: exitCodes.usage,
  LIMIT_NOT_FOUND: exitCodes.usage,
  ENCODING_UNKNOWN: exitCodes.usage,
  ENCODING_FIXED: exitCodes.usage,
  SERVER_UNREACHABLE: exitCodes.unreachable,
  STORE_LOCKED: exitCodes.unreachable,
  STORE_FAILED: exitCodes.unreachable,
  BROKER_UNREACHABLE: exitCodes.unreachable,
}

/** Returns the exit code for an error. */
export function exitCodeOf(error: QuillworkError): number {
  return byCode[error.code] ?? exitCodes.failed
}

/** Returns the error for a command line that cannot be carried out. */
export function usageError(message: string): QuillworkError {
  return new QuillworkError('USAGE_INVALID', message)
}

/** Returns any error as one with a code, so that no stack is printed. */
export function codedError(error: unknown): QuillworkError {
  if (error instanceof QuillworkError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new QuillworkError('INTERNAL', message || 'Something unexpected happened.', { cause: error })
}
