import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type LimitAccount,
  limitCodec,
  maxTickets,
  newAccount,
  park,
  span,
} from '../../src/rate-limit/account.ts'
import {
  type Ask,
  acquire,
  commit,
  giveBack,
  takeReady,
  whoWaits,
  withdraw,
} from '../../src/rate-limit/arithmetic.ts'
import type { Limit } from '../../src/rate-limit/limiter.ts'
import { start } from './load.ts'

const one = { concurrency: 1 }
const ask = (flow: string, number: number, rest: Partial<Ask> = {}): Ask => ({
  ticket: `${flow}${number}`,
  flow,
  cost: 1,
  ...rest,
})
const orderOf = (state: LimitAccount) => state.queue.order.map(({ name }) => name)

/** A key whose only place is taken, with so many of each flow waiting, flow after flow. */
function waitingFor(limit: Limit, flows: Record<string, number>): LimitAccount {
  const state = newAccount(start)
  acquire(state, limit, ask('running', 0), start)
  for (const [flow, count] of Object.entries(flows))
    for (let i = 1; i <= count; i += 1) acquire(state, limit, ask(flow, i), start)
  return state
}

/** Ends the call that runs, and lets the first in the queue have its place; answers whose that is. */
function next(state: LimitAccount, now: number): string {
  const [hold] = state.holds.keys()
  if (hold !== undefined) commit(state, hold, undefined, now)
  const first = state.queue.order[0]
  if (first === undefined) return 'nobody'
  const { name: ticket, flow, priority, tokens: cost } = first
  return acquire(state, one, { ticket, flow, priority, cost }, now).granted ? flow : 'refused'
}

describe('flows take turns', () => {
  test('one with a thousand tickets lets another go second, and is told an early turn', () => {
    const state = waitingFor(one, { a: 1_000 })
    const late = acquire(state, one, ask('b', 1), start)
    expect(orderOf(state).slice(0, 3)).toEqual(['a1', 'b1', 'a2'])
    expect(late).toMatchObject({ granted: false })
    expect(!late.granted && late.until).toBeLessThan(start + 10_000)
  })

  test('who asks for one call after the other has its share, and leaves the others theirs', () => {
    const state = waitingFor(one, { a: 30 })
    const served: string[] = []
    let number = 0
    for (const flow of ['b', 'c']) acquire(state, one, ask(flow, 0), start)
    for (let turn = 0; turn < 60; turn += 1) {
      const flow = next(state, start + turn)
      served.push(flow)
      if (flow !== 'a') acquire(state, one, ask(flow, ++number), start + turn)
    }
    for (const flow of ['a', 'b', 'c']) expect(served.filter(name => name === flow)).toHaveLength(20)
  })

  test('one who comes when many have lost their places takes turns with those that are left', () => {
    const state = waitingFor(one, { a: 100 })
    for (let i = 1; i <= 90; i += 1) withdraw(state, `a${i}`, start)
    for (let i = 1; i <= 3; i += 1) acquire(state, one, ask('b', i), start)
    expect(orderOf(state).slice(0, 6)).toEqual(['a91', 'b1', 'a92', 'b2', 'a93', 'b3'])
  })

  test('one who comes when many are overdue takes turns with those that are left', () => {
    const state = waitingFor(one, { a: 100 })
    const told = Math.max(...state.queue.order.map(ticket => ticket.askAt))
    for (const ticket of state.queue.order.slice(90)) ticket.askAt = told + 60_000
    for (let i = 1; i <= 3; i += 1) acquire(state, one, ask('b', i), told + 31_000)
    expect(orderOf(state).slice(0, 6)).toEqual(['a91', 'b1', 'a92', 'b2', 'a93', 'b3'])
  })

  test('a flow that gave its last places up goes on behind those that it has', () => {
    const state = waitingFor(one, { a: 100 })
    for (let i = 2; i <= 100; i += 1) withdraw(state, `a${i}`, start)
    for (let i = 1; i <= 5; i += 1) acquire(state, one, ask('b', i), start)
    acquire(state, one, ask('a', 101), start)
    expect(orderOf(state).slice(0, 4)).toEqual(['a1', 'b1', 'b2', 'a101'])
  })

  test('one that fitted in between does not put those who come behind all the others', () => {
    const limit = { tokensPerMinute: 10 }
    const state = newAccount(start)
    acquire(state, limit, ask('a', 0, { cost: 5 }), start)
    acquire(state, limit, ask('a', 1, { cost: 2 }), start)
    for (let i = 2; i < 50; i += 1) acquire(state, limit, ask('a', i, { cost: 8 }), start)
    acquire(state, limit, ask('b', 1, { cost: 1 }), start)
    acquire(state, limit, ask('c', 1, { cost: 1 }), start)
    expect(orderOf(state).slice(0, 4)).toEqual(['a2', 'b1', 'c1', 'a3'])
  })

  test('high priority goes first, and takes turns among itself', () => {
    const state = waitingFor(one, { a: 3 })
    for (let i = 1; i <= 2; i += 1) acquire(state, one, ask('b', i, { priority: 'high' }), start)
    acquire(state, one, ask('c', 1, { priority: 'high' }), start)
    expect(orderOf(state)).toEqual(['b1', 'c1', 'b2', 'a1', 'a2', 'a3'])
  })

  test('what is given back is the first of its priority again', () => {
    const state = waitingFor(one, { a: 2, b: 1 })
    const [running] = [...state.holds.keys()]
    giveBack(state, one, running as number, ask('running', 0), start)
    expect(orderOf(state)).toEqual(['running0', 'a1', 'b1', 'a2'])
    expect(state.holds.size).toBe(0)
    expect(acquire(state, one, ask('running', 0), start).granted).toBe(true)
  })

  test('a full queue takes in who would stand before its last ticket, and that one goes', () => {
    const state = waitingFor(one, { a: maxTickets })
    expect(acquire(state, one, ask('a', maxTickets + 1), start)).toMatchObject({ granted: false })
    expect(state.queue.byName.has(`a${maxTickets + 1}`)).toBe(false)
    acquire(state, one, ask('b', 1), start)
    expect(orderOf(state).slice(0, 2)).toEqual(['a1', 'b1'])
    expect(state.queue.order).toHaveLength(maxTickets)
    expect(state.queue.byName.has(`a${maxTickets}`)).toBe(false)
  })
})

