import { errorCatalogue, QuillworkError } from '../task/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000

/** Whether a store that failed like this will not do better later. */
export function isHopeless(error: unknown): boolean {
  return (
    error instanceof QuillworkError &&
    (error.code === 'STORE_CLOSED' || !errorCatalogue[error.code].retryable)
  )
}

/** Milliseconds for which what was paid is told on after its attempt was interrupted: a database may be electing its primary. */
export const paidLateMs = 60_000

/**
 * Writes what an attempt has done and maybe paid for: a store that is away for a while does not lose it. The write must recognise its
 * earlier self. Throws what cannot be helped, and, once the attempt was interrupted for `lateMs` milliseconds, what the store threw last.
 */
export async function persist<T>(
  core: Core,
  attempt: Attempt,
  write: () => Promise<T>,
  { lateMs = 0 } = {},
): Promise<T> {
  let late: number | undefined
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await write()
    } catch (error) {
      if (attempt.interruption !== undefined) late ??= core.clock.monotonic() + lateMs
      if (isHopeless(error) || (late !== undefined && core.clock.monotonic() >= late)) throw error
      core.log.warn(
        { err: error, taskId: attempt.record.id, waitMs },
        'what an attempt has done could not be written; trying again',
      )
      await new Promise<void>(resolve => core.clock.after(waitMs, resolve))
    }
  }
}
