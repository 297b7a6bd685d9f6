/** Wakes tasks that wait for a limit, once it has capacity again. The write that makes them due is in the store, so any process runs them. */
import { grace } from '../rate-limit/limiter.ts'
import { gatherMs, WakeLoop } from '../runtime/wake-loop.ts'
import { everyPage, type PageRequest } from '../task/page.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { dueEarly } from '../task/transition.ts'
import type { Core } from './core.ts'

/** A ticket, which is named after its task, and the key that may grant it. */
interface Ready {
  ticket: string
  key: string
}

/**
 * Wakes snoozed tasks early when their rate limit frees capacity: without this they would come at the time that they were promised, and the
 * capacity would stay unused until then. Returns an unsubscribe function.
 */
export function wakeOnCapacity(core: Core): () => void {
  const loop = new WakeLoop<Ready>({
    clock: core.clock,
    wake: ready => wakeTasks(core, ready),
    onError: error =>
      core.log.warn(
        { err: error },
        'waking tasks under a limit failed; they come at the time they were promised',
      ),
  })
  const stopListening = core.limiter.onCapacity((key, ticket) => {
    // A second place of a task has a name of its own, and belongs to an attempt that waits for it; so has that of a search.
    if (core.running.has(ticket) || ticket.includes('/')) return
    loop.soon('limits', `${ticket}\n${key}`, { ticket, key }, gatherMs)
  })
  return () => {
    stopListening()
    loop.cancel()
  }
}

/** Waiting tasks that are read at once. */
const perPage = 500

/** Milliseconds until tasks try to rejoin their limits again, when the store failed. */
const rejoinAgainMs = 30_000

/**
 * Gives tasks that wait for a limit their places again, and the times that belong to them. What each was told is a promise of a limiter that may be
 * gone, under a limit that may have changed: none waits longer than it has to now. `only`: those of one key.
 */
export async function rejoinLimits(core: Core, only?: string): Promise<void> {
  const { clock, log, store } = core
  const list = (page: PageRequest) =>
    store.queries.list({ status: ['RETRYING'] }, { ...page, order: 'oldest' })
  const failures: unknown[] = []
  try {
    for await (const records of everyPage(perPage, list)) {
      if (core.stopping) return
      failures.push(...(await rejoin(core, records, only)))
    }
    if (failures.length > 0) throw failures[0]
  } catch (error) {
    if (core.stopping) return
    log.warn({ err: error }, 'waiting tasks did not rejoin their limits; will retry')
    clock.after(rejoinAgainMs, () => void rejoinLimits(core, only))
  }
}

/** Returns why some did not rejoin; it keeps none of the others waiting. */
async function rejoin(
  { limiter, store }: Core,
  records: readonly TaskRecord[],
  only: string | undefined,
): Promise<unknown[]> {
  const now = store.tasks.now()
  const rejoined = await Promise.allSettled(
    records.map(async record => {
      const { limit: key, limitCost: cost = 0 } = record.errorInfo ?? {}
      if (key === undefined || (only ?? key) !== key || !isSnoozed(record, key, now)) return []
      const until = await limiter.keepPlace({ ...askerOf(record), key, cost })
      return until < (record.nextAttemptTimestamp ?? 0) ? [dueEarly(record, now, until)] : []
    }),
  )
  const moved = rejoined.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
  if (moved.length > 0) await store.tasks.apply(moved)
  return rejoined.flatMap(each => (each.status === 'rejected' ? [each.reason] : []))
}

/** Returns how a task asks a limiter: under its own name, in turn with those of other users and lanes. */
export function askerOf({ id, userId, lane, priority }: TaskRecord) {
  return { ticket: id, flow: `${lane}\n${userId}`, priority }
}

/** Returns the task whose ticket this may be: a second place of a task is named after it, and a search is none. */
export function taskIdOf(ticket: string): string {
  return ticket.split('/')[0] ?? ''
}

/** Wakes the tasks of these tickets; the places of those that will not come are given up. */
async function wakeTasks(core: Core, ready: readonly Ready[]): Promise<void> {
  const [records, paused] = await Promise.all([
    core.store.queries.get(ready.map(({ ticket }) => ticket)),
    core.store.lanes.paused(),
  ])
  const now = core.store.tasks.now()
  const woken: TaskRecord[] = []
  for (const [index, { ticket, key }] of ready.entries()) {
    const record = records[index]
    if (record === undefined || staysAway(record, key, { paused, now })) void giveUpPlace(core, key, ticket)
    if (record !== undefined && isSnoozed(record, key, now)) woken.push(record)
  }
  if (woken.length > 0) await core.store.tasks.apply(woken.map(record => dueEarly(record, now)))
}

/** Best effort, and nobody waits for it: a place that is not given up is lost 30 seconds after its promised time. */
export async function giveUpPlace({ limiter, log }: Core, key: string, ticket: string): Promise<void> {
  try {
    await limiter.withdraw(key, ticket)
  } catch (error) {
    log.warn({ err: error, taskId: ticket }, 'giving up a place under a limit failed; it expires')
  }
}

/** Best effort, and nobody waits for it: where it fails, the next call under the limit is refused by its provider too. */
export async function parkLimit({ limiter, log }: Core, key: string, until: number): Promise<void> {
  try {
    await limiter.park(key, until)
  } catch (error) {
    log.warn({ err: error, limit: key }, 'rate limit park failed')
  }
}

/**
 * Returns whether the task will not come for its place in time: it has ended, waits for something else, or in a paused lane; then it queues
 * anew once the lane is resumed.
 */
function staysAway(
  { status, lane, errorInfo, nextAttemptTimestamp = 0 }: TaskRecord,
  key: string,
  { paused, now }: { paused: ReadonlySet<string>; now: number },
): boolean {
  if (hasEnded(status)) return true
  if (status === 'RUNNING') return false
  return paused.has(lane) || (errorInfo?.limit !== key && nextAttemptTimestamp > now + grace)
}

function isSnoozed(
  { status, errorInfo, nextAttemptTimestamp = 0 }: TaskRecord,
  key: string,
  now: number,
): boolean {
  return status === 'RETRYING' && errorInfo?.limit === key && nextAttemptTimestamp > now
}
