/** The account of one key: what was granted, who holds it, who waits, and how time passes over it. */
import {
  type Account,
  type Amount,
  type Bucket,
  charge,
  dropUntil,
  expireHolds,
  type Hold,
  refund,
  shift,
} from '../runtime/account.ts'
import { accountCodec } from '../runtime/shared-account.ts'
import { QuillworkError } from '../task/errors.ts'
import { grace, type Limit, longestPark } from './limiter.ts'
import { emptyQueue, insert, type Queue, remove, type Ticket } from './queue.ts'

/** The length of the window that a limit speaks of; milliseconds. */
export const minute = 60_000

/**
 * Amounts count this much longer than a minute; milliseconds. A call reaches the provider some time after it was granted,
 * and not always the same time: without the margin, two that were granted a minute apart may arrive in one minute.
 */
const margin = 500

/** How long an amount counts; milliseconds. */
export const span = minute + margin

/** Tickets that one key keeps. Who asks beyond them is given a time but keeps no place: bounds memory to a few megabytes. */
export const maxTickets = 20_000

/** Expected length of a call before the first one has ended; milliseconds. Only the schedule of a full concurrency depends on it. */
const firstCallTime = 2_000

/** A call that runs for this long was not refused: refusals come at once. Milliseconds. */
const probeMs = 60_000

/** Weight of the latest call in the running averages. */
export const latestWeight = 0.1

/** What counts within a minute: calls that start, and their tokens. */
export type Unit = 'requests' | 'tokens'

/** Nothing of either. */
export const nothing: Readonly<Amount<Unit>> = { requests: 0, tokens: 0 }

/** The account of one key. What it has used within the last minute counts. */
export interface LimitAccount extends Account<Unit, number> {
  /** Latest time that the account has seen. */
  now: number
  nextHold: number
  queue: Queue
  /** The expected grants of waiting tickets, at least those of the minute before the last one. */
  planned: Bucket<Unit>[]
  /** The expected time of the last ticket, or of one that was the last. */
  lastExpected: number
  /** The schedule is not made anew before this time. */
  nextReplan: number
  /** Asks that found `maxTickets` waiting. */
  overflow: number
  parkedUntil: number
  /**
   * The hold of the one call that asks whether the provider takes calls again; one that is gone, such as 0, leaves that to the next call.
   * Absent: the provider is believed to.
   */
  probe?: number | undefined
  /** Running average of how long a call holds its place; milliseconds. */
  callTime: number
  /** Running average of real cost divided by reserved cost. Expected times depend on it, grants never do. */
  realShare: number
}

/** A key that nobody has used. */
export function newAccount(now: number): LimitAccount {
  return {
    now,
    used: [],
    holds: new Map(),
    nextHold: 1,
    queue: emptyQueue(),
    planned: [],
    lastExpected: now,
    nextReplan: now,
    overflow: 0,
    parkedUntil: Number.NEGATIVE_INFINITY,
    callTime: firstCallTime,
    realShare: 1,
  }
}

/** The most that a limit allows: of calls and tokens within a minute, and of calls at the same time. */
export function mostOf(limit: Limit): Amount<Unit | 'places'> {
  const unlimited = Number.POSITIVE_INFINITY
  return {
    requests: limit.requestsPerMinute ?? unlimited,
    tokens: limit.tokensPerMinute ?? unlimited,
    places: limit.concurrency ?? unlimited,
  }
}

/**
 * Grants nothing before `until`, at most for `longestPark`, after which one call probes; the queue moves back in its order, but for those who have
 * lost their place. A time before one that was set earlier changes nothing. Throws OPTION_INVALID for a time that is not finite.
 */
export function park(account: LimitAccount, asked: number, now: number): void {
  if (!Number.isFinite(asked)) {
    const message = 'A key can only be parked until a finite time in epoch milliseconds.'
    throw new QuillworkError('OPTION_INVALID', message)
  }
  advance(account, now)
  const until = Math.min(asked, account.now + longestPark)
  if (until < asked) account.probe = 0
  const delay = until - Math.max(account.now, account.parkedUntil)
  if (delay <= 0) return
  account.parkedUntil = until
  shift(account.planned, delay)
  account.lastExpected += delay
  for (const ticket of waiting(account)) {
    ticket.expectedAt = Math.max(ticket.expectedAt + delay, until)
    ticket.askAt = Math.max(ticket.askAt, until)
    ticket.bucket += delay
  }
}

