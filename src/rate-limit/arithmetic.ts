/**
 * The arithmetic of one key's limits: no clock, no I/O, every time is a parameter (epoch milliseconds).
 *
 * - A call and its tokens count for a minute from the moment they are granted, so no 60 seconds ever hold more than the limit.
 * - Tickets are served in the order of `queue.ts`: priority, then flows in turn. A ticket is granted when there is room for everybody ahead
 *   of it and for itself; a large request thus collects room, and a small one goes ahead of an absent one only where it takes nothing from it.
 * - A ticket's turn is an estimate of when that will be. It only says when to ask again; grants are decided on what is used.
 *
 * The functions change the state they are given, so that an ask does not copy thousands of waiting tickets. The state is plain data
 * (`structuredClone` copies it), and equal states and arguments give equal answers: a shared limiter can load it, apply and write it back guarded.
 */
import { QuillworkError } from '../task/errors.ts'
import {
  advance,
  endHold,
  isOverdue,
  isParked,
  type KeyState,
  latestWeight,
  maxTickets,
  removeTicket,
  waiting,
} from './account.ts'
import type { AcquireRequest, Limit } from './limiter.ts'
import { type Plan, place, startPlan } from './plan.ts'
import { compare, firstOf, insert, placeOf, rankFor, serve, type Ticket } from './queue.ts'
import { type Amount, type Bucket, charge, minute, refund, span, total } from './window.ts'

/** Turns further away than this are looked at again half-way; milliseconds. */
const farAway = 150_000

/** A ticket that has room and did not come this long after it was told to is named, too: it may have been given up. Milliseconds. */
const lateAfter = 2_000

/** Turns are estimated anew at most this often, and this much more seldom per waiting ticket; milliseconds. Keeps it below one percent of a core. */
const shortestReplan = 250
const replanPerTicket = 0.1

/** What is asked for. `leaseEnd` absent: the hold lasts until it is settled. */
export interface Ask extends Pick<AcquireRequest, 'ticket' | 'cost' | 'flow' | 'priority'> {
  leaseEnd?: number
}

/** Granted under the number of the hold, or not before `until`. */
export type Decision = { granted: true; hold: number } | { granted: false; until: number }

/** Decides an ask. Throws OPTION_INVALID for a cost that is no amount or that the limit can never grant. */
export function acquire(state: KeyState, limit: Limit, ask: Ask, now: number): Decision {
  const tokens = wholeCost(ask.cost)
  if (tokens > (limit.tokensPerMinute ?? Number.POSITIVE_INFINITY)) {
    const message = `A cost of ${tokens} can never run under a limit of ${limit.tokensPerMinute} tokens a minute: split the call or raise the limit.`
    throw new QuillworkError('OPTION_INVALID', message, {
      details: { cost: tokens, limit: limit.tokensPerMinute },
    })
  }
  advance(state, now)
  const known = comeBack(state, ask.ticket, tokens)
  const ticket = known ?? newTicket(state, ask, tokens)
  if (isFirstThatFits(state, limit, ticket)) return { granted: true, hold: grant(state, ask, ticket) }
  return {
    granted: false,
    until: known === undefined ? enqueue(state, limit, ticket) : again(state, limit, ticket),
  }
}

/** Ends a hold whose call was made: `cost` replaces the estimate. A hold that is not there any more is left alone. */
export function commit(state: KeyState, id: number, cost: number | undefined, now: number): void {
  const real = cost === undefined ? undefined : wholeCost(cost)
  advance(state, now)
  const hold = endHold(state, id)
  if (hold === undefined) return
  const excess = (real ?? hold.tokens) - hold.tokens
  if (excess < 0) refund(state.used, hold.bucket, { requests: 0, tokens: -excess })
  // What nobody knew before counts from the time it is known: that delays others longest, and so never lets too much through.
  if (excess > 0) charge(state.used, state.now, { requests: 0, tokens: excess })
  if (hold.tokens > 0)
    state.realShare += latestWeight * ((hold.tokens + excess) / hold.tokens - state.realShare)
}

