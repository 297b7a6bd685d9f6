/** The account of one tree as one process knows it. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { type Change, SharedAccount } from '../runtime/shared-account.ts'
import { budgetKey, type Store } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  type Amount,
  type BudgetAccount,
  limitOf,
  needOf,
  noAccount,
  open,
  sumOf,
} from './budget-arithmetic.ts'
import { budgetCodec } from './budget-text.ts'

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
/** Milliseconds until a change that could not be made is tried again, and for how long. */
const again = { afterMs: 1_000, forMs: 60_000 } as const

/** Names of writes and holds: chance, made anew at each process start, and a number. */
const thisProcess = randomBytes(9).toString('base64url')
let names = 0

/** A fresh name, among all processes. */
export function nextName(): string {
  names += 1
  return `${thisProcess}${names.toString(36)}`
}

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
  #looking: Promise<boolean> | undefined
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
      nextName,
      onSeen: () => undefined,
    })
  }

  /** Whether there is an account; one that the root was submitted with is begun. Seen at most half a second late. */
  isGoverned(): boolean | Promise<boolean> {
    if (this.#isOpen) return true
    if (this.#parts.clock.monotonic() < this.#absentUntil) return false
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Changes the account until that is durable. Throws what the store throws. */
  async change(change: Change<BudgetAccount>): Promise<void> {
    for (;;) {
      const outcome = await this.#account.change(change)
      if (outcome.done) return
      if (outcome.error !== undefined) throw outcome.error
    }
  }

  /** As `change`, also when the store is away for a minute. From the second time on, `isAgain`: an earlier one may have been written. */
  async changeSurely(
    change: (account: BudgetAccount, now: number, isAgain: boolean) => boolean,
  ): Promise<void> {
    const { clock, log } = this.#parts
    for (let waited = 0; ; waited += again.afterMs) {
      const outcome = await this.#account.change((account, now) => change(account, now, waited > 0))
      if (outcome.done) return
      const isClosed = outcome.error instanceof QuillworkError && outcome.error.code === 'STORE_CLOSED'
      if (isClosed || waited >= again.forMs) {
        log.warn(
          { err: outcome.error, taskId: this.rootTaskId },
          'a call could not be settled under its budget; its estimate stands',
        )
        return
      }
      await new Promise<void>(resolve => clock.after(again.afterMs, resolve))
    }
  }

  /** Changes the account, and begins it with what the tree has used where there is none. */
  async begin(limit: Partial<Amount>, change: Change<BudgetAccount> = () => false): Promise<void> {
    const used = this.#isOpen ? undefined : await this.#used()
    await this.change((account, now) => {
      const isNew = !account.isOpen && used !== undefined
      if (isNew) open(account, limit, used)
      return change(account, now) || isNew
    })
    this.#isOpen = true
  }

  /** The account as it is; where there is none, what the tree has used and what its root was submitted with. */
  async read({ budget }: Pick<TaskRecord, 'budget'>): Promise<BudgetAccount> {
    const [text] = await this.#parts.store.states.load([budgetKey(this.rootTaskId)])
    const account = budgetCodec.read(text?.state ?? '', 0).state
    if (account.isOpen) return account
    return {
      ...noAccount(),
      limit: budget === undefined ? {} : limitOf(budget),
      spent: await this.#used(),
    }
  }

  async #look(): Promise<boolean> {
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

  async #used(): Promise<Amount> {
    const amounts: Amount[] = []
    let pageToken: string | undefined
    do {
      const page = await this.#parts.store.queries.usageReport(
        { treeOf: this.rootTaskId },
        { by: 'model', pageSize: 200, ...(pageToken === undefined ? {} : { pageToken }) },
      )
      for (const { inputTokens, outputTokens, cost = 0 } of page.items)
        amounts.push({ money: 0, ...needOf({ tokens: inputTokens + outputTokens, cost }) })
      pageToken = page.nextPageToken
    } while (pageToken !== undefined)
    return sumOf(amounts)
  }
}
