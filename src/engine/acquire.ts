import type { Permit } from '../task/definition.ts'
import { QuillworkError, SnoozeError } from '../task/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'

/** The longest wait in a worker slot, in milliseconds; a longer one becomes a snooze, and the slot is free. */
const longestWaitMs = 2_000

/** Waits for a place under a limit, for two seconds at most; then the attempt ends and the task comes back when it is its turn. */
export async function acquirePermit(
  core: Core,
  attempt: Attempt,
  ask: { key: string; cost: number },
): Promise<Permit> {
  const giveUpAt = core.clock.monotonic() + longestWaitMs
  for (;;) {
    if (attempt.interruption !== undefined) {
      throw new QuillworkError(
        'ATTEMPT_STALE',
        `The attempt was interrupted (${attempt.interruption}) while it waited for ${ask.key}.`,
      )
    }
    const answer = await core.limiter.acquire({ ...ask, ticket: attempt.record.id })
    if (answer.granted) return answer.reservation
    const waitMs = Math.max(1, answer.until - core.clock.now())
    if (core.clock.monotonic() + waitMs > giveUpAt) {
      throw new SnoozeError(
        core.store.tasks.now() + waitMs,
        `The limit ${ask.key} allows the next call in ${Math.ceil(waitMs / 1_000)} s.`,
      )
    }
    await new Promise<void>(resolve => {
      const cancelTimer = core.clock.after(waitMs, resolve)
      attempt.signal.addEventListener(
        'abort',
        () => {
          cancelTimer()
          resolve()
        },
        { once: true },
      )
    })
  }
}
