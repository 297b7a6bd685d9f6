import type { Clock } from './clock.ts'

/** Somebody waits for the time to be over, so the timer keeps the process alive. */
const waitedFor: Pick<Clock, 'after'> = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Waits for the work, but at most `ms` milliseconds. Returns what the work resolves to, or what `late` returns where the time was over
 * first; rejects with what the work rejects with, or `late` throws. Work that is late goes on, and how it ends is ignored.
 *
 * @param clock Default: the time of the system, by a timer that keeps the process alive.
 */
export async function atMost<T, L>(
  ms: number,
  work: Promise<T>,
  late: () => L,
  clock: Pick<Clock, 'after'> = waitedFor,
): Promise<T | L> {
  let cancelTimer: () => void = () => undefined
  const timeOver = new Promise<typeof isLate>(resolve => {
    cancelTimer = clock.after(ms, () => resolve(isLate))
  })
  try {
    const first = await Promise.race([work, timeOver])
    return first === isLate ? late() : first
  } finally {
    cancelTimer()
  }
}

const isLate = Symbol('late')
