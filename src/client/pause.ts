import { ApiError } from './errors.ts'

/** Resolves after that time. Rejects with the reason of the signal. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const aborted = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }, ms)
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Milliseconds before the next try, after so many that failed: half a second, doubled, at most 15 s; the answer may say more. */
export function backoff(failures: number, error?: unknown): number {
  const own = Math.min(15_000, 250 * 2 ** failures) * (0.75 + Math.random() / 2)
  return Math.max(own, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0)
}

/** Returns whether a request that failed so may succeed later. */
export function isTransient(error: unknown): boolean {
  return error instanceof ApiError && error.isRetryable
}

/** Tries a request that may be sent again up to `tries` times while its error says that it may succeed later. */
export async function retried<T>(
  tries: number,
  request: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await request()
    } catch (error) {
      if (failures >= tries || !isTransient(error)) throw error
      await pause(backoff(failures, error), signal)
    }
  }
}
