/**
 * The account of what a tree may spend: what was spent, what is reserved for calls that run, and what is left. Pure: no clock, no I/O.
 * Whatever was granted is counted from then on, as reserved and later as spent, so the sum of both is never above the limit by a grant.
 */
import type { Spending } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Budget } from '../task/task.ts'

/** Tokens, and money in millionths of the currency of the price list; whole numbers, so that sums do not depend on their order. */
export interface Amount {
  tokens: number
  money: number
}

/** What a call needs; no money where its price is not known. */
export interface Need {
  tokens: number
  money?: number
}

/** A reservation that is not settled. */
export interface Hold extends Amount {
  /** At this time, in epoch milliseconds, it counts as spent unless it is settled before: its process may be gone. */
  leaseEnd: number
}

/** The account of one tree. */
export interface BudgetAccount {
  /** False: there is no account, and nothing else in it means anything. */
  isOpen: boolean
  /** Absent = not limited. */
  limit: Partial<Amount>
  spent: Amount
  holds: Map<string, Hold>
  /** The least that a call needs which was refused, as far as is known that somebody waits; money and tokens each by itself. */
  wanted: Need | undefined
  /** Room meant for tasks that were woken and have not asked yet; nobody else is woken for it until that time (epoch milliseconds). */
  promised: Amount & { until: number }
}

/**
 * Why a call does not fit: it will when others settle or the budget is raised; it is larger than the whole budget; its price is not
 * known, and the budget is one of money.
 */
export type Misfit = 'room' | 'whole' | 'price'

const millionth = 1_000_000
const nothing: Amount = { tokens: 0, money: 0 }

/** A tree without a budget. */
export function noAccount(): BudgetAccount {
  return {
    isOpen: false,
    limit: {},
    spent: { ...nothing },
    holds: new Map(),
    wanted: undefined,
    promised: { ...nothing, until: 0 },
  }
}

/** Begins an account with what was used before. */
export function open(account: BudgetAccount, limit: Partial<Amount>, used: Amount): void {
  account.isOpen = true
  account.limit = limit
  account.spent = { ...used }
}

/** Reserves what a call needs, or says why that does not fit; then somebody waits for as much. */
export function reserve(
  account: BudgetAccount,
  id: string,
  need: Need,
  leaseEnd: number,
): Misfit | undefined {
  const misfit = misfitOf(account, need)
  if (misfit === undefined) account.holds.set(id, { ...amountOf(need), leaseEnd })
  else account.wanted = account.wanted === undefined ? { ...need } : lesser(account.wanted, need)
  return misfit
}

/**
 * The call has cost this much. A hold whose lease has ended stands among what was spent, at its estimate; the difference is made up for.
 */
export function settle(account: BudgetAccount, id: string, estimate: Need, real: Amount): void {
  const wasHeld = account.holds.delete(id)
  const before = wasHeld ? nothing : amountOf(estimate)
  charge(account, { tokens: real.tokens - before.tokens, money: real.money - before.money })
}

/** Adds to what was spent. */
export function charge({ spent }: BudgetAccount, amount: Amount): void {
  spent.tokens += amount.tokens
  spent.money += amount.money
}

/** Counts as spent what holders that may be gone have reserved. Returns whether there was any. */
export function expire(account: BudgetAccount, now: number): boolean {
  let isChanged = false
  for (const [id, hold] of account.holds) {
    if (hold.leaseEnd > now) continue
    account.holds.delete(id)
    charge(account, hold)
    isChanged = true
  }
  return isChanged
}

/** What all holds together reserve. */
export function reservedOf({ holds }: BudgetAccount): Amount {
  return sumOf(holds.values())
}

/** What is neither spent nor reserved; absent where nothing limits. Below zero after calls that cost more than was reserved. */
export function roomOf(account: BudgetAccount): Partial<Amount> {
  const { limit, spent } = account
  const reserved = reservedOf(account)
  return {
    ...(limit.tokens === undefined ? {} : { tokens: limit.tokens - spent.tokens - reserved.tokens }),
    ...(limit.money === undefined ? {} : { money: limit.money - spent.money - reserved.money }),
  }
}

/** Whether what somebody waits for would fit beside what others were promised. */
export function hasWantedRoom(account: BudgetAccount, now: number): boolean {
  const { wanted } = account
  return wanted !== undefined && fits(roomBesides(account, now), wanted)
}

