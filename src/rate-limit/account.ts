/** The account of one key: what was granted, who holds it, who waits, and how time passes over it. */
import { QuillworkError } from '../task/errors.ts'
import { grace } from './limiter.ts'
import { emptyQueue, type Queue, remove, type Ticket } from './queue.ts'
import { type Bucket, expire, minute, refund, shift } from './window.ts'

/** Tickets that one key keeps. Who asks beyond them is told a time but keeps no place: bounds memory to a few megabytes. */
export const maxTickets = 20_000

/** Expected length of a call before the first one has ended; milliseconds. Only turns at a full concurrency depend on it. */
const firstCallTime = 2_000

/** Weight of the latest call in the running averages. */
export const latestWeight = 0.1

/** A grant that is neither committed nor released. */
export interface Hold {
  /** When it was granted, and the bucket of `used` that counts it. */
  at: number
  bucket: number
  tokens: number
  /** The hold is given up at this time unless it is settled before; for holders that may die apart from the state. */
  leaseEnd: number
}

/** The account of one key. */
export interface KeyState {
  /** Latest time that the state has seen. */
  now: number
  /** What was granted within the last minute. */
  used: Bucket[]
  holds: Map<number, Hold>
  nextHold: number
  queue: Queue
  /** The turns of waiting tickets, at least those of the minute before the last one. */
  placed: Bucket[]
  /** The turn of the last ticket, or of one that was the last. */
  lastTurn: number
  /** No turns are estimated anew before this time. */
  nextReplan: number
  /** Asks that found `maxTickets` waiting. */
  overflow: number
  parkedUntil: number
  /** Running average of how long a call holds its place; milliseconds. */
  callTime: number
  /** Running average of real cost divided by reserved cost. Turns are planned with it, grants never are. */
  realShare: number
}

/** A key that nobody has used. */
export function emptyState(now: number): KeyState {
  return {
    now,
    used: [],
    holds: new Map(),
    nextHold: 1,
    queue: emptyQueue(),
    placed: [],
    lastTurn: now,
    nextReplan: now,
    overflow: 0,
    parkedUntil: Number.NEGATIVE_INFINITY,
    callTime: firstCallTime,
    realShare: 1,
  }
}

/**
 * Grants nothing before `until`; the queue moves back in its order, but for those who have lost their place. A time before one that was set
 * earlier changes nothing.
 */
export function park(state: KeyState, until: number, now: number): void {
  if (!Number.isFinite(until)) {
    throw new QuillworkError(
      'OPTION_INVALID',
      'A key can only be parked until a finite time in epoch milliseconds.',
    )
  }
  advance(state, now)
  const delay = until - Math.max(state.now, state.parkedUntil)
  if (delay <= 0) return
  state.parkedUntil = until
  shift(state.placed, delay)
  state.lastTurn += delay
  for (const ticket of waiting(state)) {
    ticket.turn = Math.max(ticket.turn + delay, until)
    ticket.told = Math.max(ticket.told, until)
    ticket.slot += delay
  }
}

/** Moves the state to `now` and forgets what no longer counts; a wall clock that was set back is followed. Overdue tickets go when somebody passes them. */
export function advance(state: KeyState, now: number): void {
  // Small steps back come from several clocks and are waited out; following each would make time run fast.
  if (now < state.now - minute) moveAll(state, now - state.now)
  state.now = Math.max(state.now, now)
  expire(state.used, state.now)
  expire(state.placed, state.lastTurn)
  for (const [id, hold] of state.holds) if (hold.leaseEnd <= state.now) state.holds.delete(id)
}

function moveAll(state: KeyState, by: number): void {
  state.now += by
  state.lastTurn += by
  state.nextReplan += by
  state.parkedUntil += by
  shift(state.used, by)
  shift(state.placed, by)
  for (const hold of state.holds.values()) {
    hold.at += by
    hold.bucket += by
    hold.leaseEnd += by
  }
  for (const ticket of state.queue.order) {
    ticket.turn += by
    ticket.told += by
    ticket.slot += by
  }
}

/** Forgets all that is out of date, overdue tickets too; answers whether anything is left to remember. */
export function sweep(state: KeyState, now: number): boolean {
  advance(state, now)
  const places = [...waiting(state)].length
  return state.used.length + state.holds.size + places > 0 || isParked(state)
}

/** Whether the key grants nothing to anybody now. */
export const isParked = (state: KeyState): boolean => state.now < state.parkedUntil

/** Whether the ticket has lost its place. */
export const isOverdue = (state: KeyState, ticket: Ticket): boolean => state.now > ticket.told + grace

/** The tickets in the order in which they are served. Those that have lost their place go when they are passed. */
export function* waiting(state: KeyState): Generator<Ticket> {
  for (let index = 0; ; ) {
    const ticket = state.queue.order[index]
    if (ticket === undefined) return
    if (isOverdue(state, ticket)) removeTicket(state, ticket)
    else {
      yield ticket
      index += 1
    }
  }
}

/** Ends a hold, and learns how long its call took; undefined when it is not there any more. */
export function endHold(state: KeyState, id: number): Hold | undefined {
  const hold = state.holds.get(id)
  if (hold === undefined) return undefined
  state.holds.delete(id)
  state.callTime += latestWeight * (state.now - hold.at - state.callTime)
  return hold
}

/** Moves the end of the leases of holds that are still there; their holder lives. */
export function extendHolds(state: KeyState, ids: Iterable<number>, leaseEnd: number): void {
  for (const id of ids) {
    const hold = state.holds.get(id)
    if (hold !== undefined) hold.leaseEnd = Math.max(hold.leaseEnd, leaseEnd)
  }
}

/** Takes a ticket out of the queue and its turn out of the plan. */
export function removeTicket(state: KeyState, ticket: Ticket): void {
  remove(state.queue, ticket)
  refund(state.placed, ticket.slot, { requests: 1, tokens: ticket.expected })
  if (state.queue.order.length > 0) return
  state.placed = []
  state.lastTurn = state.now
  state.overflow = 0
}
