/** The order in which a server stops: first the requests end, then the tasks, then the store that both need. */
import type { Duration } from '../index.ts'
import { atMost } from '../runtime/at-most.ts'
import { durationMs } from '../task/duration.ts'

/** Accepts no more requests, lets running attempts end within the grace time, closes the store. A second call with grace 0 stops at once. */
export type Stop = (options?: { grace?: Duration }) => Promise<void>

/** Time for requests that were accepted before the stop, and for the step that a loop of the server is in, milliseconds. */
export const drainMs = 5_000

/** What a server does to stop. */
interface StopSteps {
  /** Milliseconds for running attempts, where the call names none. */
  grace: number
  /** Accepts no more requests, and resolves when all have been answered. */
  drainRequests(): Promise<void>
  /** Drops the requests that have not been answered. */
  dropRequests(): void
  /** Begins no further step of the loops that use the store, and resolves when the running ones have ended. */
  stopLoops(): Promise<unknown>
  /** Lets running attempts end within a time, and closes the store. A second call with 0 ends them at once. */
  stopEngine(grace: number): Promise<void>
}

/**
 * Returns the stop of a server:
 *
 * - at once: no request is accepted, and no step of a loop begins; tasks still start;
 * - at most 5 s later, or the grace time where that is shorter: requests without an answer are dropped;
 * - at most 5 s later: a loop whose step still waits for the store is left to fail;
 * - then: no task starts, and running attempts have the grace time.
 *
 * A second call with grace 0 skips what is left of each.
 */
export function createStop(steps: StopSteps): Stop {
  let stopping: Promise<void> | undefined
  let grace = steps.grace
  let isEnding = false
  let hurry: () => void = () => undefined
  const hurried = new Promise<void>(resolve => {
    hurry = resolve
  })

  async function stopOnce(): Promise<void> {
    const timer = setTimeout(steps.dropRequests, Math.min(grace, drainMs))
    const loops = atMost(drainMs, Promise.race([steps.stopLoops(), hurried]), () => undefined)
    await Promise.all([steps.drainRequests(), loops])
    clearTimeout(timer)
    isEnding = true
    await steps.stopEngine(grace)
  }

  return async options => {
    grace = Math.min(grace, options?.grace === undefined ? grace : durationMs(options.grace, 'grace'))
    if (stopping !== undefined && grace === 0) {
      steps.dropRequests()
      hurry()
      if (isEnding) await steps.stopEngine(0)
    }
    stopping ??= stopOnce()
    await stopping
  }
}
