/**
 * Budgets of trees: who asks before a call, and who sets what may be spent. A tree without a budget has no account, and asking costs a
 * read now and then. The account lies where processes share it; see `budget-arithmetic.ts` for what is in it.
 */
import { type Amount, type Capacity, expireHolds } from '../runtime/account.ts'
import { atMost } from '../runtime/at-most.ts'
import { retryUntilStored, type StoreRetry } from '../runtime/retry-until-stored.ts'
import { type Change, uniqueName } from '../runtime/shared-account.ts'
import { gatherMs, WakeLoop } from '../runtime/wake-loop.ts'
import { type ErrorInfo, QuillworkError, SnoozeError } from '../task/errors.ts'
import type { Spending } from '../task/paid-call.ts'
import type { Budget, TaskRecord } from '../task/task.ts'
import {
  type BudgetAccount,
  budgetOf,
  hasWantedCapacity,
  isHeld,
  isSame,
  keepPromise,
  leave,
  limitOf,
  type Misfit,
  type NamedCall,
  type Need,
  namedHold,
  nothing,
  reserve,
  reservedOf,
  settle,
  settleEarlier,
  spend,
  spendingOf,
  spentOf,
  type Unit,
} from './budget-arithmetic.ts'
import { type BudgetParts, BudgetTree } from './budget-tree.ts'
import { readTask } from './read-task.ts'

/** What a tree may spend, and what it has spent. */
export interface BudgetUse {
  rootTaskId: string
  /** Undefined: the tree has no budget. */
  budget: Budget | undefined
  /** Of a tree that never had a budget: what its calls used. */
  spent: Required<Spending>
  /** Estimates of calls that run. */
  reserved: Required<Spending>
  /** Tasks of the tree that wait for the budget to be raised. */
  waiting: number
}

/** The budgets of trees, by the id of the root. */
export interface Budgets {
  /** Throws TASK_NOT_FOUND, and OPTION_INVALID for a task that is not a root. */
  get(rootTaskId: string): Promise<BudgetUse>
  /**
   * Sets, raises or lowers the budget of a tree, also while it runs. The first time, what the tree has used so far counts; calls that run
   * at that moment count when they end. Tasks that wait go on, as many as fit. Throws as `get`.
   */
  set(rootTaskId: string, budget: Budget): Promise<BudgetUse>
  /** From now on nothing limits the tree; what it spends is counted on. Throws as `get`. */
  remove(rootTaskId: string): Promise<BudgetUse>
}

/** A call that was allowed. */
export interface Allowance {
  record: TaskRecord
  need: Need
  /** Names its hold; undefined where the tree had no budget. */
  hold: string | undefined
  /** Whether a later attempt can settle it. */
  isNamed: boolean
}

interface Reservation extends Pick<Allowance, 'record' | 'need'> {
  call: string | undefined
  retry: StoreRetry
}

/** A hold counts as spent after this time, in milliseconds: settling it later makes up for the difference. */
const leaseMs = 600_000
/** As `leaseMs`, of a call with a name: 30 days, since the next attempt settles it, and its process may be away for long. */
const namedLeaseMs = 2_592_000_000
/**
 * Milliseconds until the waiting tasks of a tree are checked: after capacity was freed, and after a task has begun to wait, for the budget may
 * have been raised between its refusal and then. Nothing is checked while nothing changes.
 */
const checkAfterMs = { capacity: gatherMs, wait: 250 } as const
/** Milliseconds that the last checks may take when the engine stops. */
const stopMs = 2_000
/** Trees that are remembered before those that were not used for `idleMs` milliseconds are dropped. */
const mostTrees = 1_000
const idleMs = 60_000

/** The budgets of one engine. */
export class BudgetLedger implements Budgets {
  readonly #parts: BudgetParts
  readonly #wakes: WakeLoop<BudgetTree>
  /** Those that were used last come last. */
  readonly #trees = new Map<string, BudgetTree>()

