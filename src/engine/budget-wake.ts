/**
 * Wakes tasks that wait for the budget of their tree, as many as fit. The write that makes them due is in the store, so any process runs
 * them. Nobody looks while nothing changes: a wake follows a raised budget and room that was given back; and when a task has begun to
 * wait, one look follows, for the budget may have been raised between its refusal and then.
 */
import type { TaskRecord } from '../task/task.ts'
import { turnCame } from '../task/transition.ts'
import { choose, expire, hasWantedRoom, isSame, leastOf, promise } from './budget-arithmetic.ts'
import type { BudgetParts, BudgetTree } from './budget-tree.ts'
import { neededBy } from './budget-wait.ts'

/** Tasks per look. */
const perLook = 200
/** Milliseconds over which looks at one tree are gathered. */
const gatherMs = { room: 20, wait: 250 } as const
/** Milliseconds that tasks which were woken have to ask, before others are woken for their room. */
const promisedForMs = 60_000

/** Milliseconds that the last looks may take when the engine stops. */
const patienceMs = 2_000

/** Why waiting tasks are looked at: room was given back, or a task has begun to wait. */
type Reason = keyof typeof gatherMs

/** Wakes the waiting tasks of trees. */
export interface BudgetWaker {
  /** Wakes those that fit, now; resolves when they are due. Throws what the store throws. */
  wake(tree: BudgetTree): Promise<void>
  /** As `wake`, a little later, together with others who ask for it; best effort. */
  wakeSoon(tree: BudgetTree, reason: Reason): void
  /** Does at once what was to be done a little later; nothing more is begun. */
  stop(): Promise<void>
}

/** Makes a waker. */
export function createBudgetWaker(parts: BudgetParts): BudgetWaker {
  const planned = new Map<string, { cancel(): void; look(): void }>()
  const looking = new Set<Promise<void>>()
  let isStopped = false

  async function wakeQuietly(tree: BudgetTree): Promise<void> {
    try {
      await wakeAll(parts, tree)
    } catch (error) {
      parts.log.warn(
        { err: error, taskId: tree.rootTaskId },
        'tasks that wait for a budget could not be woken; they look again at the time they were told',
      )
    }
  }

  function look(name: string, tree: BudgetTree): void {
    planned.delete(name)
    const woken = wakeQuietly(tree).finally(() => looking.delete(woken))
    looking.add(woken)
  }

  return {
    wake: tree => wakeAll(parts, tree),
    wakeSoon(tree, reason) {
      const name = `${reason}/${tree.rootTaskId}`
      if (isStopped || planned.has(name)) return
      const now = () => look(name, tree)
      planned.set(name, { look: now, cancel: parts.clock.after(gatherMs[reason], now) })
    },
    async stop() {
      isStopped = true
      for (const { cancel, look } of [...planned.values()]) {
        cancel()
        look()
      }
      await Promise.race([
        Promise.all(looking),
        new Promise<void>(resolve => void parts.clock.after(patienceMs, resolve)),
      ])
    },
  }
}

/** Page by page, until nobody waits whom the budget has room for. */
async function wakeAll(parts: BudgetParts, tree: BudgetTree): Promise<void> {
  const { tasks, queries } = parts.store
  while (await mayWake(tree)) {
    const waiting = await queries.waitingForBudget(tree.rootTaskId, perLook)
    const woken = await promiseRoom(tree, waiting)
    if (woken.length === 0) return
    const now = tasks.now()
    await tasks.apply(woken.map(record => turnCame(record, now)))
    if (woken.length < waiting.tasks.length || waiting.total <= waiting.tasks.length) return
  }
}

/** Whether there may be room for anybody: what waits at least needs more, or it is not known. */
async function mayWake(tree: BudgetTree): Promise<boolean> {
  let may = false
  await tree.change((account, now) => {
    may = account.isOpen && (account.wanted === undefined || hasWantedRoom(account, now))
    return false
  })
  return may
}

/** Chooses who is woken and keeps their room for them, so that no other process wakes others for it. */
async function promiseRoom(
  tree: BudgetTree,
  { tasks, total }: { tasks: readonly TaskRecord[]; total: number },
): Promise<TaskRecord[]> {
  const needs = tasks.map(neededBy)
  let woken: TaskRecord[] = []
  await tree.change((account, now) => {
    const isExpired = expire(account, now)
    const chosen = choose(account, needs, now)
    woken = tasks.filter((_, index) => chosen[index])
    const before = account.wanted
    // Those beyond the page need nobody knows what.
    account.wanted =
      total > tasks.length ? { tokens: 0, money: 0 } : leastOf(needs.filter((_, index) => !chosen[index]))
    if (woken.length > 0) {
      const promised = needs.filter((_, index) => chosen[index])
      promise(account, promised, { now, until: now + promisedForMs })
    }
    return isExpired || woken.length > 0 || !isSame(account.wanted, before)
  })
  return woken
}
