/** The account of a key as a text, for the place that several processes share. */
import { type Kept, writesAfter } from '../runtime/shared-account.ts'
import { emptyState, type Hold, type KeyState } from './account.ts'
import { emptyQueue, insert, type Queue, type Ticket } from './queue.ts'
import type { Bucket } from './window.ts'

/** Raised when the text changes its meaning; a text of another format is taken for an account that nobody has used. */
const format = 1

type BucketRow = [from: number, at: number, requests: number, tokens: number]
type HoldRow = [id: number, at: number, bucket: number, tokens: number, leaseEnd: number | null]
type TicketRow = [
  name: string,
  tokens: number,
  turn: number,
  told: number,
  slot: number,
  expected: number,
  flow?: number,
  high?: 0 | 1,
  rank?: number,
]

interface Text {
  format: number
  writes: readonly string[]
  now: number
  used: BucketRow[]
  holds: HoldRow[]
  nextHold: number
  /** In order of service. */
  tickets: TicketRow[]
  /** The flows of the tickets, each once. */
  flows?: string[]
  served?: Queue['served']
  placed: BucketRow[]
  lastTurn: number
  nextReplan: number
  overflow: number
  /** Null: never. */
  parkedUntil: number | null
  callTime: number
  realShare: number
}

/** The text of an account after the write of that name. Who was called is not part of it: each process calls its own. */
export function textOf({ state, writes }: Kept<KeyState>, write: string): string {
  const { now, nextHold, lastTurn, nextReplan, overflow, callTime, realShare } = state
  const text: Text = {
    format,
    writes: writesAfter(writes, write),
    now,
    used: state.used.map(bucketRow),
    holds: [...state.holds].map(([id, { at, bucket, tokens, leaseEnd }]) => [
      id,
      at,
      bucket,
      tokens,
      Number.isFinite(leaseEnd) ? leaseEnd : null,
    ]),
    nextHold,
    ...queueText(state.queue),
    placed: state.placed.map(bucketRow),
    lastTurn,
    nextReplan,
    overflow,
    parkedUntil: Number.isFinite(state.parkedUntil) ? state.parkedUntil : null,
    callTime,
    realShare,
  }
  return JSON.stringify(text)
}

/** The account of a text; an unused one for a text that is empty, damaged, or of another format. */
export function accountOf(text: string, now: number): Kept<KeyState> {
  const kept = parse(text)
  if (kept === undefined) return { state: emptyState(now), writes: [] }
  const { nextHold, lastTurn, nextReplan, overflow, callTime, realShare } = kept
  return {
    writes: kept.writes,
    state: {
      now: kept.now,
      used: kept.used.map(bucketOf),
      holds: new Map(kept.holds.map(holdOf)),
      nextHold,
      queue: queueOf(kept),
      placed: kept.placed.map(bucketOf),
      lastTurn,
      nextReplan,
      overflow,
      parkedUntil: kept.parkedUntil ?? Number.NEGATIVE_INFINITY,
      callTime,
      realShare,
    },
  }
}

function parse(text: string): Text | undefined {
  if (text === '') return undefined
  try {
    const parsed = JSON.parse(text) as Partial<Text> | null
    return parsed?.format === format ? (parsed as Text) : undefined
  } catch {
    return undefined
  }
}

function bucketRow({ from, at, requests, tokens }: Bucket): BucketRow {
  return [from, at, requests, tokens]
}

function bucketOf([from, at, requests, tokens]: BucketRow): Bucket {
  return { from, at, requests, tokens }
}

function holdOf([id, at, bucket, tokens, leaseEnd]: HoldRow): [number, Hold] {
  return [id, { at, bucket, tokens, leaseEnd: leaseEnd ?? Number.POSITIVE_INFINITY }]
}

function queueText({ order, served }: Queue): Pick<Text, 'tickets' | 'flows' | 'served'> {
  const flows = new Map<string, number>()
  const numberOf = (flow: string): number => {
    const number = flows.get(flow) ?? flows.size
    flows.set(flow, number)
    return number
  }
  return {
    tickets: order.map(ticket => ticketRow(ticket, numberOf(ticket.flow))),
    flows: [...flows.keys()],
    served,
  }
}

function ticketRow(ticket: Ticket, flow: number): TicketRow {
  const { name, tokens, turn, told, slot, expected, priority, rank } = ticket
  return [name, tokens, turn, told, slot, expected, flow, priority === 'high' ? 1 : 0, rank]
}

/** A process of before wrote no flows and ranks: the order was that of the rows, and who comes stands behind them. */
function queueOf({ tickets, flows = [], served = { high: 0, normal: tickets.length } }: Text): Queue {
  const queue = { ...emptyQueue(), served }
  for (const [index, row] of tickets.entries()) {
    const [name, tokens, turn, told, slot, expected, flow = 0, high = 0, rank = index + 1] = row
    insert(queue, {
      name,
      flow: flows[flow] ?? '',
      priority: high === 1 ? 'high' : 'normal',
      rank,
      tokens,
      turn,
      told,
      slot,
      expected,
      called: false,
    })
  }
  return queue
}
