/**
 * When a ticket of a key will probably be granted: expected times of all that wait, placed one after the other, each as early as the limits
 * allow. They only say when to ask again; grants are decided on what is used (`arithmetic.ts`).
 */
import { type Amount, type Bucket, charge, total } from '../runtime/account.ts'
import {
  barredUntil,
  type LimitAccount,
  maxTickets,
  minute,
  mostOf,
  nothing,
  removeTicket,
  span,
  type Unit,
} from './account.ts'
import type { Limit } from './limiter.ts'
import { insert, placeOf, type Ticket } from './queue.ts'

/** Expected times further away than this are checked again half-way; milliseconds. */
const farAway = 150_000

/** The schedule is made anew at most this often, and this much more seldom per waiting ticket; milliseconds. Keeps it below one percent of a core. */
const shortestReplan = 250
const replanPerTicket = 0.1

/** Waits for a free place are estimated as at least this long, so that nobody asks in a tight loop; milliseconds. */
const shortestGap = 50

/**
 * Puts a new ticket into the queue; returns when to ask again. Where the queue is full the last one goes, which may be the new one; it
 * queues anew when it comes.
 */
export function enqueue(account: LimitAccount, limit: Limit, ticket: Ticket): number {
  const index = placeOf(account.queue, ticket)
  const { order } = account.queue
  if (order.length >= maxTickets) {
    const last = order.at(-1)
    if (index === order.length || last === undefined) return spread(account)
    removeTicket(account, last)
  }
  expectAt(account, limit, ticket, expectedTime(account, limit, ticket, index))
  if (index === order.length) account.lastExpected = ticket.expectedAt
  insert(account.queue, ticket)
  return promise(account, ticket)
}

/** Returns when a ticket that must wait on should ask again. Times move with what was freed, and with who came late: the schedule is made anew now and then. */
export function askAgain(account: LimitAccount, limit: Limit, ticket: Ticket): number {
  if (account.now >= account.nextReplan) replan(account, limit)
  return promise(account, ticket)
}

/** Makes the schedule anew, and with it the times at which those who wait should ask: the limit is another one. */
export function promiseAnew(account: LimitAccount, limit: Limit): void {
  replan(account, limit)
  for (const ticket of account.queue.order) promise(account, ticket)
}

/** The expected time of a ticket at that place in the queue: after those before it; those behind do not count. */
export function expectedTime(account: LimitAccount, limit: Limit, { tokens }: Ticket, index: number): number {
  const { order } = account.queue
  const at = Math.max(account.now, account.parkedUntil, order[index - 1]?.expectedAt ?? account.now)
  const planned = index === order.length ? account.planned : plannedBefore(order, index)
  return schedule(account, limit, startPlan(account, limit, { at, planned, ahead: index }), tokens)
}

/** Notes when a ticket will probably be granted, and what it will probably take then. */
export function expectAt(account: LimitAccount, limit: Limit, ticket: Ticket, at: number): void {
  ticket.expectedAt = at
  ticket.expectedTokens = expectedTokens(account, limit, ticket.tokens)
  ticket.bucket = charge(account.planned, at, { requests: 1, tokens: ticket.expectedTokens })
}

/**
 * When a ticket should ask again: at its expected time, but half-way to one that is far away, for by then much may have been freed or
 * withdrawn. One whose time is here already waits for running calls to end or to cost less than was reserved: about when the next of them does.
 */
export function timeToAsk(account: LimitAccount, expectedAt: number): number {
  const wait = expectedAt - account.now
  const askIn = wait > 0 ? Math.min(wait, Math.max(farAway, wait / 2)) : untilNextEnd(account)
  return Math.max(Math.ceil(account.now + askIn), barredUntil(account))
}

function promise(account: LimitAccount, ticket: Ticket): number {
  ticket.askAt = timeToAsk(account, ticket.expectedAt)
  return ticket.askAt
}

/** How long until a running call ends: the oldest one after the average time, or soon, when it is late already; 0.1 to 2 seconds. */
function untilNextEnd(account: LimitAccount): number {
  const oldest = account.holds.values().next().value?.at ?? account.now
  const next = oldest + account.callTime - account.now
  return Math.min(2_000, Math.max(100, next > 0 ? next : account.callTime / Math.max(1, account.holds.size)))
}

/** Spreads those who found no ticket over the second half of the queue (by the golden ratio: evenly, whatever their number). */
function spread(account: LimitAccount): number {
  account.overflow += 1
  const fraction = (account.overflow * 0.618_033_988_749_895) % 1
  return Math.ceil(account.now + (Math.max(minute, account.lastExpected - account.now) * (1 + fraction)) / 2)
}