describe('the time that a ticket is told', () => {
  const told = (state: LimitAccount, limit: Limit, request: Ask, now = start) => {
    const answer = acquire(state, limit, request, now)
    return answer.granted ? 'granted' : answer.until - start
  }

  test('is its own turn, not that of a larger one behind it', () => {
    const limit = { requestsPerMinute: 60, tokensPerMinute: 10_000 }
    const state = newAccount(start - 30_000)
    acquire(state, limit, ask('running', 0, { cost: 9_000 }), start - 30_000)
    for (const [number, cost] of [100, 8_000].entries())
      acquire(state, limit, ask('a', number, { cost }), start)
    expect(told(state, limit, ask('b', 1, { cost: 1_100 }))).toBe(span - 30_000)
    const places = { concurrency: 1, tokensPerMinute: 10_000 }
    const full = newAccount(start)
    acquire(full, places, ask('running', 0, { cost: 9_000 }), start)
    acquire(full, places, ask('large', 0, { cost: 8_000 }), start)
    expect(told(full, places, ask('b', 1, { priority: 'high' }))).toBeLessThanOrEqual(2_000)
  })

  test('is early when those who waited have gone', () => {
    const limit = { requestsPerMinute: 10 }
    const state = newAccount(start)
    for (let i = 0; i < 10; i += 1) acquire(state, limit, ask('running', i), start)
    for (let i = 0; i < 2_000; i += 1) acquire(state, limit, ask('a', i), start)
    for (let i = 1; i < 2_000; i += 1) withdraw(state, `a${i}`, start)
    expect(told(state, limit, ask('b', 1), start + 5_000)).toBe(span)
    expect(told(state, limit, ask('b', 2, { priority: 'high' }), start + 5_000)).toBe(span)
  })

  test('is later for each of many that come between others', () => {
    const limit = { requestsPerMinute: 10 }
    const state = newAccount(start)
    for (let i = 0; i < 10; i += 1) acquire(state, limit, ask('running', i), start)
    for (let i = 0; i < 2_000; i += 1) acquire(state, limit, ask('a', i), start)
    const times = Array.from({ length: 30 }, (_, i) => told(state, limit, ask(`${i}`, 0)))
    expect(times.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => span))
    expect(times.slice(9, 19)).toEqual(Array.from({ length: 10 }, () => 2 * span))
  })
})

describe('who stays away', () => {
  test('is called once more when there is room, and others are served meanwhile as far as there is', () => {
    const state = waitingFor(one, { a: 1, b: 1 })
    const [running] = [...state.holds.keys()]
    const [a] = state.queue.order
    if (a === undefined || running === undefined) throw new Error('nobody waits')
    commit(state, running, undefined, a.askAt)
    expect(takeReady(state, one, a.askAt)).toEqual([])
    expect(takeReady(state, one, a.askAt + 1_999)).toEqual([])
    expect(takeReady(state, one, a.askAt + 2_000)).toEqual(['a1'])
    expect(takeReady(state, one, a.askAt + 3_000)).toEqual([])
  })
})