/** Moves the account to `now` and drops what no longer counts; a wall clock that was set back is followed. Overdue tickets go when they are passed. */
export function advance(account: LimitAccount, now: number): void {
  // Small steps back come from several clocks and are waited out; following each would make time run fast.
  if (now < account.now - minute) moveAll(account, now - account.now)
  account.now = Math.max(account.now, now)
  dropUntil(account.used, account.now - span)
  dropUntil(account.planned, account.lastExpected - span)
  expireHolds(account, account.now)
  if (account.probe !== undefined && account.now >= probeEnd(account)) account.probe = undefined
}

/** When the provider is believed to take calls again although no call was answered. */
function probeEnd(account: LimitAccount): number {
  const probedAt = probeStart(account)
  return probedAt === undefined ? account.parkedUntil + longestPark : probedAt + probeMs
}

/** When the call that probes was granted; undefined where none runs. */
function probeStart({ holds, probe }: LimitAccount): number | undefined {
  return probe === undefined ? undefined : holds.get(probe)?.at
}

/** How many calls may be granted before it is known whether the provider takes calls again. */
export function probesLeft(account: LimitAccount): number {
  if (account.probe === undefined) return Number.POSITIVE_INFINITY
  return probeStart(account) === undefined ? 1 : 0
}

/** The earliest time at which a call that is not granted now could be: the end of a park, or of a call that probes. Who may come before is called. */
export function barredUntil(account: LimitAccount): number {
  const probedAt = probeStart(account)
  return Math.max(account.parkedUntil, probedAt === undefined ? account.parkedUntil : probedAt + probeMs)
}

/** Forgets what was used, who waits and that the key is parked. What runs counts from now on, for no longer than a minute. */
export function reset(account: LimitAccount, now: number): void {
  advance(account, now)
  const { holds, nextHold } = account
  Object.assign(account, { ...newAccount(account.now), holds, nextHold, probe: undefined })
  for (const hold of holds.values()) hold.bucket = charge(account.used, account.now, hold.amount)
}

function moveAll(account: LimitAccount, by: number): void {
  account.now += by
  account.lastExpected += by
  account.nextReplan += by
  account.parkedUntil += by
  shift(account.used, by)
  shift(account.planned, by)
  for (const hold of account.holds.values()) {
    hold.at += by
    hold.bucket += by
    hold.leaseEnd += by
  }
  for (const ticket of account.queue.order) {
    ticket.since += by
    ticket.expectedAt += by
    ticket.askAt += by
    ticket.bucket += by
  }
}

/** Drops all that is out of date, overdue tickets too; returns whether anything is left to remember. */
export function sweep(account: LimitAccount, now: number): boolean {
  advance(account, now)
  const places = [...waiting(account)].length
  const isHeldBack = isParked(account) || account.probe !== undefined
  return account.used.length + account.holds.size + places > 0 || isHeldBack
}

/** Whether the key grants nothing to anybody now. */
export const isParked = (account: LimitAccount): boolean => account.now < account.parkedUntil

/** Whether the ticket has lost its place. */
export const isOverdue = (account: LimitAccount, ticket: Ticket): boolean =>
  account.now > ticket.askAt + grace

/** The tickets in the order in which they are served. Those that have lost their place go when they are passed. */
export function* waiting(account: LimitAccount): Generator<Ticket> {
  for (let index = 0; ; ) {
    const ticket = account.queue.order[index]
    if (ticket === undefined) return
    if (isOverdue(account, ticket)) removeTicket(account, ticket)
    else {
      yield ticket
      index += 1
    }
  }
}

/** Ends a hold, and learns how long its call took; undefined when it is not there any more. */
export function endHold(account: LimitAccount, id: number): Hold<Unit> | undefined {
  const hold = account.holds.get(id)
  if (hold === undefined) return undefined
  account.holds.delete(id)
  if (account.probe === id) account.probe = 0
  account.callTime += latestWeight * (account.now - hold.at - account.callTime)
  return hold
}

/** Takes a ticket out of the queue and its expected grant out of the schedule. */
export function removeTicket(account: LimitAccount, ticket: Ticket): void {
  remove(account.queue, ticket)
  refund(account.planned, ticket.bucket, { requests: 1, tokens: ticket.expectedTokens })
  if (account.queue.order.length > 0) return
  account.planned = []
  account.lastExpected = account.now
  account.overflow = 0
}

type BucketRow = [from: number, at: number, requests: number, tokens: number]
type HoldRow = [id: number, at: number, bucket: number, tokens: number, leaseEnd: number | null]
type TicketRow = [
  name: string,
  tokens: number,
  expectedAt: number,
  askAt: number,
  bucket: number,
  expectedTokens: number,
  flow?: number,
  high?: 0 | 1,
  rank?: number,
  since?: number,
]