function replan(account: LimitAccount, limit: Limit): void {
  const { order } = account.queue
  account.nextReplan = account.now + Math.max(shortestReplan, order.length * replanPerTicket)
  account.planned = []
  const at = Math.max(account.now, account.parkedUntil)
  const plan = startPlan(account, limit, { at, planned: [], ahead: 0 })
  for (const ticket of order) {
    expectAt(account, limit, ticket, schedule(account, limit, plan, ticket.tokens))
    account.lastExpected = ticket.expectedAt
  }
}

/** The expected grants of the minute before that place. */
function plannedBefore(order: readonly Ticket[], index: number): readonly Bucket<Unit>[] {
  const earliest = (order[index - 1]?.expectedAt ?? 0) - span
  let first = index
  while (first > 0 && (order[first - 1]?.expectedAt ?? 0) > earliest) first -= 1
  const planned: Bucket<Unit>[] = []
  for (const { expectedAt, expectedTokens } of order.slice(first, index))
    charge(planned, expectedAt, { requests: 1, tokens: expectedTokens })
  return planned
}

/** The tokens that a call of that estimate will really take, as far as is known; at most the limit, so that an expected time always exists. */
function expectedTokens(account: LimitAccount, limit: Limit, tokens: number): number {
  return Math.min(Math.ceil(tokens * account.realShare), limit.tokensPerMinute ?? Number.POSITIVE_INFINITY)
}

/** What will count when the running calls have ended: those that cost less than they reserved give the rest back. */
function expectedUse({ realShare, holds, used }: LimitAccount): readonly Bucket<Unit>[] {
  if (realShare >= 1 || holds.size === 0) return used
  const buckets = new Map(used.map(bucket => [bucket.from, { ...bucket, amount: { ...bucket.amount } }]))
  for (const { bucket, amount } of holds.values()) {
    const counted = buckets.get(bucket)
    if (counted !== undefined) counted.amount.tokens -= Math.floor(amount.tokens * (1 - realShare))
  }
  return [...buckets.values()]
}

/** What counts at the time up to which tickets were placed. */
interface Plan {
  most: Amount<Unit>
  /** Time of the last place given. Epoch milliseconds. */
  at: number
  /** What still counts at that time, oldest first from index `oldest`. */
  counting: Bucket<Unit>[]
  oldest: number
  sum: Amount<Unit>
  /** Places for concurrency that are free at once. */
  freePlaces: number
  /** How long until the next place is free, once those are taken, and between later ones; milliseconds. */
  nextGap: number
  placeGap: number
}

/** Starts a plan at `at`, on what counts now and what is already planned; both in order of time and not after `at`. */
function startPlan(
  account: LimitAccount,
  limit: Limit,
  { at, planned, ahead }: { at: number; planned: readonly Bucket<Unit>[]; ahead: number },
): Plan {
  const { places, ...most } = mostOf(limit)
  const counting = [...expectedUse(account), ...planned].sort((a, b) => a.at - b.at)
  const placeGap = Math.max(shortestGap, account.callTime / places)
  return {
    most,
    at,
    counting,
    oldest: 0,
    sum: total(counting, nothing),
    freePlaces: places - account.holds.size - ahead,
    // Running calls are spread over their time: the first of them ends after half a gap on average.
    nextGap: ahead === 0 ? placeGap / 2 : placeGap,
    placeGap,
  }
}

/** Places a call no earlier than the one before it; returns its time. Its tokens must not exceed the limit; later ones will find used what it probably takes. */
function schedule(account: LimitAccount, limit: Limit, plan: Plan, tokens: number): number {
  let at = plan.at
  if (plan.freePlaces > 0) plan.freePlaces -= 1
  else {
    at += plan.nextGap
    plan.nextGap = plan.placeGap
  }
  const { most } = plan
  for (;;) {
    const next = plan.counting[plan.oldest]
    if (next === undefined) break
    const fits = plan.sum.requests <= most.requests - 1 && plan.sum.tokens <= most.tokens - tokens
    if (fits && next.at + span > at) break
    at = Math.max(at, next.at + span)
    plan.sum.requests -= next.amount.requests
    plan.sum.tokens -= next.amount.tokens
    plan.oldest += 1
  }
  plan.at = at
  const amount = { requests: 1, tokens: expectedTokens(account, limit, tokens) }
  plan.counting.push({ from: at, at, amount })
  plan.sum.requests += amount.requests
  plan.sum.tokens += amount.tokens
  return Math.ceil(at)
}
