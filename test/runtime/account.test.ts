import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { budgetCodec, spentOf } from '../../src/engine/budget-arithmetic.ts'
import { limitCodec } from '../../src/rate-limit/account.ts'
import {
  type Account,
  type Amount,
  type Bucket,
  bucketWidth,
  dropUntil,
  expireHolds,
  extendHolds,
  fits,
  reserve,
  settle,
  take,
  total,
} from '../../src/runtime/account.ts'

type Unit = 'calls' | 'tokens'
const nothing: Amount<Unit> = { calls: 0, tokens: 0 }
const amounts = fc.record({ calls: fc.nat(3), tokens: fc.nat(500) })

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('reserve' as const),
      amount: amounts,
      leaseMs: fc.integer({ min: 1, max: 900 }),
    }),
    fc.record({ do: fc.constant('settle' as const), which: fc.nat(9), real: amounts }),
    fc.record({ do: fc.constant('give back' as const), which: fc.nat(9) }),
    fc.record({ do: fc.constant('extend' as const), which: fc.nat(9), leaseMs: fc.nat(900) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(600) }),
  ),
  { maxLength: 60 },
)

/** Runs steps beside a model that only knows what each call counts as; time stands still where amounts count in total. */
function play(list: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never, isTotal: boolean) {
  const account: Account<Unit, number> = { used: [], holds: new Map() }
  const counts: Amount<Unit>[] = []
  let now = 0
  const at = () => (isTotal ? 0 : now)
  for (const step of list) {
    if (step.do === 'reserve') {
      reserve(account, counts.length, { at: at(), amount: step.amount, leaseEnd: now + step.leaseMs })
      counts.push(step.amount)
      continue
    }
    if (step.do === 'pass') {
      now += step.ms
      const before = account.holds.size
      expect(expireHolds(account, now)).toBe(account.holds.size < before)
      for (const { leaseEnd } of account.holds.values()) expect(leaseEnd).toBeGreaterThan(now)
      continue
    }
    const [id, hold] = [...account.holds][step.which] ?? []
    if (id === undefined || hold === undefined) continue
    if (step.do === 'extend') {
      extendHolds(account, [id, -1], now + step.leaseMs)
      expect(hold.leaseEnd).toBeGreaterThanOrEqual(now + step.leaseMs)
      continue
    }
    account.holds.delete(id)
    counts[id] = step.do === 'settle' ? step.real : nothing
    settle(account.used, hold, counts[id], at())
  }
  return {
    account,
    counted: total(
      counts.map(amount => ({ amount })),
      nothing,
    ),
  }
}

describe('an account', () => {
  it('counts every call once: at its estimate until it is settled, then at what it cost; in a window as in total', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (list, isTotal) => {
        const { account, counted } = play(list, isTotal)
        expect(total(account.used, nothing)).toEqual(counted)
        const reserved = total(account.holds.values(), nothing)
        expect(fits(total(account.used, nothing), reserved)).toBe(true)
      }),
    )
  })

  it('keeps what is used in order of time, in buckets that are narrow, and in one where it counts in total', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (list, isTotal) => {
        const { used } = play(list, isTotal).account
        if (isTotal) expect(used.length).toBeLessThanOrEqual(1)
        for (const [index, { from, at }] of used.entries()) {
          expect(at - from).toBeLessThan(bucketWidth)
          expect(from).toBeGreaterThan(used[index - 1]?.at ?? -1)
        }
        const before: Bucket<Unit>[] = structuredClone(used)
        dropUntil(used, 500)
        expect(used).toEqual(before.filter(({ at }) => at > 500))
      }),
    )
  })
})

describe('a capacity', () => {
  it('bears each need that fits beside those before it, and no other', () => {
    const needs = fc.array(fc.record({ tokens: fc.nat(50), money: fc.nat(50) }, { requiredKeys: ['tokens'] }))
    const capacities = fc.record({ tokens: fc.nat(200), money: fc.nat(200) }, { requiredKeys: [] })
    fc.assert(
      fc.property(capacities, needs, (most, list) => {
        const capacity = { ...most }
        const taken = { tokens: 0, money: 0 }
        for (const need of list) {
          const isBorne = (['tokens', 'money'] as const).every(
            unit =>
              most[unit] === undefined ||
              taken[unit] + (need[unit] ?? Number.POSITIVE_INFINITY) <= most[unit],
          )
          expect(take(capacity, need)).toBe(isBorne)
          if (!isBorne) continue
          taken.tokens += need.tokens
          taken.money += need.money ?? 0
        }
      }),
    )
  })
})

describe('the text of an account that an earlier version wrote', () => {
  it('is read: what a key has granted, to whom, and who waits', () => {
    const text =
      '{"format":1,"writes":["w2","w1"],"now":1700,"used":[[1000,1000,1,40],[1500,1500,1,20]],"holds":[[1,1000,1000,40,61000],[2,1500,1500,20,null]],"nextHold":3,"tickets":[["d",10,2200,2200,2100,10,0,1,1],["c",30,2100,2100,2100,30,1,0,3]],"flows":["batch\\nu2","batch\\nu1"],"served":{"high":0,"normal":2},"placed":[[2100,2200,2,40]],"lastTurn":2100,"nextReplan":1000,"overflow":0,"parkedUntil":null,"callTime":2000,"realShare":1}'
    const { state, writes } = limitCodec.read(text, 5_000)
    expect(writes).toEqual(['w2', 'w1'])
    expect(state).toMatchObject({ now: 1_700, nextHold: 3, lastExpected: 2_100 })
    expect([...state.holds]).toEqual([
      [1, { at: 1_000, bucket: 1_000, amount: { requests: 1, tokens: 40 }, leaseEnd: 61_000 }],
      [
        2,
        { at: 1_500, bucket: 1_500, amount: { requests: 1, tokens: 20 }, leaseEnd: Number.POSITIVE_INFINITY },
      ],
    ])
    expect(total(state.used, { requests: 0, tokens: 0 })).toEqual({ requests: 2, tokens: 60 })
    expect(state.queue.order.map(({ name, flow, priority }) => [name, flow, priority])).toEqual([
      ['d', 'batch\nu2', 'high'],
      ['c', 'batch\nu1', 'normal'],
    ])
    const read = JSON.parse(text)
    // It had no time since when a place is held: that counts from the last change of the account.
    const tickets = read.tickets.map((row: unknown[]) => [...row, read.now])
    expect(JSON.parse(limitCodec.write({ state, writes: ['w1'] }, 'w2'))).toEqual({ ...read, tickets })
  })

  it('is read: what a tree has spent and reserved', () => {
    const text =
      '{"format":1,"writes":["w2","w1"],"limit":{"tokens":1000,"money":5000000},"spent":{"tokens":210,"money":30002},"holds":[["h1",300,70000,600000]],"wanted":{"tokens":800,"money":5},"promised":{"tokens":50,"money":4,"until":60000}}'
    const { state, writes } = budgetCodec.read(text, 5_000)
    expect(writes).toEqual(['w2', 'w1'])
    expect(spentOf(state)).toEqual({ tokens: 210, money: 30_002 })
    expect([...state.holds]).toMatchObject([
      ['h1', { amount: { tokens: 300, money: 70_000 }, leaseEnd: 600_000 }],
    ])
    expect(state).toMatchObject({ isOpen: true, limit: { tokens: 1_000 }, wanted: { tokens: 800, money: 5 } })
    expect(JSON.parse(budgetCodec.write({ state, writes: ['w1'] }, 'w2'))).toEqual(JSON.parse(text))
  })
})