/** Ends a hold whose call was not made: nothing of it counts any more. */
export function release(state: KeyState, id: number, now: number): void {
  advance(state, now)
  const hold = endHold(state, id)
  if (hold !== undefined) refund(state.used, hold.bucket, { requests: 1, tokens: hold.tokens })
}

/**
 * Ends a hold whose asker does not know of it: it had given up when it was granted. Nothing of the call counts any more, and the asker
 * is the first of its priority again.
 */
export function giveBack(state: KeyState, limit: Limit, id: number, ask: Ask, now: number): void {
  release(state, id, now)
  const known = state.queue.byName.get(ask.ticket)
  if (known !== undefined) removeTicket(state, known)
  const ticket = known ?? newTicket(state, ask, wholeCost(ask.cost))
  giveTurn(state, limit, ticket, state.now)
  ticket.told = state.now
  insert(state.queue, ticket, 'in front')
}

/** Gives an asker that has no place in the queue one, and grants nothing. Returns whether anything has changed. */
export function keepPlace(state: KeyState, limit: Limit, ask: Ask, now: number): boolean {
  advance(state, now)
  if (state.queue.byName.has(ask.ticket)) return false
  enqueue(state, limit, newTicket(state, ask, wholeCost(ask.cost)))
  return state.queue.byName.has(ask.ticket)
}

/** When an asker whose ask is not decided yet should ask again: for its place, or for the one that it would have. */
export function expectedTurn(state: KeyState, limit: Limit, ask: Ask, now: number): number {
  advance(state, now)
  const known = state.queue.byName.get(ask.ticket)
  if (known !== undefined) return timeToAsk(state, known.turn)
  const ticket = newTicket(state, ask, wholeCost(ask.cost))
  return timeToAsk(state, turnAt(state, limit, ticket, placeOf(state.queue, ticket)))
}

/** Takes a ticket out of the queue. */
export function withdraw(state: KeyState, name: string, now: number): void {
  advance(state, now)
  const ticket = state.queue.byName.get(name)
  if (ticket !== undefined) removeTicket(state, ticket)
}

/**
 * The tickets that would be granted now and were not named since their last ask: of those that were told a later time, and those that stay
 * away.
 */
export function takeReady(state: KeyState, limit: Limit, now: number): string[] {
  advance(state, now)
  if (isParked(state)) return []
  const ready: string[] = []
  const room = roomOf(state, limit)
  for (const ticket of waiting(state)) {
    take(room, ticket.tokens)
    if (isExceeded(room)) break
    const isDue = ticket.told <= state.now && state.now < ticket.told + lateAfter
    if (ticket.called || isDue) continue
    ticket.called = true
    ready.push(ticket.name)
  }
  return ready
}

/** Calls and tokens that count now. */
export function usedNow(state: KeyState): Amount {
  return total(state.used)
}

/** The ticket of an asker that has one and came back in time. Its cost may have changed, its place has not. */
function comeBack(state: KeyState, name: string, tokens: number): Ticket | undefined {
  const ticket = state.queue.byName.get(name)
  if (ticket === undefined) return undefined
  if (isOverdue(state, ticket)) {
    removeTicket(state, ticket)
    return undefined
  }
  ticket.tokens = tokens
  ticket.called = false
  return ticket
}

/** Those in front that have lost their place say nothing of how far the queue is. */
function forgetOverdue(state: KeyState, priority: Ticket['priority']): void {
  for (;;) {
    const first = firstOf(state.queue, priority)
    if (first === undefined || !isOverdue(state, first)) return
    removeTicket(state, first)
  }
}

/** A ticket that is not in the queue yet. */
function newTicket(
  state: KeyState,
  { ticket: name, flow = '', priority = 'normal' }: Ask,
  tokens: number,
): Ticket {
  forgetOverdue(state, priority)
  const rank = rankFor(state.queue, { flow, priority })
  const inTime = { turn: 0, told: 0, slot: 0, expected: 0, called: false }
  return { name, flow, priority, rank, tokens, ...inTime }
}