  constructor(parts: BudgetParts) {
    this.#parts = parts
    this.#wakes = new WakeLoop<BudgetTree>({
      clock: parts.clock,
      // One tree a group: none waits for another.
      wake: async trees => void (await Promise.all(trees.map(tree => tree.wake()))),
      onError: (error, [tree]) =>
        parts.log.warn(
          { err: error, taskId: tree?.rootTaskId },
          'waking tasks under a budget failed; they come back by themselves',
        ),
    })
  }

  async get(rootTaskId: string): Promise<BudgetUse> {
    return this.#useOf(await this.#root(rootTaskId))
  }

  async set(rootTaskId: string, budget: Budget): Promise<BudgetUse> {
    const limit = limitOf(budget)
    return this.#limit(await this.#root(rootTaskId), limit)
  }

  async remove(rootTaskId: string): Promise<BudgetUse> {
    const root = await this.#root(rootTaskId)
    const isGoverned = await this.#tree(rootTaskId).isGoverned()
    return isGoverned ? this.#limit(root, {}) : this.#useOf(root)
  }

  /**
   * Reserves what a call needs. What earlier attempts of the task reserved for a call of that name is given back. Throws a snooze with the code
   * BUDGET_EXHAUSTED where it does not fit, and what the store throws. `retry`: how often it is asked while it is away.
   */
  async reserve(record: TaskRecord, need: Need, retry: StoreRetry, call?: string): Promise<Allowance> {
    const tree = this.#tree(record.rootTaskId)
    const isGoverned = await retryUntilStored(async () => tree.isGoverned(), retry)
    if (!isGoverned) return { record, need, hold: undefined, isNamed: false }
    const hold = await this.#hold(tree, { record, need, call, retry })
    return { record, need, hold, isNamed: call !== undefined }
  }

  /** The call has cost this much; resolves when that is durable, or cannot be made so. Never rejects. */
  async settle({ record, need, hold }: Allowance, real: Amount<Unit>): Promise<void> {
    const tree = this.#tree(record.rootTaskId)
    if (hold === undefined && !(await this.#isGovernedBestEffort(tree))) return
    let frees = false
    let wasHeld = false
    await tree.changeSurely((account, now, isAgain) => {
      if (!account.isOpen) return false
      // A hold that went between two tries was settled by a write whose answer was lost; or its lease ended, and the estimate stands.
      const isThere = hold !== undefined && isHeld(account, hold)
      const isSettled = hold !== undefined && !isThere && (isAgain || wasHeld)
      wasHeld ||= isThere
      if (hold === undefined) spend(account, real)
      else if (!isSettled) settle(account, hold, need, real)
      frees = hasWantedCapacity(account, now)
      return !isSettled
    })
    if (frees) this.#wakeSoon(tree, 'capacity')
  }

  /**
   * A call that an earlier attempt of the task was killed in has cost this much, as far as is known: what was reserved for it counts at that.
   * Resolves as `settle`.
   */
  async settleEarlier({ record, call }: { record: TaskRecord; call: string }, known: Need): Promise<void> {
    const tree = this.#tree(record.rootTaskId)
    if (!(await this.#isGovernedBestEffort(tree))) return
    let frees = false
    await tree.changeSurely((account, now) => {
      const isFound = settleEarlier(account, namedCall(record, call), known)
      frees = isFound && hasWantedCapacity(account, now)
      return isFound
    })
    if (frees) this.#wakeSoon(tree, 'capacity')
  }

  /** The attempt of a named call is over, and nobody knows what it has cost: its estimate counts as spent until somebody does. Resolves as `settle`. */
  async leave({ record, hold }: Allowance): Promise<void> {
    if (hold !== undefined) await this.#tree(record.rootTaskId).changeSurely(account => leave(account, hold))
  }

  /** A task of the tree has begun to wait for its budget. */
  waits(rootTaskId: string): void {
    this.#wakeSoon(this.#tree(rootTaskId), 'wait')
  }

  /** Wakes the tasks that it was about to wake, and none after that. */
  async stop(): Promise<void> {
    await atMost(stopMs, this.#wakes.finish(), () => undefined, this.#parts.clock)
  }

  async #hold(tree: BudgetTree, { record, need, call, retry }: Reservation): Promise<string> {
    const named = call === undefined ? undefined : namedCall(record, call)
    const id = named === undefined ? uniqueName() : namedHold(uniqueName(), named)
    const until = named === undefined ? leaseMs : namedLeaseMs
    const wasWoken = waitsSince(record.errorInfo) !== undefined
    let refusal: Refusal | undefined
    let hasMore = false
    const change: Change<BudgetAccount> = (account, now) => {
      refusal = undefined
      // A write whose answer was lost has been made.
      if (isHeld(account, id)) return false
      const before = account.wanted
      const isExpired = expireHolds(account, now)
      if (wasWoken) keepPromise(account, need)
      const isGivenBack = named !== undefined && settleEarlier(account, named, nothing)
      const misfit = reserve(account, id, need, now + until)
      refusal = misfit === undefined ? undefined : refusalOf(account, misfit)
      // It may have come by itself, because no process was there to wake it: then it wakes the others.
      hasMore = wasWoken && hasWantedCapacity(account, now)
      return isExpired || isGivenBack || wasWoken || refusal === undefined || !isSame(before, account.wanted)
    }
    await retryUntilStored(() => tree.change(change), retry)
    if (hasMore) this.#wakeSoon(tree, 'capacity')
    if (refusal === undefined) return id
    const { store, random } = this.#parts
    throw budgetWait(record, need, refusal, { now: store.tasks.now(), random: random() })
  }

  async #limit(root: TaskRecord, limit: Capacity<Unit>): Promise<BudgetUse> {
    const tree = this.#tree(root.id)
    await tree.begin(limit, account => {
      account.limit = limit
      return true
    })
    await tree.wake()
    return this.#useOf(root)
  }

  async #useOf(root: TaskRecord): Promise<BudgetUse> {
    const { clock, store } = this.#parts
    const account = await this.#tree(root.id).read(root)
    expireHolds(account, clock.now())
    const { total } = await store.queries.waitingForBudget(root.id, 0)
    return {
      rootTaskId: root.id,
      budget: budgetOf(account.limit),
      spent: spendingOf(spentOf(account)),
      reserved: spendingOf(reservedOf(account)),
      waiting: total,
    }
  }

  async #root(taskId: string): Promise<TaskRecord> {
    const record = await readTask(this.#parts, taskId)
    if (record.parentTaskId === undefined) return record
    const message = `Task ${taskId} is a part of the tree ${record.rootTaskId}, and the budget belongs to the whole tree; name that one.`
    throw new QuillworkError('OPTION_INVALID', message)
  }

  async #isGovernedBestEffort(tree: BudgetTree): Promise<boolean> {
    try {
      return await tree.isGoverned()
    } catch (error) {
      this.#parts.log.warn(
        { err: error, taskId: tree.rootTaskId },
        'reading the budget of a call failed; the call is not counted',
      )
      return false
    }
  }

  #wakeSoon(tree: BudgetTree, why: keyof typeof checkAfterMs): void {
    const name = `${why}/${tree.rootTaskId}`
    this.#wakes.soon(name, name, tree, checkAfterMs[why])
  }

  #tree(rootTaskId: string): BudgetTree {
    const now = this.#parts.clock.monotonic()
    const tree = this.#trees.get(rootTaskId) ?? new BudgetTree(this.#parts, rootTaskId)
    this.#trees.delete(rootTaskId)
    if (this.#trees.size >= mostTrees) this.#dropIdle(now)
    this.#trees.set(rootTaskId, tree)
    tree.usedAt = now
    return tree
  }

  /** What is known of a tree can be read again. Looks at those that it drops, and one more. */
  #dropIdle(now: number): void {
    for (const [rootTaskId, { usedAt }] of this.#trees) {
      if (now - usedAt <= idleMs) return
      this.#trees.delete(rootTaskId)
    }
  }
}

