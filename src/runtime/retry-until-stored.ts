import type { Clock } from './clock.ts'

/** Milliseconds before the second try; each further wait is twice as long, up to the longest. */
const firstWaitMs = 100
const longestWaitMs = 5_000

/** How a write is repeated. */
export interface StoreRetry {
  clock: Pick<Clock, 'after'>
  /** Called with what the store threw, and how long the next try waits. Returns whether there is a next try. */
  again(error: unknown, waitMs: number): boolean
  /** What the store threw at a first try that was made elsewhere; default none was made. */
  failed?: unknown
}

/**
 * Writes until the store takes it: a store that is away for a while loses nothing. The write must recognise its earlier self, for one
 * that failed may have been executed. Returns what the store returned. Throws what it threw last where there is no further try.
 */
export async function retryUntilStored<T>(
  write: () => Promise<T>,
  { clock, again, failed }: StoreRetry,
): Promise<T> {
  let failure = failed
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      if (failure !== undefined) throw failure
      return await write()
    } catch (error) {
      if (!again(error, waitMs)) throw error
    }
    failure = undefined
    await new Promise<void>(resolve => clock.after(waitMs, resolve))
  }
}