/** A cost as the account counts it. Throws OPTION_INVALID for one that is no amount. */
export function wholeCost(cost: number): number {
  if (Number.isFinite(cost) && cost >= 0) return Math.ceil(cost)
  throw new QuillworkError('OPTION_INVALID', `A cost is a number of zero or more, not ${cost}.`)
}

/** What may still be granted at once. */
interface Room extends Amount {
  places: number
}

function roomOf(state: KeyState, limit: Limit): Room {
  const used = total(state.used)
  return {
    requests: (limit.requestsPerMinute ?? Number.POSITIVE_INFINITY) - used.requests,
    tokens: (limit.tokensPerMinute ?? Number.POSITIVE_INFINITY) - used.tokens,
    places: (limit.concurrency ?? Number.POSITIVE_INFINITY) - state.holds.size,
  }
}

function take(room: Room, tokens: number): void {
  room.requests -= 1
  room.places -= 1
  room.tokens -= tokens
}

const isExceeded = (room: Room): boolean => room.requests < 0 || room.places < 0 || room.tokens < 0

/** Whether there is room for everybody ahead of the ticket and for the ticket, which may not be in the queue yet. */
function isFirstThatFits(state: KeyState, limit: Limit, ticket: Ticket): boolean {
  if (isParked(state)) return false
  const room = roomOf(state, limit)
  take(room, ticket.tokens)
  for (const ahead of waiting(state)) {
    if (isExceeded(room) || ahead === ticket || compare(ahead, ticket) > 0) break
    take(room, ahead.tokens)
  }
  return !isExceeded(room)
}

function grant(state: KeyState, ask: Ask, ticket: Ticket): number {
  if (state.queue.byName.get(ticket.name) === ticket) removeTicket(state, ticket)
  serve(state.queue, ticket)
  const id = state.nextHold
  state.nextHold += 1
  const { tokens } = ticket
  const bucket = charge(state.used, state.now, { requests: 1, tokens })
  state.holds.set(id, { at: state.now, bucket, tokens, leaseEnd: ask.leaseEnd ?? Number.POSITIVE_INFINITY })
  return id
}

/** The tokens that a call of that estimate will really take, as far as is known; at most the limit, so that a turn always exists. */
function expectedTokens(state: KeyState, limit: Limit, tokens: number): number {
  return Math.min(Math.ceil(tokens * state.realShare), limit.tokensPerMinute ?? Number.POSITIVE_INFINITY)
}

/** What will count when the running calls have ended: those that cost less than they reserved give the rest back. */
function expectedUse(state: KeyState): readonly Bucket[] {
  if (state.realShare >= 1 || state.holds.size === 0) return state.used
  const buckets = new Map(state.used.map(bucket => [bucket.from, { ...bucket }]))
  for (const hold of state.holds.values()) {
    const bucket = buckets.get(hold.bucket)
    if (bucket !== undefined) bucket.tokens -= Math.floor(hold.tokens * (1 - state.realShare))
  }
  return [...buckets.values()]
}

/**
 * Puts a new ticket into the queue; answers when to ask again. Where the queue is full the last one goes, which may be the new one; it
 * queues anew when it comes.
 */
function enqueue(state: KeyState, limit: Limit, ticket: Ticket): number {
  const index = placeOf(state.queue, ticket)
  const { order } = state.queue
  if (order.length >= maxTickets) {
    const last = order.at(-1)
    if (index === order.length || last === undefined) return spread(state)
    removeTicket(state, last)
  }
  giveTurn(state, limit, ticket, turnAt(state, limit, ticket, index))
  if (index === order.length) state.lastTurn = ticket.turn
  insert(state.queue, ticket)
  return tell(state, ticket)
}

