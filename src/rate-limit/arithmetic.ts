/**
 * What a key grants, and to whom: the policy of limits over an account. No clock, no I/O, every time is a parameter (epoch milliseconds).
 *
 * - A call and its tokens count for a minute from the moment they are granted, so no 60 seconds ever hold more than the limit.
 * - Tickets are served in the order of `queue.ts`: priority, then one of each flow after the other. A ticket is granted when there is capacity for everybody
 *   ahead of it and for itself; a large request thus collects capacity, and a small one goes ahead of an absent one only where it takes
 *   nothing from it.
 * - One that must wait is promised a time to ask again (`schedule.ts`).
 *
 * The functions change the account that they are given, so that an ask does not copy thousands of waiting tickets. An account is plain data
 * (`structuredClone` copies it), and equal accounts and arguments give equal results: a shared limiter can load it, apply and write it back
 * guarded.
 */
import { type Amount, reserve, settle, take, total } from '../runtime/account.ts'
import { QuillworkError } from '../task/errors.ts'
import {
  advance,
  endHold,
  isOverdue,
  isParked,
  type LimitAccount,
  latestWeight,
  mostOf,
  nothing,
  probesLeft,
  removeTicket,
  type Unit,
  waiting,
} from './account.ts'
import type { AcquireRequest, Limit, Waiter, WhoWaits } from './limiter.ts'
import { compare, firstOf, insert, placeOf, rankFor, serve, type Ticket } from './queue.ts'
import { askAgain, enqueue, expectAt, expectedTime, promiseAnew, timeToAsk } from './schedule.ts'

/** A ticket that has capacity and does not come this long after its promised time is named, too: it may have been given up. Milliseconds. */
const lateAfter = 2_000

/** Tickets that are named at most, of those that wait. */
const mostNext = 5

/** What is asked for. `leaseEnd` absent: the hold lasts until it is settled. */
export interface Ask extends Pick<AcquireRequest, 'ticket' | 'cost' | 'flow' | 'priority'> {
  leaseEnd?: number
}

/** Granted under the number of the hold, or not before `until`. */
export type Decision = { granted: true; hold: number } | { granted: false; until: number }

/** Decides an ask. Throws OPTION_INVALID for a cost that is no amount or that the limit can never grant. */
export function acquire(account: LimitAccount, limit: Limit, ask: Ask, now: number): Decision {
  const tokens = wholeCost(ask.cost)
  if (tokens > mostOf(limit).tokens) {
    const message = `A cost of ${tokens} can never run under a limit of ${limit.tokensPerMinute} tokens a minute: split the call or raise the limit.`
    throw new QuillworkError('OPTION_INVALID', message, {
      details: { cost: tokens, limit: limit.tokensPerMinute },
    })
  }
  advance(account, now)
  const known = comeBack(account, ask.ticket, tokens)
  const ticket = known ?? newTicket(account, ask, tokens)
  if (isFirstThatFits(account, limit, ticket)) return { granted: true, hold: grant(account, ask, ticket) }
  const until = known === undefined ? enqueue(account, limit, ticket) : askAgain(account, limit, ticket)
  return { granted: false, until }
}

/** Ends a hold whose call was made: `cost` replaces the estimate. A hold that is not there any more is left alone. Throws OPTION_INVALID. */
export function commit(
  account: LimitAccount,
  id: number,
  cost: number | undefined,
  now: number,
  isAnswered = true,
): void {
  const real = cost === undefined ? undefined : wholeCost(cost)
  advance(account, now)
  const isProbe = account.probe === id
  const hold = endHold(account, id)
  if (hold === undefined) return
  const { requests, tokens: estimate } = hold.amount
  const tokens = real ?? estimate
  // A call that used nothing was refused, perhaps.
  if (isProbe && isAnswered && !isParked(account) && (tokens > 0 || estimate === 0)) account.probe = undefined
  settle(account.used, hold, { requests, tokens }, account.now)
  if (estimate > 0) account.realShare += latestWeight * (tokens / estimate - account.realShare)
}

/** Ends a hold whose call was not made: nothing of it counts any more. */
export function release(account: LimitAccount, id: number, now: number): void {
  advance(account, now)
  const hold = endHold(account, id)
  if (hold !== undefined) settle(account.used, hold, nothing, account.now)
}

/**
 * Ends a hold whose asker does not know of it: it had given up when it was granted. Nothing of the call counts any more, and the asker
 * is the first of its priority again.
 */
export function giveBack(account: LimitAccount, limit: Limit, id: number, ask: Ask, now: number): void {
  release(account, id, now)
  const known = account.queue.byName.get(ask.ticket)
  if (known !== undefined) removeTicket(account, known)
  const ticket = known ?? newTicket(account, ask, wholeCost(ask.cost))
  expectAt(account, limit, ticket, account.now)
  ticket.askAt = account.now
  insert(account.queue, ticket, 'in front')
}

/** Gives an asker that has no place in the queue one, and grants nothing. Returns when to ask, and whether anything has changed. */
export function keepPlace(
  account: LimitAccount,
  limit: Limit,
  ask: Ask,
  now: number,
): { until: number; hasChanged: boolean } {
  advance(account, now)
  const known = account.queue.byName.get(ask.ticket)
  if (known !== undefined) return { until: known.askAt, hasChanged: false }
  const tokens = Math.min(wholeCost(ask.cost), mostOf(limit).tokens)
  const until = enqueue(account, limit, newTicket(account, ask, tokens))
  return { until, hasChanged: account.queue.byName.has(ask.ticket) }
}

