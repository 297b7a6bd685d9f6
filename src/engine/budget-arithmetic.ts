/**
 * What a tree may spend: the policy of budgets over an account. Pure: no clock, no I/O. Whatever was granted counts from then on, so what is
 * spent and reserved together is never above the limit by a grant. Tokens and money count in total, that is, at one time.
 */
import {
  type Account,
  type Amount,
  add,
  type Capacity,
  charge,
  fits,
  reserve as hold,
  settle as settleHold,
  subtract,
  take,
  total,
} from '../runtime/account.ts'
import { accountCodec } from '../runtime/shared-account.ts'
import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Spending } from '../task/paid-call.ts'
import type { Budget } from '../task/task.ts'

/** Money is in millionths of the currency of the price list. */
export type Unit = 'tokens' | 'money'

/** What a call needs; no money where its price is not known. */
export interface Need {
  tokens: number
  money?: number
}

/** The account of one tree. */
export interface BudgetAccount extends Account<Unit, string> {
  /** False: there is no account, and nothing else in it means anything. */
  isOpen: boolean
  limit: Capacity<Unit>
  /** The least that a call needs which was refused, as far as is known that somebody waits; money and tokens each by itself. */
  wanted: Need | undefined
  /** Capacity promised to tasks that were woken and have not asked yet; no other task is woken for it until that time (epoch milliseconds). */
  promised: Amount<Unit> & { until: number }
}

/**
 * Why a call does not fit: it will when others settle or the budget is raised; it is larger than the whole budget; its price is not
 * known, and the budget is one of money.
 */
export type Misfit = 'capacity' | 'whole' | 'price'

const millionth = 1_000_000
/** The one time of everything that counts in total. */
const inTotal = 0

/** Neither tokens nor money. */
export const nothing: Readonly<Amount<Unit>> = { tokens: 0, money: 0 }

/** A tree without a budget. */
export function noAccount(): BudgetAccount {
  return {
    isOpen: false,
    limit: {},
    used: [],
    holds: new Map(),
    wanted: undefined,
    promised: { ...nothing, until: 0 },
  }
}

/** Begins an account with what was used before. */
export function open(account: BudgetAccount, limit: Capacity<Unit>, used: Amount<Unit>): void {
  account.isOpen = true
  account.limit = limit
  spend(account, used)
}

/** Reserves what a call needs, or returns why that does not fit; then somebody waits for as much. */
export function reserve(
  account: BudgetAccount,
  id: string,
  need: Need,
  leaseEnd: number,
): Misfit | undefined {
  const misfit = misfitOf(account, need)
  if (misfit === undefined) hold(account, id, { at: inTotal, amount: amountOf(need), leaseEnd })
  else account.wanted = account.wanted === undefined ? { ...need } : lesser(account.wanted, need)
  return misfit
}

/** The call has cost this much. A hold whose lease has ended still counts at its estimate, and is made up for. */
export function settle(account: BudgetAccount, id: string, estimate: Need, real: Amount<Unit>): void {
  const known = knownId(account, id)
  const held = known === undefined ? undefined : account.holds.get(known)
  account.holds.delete(known ?? id)
  const amount = held?.amount ?? amountOf(estimate)
  // Where the hold of a named call is gone, it may have counted at less than its estimate already: nothing is given back.
  const spent = held === undefined && id.includes(' ') ? greater(real, amount) : real
  settleHold(account.used, { bucket: held?.bucket ?? inTotal, amount }, spent, inTotal)
}

/** Whether a call is held for, be it at its estimate or at what is known of it. */
export function isHeld(account: BudgetAccount, id: string): boolean {
  return knownId(account, id) !== undefined
}

/** The attempt of a named call is over: it counts at its estimate, as spent, until something is known of it. */
export function leave({ holds }: BudgetAccount, id: string): boolean {
  const held = holds.get(id)
  if (held === undefined) return false
  holds.delete(id)
  holds.set(`left ${id}`, held)
  return true
}

/** The id under which a call is held for now. */
function knownId({ holds }: BudgetAccount, id: string): string | undefined {
  return [id, `left ${id}`, settledHold(id)].find(each => holds.has(each))
}

/** A call of a task that was named when it was reserved for. */
export interface NamedCall {
  taskId: string
  attempt: number
  call: string
}

/** Returns the id of a hold that a later attempt can find by its call. */
export function namedHold(unique: string, { taskId, attempt, call }: NamedCall): string {
  return [unique, taskId, attempt, call].join(' ')
}