/** The turn of a ticket at that place in the queue: after those before it, whoever is behind. */
function turnAt(state: KeyState, limit: Limit, { tokens }: Ticket, index: number): number {
  const { order } = state.queue
  const at = Math.max(state.now, state.parkedUntil, order[index - 1]?.turn ?? state.now)
  const placed = index === order.length ? state.placed : placedBefore(order, index)
  return planTurn(state, limit, planFrom(state, limit, { at, placed, ahead: index }), tokens)
}

/** The turns of the minute before that place. */
function placedBefore(order: readonly Ticket[], index: number): readonly Bucket[] {
  const earliest = (order[index - 1]?.turn ?? 0) - span
  let first = index
  while (first > 0 && (order[first - 1]?.turn ?? 0) > earliest) first -= 1
  const placed: Bucket[] = []
  for (const { turn, expected } of order.slice(first, index))
    charge(placed, turn, { requests: 1, tokens: expected })
  return placed
}

function planTurn(state: KeyState, limit: Limit, plan: Plan, tokens: number): number {
  const expected = { requests: 1, tokens: expectedTokens(state, limit, tokens) }
  return Math.ceil(place(plan, limit, { requests: 1, tokens }, expected))
}

/** A ticket asked again and must wait. Turns move with what was freed, and with who came late: they are estimated anew now and then. */
function again(state: KeyState, limit: Limit, ticket: Ticket): number {
  if (state.now >= state.nextReplan) replan(state, limit)
  return tell(state, ticket)
}

function replan(state: KeyState, limit: Limit): void {
  const { order } = state.queue
  state.nextReplan = state.now + Math.max(shortestReplan, order.length * replanPerTicket)
  state.placed = []
  const at = Math.max(state.now, state.parkedUntil)
  const plan = planFrom(state, limit, { at, placed: [], ahead: 0 })
  for (const ticket of order) {
    giveTurn(state, limit, ticket, planTurn(state, limit, plan, ticket.tokens))
    state.lastTurn = ticket.turn
  }
}

function giveTurn(state: KeyState, limit: Limit, ticket: Ticket, turn: number): void {
  ticket.turn = turn
  ticket.expected = expectedTokens(state, limit, ticket.tokens)
  ticket.slot = charge(state.placed, turn, { requests: 1, tokens: ticket.expected })
}

function tell(state: KeyState, ticket: Ticket): number {
  ticket.told = timeToAsk(state, ticket.turn)
  return ticket.told
}

/**
 * When a ticket should ask again: at its turn, but half-way to one that is far away, for by then much may have been freed or withdrawn.
 * A turn that is here already waits for running calls to end or to cost less than was reserved: about when the next of them does.
 */
function timeToAsk(state: KeyState, turn: number): number {
  const wait = turn - state.now
  const told = wait > 0 ? Math.min(wait, Math.max(farAway, wait / 2)) : untilNextEnd(state)
  return Math.max(Math.ceil(state.now + told), state.parkedUntil)
}

/** How long until a running call ends: the oldest one after the average time, or soon, when it is late already; 0.1 to 2 seconds. */
function untilNextEnd(state: KeyState): number {
  const oldest = state.holds.values().next().value?.at ?? state.now
  const next = oldest + state.callTime - state.now
  return Math.min(2_000, Math.max(100, next > 0 ? next : state.callTime / Math.max(1, state.holds.size)))
}

/** Spreads those who found no ticket over the second half of the queue (by the golden ratio: evenly, whatever their number). */
function spread(state: KeyState): number {
  state.overflow += 1
  const fraction = (state.overflow * 0.618_033_988_749_895) % 1
  return Math.ceil(state.now + (Math.max(minute, state.lastTurn - state.now) * (1 + fraction)) / 2)
}

function planFrom(
  state: KeyState,
  limit: Limit,
  { at, placed, ahead }: { at: number; placed: readonly Bucket[]; ahead: number },
): Plan {
  const free = (limit.concurrency ?? Number.POSITIVE_INFINITY) - state.holds.size
  return startPlan(at, expectedUse(state), placed, { free, waiting: ahead, callTime: state.callTime, limit })
}
