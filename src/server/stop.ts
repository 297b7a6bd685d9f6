import type { Duration } from '../index.ts'
import { durationMs } from '../task/duration.ts'

/** Takes no more requests, lets running attempts end within the grace time, closes the store. A second call with grace 0 hurries the first. */
export type Stop = (options?: { grace?: Duration }) => Promise<void>

/** Requests that were taken before the stop have this long to be answered. */
const answerMs = 5_000

/** What a stop consists of. */
export interface StopSteps {
  grace: number
  /** Takes nothing new; resolves when every request that was taken is answered. */
  quiet(): Promise<void>
  /** Drops the requests that are not. */
  hangUp(): void
  /** Lets running attempts end; called again with 0, at once. */
  end(grace: number): Promise<void>
}

/** The stop of a server: first the requests, then the tasks, then the store that both need. Whoever hurries, hurries what runs. */
export function createStop(steps: StopSteps): Stop {
  let stopping: Promise<void> | undefined
  let grace = steps.grace
  let isEnding = false

  async function stopOnce(): Promise<void> {
    const timer = setTimeout(steps.hangUp, Math.min(grace, answerMs))
    await steps.quiet()
    clearTimeout(timer)
    isEnding = true
    await steps.end(grace)
  }

  return async options => {
    grace = Math.min(grace, options?.grace === undefined ? grace : durationMs(options.grace, 'grace'))
    if (stopping !== undefined && grace === 0) {
      steps.hangUp()
      if (isEnding) await steps.end(0)
    }
    stopping ??= stopOnce()
    await stopping
  }
}