/**
 * How long a task waits if nobody wakes it, in milliseconds: as long as it has waited already, within these bounds. A raised
 * budget and freed capacity wake those that fit; a task comes by itself only where a process died before it woke anybody, and the first task
 * that finds capacity wakes others. So a thousand tasks that wait cost an attempt every few seconds, and less than one a second at first.
 */
const wait = { shortest: 60_000, longest: 3_600_000 } as const

function namedCall({ id: taskId, attempt }: TaskRecord, call: string): NamedCall {
  return { taskId, attempt, call }
}

/** In the order in which a refusal names them. */
const units: readonly Unit[] = ['tokens', 'money']

/** The refusal of a call, with the numbers of the account as they are now. */
function refusalOf(account: BudgetAccount, misfit: Misfit) {
  return { misfit, limit: account.limit, spent: spentOf(account), reserved: reservedOf(account) }
}

type Refusal = ReturnType<typeof refusalOf>

/** Ends the attempt; the task waits for its budget, with no retry spent. `random` is in [0, 1). */
function budgetWait(
  record: TaskRecord,
  need: Need,
  refusal: Refusal,
  { now, random }: { now: number; random: number },
): SnoozeError {
  const since = waitsSince(record.errorInfo) ?? now
  const waited = Math.min(Math.max(now - since, wait.shortest), wait.longest)
  // Those that were refused together do not come together.
  const until = Math.round(now + waited * (0.75 + random / 2))
  // A wait beyond the deadline would fail the task now, and the budget may be raised before.
  const latest = record.deadline === undefined ? until : Math.min(until, record.deadline - 1)
  return new SnoozeError(latest, waitMessage(record.rootTaskId, need, refusal), {
    budget: { need: spendingOf(need), since },
  })
}

