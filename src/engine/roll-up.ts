import { type Loop, startLoop } from '../runtime/loop.ts'
import type { UsagePlace } from '../store/store.ts'
import { startOfDay } from '../task/duration.ts'
import type { Core } from './core.ts'

/** Rows that one write of the store takes: some milliseconds on SQLite, where each is in six indexes. */
const perWrite = 100
/** Such writes at a time, so that a large backlog of old calls is spread. */
const mostWrites = 100

/**
 * Starts the loop that has old model calls summed by day, and deletes sums that are older than they are kept. Both change with the day
 * alone: once it has gone over all of them, it asks nothing of the store until the next day. It is no step of the sweep, because it waits for
 * reports that are being read.
 */
export function startRollUp(core: Core): Loop {
  const { clock, log, settings, store } = core
  const { callsMs, daysMs } = settings.usageRetention
  let rolledUpUntil = Number.NEGATIVE_INFINITY
  let expiredUntil = Number.NEGATIVE_INFINITY
  /** Where the walk over the old calls goes on. */
  let from: UsagePlace | undefined

  async function rollUp(before: number): Promise<void> {
    from = await store.usage.rollUp({ before, from, limit: perWrite })
    if (from === undefined) rolledUpUntil = before
  }

  async function expire(before: number): Promise<void> {
    if ((await store.usage.expire(before, perWrite)) < perWrite) expiredUntil = before
  }

  async function step(): Promise<undefined> {
    const now = store.tasks.now()
    const [calls, days] = [startOfDay(now - callsMs), startOfDay(now - daysMs)]
    for (let writes = 0; writes < mostWrites && !core.stopping; writes++) {
      if (calls > rolledUpUntil) await rollUp(calls)
      else if (days > expiredUntil) await expire(days)
      else return
    }
  }

  return startLoop({
    clock,
    everyMs: settings.sweepIntervalMs,
    step: () =>
      step().catch(err => {
        log.error({ err }, 'summing usage by day failed; will retry')
        return undefined
      }),
  })
}