/** The account in its text. Names and forms are those that earlier versions wrote. */
interface Fields
  extends Pick<
    LimitAccount,
    'now' | 'nextHold' | 'nextReplan' | 'overflow' | 'callTime' | 'realShare' | 'probe'
  > {
  used: BucketRow[]
  holds: HoldRow[]
  /** In order of service. */
  tickets: TicketRow[]
  /** The flows of the tickets, each once. */
  flows?: string[]
  served?: Queue['served']
  placed: BucketRow[]
  lastTurn: number
  /** Null: never. */
  parkedUntil: number | null
}

/**
 * The account of a key as a text. One that cannot be read is taken for an account that nobody has used: a minute later that is true. Which
 * tickets were called is not part of it, since each process calls its own.
 */
export const limitCodec = accountCodec<LimitAccount, Fields>({
  format: 1,
  unused: newAccount,
  unreadable: (_why, now) => newAccount(now),
  toFields: ({ used, holds, queue, planned, lastExpected, parkedUntil, ...plain }) => ({
    ...plain,
    used: used.map(bucketRow),
    holds: [...holds].map(holdRow),
    ...queueFields(queue),
    placed: planned.map(bucketRow),
    lastTurn: lastExpected,
    parkedUntil: Number.isFinite(parkedUntil) ? parkedUntil : null,
  }),
  ofFields: ({ used, holds, tickets, flows, served, placed, lastTurn, parkedUntil, ...plain }) => ({
    ...plain,
    used: used.map(bucketOf),
    holds: new Map(holds.map(holdOf)),
    queue: queueOf(plain.now, tickets, flows, served),
    planned: placed.map(bucketOf),
    lastExpected: lastTurn,
    ...parkOf(parkedUntil ?? Number.NEGATIVE_INFINITY, plain),
  }),
})

/** Earlier versions parked a key for as long as its provider asked. */
function parkOf(
  asked: number,
  { now, probe }: Pick<LimitAccount, 'now' | 'probe'>,
): Pick<LimitAccount, 'parkedUntil' | 'probe'> {
  const parkedUntil = Math.min(asked, now + longestPark)
  return { parkedUntil, probe: parkedUntil < asked ? 0 : probe }
}

function bucketRow({ from, at, amount }: Bucket<Unit>): BucketRow {
  return [from, at, amount.requests, amount.tokens]
}

function bucketOf([from, at, requests, tokens]: BucketRow): Bucket<Unit> {
  return { from, at, amount: { requests, tokens } }
}

function holdRow([id, { at, bucket, amount, leaseEnd }]: [number, Hold<Unit>]): HoldRow {
  return [id, at, bucket, amount.tokens, Number.isFinite(leaseEnd) ? leaseEnd : null]
}

function holdOf([id, at, bucket, tokens, leaseEnd]: HoldRow): [number, Hold<Unit>] {
  const amount = { requests: 1, tokens }
  return [id, { at, bucket, amount, leaseEnd: leaseEnd ?? Number.POSITIVE_INFINITY }]
}

function queueFields({ order, served }: Queue): Pick<Fields, 'tickets' | 'flows' | 'served'> {
  const flows = [...new Set(order.map(({ flow }) => flow))]
  const numbers = new Map(flows.map((flow, number) => [flow, number]))
  const tickets = order.map(
    ({ name, tokens, expectedAt, askAt, bucket, expectedTokens, ...of }): TicketRow => {
      const standing = [numbers.get(of.flow) ?? 0, of.priority === 'high' ? 1 : 0, of.rank, of.since] as const
      return [name, tokens, expectedAt, askAt, bucket, expectedTokens, ...standing]
    },
  )
  return { tickets, flows, served }
}

/**
 * The first version wrote no flows and ranks: the order was that of the rows, and who comes stands behind them. A row without the time since when it
 * waits counts from the last change of its account.
 */
function queueOf(
  now: number,
  rows: readonly TicketRow[],
  flows: readonly string[] = [],
  served: Queue['served'] = { high: 0, normal: rows.length },
): Queue {
  const queue = { ...emptyQueue(), served }
  for (const [index, row] of rows.entries()) {
    const [name, tokens, expectedAt, askAt, bucket, expectedTokens, ...standing] = row
    const [flow = 0, high = 0, rank = index + 1, since = now] = standing
    const inTime = { since, expectedAt, askAt, bucket, expectedTokens, called: false }
    const priority = high === 1 ? 'high' : 'normal'
    insert(queue, { name, flow: flows[flow] ?? '', priority, rank, tokens, ...inTime })
  }
  return queue
}