/** Which of those who wait may be woken, in their order: as many as fit beside what others were promised. */
export function choose(account: BudgetAccount, needs: readonly Need[], now: number): boolean[] {
  const room = roomBesides(account, now)
  return needs.map(need => {
    if (!fits(room, need)) return false
    if (room.tokens !== undefined) room.tokens -= need.tokens
    if (room.money !== undefined) room.money -= need.money ?? 0
    return true
  })
}

/** Keeps room for those who are woken, until they ask or the time has come. */
export function promise(
  account: BudgetAccount,
  needs: readonly Need[],
  term: { now: number; until: number },
): void {
  const before = promisedAt(account, term.now)
  const added = sumOf(needs.map(amountOf))
  account.promised = {
    tokens: before.tokens + added.tokens,
    money: before.money + added.money,
    until: term.until,
  }
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

/** The need of an estimate, rounded up. Throws OPTION_INVALID for one that is negative or not finite. */
export function needOf({ tokens, cost }: Spending): Need {
  const whole = Math.ceil(notNegative(tokens, 'tokens'))
  return cost === undefined ? { tokens: whole } : { tokens: whole, money: moneyOf(cost) }
}

/** What was really spent; the cost of the estimate stands where none is told. Throws OPTION_INVALID. */
export function realOf({ tokens, cost }: Spending, estimate: Need): Amount {
  const { tokens: whole, money } = needOf(cost === undefined ? { tokens } : { tokens, cost })
  return { tokens: whole, money: money ?? estimate.money ?? 0 }
}

/** A limit as it is counted. Throws OPTION_INVALID for one that limits nothing, is negative or not finite. */
export function limitOf({ tokens, cost }: Budget): Partial<Amount> {
  if (tokens === undefined && cost === undefined)
    throw new QuillworkError('OPTION_INVALID', 'A budget has tokens, cost or both; remove it instead.')
  return {
    ...(tokens === undefined ? {} : { tokens: Math.floor(notNegative(tokens, 'tokens')) }),
    ...(cost === undefined ? {} : { money: moneyOf(cost) }),
  }
}

/** The budget itself, for a record. Throws as `limitOf`. */
export function checkedBudget(budget: Budget): Budget {
  return budgetOf(limitOf(budget)) ?? {}
}

/** A budget as people say it; undefined for a limit that limits nothing. */
export function budgetOf({ tokens, money }: Partial<Amount>): Budget | undefined {
  if (tokens === undefined && money === undefined) return undefined
  return {
    ...(tokens === undefined ? {} : { tokens }),
    ...(money === undefined ? {} : { cost: money / millionth }),
  }
}

/** A need, or an amount, as people say it. */
export function spendingOf(amount: Amount): Required<Spending>
export function spendingOf(need: Need): Spending
export function spendingOf({ tokens, money }: Need): Spending {
  return money === undefined ? { tokens } : { tokens, cost: money / millionth }
}

/** Tokens and money of some calls together. */
export function sumOf(amounts: Iterable<Amount>): Amount {
  const sum = { ...nothing }
  for (const { tokens, money } of amounts) {
    sum.tokens += tokens
    sum.money += money
  }
  return sum
}

function misfitOf(account: BudgetAccount, need: Need): Misfit | undefined {
  if (fits(roomOf(account), need)) return undefined
  if (account.limit.money !== undefined && need.money === undefined) return 'price'
  return fits(account.limit, need) ? 'room' : 'whole'
}

function fits(room: Partial<Amount>, need: Need): boolean {
  if (room.tokens !== undefined && need.tokens > room.tokens) return false
  return room.money === undefined || (need.money !== undefined && need.money <= room.money)
}

function roomBesides(account: BudgetAccount, now: number): Partial<Amount> {
  const room = roomOf(account)
  const promised = promisedAt(account, now)
  if (room.tokens !== undefined) room.tokens -= promised.tokens
  if (room.money !== undefined) room.money -= promised.money
  return room
}

function promisedAt({ promised }: BudgetAccount, now: number): Amount {
  return now < promised.until ? promised : nothing
}

function amountOf({ tokens, money = 0 }: Need): Amount {
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
  throw new QuillworkError(
    'OPTION_INVALID',
    `The ${name} of a budget or a call must be a number from 0 to 9,000,000,000, not ${value}.`,
  )
}
