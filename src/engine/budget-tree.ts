/** The budget of one tree as one process knows it: its account, and the tasks that wait for it. */
import { type Amount, add, type Capacity, expireHolds } from '../runtime/account.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { type Change, SharedAccount } from '../runtime/shared-account.ts'
import { perCheck } from '../runtime/wake-loop.ts'
import { budgetKey, type Store } from '../store/store.ts'
import { isClosed } from '../task/errors.ts'
import { everyItem } from '../task/page.ts'
import type { TaskRecord } from '../task/task.ts'
import { dueEarly } from '../task/transition.ts'
import {
  type BudgetAccount,
  budgetCodec,
  choose,
  hasWantedCapacity,
  isSame,
  leastOf,
  limitOf,
  needOf,
  nothing,
  open,
  promise,
  spend,
  type Unit,
} from './budget-arithmetic.ts'

/** What budgets need of an engine. */
export interface BudgetParts {
  readonly store: Pick<Store, 'tasks' | 'queries' | 'states'>
  readonly clock: Clock
  readonly log: Logger
  /** A number in [0, 1). */
  random(): number
}

/** Milliseconds for which it is remembered that a tree has no budget: one that is set meanwhile holds after that. */
const absentForMs = 500
/** Milliseconds for which a change that could not be made is tried again. */
const triedForMs = 60_000
/** Milliseconds that tasks which were woken have to ask, before others are woken for their capacity. */
const promisedForMs = 60_000

/** The budget of one tree. */
export class BudgetTree {
  readonly rootTaskId: string
  /** When it was last asked for, by the monotonic clock. */
  usedAt = 0
  readonly #parts: BudgetParts
  readonly #account: SharedAccount<BudgetAccount>
  /** The account is there: it stays as long as the tree. */
  #isOpen = false
  #absentUntil = Number.NEGATIVE_INFINITY
  #reading: Promise<boolean> | undefined
  /** The root was read, and had no budget. */
  #isWithout = false

  constructor(parts: BudgetParts, rootTaskId: string) {
    this.#parts = parts
    this.rootTaskId = rootTaskId
    this.#account = new SharedAccount<BudgetAccount>({
      key: budgetKey(rootTaskId),
      states: parts.store.states,
      codec: budgetCodec,
      clock: parts.clock,
    })
  }

  /** Whether there is an account; one that the root was submitted with is begun. Seen at most half a second late. */
  isGoverned(): boolean | Promise<boolean> {
    if (this.#isOpen) return true
    if (this.#parts.clock.monotonic() < this.#absentUntil) return false
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Changes the account until that is durable. Throws what the store throws. */
  async change(change: Change<BudgetAccount>): Promise<void> {
    for (;;) {
      const outcome = await this.#account.change(change)
      if (outcome.done) return
      if (outcome.error !== undefined) throw outcome.error
    }
  }

  /** As `change`, also when the store is away for a minute. Never rejects for the store's sake. */
  async changeSurely(change: Change<BudgetAccount>): Promise<void> {
    const outcome = await this.#account.changeSurely(change, triedForMs, isClosed)
    if (outcome.done) return
    this.#parts.log.warn(
      { err: outcome.error, taskId: this.rootTaskId },
      'settling a call under its budget failed; its estimate stands',
    )
  }

  /** Changes the account, and begins it with what the tree has used where there is none. */
  async begin(limit: Capacity<Unit>, change: Change<BudgetAccount> = () => false): Promise<void> {
    const used = this.#isOpen ? undefined : await this.#used()
    await this.change((account, ...rest) => {
      const isNew = !account.isOpen && used !== undefined
      if (isNew) open(account, limit, used)
      return change(account, ...rest) || isNew
    })
    this.#isOpen = true
  }

  /** The account as it is; where there is none, what the tree has used and what its root was submitted with. */
  async read({ budget }: Pick<TaskRecord, 'budget'>): Promise<BudgetAccount> {
    const [text] = await this.#parts.store.states.load([budgetKey(this.rootTaskId)])
    const account = budgetCodec.read(text?.state ?? '', 0).state
    if (account.isOpen) return account
    if (budget !== undefined) account.limit = limitOf(budget)
    spend(account, await this.#used())
    return account
  }

  /** Wakes those who wait, page by page, as many as the budget has capacity for; resolves when they are due. Throws what the store throws. */
  async wake(): Promise<void> {
    const { tasks, queries } = this.#parts.store
    while (await this.#mayWake()) {
      const waiting = await queries.waitingForBudget(this.rootTaskId, perCheck)
      const woken = await this.#promise(waiting)
      if (woken.length === 0) return
      const now = tasks.now()
      await tasks.apply(woken.map(record => dueEarly(record, now)))
      if (woken.length < waiting.tasks.length || waiting.total <= waiting.tasks.length) return
    }
  }

  /** Whether there may be capacity for anybody: the least that somebody waits for fits, or it is not known. */
  async #mayWake(): Promise<boolean> {
    let may = false
    await this.change((account, now) => {
      may = account.isOpen && (account.wanted === undefined || hasWantedCapacity(account, now))
      return false
    })
    return may
  }

  /** Chooses who is woken and keeps their capacity for them, so that no other process wakes others for it. */
  async #promise({ tasks, total }: { tasks: readonly TaskRecord[]; total: number }): Promise<TaskRecord[]> {
    const needs = tasks.map(({ errorInfo }) => needOf(errorInfo?.need ?? { tokens: 0 }))
    let woken: TaskRecord[] = []
    await this.change((account, now) => {
      const isExpired = expireHolds(account, now)
      const chosen = choose(account, needs, now)
      woken = tasks.filter((_, index) => chosen[index])
      const before = account.wanted
      // What those beyond the page need is not known.
      account.wanted =
        total > tasks.length ? { ...nothing } : leastOf(needs.filter((_, index) => !chosen[index]))
      if (woken.length > 0) {
        const promised = needs.filter((_, index) => chosen[index])
        promise(account, promised, { now, until: now + promisedForMs })
      }
      return isExpired || woken.length > 0 || !isSame(account.wanted, before)
    })
    return woken
  }

  async #read(): Promise<boolean> {
    const { store, clock } = this.#parts
    const askedAt = clock.monotonic()
    const [text] = await store.states.load([budgetKey(this.rootTaskId)])
    if (text !== undefined && text.version > 0) this.#isOpen = true
    else await this.#beginAsSubmitted()
    if (!this.#isOpen) this.#absentUntil = askedAt + absentForMs
    return this.#isOpen
  }

  async #beginAsSubmitted(): Promise<void> {
    if (this.#isWithout) return
    const [root] = await this.#parts.store.queries.get([this.rootTaskId])
    if (root?.budget === undefined) this.#isWithout = true
    else await this.begin(limitOf(root.budget))
  }

  async #used(): Promise<Amount<Unit>> {
    const { queries } = this.#parts.store
    const tree = { treeOf: this.rootTaskId }
    const used = { ...nothing }
    const models = everyItem(200, page => queries.usageReport(tree, { by: 'model', ...page }))
    for await (const { inputTokens, outputTokens, cost = 0 } of models)
      add(used, { money: 0, ...needOf({ tokens: inputTokens + outputTokens, cost }) })
    return used
  }
}
