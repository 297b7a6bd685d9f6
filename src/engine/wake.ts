/**
 * Wakes tasks that wait for what is shared out, once there is capacity again: under a limit or under a budget. The write that makes them due
 * is in the store, so any process runs them. Best effort: a task that is not woken comes at its own time.
 */
import { grace } from '../rate-limit/limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { turnCame } from '../task/transition.ts'
import type { Core } from './core.ts'

/** Milliseconds over which freed capacity is gathered into one check of the store. */
export const gatherMs = 20
/** Tasks per check. */
export const perCheck = 200

/** How a loop wakes. */
export interface WakeOptions<Item> {
  clock: Pick<Clock, 'after'>
  /** Checks who may be woken, and makes them due. */
  wake(items: readonly Item[]): Promise<void>
  onError(error: unknown, items: readonly Item[]): void
}

/** What is gathered for one group. */
interface Group<Item> {
  items: Map<string, Item>
  cancelTimer?: (() => void) | undefined
  running?: Promise<void> | undefined
}

/** Gathers what may be woken, and wakes it a moment later, group by group. */
export class WakeLoop<Item> {
  readonly #options: WakeOptions<Item>
  readonly #groups = new Map<string, Group<Item>>()
  #isStopped = false

  constructor(options: WakeOptions<Item>) {
    this.#options = options
  }

  /** Wakes the item after `afterMs` milliseconds, together with those of its group that are named meanwhile; each name once. */
  soon(group: string, name: string, item: Item, afterMs: number): void {
    if (this.#isStopped) return
    const gathered = this.#groups.get(group) ?? { items: new Map() }
    this.#groups.set(group, gathered)
    gathered.items.set(name, item)
    this.#plan(group, gathered, afterMs)
  }

  /** Forgets what was gathered, and gathers nothing more. */
  cancel(): void {
    this.#isStopped = true
    for (const { cancelTimer } of this.#groups.values()) cancelTimer?.()
  }

  /** Wakes at once what was gathered, and gathers nothing more; resolves when that is done. */
  async finish(): Promise<void> {
    this.cancel()
    const running: (Promise<void> | undefined)[] = []
    for (const [group, gathered] of this.#groups) {
      running.push(gathered.running)
      if (gathered.items.size > 0) this.#run(group, gathered, 0)
      running.push(gathered.running)
    }
    await Promise.all(running)
  }

  /** Batches of a group go one after the other. */
  #plan(group: string, gathered: Group<Item>, afterMs: number): void {
    if (gathered.running !== undefined || this.#isStopped) return
    gathered.cancelTimer ??= this.#options.clock.after(afterMs, () => this.#run(group, gathered, afterMs))
  }

  #run(group: string, gathered: Group<Item>, afterMs: number): void {
    gathered.cancelTimer = undefined
    const batch = [...gathered.items].slice(0, perCheck)
    for (const [name] of batch) gathered.items.delete(name)
    gathered.running = this.#wake(batch.map(([, item]) => item)).then(() => {
      gathered.running = undefined
      if (gathered.items.size > 0) this.#plan(group, gathered, afterMs)
      else this.#groups.delete(group)
    })
  }

  async #wake(items: readonly Item[]): Promise<void> {
    try {
      await this.#options.wake(items)
    } catch (error) {
      this.#options.onError(error, items)
    }
  }
}

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
    if (record === undefined || staysAway(record, key, { paused, now })) giveUpPlace(core, key, ticket)
    if (record !== undefined && isSnoozed(record, key, now)) woken.push(record)
  }
  if (woken.length > 0) await core.store.tasks.apply(woken.map(record => turnCame(record, now)))
}

/** Best effort, and nobody waits for it: a place that is not given up is lost 30 seconds after its promised time. */
export function giveUpPlace(core: Core, key: string, ticket: string): void {
  core.limiter
    .withdraw(key, ticket)
    .catch(error =>
      core.log.warn({ err: error, taskId: ticket }, 'giving up a place under a limit failed; it expires'),
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
