import { grace } from '../rate-limit/limiter.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { type Transition, turnCame } from '../task/transition.ts'
import type { Core } from './core.ts'

/** Milliseconds over which turns are gathered into one look at the store. */
const gatherMs = 20
/** Tasks per look. */
const perLook = 200

/** A ticket, and the key that called it. */
interface Called {
  ticket: string
  key: string
}

/**
 * A limit that has room earlier than it said calls the ticket whose turn has come, and once more one that stays away; a ticket is named after
 * its task. A task that snoozed meanwhile is made ready: without this it would come when it was told, and the room would stay empty until
 * then. Best effort. Returns an unsubscribe function.
 */
export function wakeOnTurn(core: Core): () => void {
  const called = new Map<string, Called>()
  let cancelTimer: (() => void) | undefined
  let isBusy = false
  let isStopped = false

  async function wake(): Promise<void> {
    cancelTimer = undefined
    isBusy = true
    const looked = [...called].slice(0, perLook)
    for (const [name] of looked) called.delete(name)
    try {
      await wakeTasks(
        core,
        looked.map(([, one]) => one),
      )
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
    called.set(`${ticket}\n${key}`, { ticket, key })
    later()
  })
  return () => {
    isStopped = true
    stopListening()
    cancelTimer?.()
  }
}

/** Wakes the tasks of these tickets; the places of those that will not come are given up. */
async function wakeTasks(core: Core, called: readonly Called[]): Promise<void> {
  const [records, paused] = await Promise.all([
    core.store.queries.get(called.map(({ ticket }) => ticket)),
    core.store.lanes.paused(),
  ])
  const now = core.store.tasks.now()
  const turns: Transition[] = []
  for (const [index, { ticket, key }] of called.entries()) {
    const record = records[index]
    if (record === undefined || staysAway(record, key, { paused, now })) giveUpPlace(core, key, ticket)
    if (record !== undefined && isSnoozed(record, key, now)) turns.push(turnCame(record, now))
  }
  if (turns.length > 0) await core.store.tasks.apply(turns)
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
 * Nobody comes for the place in time: the task has ended, waits for something else, or in a paused lane; then it queues anew once that goes
 * on.
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
