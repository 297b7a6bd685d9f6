import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  maxTickets,
  newAccount,
  nothing,
  park,
  reset,
  span,
  sweep,
  type Unit,
} from '../../src/rate-limit/account.ts'
import { acquire, commit, release, takeReady, usedNow, withdraw } from '../../src/rate-limit/arithmetic.ts'
import { grace, type Limit, longestPark } from '../../src/rate-limit/limiter.ts'
import { type Bucket, bucketWidth, charge, dropUntil, refund, total } from '../../src/runtime/account.ts'
import { mustWait, start } from './load.ts'

const ask = (ticket: string, cost = 1) => ({ ticket, cost })

function mustHold(decision: { granted: true; hold: number } | { granted: false; until: number }): number {
  if (!decision.granted) throw new Error(`expected a grant, was told ${decision.until - start}`)
  return decision.hold
}

describe('the window', () => {
  test('amounts close together share a bucket that counts until the latest of them has run out', () => {
    const buckets: Bucket<Unit>[] = []
    const first = charge(buckets, start, { requests: 1, tokens: 5 })
    expect(charge(buckets, start + bucketWidth - 1, { requests: 1, tokens: 7 })).toBe(first)
    expect(charge(buckets, start + bucketWidth, { requests: 1, tokens: 1 })).not.toBe(first)
    dropUntil(buckets, start + bucketWidth - 2)
    expect(total(buckets, nothing)).toEqual({ requests: 3, tokens: 13 })
    dropUntil(buckets, start + bucketWidth - 1)
    expect(total(buckets, nothing)).toEqual({ requests: 1, tokens: 1 })
  })

  test('an empty bucket goes, an unknown one is left alone', () => {
    const buckets: Bucket<Unit>[] = []
    const from = charge(buckets, start, { requests: 1, tokens: 5 })
    refund(buckets, from + 1, { requests: 1, tokens: 5 })
    refund(buckets, from, { requests: 0, tokens: 5 })
    expect(total(buckets, nothing)).toEqual({ requests: 1, tokens: 0 })
    refund(buckets, from, { requests: 1, tokens: 0 })
    expect(buckets).toEqual([])
  })
})