/** Plans the queue anew, under a limit that is another one. Returns whether anybody waits. */
export function replanQueue(account: LimitAccount, limit: Limit, now: number): boolean {
  advance(account, now)
  // Those that have lost their place go first.
  if (mostAsked(account) === undefined) return false
  promiseAnew(account, limit)
  return true
}

/** Returns the most tokens that a ticket asks for; undefined where none waits. */
export function mostAsked(account: LimitAccount): number | undefined {
  let most: number | undefined
  for (const { tokens } of waiting(account)) most = Math.max(most ?? 0, tokens)
  return most
}

/** When an asker whose ask is not decided yet should ask again: for its place, or for the one that it would have. */
export function expectedToAsk(account: LimitAccount, limit: Limit, ask: Ask, now: number): number {
  advance(account, now)
  const known = account.queue.byName.get(ask.ticket)
  if (known !== undefined) return timeToAsk(account, known.expectedAt)
  const ticket = newTicket(account, ask, wholeCost(ask.cost))
  return timeToAsk(account, expectedTime(account, limit, ticket, placeOf(account.queue, ticket)))
}

/** Takes a ticket out of the queue. */
export function withdraw(account: LimitAccount, name: string, now: number): void {
  advance(account, now)
  const ticket = account.queue.byName.get(name)
  if (ticket !== undefined) removeTicket(account, ticket)
}

/**
 * The tickets that would be granted now and were not named since their last ask: of those that were promised a later time, and those that
 * stay away.
 */
export function takeReady(account: LimitAccount, limit: Limit, now: number): string[] {
  advance(account, now)
  if (isParked(account)) return []
  const ready: string[] = []
  const capacity = capacityOf(account, limit)
  for (const ticket of waiting(account)) {
    if (!take(capacity, needOf(ticket))) break
    const isDue = ticket.askAt <= account.now && account.now < ticket.askAt + lateAfter
    if (ticket.called || isDue) continue
    ticket.called = true
    ready.push(ticket.name)
  }
  return ready
}

/** Returns how many wait, the first of them in the order of service, and the one that has waited for the longest. */
export function whoWaits({ queue: { order } }: LimitAccount): WhoWaits {
  let longest = order[0]
  for (const ticket of order) if (longest !== undefined && ticket.since < longest.since) longest = ticket
  return {
    waiting: order.length,
    next: order.slice(0, mostNext).map(waiterOf),
    ...(longest !== undefined && { longestWaiting: waiterOf(longest) }),
  }
}

function waiterOf({ name, since, expectedAt }: Ticket): Waiter {
  return { ticket: name, since, expectedAt }
}

/** Calls and tokens that count now. */
export function usedNow(account: LimitAccount): Amount<Unit> {
  return total(account.used, nothing)
}

/** A cost as the account counts it. Throws OPTION_INVALID for one that is no amount. */
export function wholeCost(cost: number): number {
  if (Number.isFinite(cost) && cost >= 0) return Math.ceil(cost)
  throw new QuillworkError('OPTION_INVALID', `A cost is a number of zero or more, not ${cost}.`)
}

/** The ticket of an asker that has one and came back in time. Its cost may have changed, its place has not. */
function comeBack(account: LimitAccount, name: string, tokens: number): Ticket | undefined {
  const ticket = account.queue.byName.get(name)
  if (ticket === undefined) return undefined
  if (isOverdue(account, ticket)) {
    removeTicket(account, ticket)
    return undefined
  }
  ticket.tokens = tokens
  ticket.called = false
  return ticket
}

/** A ticket that is not in the queue yet. */
function newTicket(
  account: LimitAccount,
  { ticket: name, flow = '', priority = 'normal' }: Ask,
  tokens: number,
): Ticket {
  // Those in front that have lost their place say nothing of how far the queue is.
  let first = firstOf(account.queue, priority)
  while (first !== undefined && isOverdue(account, first)) {
    removeTicket(account, first)
    first = firstOf(account.queue, priority)
  }
  const rank = rankFor(account.queue, { flow, priority })
  const unplanned = { expectedAt: 0, askAt: 0, bucket: 0, expectedTokens: 0, called: false }
  return { name, flow, priority, rank, tokens, since: account.now, ...unplanned }
}

/** What may still be granted at once. */
function capacityOf(account: LimitAccount, limit: Limit): Amount<Unit | 'places'> {
  const capacity = mostOf(limit)
  capacity.places = Math.min(capacity.places - account.holds.size, probesLeft(account))
  for (const { amount } of account.used) {
    capacity.requests -= amount.requests
    capacity.tokens -= amount.tokens
  }
  return capacity
}

const needOf = ({ tokens }: Ticket) => ({ requests: 1, tokens, places: 1 })

/** Whether there is capacity for everybody ahead of the ticket and for the ticket, which may not be in the queue yet. */
function isFirstThatFits(account: LimitAccount, limit: Limit, ticket: Ticket): boolean {
  if (isParked(account)) return false
  const capacity = capacityOf(account, limit)
  let isFitting = take(capacity, needOf(ticket))
  for (const ahead of waiting(account)) {
    if (!isFitting || ahead === ticket || compare(ahead, ticket) > 0) break
    isFitting = take(capacity, needOf(ahead))
  }
  return isFitting
}

function grant(account: LimitAccount, ask: Ask, ticket: Ticket): number {
  if (account.queue.byName.get(ticket.name) === ticket) removeTicket(account, ticket)
  serve(account.queue, ticket)
  const id = account.nextHold
  account.nextHold += 1
  if (account.probe !== undefined) account.probe = id
  reserve(account, id, {
    at: account.now,
    amount: { requests: 1, tokens: ticket.tokens },
    leaseEnd: ask.leaseEnd ?? Number.POSITIVE_INFINITY,
  })
  return id
}
