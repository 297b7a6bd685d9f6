/** Load on a limiter, on a clock that jumps from one event to the next: no test waits for real time. */

import type { Limit, Reservation } from '../../src/rate-limit/limiter.ts'
import { createLocalLimiter } from '../../src/rate-limit/local.ts'

export const start = 1_700_000_000_000

export interface Call {
  name: string
  /** When the call is first asked for; milliseconds after the start. */
  at: number
  estimate: number
  /** What the call costs in the end; absent: the estimate. */
  real?: number
  /** How long the call takes; milliseconds. */
  lasts: number
  /** How long after its turn the caller asks again; milliseconds. */
  late: number
  /** Whose call it is. */
  flow?: string
  /** Gives up after the first refusal. */
  vanishes?: boolean
}

export interface Granted extends Call {
  grantedAt: number
  asks: number
}

/** Runs all calls to their end, or to `end`; answers the grants in order. With `wake`, a caller comes as soon as it is called. */
export async function run(
  limit: Limit,
  calls: readonly Call[],
  options: { end?: number; wake?: boolean } = {},
): Promise<Granted[]> {
  const events = new Timeline()
  const limiter = createLocalLimiter({ limits: { key: limit }, clock: { now: () => start + events.now } })
  const granted: Granted[] = []
  const waiting = new Map<string, { cancel(): void; ask(): Promise<void> }>()
  const ask = async (call: Call, asks: number): Promise<void> => {
    const answer = await limiter.acquire({
      key: 'key',
      cost: call.estimate,
      ticket: call.name,
      flow: call.flow ?? '',
    })
    waiting.delete(call.name)
    if (answer.granted) {
      granted.push({ ...call, grantedAt: events.now, asks })
      events.add(events.now + call.lasts, async () => answer.reservation.commit(call.real))
      return
    }
    if (call.vanishes) return
    const next = () => ask(call, asks + 1)
    const cancel = events.add(Math.max(events.now + 1, answer.until - start + call.late), next)
    waiting.set(call.name, { cancel, ask: next })
  }
  if (options.wake) {
    limiter.onCapacity((_key, ticket) => {
      const waiter = waiting.get(ticket)
      if (waiter === undefined) return
      waiter.cancel()
      events.add(events.now, waiter.ask)
    })
  }
  for (const call of calls) events.add(call.at, () => ask(call, 1))
  await events.run(options.end ?? Number.POSITIVE_INFINITY)
  return granted
}

/** The most that any 60 seconds hold, both ends included. */
export function fullestMinute(granted: readonly Granted[], amount: (call: Granted) => number): number {
  let fullest = 0
  let sum = 0
  let first = 0
  for (const call of granted) {
    sum += amount(call)
    for (; ; first += 1) {
      const oldest = granted[first]
      if (oldest === undefined || call.grantedAt - oldest.grantedAt <= 60_000) break
      sum -= amount(oldest)
    }
    fullest = Math.max(fullest, sum)
  }
  return fullest
}

/** Amount per minute that started between two times. */
export function perMinute(
  granted: readonly Granted[],
  from: number,
  to: number,
  amount: (call: Granted) => number,
): number {
  const inside = granted.filter(call => call.grantedAt >= from && call.grantedAt < to)
  return inside.reduce((sum, call) => sum + amount(call), 0) / ((to - from) / 60_000)
}

export const requestsOf = () => 1
export const tokensOf = (call: Call) => Math.min(call.real ?? call.estimate, call.estimate)

/** Reservation of an answer that must be a grant. */
export function mustGrant(
  answer: { granted: true; reservation: Reservation } | { granted: false; until: number },
): Reservation {
  if (!answer.granted) throw new Error(`expected a grant, was told ${answer.until - start}`)
  return answer.reservation
}

/** Time that an answer names, which must be a refusal; milliseconds after the start. */
export function mustWait(answer: { granted: true } | { granted: false; until: number }): number {
  if (answer.granted) throw new Error('expected to wait')
  return answer.until - start
}

/** Events by time; those of one time in the order in which they were added. */
export class Timeline {
  now = 0
  readonly #heap: { at: number; order: number; action: (() => Promise<void>) | undefined }[] = []
  #order = 0

  add(at: number, action: () => Promise<void>): () => void {
    const event: { at: number; order: number; action: (() => Promise<void>) | undefined } = {
      at: Math.max(at, this.now),
      order: this.#order++,
      action,
    }
    this.#heap.push(event)
    for (let i = this.#heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!this.#swapIfBefore(i, parent)) break
      i = parent
    }
    return () => {
      event.action = undefined
    }
  }

  async run(end: number): Promise<void> {
    for (;;) {
      const next = this.#take()
      if (next === undefined || next.at > end) return
      this.now = next.at
      await next.action?.()
    }
  }

  #take() {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    this.#heap[0] = last
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2]
      const child = this.#isBefore(right, left) ? right : left
      if (!this.#swapIfBefore(child, i)) break
      i = child
    }
    return first
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (a === undefined) return false
    return b === undefined || a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swapIfBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (a === undefined || b === undefined || !this.#isBefore(i, j)) return false
    this.#heap[i] = b
    this.#heap[j] = a
    return true
  }
}
