import type { BudgetHold, Spending } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Allowance } from './budget.ts'
import { needOf, realOf } from './budget-arithmetic.ts'
import type { Core } from './core.ts'

/** What was given back by a call that was not made. */
const nothing = { tokens: 0, money: 0 }

/** The reservations that one attempt has under the budget of its tree. What its handler leaves behind is settled when it ends. */
export class BudgetHolds {
  readonly #core: Core
  readonly #attempt: Attempt
  readonly #open = new Set<Allowance>()
  /** Those that stand at their estimate since the attempt ended: a call that ends later tells what it really cost. */
  readonly #left = new Set<Allowance>()
  #ended = false

  constructor(core: Core, attempt: Attempt) {
    this.#core = core
    this.#attempt = attempt
  }

  /** Reserves what a call may cost; where it does not fit it throws, the attempt ends, and the task comes back when it fits. */
  async reserve(estimate: Spending): Promise<BudgetHold> {
    const need = needOf(estimate)
    this.#requireRunning()
    const allowance = await this.#core.budgets.reserve(this.#attempt.record, need)
    if (!this.#isRunning) void this.#core.budgets.settle(allowance, nothing)
    this.#requireRunning()
    this.#open.add(allowance)
    return {
      commit: async spent => {
        const real = realOf(spent ?? estimate, need)
        if (this.#take(allowance)) await this.#core.budgets.settle(allowance, real)
      },
      release: async () => {
        if (this.#take(allowance)) await this.#core.budgets.settle(allowance, nothing)
      },
    }
  }

  /** The attempt is over: uncommitted estimates stand, for the calls may have been made. */
  end(): void {
    this.#ended = true
    for (const allowance of this.#open) {
      const { tokens, money = 0 } = allowance.need
      void this.#core.budgets.settle(allowance, { tokens, money })
      this.#left.add(allowance)
    }
    this.#open.clear()
  }

  /** The first word about a call counts. */
  #take(allowance: Allowance): boolean {
    return this.#open.delete(allowance) || this.#left.delete(allowance)
  }

  get #isRunning(): boolean {
    return !this.#ended && this.#attempt.interruption === undefined
  }

  #requireRunning(): void {
    if (this.#isRunning) return
    const why = this.#attempt.interruption ?? 'ended'
    throw new QuillworkError('ATTEMPT_STALE', `The attempt was interrupted (${why}); it makes no more calls.`)
  }
}
