/**
 * Budgets of trees: who asks before a call, and who sets what may be spent. A tree without a budget has no account, and asking costs a
 * read now and then. The account lies where processes share it; see `budget-arithmetic.ts` for what is in it.
 */
import type { Spending } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Budget, TaskRecord } from '../task/task.ts'
import {
  type Amount,
  budgetOf,
  charge,
  expire,
  hasWantedRoom,
  isSame,
  keepPromise,
  limitOf,
  type Need,
  reserve,
  reservedOf,
  settle,
  spendingOf,
} from './budget-arithmetic.ts'
import { type BudgetParts, BudgetTree, nextName } from './budget-tree.ts'
import { budgetWait, type Refusal, refusalOf, waitsSince } from './budget-wait.ts'
import { type BudgetWaker, createBudgetWaker } from './budget-wake.ts'

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
}

/** A hold counts as spent after this time, in milliseconds: settling it later makes up for the difference. */
const leaseMs = 600_000
/** Trees that are remembered before those that nobody asked for within `idleMs` milliseconds are forgotten. */
const mostTrees = 1_000
const idleMs = 60_000

/** The budgets of one engine. */
export class BudgetLedger implements Budgets {
  readonly #parts: BudgetParts
  readonly #waker: BudgetWaker
  readonly #trees = new Map<string, BudgetTree>()

  constructor(parts: BudgetParts) {
    this.#parts = parts
    this.#waker = createBudgetWaker(parts)
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

  /** Reserves what a call needs. Throws a snooze with the code BUDGET_EXHAUSTED where it does not fit, and what the store throws. */
  async reserve(record: TaskRecord, need: Need): Promise<Allowance> {
    const tree = this.#tree(record.rootTaskId)
    const isGoverned = tree.isGoverned()
    if (!(isGoverned instanceof Promise ? await isGoverned : isGoverned))
      return { record, need, hold: undefined }
    return { record, need, hold: await this.#hold(tree, record, need) }
  }

  /** The call has cost this much; resolves when that is durable, or cannot be made so. Never rejects. */
  async settle({ record, need, hold }: Allowance, real: Amount): Promise<void> {
    const tree = this.#tree(record.rootTaskId)
    if (hold === undefined && !(await this.#isGovernedBestEffort(tree))) return
    let frees = false
    let wasHeld = false
    await tree.changeSurely((account, now, isAgain) => {
      if (!account.isOpen) return false
      // A hold that went between two tries was settled by a write that nobody was told of; or its lease ended, and the estimate stands.
      const isHeld = hold !== undefined && account.holds.has(hold)
      const isSettled = hold !== undefined && !isHeld && (isAgain || wasHeld)
      wasHeld ||= isHeld
      if (hold === undefined) charge(account, real)
      else if (!isSettled) settle(account, hold, need, real)
      frees = hasWantedRoom(account, now)
      return !isSettled
    })
    if (frees) this.#waker.wakeSoon(tree, 'room')
  }

  /** A task of the tree has begun to wait for its budget. */
  waits(rootTaskId: string): void {
    this.#waker.wakeSoon(this.#tree(rootTaskId), 'wait')
  }

  /** Wakes whom it was about to wake, and nobody after that. */
  stop(): Promise<void> {
    return this.#waker.stop()
  }

  async #hold(tree: BudgetTree, record: TaskRecord, need: Need): Promise<string> {
    const id = nextName()
    const wasWoken = waitsSince(record.errorInfo) !== undefined
    let refusal: Refusal | undefined
    let hasMore = false
    await tree.change((account, now) => {
      const before = account.wanted
      const isExpired = expire(account, now)
      if (wasWoken) keepPromise(account, need)
      const misfit = reserve(account, id, need, now + leaseMs)
      refusal = misfit === undefined ? undefined : refusalOf(account, misfit)
      // It may have come by itself, because nobody was there to wake it: then it wakes the others.
      hasMore = wasWoken && hasWantedRoom(account, now)
      return isExpired || wasWoken || refusal === undefined || !isSame(before, account.wanted)
    })
    if (hasMore) this.#waker.wakeSoon(tree, 'room')
    if (refusal === undefined) return id
    const { store, random } = this.#parts
    throw budgetWait(record, need, refusal, { now: store.tasks.now(), random: random() })
  }

  async #limit(root: TaskRecord, limit: Partial<Amount>): Promise<BudgetUse> {
    const tree = this.#tree(root.id)
    await tree.begin(limit, account => {
      account.limit = limit
      return true
    })
    await this.#waker.wake(tree)
    return this.#useOf(root)
  }

  async #useOf(root: TaskRecord): Promise<BudgetUse> {
    const { clock, store } = this.#parts
    const account = await this.#tree(root.id).read(root)
    expire(account, clock.now())
    const { total } = await store.queries.waitingForBudget(root.id, 0)
    return {
      rootTaskId: root.id,
      budget: budgetOf(account.limit),
      spent: spendingOf(account.spent),
      reserved: spendingOf(reservedOf(account)),
      waiting: total,
    }
  }

  async #root(taskId: string): Promise<TaskRecord> {
    const [record] = await this.#parts.store.queries.get([taskId])
    if (record === undefined) throw new QuillworkError('TASK_NOT_FOUND', `There is no task ${taskId}.`)
    if (record.parentTaskId === undefined) return record
    throw new QuillworkError(
      'OPTION_INVALID',
      `Task ${taskId} is a part of the tree ${record.rootTaskId}, and the budget belongs to the whole tree; name that one.`,
    )
  }

  async #isGovernedBestEffort(tree: BudgetTree): Promise<boolean> {
    try {
      return await tree.isGoverned()
    } catch (error) {
      this.#parts.log.warn(
        { err: error, taskId: tree.rootTaskId },
        'whether a call counts under a budget could not be read',
      )
      return false
    }
  }

  #tree(rootTaskId: string): BudgetTree {
    const now = this.#parts.clock.monotonic()
    let tree = this.#trees.get(rootTaskId)
    if (tree === undefined) {
      if (this.#trees.size >= mostTrees) this.#forgetIdle(now)
      tree = new BudgetTree(this.#parts, rootTaskId)
      this.#trees.set(rootTaskId, tree)
    }
    tree.usedAt = now
    return tree
  }

  /** What is known of a tree can be read again. */
  #forgetIdle(now: number): void {
    for (const [rootTaskId, { usedAt }] of this.#trees)
      if (now - usedAt > idleMs) this.#trees.delete(rootTaskId)
  }
}
