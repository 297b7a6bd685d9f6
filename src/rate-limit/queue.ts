/**
 * The queue of one key: who waits, in the order in which they are served. High priority goes first; of equal priority one
 * of each flow after the other, as the waiting tasks of a lane do (`fairRank`), and each flow keeps the order of its first asks.
 *
 * Plain data, and no clock.
 */
import { fairRank } from '../task/fairness.ts'
import type { Priority } from '../task/task.ts'

/** A place in the queue of a key. */
export interface Ticket {
  name: string
  /** Who it is for: flows are served one ticket each. */
  flow: string
  priority: Priority
  /** The order among those of its priority; of equal ranks, who came first. */
  rank: number
  /** Units of cost asked for. */
  tokens: number
  /** When it got its place. Epoch milliseconds. */
  since: number
  /** Estimate of when there is capacity for it. Epoch milliseconds. */
  expectedAt: number
  /** When it was promised to be granted, or should ask again. Epoch milliseconds. */
  askAt: number
  /** Bucket of the schedule that holds its expected grant, and the tokens that count there. */
  bucket: number
  expectedTokens: number
  /** Whether `takeReady` named it since its last ask. */
  called: boolean
}

/** Who waits for a key. */
export interface Queue {
  /** In order of service. */
  order: Ticket[]
  byName: Map<string, Ticket>
  /** The ranks of the tickets of each flow and priority, rising. */
  flows: Map<string, number[]>
  /** The rank that was served last, by priority. */
  served: Record<Priority, number>
}

/** A queue in which nobody waits. */
export function emptyQueue(): Queue {
  return { order: [], byName: new Map(), flows: new Map(), served: { high: 0, normal: 0 } }
}

/** The rank of one more ticket of a flow: after those of the flow, and alternating with those of others. */
export function rankFor(queue: Queue, of: Pick<Ticket, 'flow' | 'priority'>): number {
  // Those that lost their place were not served: the first that is left tells how far the queue is.
  const reached = (firstOf(queue, of.priority)?.rank ?? 0) - 1
  return fairRank(Math.max(queue.served[of.priority], reached), queue.flows.get(flowKey(of))?.at(-1))
}

/** Where a ticket would stand: after all that are not served later. */
export function placeOf(queue: Queue, ticket: Standing): number {
  return countWhile(queue.order, other => compare(other, ticket) <= 0)
}

/** Puts a ticket into its place, or in front of all of its priority. */
export function insert(queue: Queue, ticket: Ticket, where: 'in place' | 'in front' = 'in place'): void {
  if (where === 'in front') ticket.rank = firstOf(queue, ticket.priority)?.rank ?? ticket.rank
  const index = where === 'in front' ? firstIndex(queue, ticket) : placeOf(queue, ticket)
  queue.order.splice(index, 0, ticket)
  queue.byName.set(ticket.name, ticket)
  const ranks = queue.flows.get(flowKey(ticket)) ?? []
  ranks.splice(
    countWhile(ranks, rank => rank <= ticket.rank),
    0,
    ticket.rank,
  )
  queue.flows.set(flowKey(ticket), ranks)
}

/** Takes a ticket out. */
export function remove(queue: Queue, ticket: Ticket): void {
  queue.byName.delete(ticket.name)
  queue.order.splice(queue.order.indexOf(ticket, firstIndex(queue, ticket)), 1)
  const ranks = queue.flows.get(flowKey(ticket)) ?? []
  ranks.splice(ranks.lastIndexOf(ticket.rank), 1)
  if (ranks.length === 0) queue.flows.delete(flowKey(ticket))
}

/** Notes that a ticket was served: those who come alternate from there. One that went ahead of others does not put those behind. */
export function serve(queue: Queue, { priority, rank }: Standing): void {
  const first = firstOf(queue, priority)
  queue.served[priority] = Math.max(queue.served[priority], Math.min(rank, first?.rank ?? rank))
}

/** What the place of a ticket depends on. */
type Standing = Pick<Ticket, 'priority' | 'rank'>

/** Less than 0: the first is served before the second. 0: who came first is. */
export function compare(one: Standing, other: Standing): number {
  if (one.priority === other.priority) return one.rank - other.rank
  return one.priority === 'high' ? -1 : 1
}

/** The index of the first that is not served before such a ticket. */
function firstIndex(queue: Queue, ticket: Standing): number {
  return countWhile(queue.order, other => compare(other, ticket) < 0)
}

/** The first of a priority. */
export function firstOf(queue: Queue, priority: Priority): Ticket | undefined {
  const first = queue.order[firstIndex(queue, { priority, rank: Number.NEGATIVE_INFINITY })]
  return first?.priority === priority ? first : undefined
}

/** How many at the beginning have what none behind them has. */
function countWhile<Item>(items: readonly Item[], has: (item: Item) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (has(items[middle] as Item)) low = middle + 1
    else high = middle
  }
  return low
}

function flowKey({ flow, priority }: Pick<Ticket, 'flow' | 'priority'>): string {
  return `${priority}\n${flow}`
}