describe('one key', () => {
  test.each<[string, Limit, number[], (number | 'now')[]]>([
    ['nothing limited', {}, [1, 1, 1], ['now', 'now', 'now']],
    ['requests', { requestsPerMinute: 2 }, [9, 9, 9, 9, 9], ['now', 'now', span, span, 2 * span]],
    ['tokens', { tokensPerMinute: 10 }, [4, 6, 1, 10], ['now', 'now', span, 2 * span]],
    ['a call without tokens', { tokensPerMinute: 10 }, [10, 0], ['now', 'now']],
    ['parts of a token count as whole ones', { tokensPerMinute: 2 }, [0.5, 0.5, 0.1], ['now', 'now', span]],
    ['places', { concurrency: 2 }, [1, 1, 1, 1, 1], ['now', 'now', 500, 1_500, 2_500]],
    ['the narrowest', { requestsPerMinute: 9, tokensPerMinute: 4, concurrency: 9 }, [3, 3], ['now', span]],
  ])('%s', (_name, limit, costs, expected) => {
    const state = newAccount(start)
    const answers = costs.map((cost, index) => {
      const decision = acquire(state, limit, ask(`${index}`, cost), start)
      return decision.granted ? 'now' : decision.until - start
    })
    expect(answers).toEqual(expected)
  })

  test('a turn far away is looked at again half-way', () => {
    const state = newAccount(start)
    const limit = { requestsPerMinute: 1 }
    const told = Array.from({ length: 9 }, (_, i) => acquire(state, limit, ask(`${i}`), start))
    expect(told.slice(1).map(mustWait)).toEqual([
      span,
      2 * span,
      150_000,
      150_000,
      2.5 * span,
      3 * span,
      3.5 * span,
      4 * span,
    ])
  })

  test('a call larger than the limit is refused: it could never run', () => {
    const limit = { tokensPerMinute: 100 }
    expect(() => acquire(newAccount(start), limit, ask('a', 101), start)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('101') }),
    )
    mustHold(acquire(newAccount(start), limit, ask('a', 100), start))
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('%d is no cost', cost => {
    const state = newAccount(start)
    expect(() => acquire(state, {}, ask('a', cost), start)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
    const hold = mustHold(acquire(state, {}, ask('a'), start))
    expect(() => commit(state, hold, cost, start)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })

  test('a lower real cost frees room at once, a higher one delays the next', () => {
    const limit = { tokensPerMinute: 100 }
    const state = newAccount(start)
    const low = mustHold(acquire(state, limit, ask('low', 90), start))
    mustWait(acquire(state, limit, ask('next', 60), start))
    commit(state, low, 40, start + 1_000)
    const high = mustHold(acquire(state, limit, ask('next', 60), start + 1_000))
    commit(state, high, 75, start + 2_000)
    expect(usedNow(state)).toEqual({ requests: 2, tokens: 115 })
    // The first 40 run out after a minute; the 15 that nobody knew of count from the second second.
    expect(mustWait(acquire(state, limit, ask('late', 26), start + 2_000))).toBe(1_000 + span)
    mustHold(acquire(state, limit, ask('small', 0), start + 1_000 + span))
  })

  test('a hold is settled once', () => {
    const limit = { tokensPerMinute: 100, concurrency: 1 }
    const state = newAccount(start)
    const hold = mustHold(acquire(state, limit, ask('a', 50), start))
    commit(state, hold, 20, start)
    commit(state, hold, 0, start)
    release(state, hold, start)
    expect(usedNow(state)).toEqual({ requests: 1, tokens: 20 })
    expect(state.holds.size).toBe(0)
  })

  test('a hold whose lease has run out gives its place back, and what it used stays used', () => {
    const limit = { concurrency: 1, tokensPerMinute: 10 }
    const state = newAccount(start)
    mustHold(acquire(state, limit, { ...ask('a', 5), leaseEnd: start + 5_000 }, start))
    mustWait(acquire(state, limit, ask('b', 5), start + 4_999))
    mustHold(acquire(state, limit, ask('b', 5), start + 5_000))
    expect(usedNow(state).tokens).toBe(10)
  })
})

describe('the queue', () => {
  const limit = { tokensPerMinute: 100 }
  const full = () => {
    const state = newAccount(start)
    mustHold(acquire(state, limit, ask('first', 100), start))
    return state
  }

  test('a small request does not overtake a large one, and fills what the large one leaves', () => {
    const state = full()
    mustWait(acquire(state, limit, ask('large', 90), start + 1))
    mustWait(acquire(state, limit, ask('small', 11), start + 2))
    mustWait(acquire(state, limit, ask('small', 11), start + span))
    mustHold(acquire(state, limit, ask('small', 10), start + span))
    mustHold(acquire(state, limit, ask('large', 90), start + span + 5_000))
  })

  test('a ticket keeps its place until 30 seconds past its turn, not longer', () => {
    const state = full()
    const turn = start + mustWait(acquire(state, limit, ask('away', 60), start))
    mustWait(acquire(state, limit, ask('behind', 60), start))
    mustWait(acquire(state, limit, ask('behind', 60), turn + grace))
    mustHold(acquire(structuredClone(state), limit, ask('away', 60), turn + grace))
    mustHold(acquire(state, limit, ask('behind', 60), turn + grace + 1))
    expect(mustWait(acquire(state, limit, ask('away', 60), turn + grace + 2))).toBeGreaterThan(span * 2)
  })

  test('who stays away loses its place also when somebody ahead keeps asking', () => {
    const places = { concurrency: 1 }
    const state = newAccount(start)
    const running = mustHold(acquire(state, places, ask('running'), start))
    mustWait(acquire(state, places, ask('asks'), start))
    mustWait(acquire(state, places, ask('away'), start))
    for (let now = start + 1_000; now <= start + 40_000; now += 1_000) {
      mustWait(acquire(state, places, ask('asks'), now))
      mustWait(acquire(state, places, ask('behind'), now))
    }
    release(state, running, start + 41_000)
    const back = structuredClone(state)
    release(state, mustHold(acquire(state, places, ask('asks'), start + 41_000)), start + 42_000)
    mustHold(acquire(state, places, ask('behind'), start + 42_000))
    mustWait(acquire(back, places, ask('away'), start + 41_000))
    release(back, mustHold(acquire(back, places, ask('asks'), start + 41_000)), start + 42_000)
    mustWait(acquire(back, places, ask('away'), start + 42_000))
    mustHold(acquire(back, places, ask('behind'), start + 42_000))
  })

  test('a free place goes to the first although somebody ahead stays away for good', () => {
    const state = newAccount(start)
    const two = { concurrency: 2 }
    const holds = ['x', 'y'].map(name => mustHold(acquire(state, two, ask(name), start)))
    for (const name of ['asks', 'away', 'behind']) mustWait(acquire(state, two, ask(name), start))
    for (let now = start + 1_000; now <= start + 40_000; now += 1_000)
      mustWait(acquire(state, two, ask('asks'), now))
    for (const hold of holds) release(state, hold, start + 40_000)
    mustHold(acquire(state, two, ask('newcomer'), start + 40_000))
  })

  test('who withdraws frees its place for those behind', () => {
    const state = full()
    mustWait(acquire(state, limit, ask('cancelled', 100), start))
    mustWait(acquire(state, limit, ask('behind', 100), start))
    mustWait(acquire(structuredClone(state), limit, ask('behind', 100), start + span))
    withdraw(state, 'cancelled', start + 10)
    withdraw(state, 'nobody', start + 10)
    mustHold(acquire(state, limit, ask('behind', 100), start + span))
  })

  test('names the tickets that room was freed for, in order and once per ask', () => {
    const state = newAccount(start)
    const hold = mustHold(acquire(state, limit, ask('first', 100), start))
    for (const name of ['a', 'b', 'c']) mustWait(acquire(state, limit, ask(name, 40), start))
    expect(takeReady(state, limit, start)).toEqual([])
    commit(state, hold, 10, start + 1)
    expect(takeReady(state, limit, start + 1)).toEqual(['a', 'b'])
    expect(takeReady(state, limit, start + 2)).toEqual([])
    mustHold(acquire(state, limit, ask('b', 40), start + 3))
    mustHold(acquire(state, limit, ask('a', 40), start + 3))
    expect(takeReady(state, limit, start + 3)).toEqual([])
  })

  test('a parked key holds everybody in order, and nobody loses a place by it', () => {
    const state = full()
    for (const name of ['a', 'b']) mustWait(acquire(state, limit, ask(name, 60), start))
    const until = start + 10 * 60_000
    park(state, until, start + 1_000)
    park(state, until - 60_000, start + 2_000)
    mustWait(acquire(state, limit, ask('new', 0), start + 2_000))
    expect(takeReady(state, limit, until - 1)).toEqual([])
    mustWait(acquire(state, limit, ask('b', 60), until))
    mustHold(acquire(state, limit, ask('a', 60), until))
    mustWait(acquire(state, limit, ask('new', 50), until))
    expect(() => park(state, Number.NaN, until)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  describe('whose provider asks for a day', () => {
    const day = 24 * 3_600_000
    const free: Limit = { requestsPerMinute: 100 }
    const parked = () => {
      const state = newAccount(start)
      park(state, start + day, start)
      mustWait(acquire(state, free, ask('a'), start))
      mustWait(acquire(state, free, ask('b'), start))
      mustWait(acquire(state, free, ask('a'), start + longestPark - 1))
      return state
    }
    const later = start + longestPark

    test('is parked for 15 minutes, then one call probes, and the others wait for its answer', () => {
      const state = parked()
      const probe = mustHold(acquire(state, free, ask('a'), later))
      const wait = mustWait(acquire(state, free, ask('b'), later))
      mustWait(acquire(state, free, ask('c'), later + 1))
      expect(wait).toBeGreaterThan(30_000)
      expect(takeReady(state, free, later + 1)).toEqual([])
      commit(state, probe, 1, later + 2)
      expect(takeReady(state, free, later + 2)).toEqual(['b', 'c'])
      mustHold(acquire(state, free, ask('c'), later + 3))
      mustHold(acquire(state, free, ask('b'), later + 3))
    })

    test('is parked for as long again where the probe is refused, also with a shorter wait', () => {
      for (const [wait, end] of [
        [day, longestPark],
        [5_000, 5_000],
      ] as const) {
        const state = parked()
        const probe = mustHold(acquire(state, free, ask('a'), later))
        park(state, later + wait, later + 1)
        commit(state, probe, wait === day ? 0 : undefined, later + 2)
        mustWait(acquire(state, free, ask('b'), later + end - 1))
        expect(takeReady(state, free, later + end + 1)).toEqual([])
        mustHold(acquire(state, free, ask('b'), later + end + 1))
        mustWait(acquire(state, free, ask('c'), later + end + 1))
      }
    })

    test('leaves the probe to the next where it used nothing, was not answered or not made, and to nobody after a minute', () => {
      for (const end of ['nothing', 'unanswered', 'release'] as const) {
        const state = parked()
        const probe = mustHold(acquire(state, free, ask('a'), later))
        mustWait(acquire(state, free, ask('b'), later))
        mustWait(acquire(state, free, ask('c'), later))
        if (end === 'nothing') commit(state, probe, 0, later + 1)
        else if (end === 'unanswered') commit(state, probe, 9, later + 1, false)
        else release(state, probe, later + 1)
        expect(takeReady(state, free, later + 1)).toEqual(['b'])
        mustWait(acquire(state, free, ask('c'), later + 1))
        mustHold(acquire(state, free, ask('b'), later + 1))
        mustWait(acquire(state, free, ask('c'), later + 60_000))
        mustHold(acquire(state, free, ask('c'), later + 60_001))
      }
    })

    test('is forgotten when nobody called for as long again', () => {
      const state = newAccount(start)
      park(state, start + day, start)
      expect(sweep(state, later + longestPark - 1)).toBe(true)
      expect(sweep(state, later + longestPark)).toBe(false)
    })

    test('a call from before says nothing of it', () => {
      const state = newAccount(start)
      const before = mustHold(acquire(state, free, ask('before'), start))
      park(state, start + day, start)
      commit(state, before, 1, later)
      mustHold(acquire(state, free, ask('a'), later))
      mustWait(acquire(state, free, ask('b'), later))
    })
  })

  test('a key that is reset grants at once, and counts what runs', () => {
    const state = newAccount(start)
    const hold = mustHold(acquire(state, { tokensPerMinute: 100 }, ask('runs', 30), start))
    mustHold(acquire(state, { tokensPerMinute: 100 }, ask('ended', 70), start))
    park(state, start + 24 * 3_600_000, start)
    mustWait(acquire(state, { tokensPerMinute: 100 }, ask('a', 40), start))
    release(state, 2, start)
    reset(state, start + 1)
    expect(usedNow(state)).toEqual({ requests: 1, tokens: 30 })
    mustHold(acquire(state, { tokensPerMinute: 100 }, ask('a', 40), start + 1))
    mustHold(acquire(state, { tokensPerMinute: 100 }, ask('b', 30), start + 1))
    commit(state, hold, 10, start + 2)
    expect(usedNow(state)).toEqual({ requests: 3, tokens: 80 })
  })

  test('a clock set back by an hour is followed, a small step back is waited out', () => {
    const state = full()
    const turn = mustWait(acquire(state, limit, ask('a', 100), start + 10_000))
    expect(mustWait(acquire(state, limit, ask('a', 100), start + 9_000))).toBe(turn)
    const back = start - 3_600_000
    expect(mustWait(acquire(state, limit, ask('a', 100), back))).toBe(turn - 10_000 - 3_600_000)
    mustHold(acquire(state, limit, ask('a', 100), back + span - 10_000))
  })
})

describe('memory', () => {
  test('a key keeps a bounded number of tickets; those beyond it are told different times to come again', () => {
    const limit = { requestsPerMinute: 600 }
    const state = newAccount(start)
    for (let i = 0; i < 600; i += 1) mustHold(acquire(state, limit, ask(`granted ${i}`), start + i * 100))
    const now = start + 60_000
    for (let i = 0; i < maxTickets; i += 1) mustWait(acquire(state, limit, ask(`waits ${i}`), now))
    const beyond = new Set<number>()
    for (let i = 0; i < 500; i += 1) beyond.add(mustWait(acquire(state, limit, ask(`beyond ${i}`), now)))
    expect(state.queue.order.length).toBe(maxTickets)
    expect(state.planned.length).toBeLessThanOrEqual(span / bucketWidth + 1)
    expect(beyond.size).toBeGreaterThan(490)
    expect(Math.min(...beyond)).toBeGreaterThan(maxTickets * 50)
  })

  test('a minute of traffic is a few hundred buckets, and everything is forgotten in time', () => {
    const limit = { requestsPerMinute: 100_000 }
    const state = newAccount(start)
    for (let i = 0; i < 20_000; i += 1) {
      const hold = mustHold(acquire(state, limit, ask(`t${i}`), start + i * 7))
      commit(state, hold, 1, start + i * 7)
    }
    expect(state.used.length).toBeLessThanOrEqual(span / bucketWidth + 1)
    mustHold(acquire(state, { concurrency: 1 }, ask('last'), start + 140_000))
    mustWait(acquire(state, { concurrency: 1 }, ask('waits'), start + 140_000))
    release(state, 20_001, start + 140_000)
    expect(sweep(state, start + 150_000)).toBe(true)
    expect(sweep(state, start + 140_000 + span + grace)).toBe(false)
    expect(state.queue.order.length + state.used.length + state.planned.length + state.holds.size).toBe(0)
  })
})

describe('whatever is done', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('ask' as const), who: fc.nat(7), cost: fc.nat(60) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('commit' as const),
        which: fc.nat(9),
        real: fc.option(fc.nat(90)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), who: fc.nat(7) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('park' as const),
        for: fc.integer({ min: -5_000, max: 40_000 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('pass' as const), by: fc.oneof(fc.nat(400), fc.nat(30_000)) }),
    },
  )
  const limits = fc.record(
    {
      requestsPerMinute: fc.integer({ min: 1, max: 12 }),
      tokensPerMinute: fc.integer({ min: 60, max: 200 }),
      concurrency: fc.integer({ min: 1, max: 5 }),
    },
    { requiredKeys: [] },
  )

  test('no minute holds more than the limit, no place is given twice, a parked key is silent', () => {
    fc.assert(
      fc.property(limits, fc.array(step, { minLength: 20, maxLength: 150 }), (limit, steps) => {
        const state = newAccount(start)
        const charges: { at: number; requests: number; tokens: number }[] = []
        const running: { hold: number; charge: (typeof charges)[number] }[] = []
        let now = start
        let silentUntil = 0
        for (const one of steps) {
          if (one.do === 'pass') now += one.by
          if (one.do === 'withdraw') withdraw(state, `${one.who}`, now)
          if (one.do === 'park') {
            park(state, now + one.for, now)
            silentUntil = Math.max(silentUntil, now + one.for)
          }
          if (one.do === 'ask') {
            const decision = acquire(state, limit, ask(`${one.who}`, one.cost), now)
            if (!decision.granted) {
              expect(decision.until).toBeGreaterThan(now)
              continue
            }
            const granted = { at: now, requests: 1, tokens: one.cost }
            charges.push(granted)
            running.push({ hold: decision.hold, charge: granted })
            const minute = charges.filter(other => now - other.at <= 60_000)
            const sum = (of: 'requests' | 'tokens') => minute.reduce((all, other) => all + other[of], 0)
            expect(sum('requests')).toBeLessThanOrEqual(limit.requestsPerMinute ?? Number.POSITIVE_INFINITY)
            expect(sum('tokens')).toBeLessThanOrEqual(limit.tokensPerMinute ?? Number.POSITIVE_INFINITY)
            expect(running.length).toBeLessThanOrEqual(limit.concurrency ?? Number.POSITIVE_INFINITY)
            expect(now).toBeGreaterThanOrEqual(silentUntil)
          }
          if (one.do === 'commit' || one.do === 'release') {
            const [ended] = running.splice(one.which % Math.max(1, running.length), 1)
            if (ended === undefined) continue
            if (one.do === 'release') {
              release(state, ended.hold, now)
              charges.splice(charges.indexOf(ended.charge), 1)
              continue
            }
            commit(state, ended.hold, one.real ?? undefined, now)
            const excess = (one.real ?? ended.charge.tokens) - ended.charge.tokens
            if (excess < 0) ended.charge.tokens += excess
            else charges.push({ at: now, requests: 0, tokens: excess })
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('equal steps on a copy give equal answers', () => {
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 60 }), (limit, steps) => {
        let [one, other] = [newAccount(start), newAccount(start)]
        let now = start
        for (const each of steps) {
          if (each.do === 'pass') now += each.by
          if (each.do === 'park') for (const state of [one, other]) park(state, now + each.for, now)
          if (each.do === 'ask') {
            const request = ask(`${each.who}`, each.cost)
            expect(acquire(one, limit, request, now)).toEqual(acquire(other, limit, request, now))
          }
          other = structuredClone(other)
        }
        expect(one).toEqual(other)
      }),
      { numRuns: 100 },
    )
  })
})
