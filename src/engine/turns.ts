import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { turnCame } from '../task/transition.ts'
import type { Core } from './core.ts'

/** Milliseconds over which turns are gathered into one look at the store. */
const gatherMs = 20
/** Tasks per look. */
const perLook = 200

/**
 * A limit that has room earlier than it said calls the ticket whose turn has come, and once more one that stays away; a ticket is named after
 * its task. A task that snoozed meanwhile is made ready: without this it would come when it was told, and the room would stay empty until
 * then. Best effort. Answers how to stop.
 */
export function wakeOnTurn(core: Core): () => void {
  /** The keys of the tickets that were called. */
  const called = new Map<string, string>()
  let cancelTimer: (() => void) | undefined
  let isBusy = false
  let isStopped = false

  async function wake(): Promise<void> {
    cancelTimer = undefined
    isBusy = true
    const looked = [...called].slice(0, perLook)
    for (const [id] of looked) called.delete(id)
    try {
      await wakeTasks(core, looked)
    } catch (error) {
      core.log.warn(
        { err: error },
        'tasks whose turn came could not be woken; they come at the time they were told',
      )
    }
    isBusy = false
    if (called.size > 0) later()
  }

  function later(): void {
    if (!isBusy && !isStopped) cancelTimer ??= core.clock.after(gatherMs, () => void wake())
  }

  const stopListening = core.limiter.onTurn((key, ticket) => {
    // A second place of a task has a name of its own, and belongs to an attempt that waits for it; so has that of a search.
    if (core.running.has(ticket) || ticket.includes('/')) return
    called.set(ticket, key)
    later()
  })
  return () => {
    isStopped = true
    stopListening()
    cancelTimer?.()
  }
}

/** Wakes the tasks of these tickets, each with its key; the places of those that will not come are given up. */
async function wakeTasks(core: Core, tickets: readonly (readonly [string, string])[]): Promise<void> {
  const [records, paused] = await Promise.all([
    core.store.queries.get(tickets.map(([id]) => id)),
    core.store.lanes.paused(),
  ])
  const now = core.store.tasks.now()
  const snoozed = records.filter(record => record !== undefined && isSnoozed(record, now)) as TaskRecord[]
  if (snoozed.length > 0) await core.store.tasks.apply(snoozed.map(record => turnCame(record, now)))
  for (const [index, [id, key]] of tickets.entries())
    if (staysAway(records[index], { key, paused })) giveUpPlace(core, key, id)
}

/** Best effort, and nobody waits for it: a place that is not given up is lost 30 seconds after its time. */
export function giveUpPlace(core: Core, key: string, ticket: string): void {
  core.limiter
    .withdraw(key, ticket)
    .catch(error =>
      core.log.warn({ err: error, taskId: ticket }, 'a place under a limit could not be given up'),
    )
}

/**
 * Nobody comes for the place: the task is not there any more, has ended, waits for something else, or in a paused lane; then it queues anew
 * once that goes on.
 */
function staysAway(
  record: TaskRecord | undefined,
  { key, paused }: { key: string; paused: ReadonlySet<string> },
): boolean {
  if (record === undefined || hasEnded(record.status)) return true
  if (record.status === 'RUNNING') return false
  return paused.has(record.lane) || record.errorInfo?.limit !== key
}

function isSnoozed(record: TaskRecord, now: number): boolean {
  return (
    record.status === 'RETRYING' &&
    record.errorInfo?.code === 'RATE_LIMITED' &&
    (record.nextAttemptTimestamp ?? 0) > now
  )
}