/** Returns the id of a hold whose call counts at what is known of it. */
function settledHold(id: string): string {
  return `settled ${id}`
}

/**
 * Counts the call at what it is known to have cost wherever earlier attempts have reserved for it; without money, that stays as it was
 * reserved. The holds stay under another id, so that one that is heard of late settles what it really cost. Returns whether there was any.
 */
export function settleEarlier(
  account: BudgetAccount,
  { taskId, attempt, call }: NamedCall,
  known: Need,
): boolean {
  let left = known
  let isFound = false
  for (const [id, held] of [...account.holds]) {
    const own = id.replace(/^left /, '')
    const [unique, ofTask, ofAttempt, ...name] = own.split(' ')
    if (unique === 'settled' || ofTask !== taskId || Number(ofAttempt) >= attempt || name.join(' ') !== call)
      continue
    const amount = { tokens: left.tokens, money: left.money ?? held.amount.money }
    settleHold(account.used, held, amount, inTotal)
    account.holds.delete(id)
    account.holds.set(settledHold(own), { ...held, amount })
    left = nothing
    isFound = true
  }
  return isFound
}

/** Adds to what was spent. */
export function spend({ used }: BudgetAccount, amount: Amount<Unit>): void {
  charge(used, inTotal, amount)
}

/** What calls reserve that may still run. */
export function reservedOf({ holds }: BudgetAccount): Amount<Unit> {
  const open = [...holds].filter(([id]) => !/^(?:left|settled) /.test(id))
  return total(
    open.map(([, held]) => held),
    nothing,
  )
}

/** What was spent: all that counts, but for what is reserved. */
export function spentOf(account: BudgetAccount): Amount<Unit> {
  return usedWithout(account, reservedOf(account))
}

/** What is neither spent nor reserved. */
export function capacityOf({ limit, used }: BudgetAccount): Capacity<Unit> {
  const capacity = { ...limit }
  subtract(capacity, total(used, nothing))
  return capacity
}

/** Whether what somebody waits for would fit beside what others were promised. */
export function hasWantedCapacity(account: BudgetAccount, now: number): boolean {
  const { wanted } = account
  return wanted !== undefined && fits(unpromised(account, now), wanted)
}

/** Which of those who wait may be woken, in their order: as many as fit beside what others were promised. */
export function choose(account: BudgetAccount, needs: readonly Need[], now: number): boolean[] {
  const capacity = unpromised(account, now)
  return needs.map(need => take(capacity, need))
}

/** Keeps capacity for those who are woken, until they ask or the time has come. */
export function promise(
  account: BudgetAccount,
  needs: readonly Need[],
  term: { now: number; until: number },
): void {
  const promised = { ...promisedAt(account, term.now) }
  for (const need of needs) add(promised, amountOf(need))
  account.promised = { ...promised, until: term.until }
}

/** One who was woken asks: its part of what was promised is no longer kept. */
export function keepPromise({ promised }: BudgetAccount, need: Need): void {
  const { tokens, money } = amountOf(need)
  promised.tokens = Math.max(0, promised.tokens - tokens)
  promised.money = Math.max(0, promised.money - money)
}

/** The least of each that some calls need; undefined for none. */
export function leastOf(needs: readonly Need[]): Need | undefined {
  return needs.length === 0 ? undefined : needs.reduce(lesser)
}

/** Whether two needs are the same, or both are unknown. */
export function isSame(one: Need | undefined, other: Need | undefined): boolean {
  return one?.tokens === other?.tokens && one?.money === other?.money
}

/** The account in its text. */
interface Fields extends Pick<BudgetAccount, 'limit' | 'promised'> {
  spent: Amount<Unit>
  holds: [id: string, tokens: number, money: number, leaseEnd: number][]
  wanted?: Need
}

/**
 * The account as a text. One that cannot be read limits a tree in an unknown way, so reading it throws: STORE_NEWER for one of
 * a newer version, RECORD_UNREADABLE for a damaged one.
 */