/** Since when the task has waited for its budget, in epoch milliseconds; undefined when it has not. */
function waitsSince(error: ErrorInfo | undefined): number | undefined {
  return error?.code === 'BUDGET_EXHAUSTED' ? error.since : undefined
}

function waitMessage(rootTaskId: string, need: Need, refusal: Refusal): string {
  const { limit, spent, reserved } = refusal
  const numbers = units.flatMap(unit => {
    const [most, next] = [limit[unit], need[unit]]
    if (most === undefined) return []
    const call =
      next === undefined
        ? 'the price of the next call is not known'
        : `the next call needs ${say(unit, next)}`
    return [
      `the budget is ${say(unit, most)}, of which ${say(unit, spent[unit])} are spent and ${say(unit, reserved[unit])} reserved for calls that run; ${call}`,
    ]
  })
  return `The tree ${rootTaskId} waits for its budget: ${numbers.join('; ')}. ${adviceOf(rootTaskId, need, refusal)}`
}

function adviceOf(rootTaskId: string, need: Need, { misfit, limit, spent, reserved }: Refusal): string {
  if (misfit === 'price')
    return `A budget of money needs a price of the model: set one, or give a budget of tokens alone (quillwork budget ${rootTaskId} --tokens N).`
  const options = units.flatMap(unit => {
    const most = limit[unit]
    if (most === undefined) return []
    const enough = Math.max(most, spent[unit] + reserved[unit] + (need[unit] ?? 0))
    return [unit === 'tokens' ? `--tokens ${enough}` : `--cost ${plain(enough)}`]
  })
  const why = misfit === 'whole' ? 'This one call needs more than the whole budget. ' : ''
  return `${why}Raise it, and the task goes on: quillwork budget ${rootTaskId} ${options.join(' ')}.`
}

function say(unit: Unit, amount: number): string {
  return unit === 'tokens' ? `${amount.toLocaleString('en-US')} tokens` : plain(amount)
}

/** Millionths as a number that people read, and a command takes. */
function plain(money: number): string {
  return (money / 1_000_000).toFixed(6).replace(/\.?0+$/, '')
}