const steps = fc.array(
  fc.record({
    do: fc.constantFrom('ask', 'ask', 'ask', 'next', 'withdraw', 'give back', 'park', 'pass'),
    flow: fc.constantFrom('a', 'b', 'c', ''),
    number: fc.nat(5),
    high: fc.boolean(),
  }),
  { maxLength: 80 },
)

/** A state after some steps. */
function stateAfter(list: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never): LimitAccount {
  const state = newAccount(start)
  let now = start
  for (const step of list) {
    const request = ask(step.flow, step.number, step.high ? { priority: 'high' } : {})
    if (step.do === 'ask') acquire(state, one, request, now)
    if (step.do === 'next') next(state, now)
    if (step.do === 'withdraw') withdraw(state, request.ticket, now)
    if (step.do === 'park') park(state, now + 1_000, now)
    if (step.do === 'pass') now += 9_000
    const hold = [...state.holds.keys()][0]
    if (step.do === 'give back' && hold !== undefined) giveBack(state, one, hold, request, now)
  }
  return state
}

describe('whatever is done', () => {
  test('the order is that of priorities and ranks, each flow keeps its own, and all books agree', () => {
    fc.assert(
      fc.property(steps, list => {
        const { order, byName, flows } = stateAfter(list).queue
        const standing = order.map(({ priority, rank }) => [priority === 'high' ? 0 : 1, rank] as const)
        expect(standing).toEqual([...standing].sort(([a, x], [b, y]) => a - b || x - y))
        expect([...byName.values()].sort(byNameOf)).toEqual([...order].sort(byNameOf))
        expect([...flows.values()].flat().sort((a, b) => a - b)).toEqual(
          order.map(({ rank }) => rank).sort((a, b) => a - b),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('the text of an account holds all of its queue', () => {
    fc.assert(
      fc.property(steps, list => {
        const state = stateAfter(list)
        const read = limitCodec.read(limitCodec.write({ state, writes: [] }, 'one'), start).state
        const called = (queue: LimitAccount['queue']) =>
          queue.order.map(ticket => ({ ...ticket, called: false }))
        expect(called(read.queue)).toEqual(called(state.queue))
        expect(read.queue.served).toEqual(state.queue.served)
        expect(read.queue.flows).toEqual(state.queue.flows)
      }),
      { numRuns: 200 },
    )
  })

  test('a text without flows and ranks keeps the order of its rows, and who comes stands behind them', () => {
    const state = waitingFor(one, { a: 3 })
    const text = JSON.parse(limitCodec.write({ state, writes: [] }, 'one'))
    text.tickets = text.tickets.map((row: unknown[]) => row.slice(0, 6))
    const old = JSON.stringify({ ...text, flows: undefined, served: undefined })
    const read = limitCodec.read(old, start).state
    expect(orderOf(read)).toEqual(['a1', 'a2', 'a3'])
    for (const flow of ['b', 'c']) for (const number of [1, 2]) acquire(read, one, ask(flow, number), start)
    expect(orderOf(read)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'b2', 'c2'])
  })
})

describe('who waits', () => {
  test('the first are named in their order, and the one that has waited for the longest, over a text too', () => {
    const state = newAccount(start)
    acquire(state, one, ask('a', 1), start)
    acquire(state, one, ask('a', 2), start + 1_000)
    for (const number of [1, 2, 3, 4, 5])
      acquire(state, one, ask('b', number, { priority: 'high' }), start + 2_000)
    const read = limitCodec.read(limitCodec.write({ state, writes: [] }, 'one'), start + 5_000).state
    for (const account of [state, read]) {
      expect(whoWaits(account)).toMatchObject({
        waiting: 6,
        next: ['b1', 'b2', 'b3', 'b4', 'b5'].map(ticket => ({ ticket, since: start + 2_000 })),
        longestWaiting: { ticket: 'a2', since: start + 1_000 },
      })
    }
    expect(whoWaits(newAccount(start))).toEqual({ waiting: 0, next: [] })
  })

  test('a text of an earlier version says since when by its last change', () => {
    const text = JSON.parse(limitCodec.write({ state: waitingFor(one, { a: 2 }), writes: [] }, 'one'))
    text.tickets = text.tickets.map((row: unknown[]) => row.slice(0, 9))
    const { state } = limitCodec.read(JSON.stringify({ ...text, now: start + 7 }), start + 9)
    expect(whoWaits(state).longestWaiting).toMatchObject({ ticket: 'a1', since: start + 7 })
  })
})

function byNameOf(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}