export const budgetCodec = accountCodec<BudgetAccount, Fields>({
  format: 1,
  unused: noAccount,
  toFields: account => ({
    limit: account.limit,
    spent: usedWithout(account, total(account.holds.values(), nothing)),
    holds: [...account.holds].map(([id, { amount, leaseEnd }]) => [
      id,
      amount.tokens,
      amount.money,
      leaseEnd,
    ]),
    ...(account.wanted === undefined ? {} : { wanted: account.wanted }),
    promised: account.promised,
  }),
  ofFields({ limit, spent, holds, wanted, promised }) {
    const account = { ...noAccount(), isOpen: true, limit, wanted, promised }
    spend(account, spent)
    for (const [id, tokens, money, leaseEnd] of holds)
      hold(account, id, { at: inTotal, amount: { tokens, money }, leaseEnd })
    return account
  },
  unreadable(why) {
    if ('cause' in why) {
      throw new QuillworkError('RECORD_UNREADABLE', 'The account of a budget is damaged.', {
        cause: why.cause,
      })
    }
    const message = `The account of a budget has the format ${why.format}, this version knows 1; update the program.`
    throw new QuillworkError('STORE_NEWER', message)
  },
})

/** All that counts, but for a part of it. */
function usedWithout({ used }: BudgetAccount, part: Amount<Unit>): Amount<Unit> {
  const rest = total(used, nothing)
  subtract(rest, part)
  return rest
}

function greater(one: Amount<Unit>, other: Amount<Unit>): Amount<Unit> {
  return { tokens: Math.max(one.tokens, other.tokens), money: Math.max(one.money, other.money) }
}

/** The need of an estimate, or of a waiting task; rounded up. Throws OPTION_INVALID for one that is negative or not finite. */
export function needOf({ tokens, cost }: Spending): Need {
  const whole = Math.ceil(notNegative(tokens, 'tokens'))
  return cost === undefined ? { tokens: whole } : { tokens: whole, money: moneyOf(cost) }
}

/** What was really spent; the cost of the estimate stands where none is given. Throws OPTION_INVALID. */
export function realOf({ tokens, cost }: Spending, estimate: Need): Amount<Unit> {
  const { tokens: whole, money } = needOf(cost === undefined ? { tokens } : { tokens, cost })
  return { tokens: whole, money: money ?? estimate.money ?? 0 }
}

/** A limit as it is counted. Throws OPTION_INVALID for one that limits nothing, is negative or not finite. */
export function limitOf({ tokens, cost }: Budget): Capacity<Unit> {
  if (tokens === undefined && cost === undefined)
    throw new QuillworkError('OPTION_INVALID', 'A budget has tokens, cost or both; remove it instead.')
  const whole = tokens === undefined ? undefined : Math.floor(notNegative(tokens, 'tokens'))
  return defined({ tokens: whole, money: cost === undefined ? undefined : moneyOf(cost) })
}

/** The budget itself, for a record. Throws as `limitOf`. */
export function checkedBudget(budget: Budget): Budget {
  return budgetOf(limitOf(budget)) ?? {}
}

/** A budget as people say it; undefined for a limit that limits nothing. */
export function budgetOf({ tokens, money }: Capacity<Unit>): Budget | undefined {
  if (tokens === undefined && money === undefined) return undefined
  return defined({ tokens, cost: money === undefined ? undefined : money / millionth })
}

/** A need, or an amount, as people say it. */
export function spendingOf(amount: Amount<Unit>): Required<Spending>
export function spendingOf(need: Need): Spending
export function spendingOf({ tokens, money }: Need): Spending {
  return money === undefined ? { tokens } : { tokens, cost: money / millionth }
}

function misfitOf(account: BudgetAccount, need: Need): Misfit | undefined {
  if (fits(capacityOf(account), need)) return undefined
  if (account.limit.money !== undefined && need.money === undefined) return 'price'
  return fits(account.limit, need) ? 'capacity' : 'whole'
}

function unpromised(account: BudgetAccount, now: number): Capacity<Unit> {
  const capacity = capacityOf(account)
  subtract(capacity, promisedAt(account, now))
  return capacity
}

function promisedAt({ promised }: BudgetAccount, now: number): Readonly<Amount<Unit>> {
  const { until, ...amount } = promised
  return now < until ? amount : nothing
}

function amountOf({ tokens, money = 0 }: Need): Amount<Unit> {
  return { tokens, money }
}

function lesser(one: Need, other: Need): Need {
  const tokens = Math.min(one.tokens, other.tokens)
  const money = Math.min(one.money ?? Number.POSITIVE_INFINITY, other.money ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(money) ? { tokens, money } : { tokens }
}

function moneyOf(cost: number): number {
  return Math.round(notNegative(cost, 'cost') * millionth)
}

function notNegative(value: number, name: string): number {
  if (value >= 0 && value * millionth <= Number.MAX_SAFE_INTEGER) return value
  const message = `The ${name} of a budget or a call must be a number from 0 to 9,000,000,000, not ${value}.`
  throw new QuillworkError('OPTION_INVALID', message)
}
