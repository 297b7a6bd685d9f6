/** What a task is told whose next call does not fit into the budget of its tree. */
import type { ErrorInfo } from '../task/errors.ts'
import { SnoozeError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  type Amount,
  type BudgetAccount,
  type Misfit,
  type Need,
  reservedOf,
  spendingOf,
} from './budget-arithmetic.ts'

/**
 * How long a task waits if nobody wakes it, in milliseconds: as long as it has waited already, within these bounds. Whoever raises the
 * budget or gives room back wakes those that fit; looking by itself is only for a process that died before it did, and the first task
 * that finds room wakes others. So a thousand tasks that wait cost an attempt every few seconds, and less than one a second at first.
 */
const wait = { shortest: 60_000, longest: 3_600_000 } as const

/** Numbers of an account at the moment of a refusal. */
export interface Refusal {
  misfit: Misfit
  limit: Partial<Amount>
  spent: Amount
  reserved: Amount
}

/** The refusal of a call, with the numbers as they are now. */
export function refusalOf(account: BudgetAccount, misfit: Misfit): Refusal {
  return { misfit, limit: account.limit, spent: { ...account.spent }, reserved: reservedOf(account) }
}

/** Ends the attempt; the task waits for its budget, with no retry spent. `random` is in [0, 1). */
export function budgetWait(
  record: TaskRecord,
  need: Need,
  refusal: Refusal,
  { now, random }: { now: number; random: number },
): SnoozeError {
  const since = waitsSince(record.errorInfo) ?? now
  const waited = Math.min(Math.max(now - since, wait.shortest), wait.longest)
  // Those that were refused together do not look together.
  const until = Math.round(now + waited * (0.75 + random / 2))
  // A wait beyond the deadline would fail the task now, and the budget may be raised before.
  const latest = record.deadline === undefined ? until : Math.min(until, record.deadline - 1)
  return new SnoozeError(latest, messageOf(record.rootTaskId, need, refusal), {
    budget: { need: spendingOf(need), since },
  })
}

/** Since when the task has waited for its budget, in epoch milliseconds; undefined when it has not. */
export function waitsSince(error: ErrorInfo | undefined): number | undefined {
  return error?.code === 'BUDGET_EXHAUSTED' ? error.since : undefined
}

/** What the next call of a waiting task needs. */
export function neededBy({ errorInfo }: TaskRecord): Need {
  const { tokens = 0, cost } = errorInfo?.need ?? {}
  return cost === undefined ? { tokens } : { tokens, money: Math.round(cost * 1_000_000) }
}

function messageOf(rootTaskId: string, need: Need, { misfit, limit, spent, reserved }: Refusal): string {
  const needed = { tokens: need.tokens, ...(need.money === undefined ? {} : { money: need.money }) }
  const numbers = (['tokens', 'money'] as const).flatMap(unit => {
    const [most, next] = [limit[unit], needed[unit]]
    if (most === undefined) return []
    const call =
      next === undefined
        ? 'the price of the next call is not known'
        : `the next call needs ${say(unit, next)}`
    return [
      `the budget is ${say(unit, most)}, of which ${say(unit, spent[unit])} are spent and ${say(unit, reserved[unit])} reserved for calls that run; ${call}`,
    ]
  })
  return `The tree ${rootTaskId} waits for its budget: ${numbers.join('; ')}. ${adviceOf(rootTaskId, needed, { misfit, limit, spent, reserved })}`
}

function adviceOf(
  rootTaskId: string,
  need: Partial<Amount>,
  { misfit, limit, spent, reserved }: Refusal,
): string {
  if (misfit === 'price')
    return `A budget of money needs a price of the model: set one, or give a budget of tokens alone (quillwork budget ${rootTaskId} --tokens N).`
  const options = (['tokens', 'money'] as const).flatMap(unit => {
    const most = limit[unit]
    if (most === undefined) return []
    const enough = Math.max(most, spent[unit] + reserved[unit] + (need[unit] ?? 0))
    return [unit === 'tokens' ? `--tokens ${enough}` : `--cost ${plain(enough)}`]
  })
  const why = misfit === 'whole' ? 'This one call needs more than the whole budget. ' : ''
  return `${why}Raise it, and the task goes on: quillwork budget ${rootTaskId} ${options.join(' ')}.`
}

function say(unit: 'tokens' | 'money', amount: number): string {
  return unit === 'tokens' ? `${amount.toLocaleString('en-US')} tokens` : plain(amount)
}

/** Millionths as a number that people read, and a command takes. */
function plain(money: number): string {
  return (money / 1_000_000).toFixed(6).replace(/\.?0+$/, '')
}
