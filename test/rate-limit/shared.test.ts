import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { limitCodec, newAccount, park } from '../../src/rate-limit/account.ts'
import { acquire, commit, release, withdraw } from '../../src/rate-limit/arithmetic.ts'
import type { Limit, RateLimiter, Reservation } from '../../src/rate-limit/limiter.ts'
import { createLocalLimiter } from '../../src/rate-limit/local.ts'
import { createSharedLimiter, type SharedLimiterOptions } from '../../src/rate-limit/shared.ts'
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts'
import {
  fullestMinute,
  type Granted,
  mustGrant,
  mustWait,
  perMinute,
  requestsOf,
  start,
  tokensOf,
} from './load.ts'
import { randomFrom, SharedPlace, type Trouble, timelineClock } from './shared-states.ts'

/** Limiters of several processes on one place, and a clock that a test moves. */
function processes(
  count: number,
  options: Partial<SharedLimiterOptions> & { trouble?: Trouble; seed?: number },
) {
  const { trouble = {}, seed = 1, limits = {}, ...rest } = options
  const clock = createManualClock({ startAt: new Date(start) })
  const place = new SharedPlace(clock, randomFrom(seed), trouble)
  const make = () => createSharedLimiter({ limits, states: place, clock, ...rest })
  return { clock, place, limiters: Array.from({ length: count }, make) as [RateLimiter, RateLimiter] }
}

/** Waits for an answer that takes time of the clock. */
async function at<T>(clock: ManualClock, answer: Promise<T>): Promise<T> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  answer.then(done, done)
  for (await clock.settle(); !isDone; await clock.advance(1));
  return answer
}

describe('a limiter that stops', () => {
  test('first writes what was settled, so that its places are free at once', async () => {
    const limits = { key: { concurrency: 1 } }
    const { clock, place, limiters } = processes(2, { limits, trouble: { slowMs: 100 } })
    const [stopping, other] = limiters
    const ask = (limiter: RateLimiter, ticket: string) => limiter.acquire({ key: 'key', ticket, cost: 1 })
    mustGrant(await at(clock, ask(stopping, 'a'))).commit()
    await at(clock, stopping.stop())
    place.trouble = {}
    mustGrant(await ask(other, 'b'))
  })
})

test('what one key is in use for is read without the other keys', async () => {
  const limits = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`user ${at}`, {}]))
  const { clock, place, limiters } = processes(2, { limits: { ...limits, mine: { concurrency: 1 } } })
  const [one, other] = limiters
  await other.park('mine', start + 60_000)
  place.loaded.length = 0
  expect(one.describe('mine')).toMatchObject([{ key: 'mine' }])
  await clock.settle()
  one.describe('mine')
  expect(one.describe('mine')).toMatchObject([{ key: 'mine', parkedUntil: start + 60_000 }])
  expect(one.describe('user 1')).toEqual([])
  await clock.settle()
  expect(place.loaded).toEqual(['mine'])
})

test('who waits is known to a process in which nobody waits', async () => {
  const { clock, limiters } = processes(2, { limits: { key: { concurrency: 1 } } })
  const [one, other] = limiters
  const ask = (ticket: string) => one.acquire({ key: 'key', ticket, cost: 1 })
  mustGrant(await ask('runs'))
  mustWait(await ask('first'))
  await clock.advance(5_000)
  mustWait(await ask('second'))
  await other.refresh?.()
  expect(other.describe()).toMatchObject([
    {
      waiting: 2,
      next: [
        { ticket: 'first', since: start },
        { ticket: 'second', since: start + 5_000 },
      ],
      longestWaiting: { ticket: 'first' },
    },
  ])
})

test('an account that nobody has changed is parsed once, however often it is read', async () => {
  const { clock, place, limiters } = processes(2, { limits: { key: { concurrency: 1 } } })
  const [one, other] = limiters
  const parse = vi.spyOn(limitCodec, 'read')
  const looked = async () => {
    parse.mockClear()
    for (let looks = 0; looks < 5; looks += 1) {
      await clock.advance(2_000)
      one.describe('key')
    }
    await clock.settle()
    return parse.mock.calls.length
  }
  await other.park('key', start + 60_000)
  const { loads } = place
  expect(await looked()).toBe(1)
  expect(place.loads).toBeGreaterThanOrEqual(loads + 5)
  expect(one.describe('key')).toMatchObject([{ parkedUntil: start + 60_000 }])
  await other.park('key', start + 90_000)
  expect(await looked()).toBe(1)
  expect(one.describe('key')).toMatchObject([{ parkedUntil: start + 90_000 }])
  parse.mockRestore()
})

interface Load {
  limits: Readonly<Record<string, Limit>>
  minutes: number
  seed: number
  slowMs: number
  /** Callers per key; each calls again when its call has ended. */
  callers: number
  estimate(limit: Limit, random: () => number): number
  lasts(random: () => number): number
}

/** Puts load on every key from four processes; answers the grants by key. */
async function underLoad(load: Load): Promise<Map<string, Granted[]>> {
  const { limits, seed, slowMs, callers, minutes } = load
  const random = randomFrom(seed)
  const clock = timelineClock()
  const states = new SharedPlace(clock, randomFrom(seed + 1), { slowMs })
  const limiters = Array.from({ length: 4 }, () => createSharedLimiter({ limits, states, clock }))
  const granted = new Map<string, Granted[]>(Object.keys(limits).map(key => [key, []]))
  const wakers = new Map<string, () => void>()
  for (const limiter of limiters) limiter.onCapacity((_key, ticket) => wakers.get(ticket)?.())

  async function call(limiter: RateLimiter, key: string, name: string): Promise<void> {
    const [estimate, lasts] = [load.estimate(limits[key] ?? {}, random), load.lasts(random)]
    for (let asks = 1; ; asks += 1) {
      const answer = await limiter.acquire({ key, cost: estimate, ticket: name })
      if (answer.granted) {
        const grantedAt = clock.now() - start
        granted.get(key)?.push({ name, at: 0, estimate, lasts, late: 0, grantedAt, asks })
        await new Promise<void>(resolve => clock.after(lasts, resolve))
        return answer.reservation.commit()
      }
      await new Promise<void>(resolve => {
        clock.after(Math.max(1, answer.until - clock.now()), resolve)
        wakers.set(name, resolve)
      })
    }
  }

  async function caller(index: number, key: string): Promise<void> {
    const limiter = limiters[index % limiters.length] as RateLimiter
    for (let calls = 0; ; calls += 1) await call(limiter, key, `${key} ${index} ${calls}`)
  }

  for (const key of Object.keys(limits))
    for (let index = 0; index < callers; index += 1) void caller(index, key)
  await clock.runUntil(minutes * 60_000)
  return granted
}

/** Places that were busy between two times, on average. */
function busyPlaces(calls: readonly Granted[], from: number, to: number): number {
  const inside = ({ grantedAt, lasts }: Granted) =>
    Math.max(0, Math.min(to, grantedAt + lasts) - Math.max(from, grantedAt))
  return calls.reduce((sum, call) => sum + inside(call), 0) / (to - from)
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const limitsOf = (limit: (index: number) => Limit) =>
  Object.fromEntries(keys.map((key, index) => [key, limit(index)]))

describe('four processes that share eight keys, under more load than the limits', () => {
  test('requests: at least 95 % of the limit, never more in any minute', async () => {
    const cases = fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 60 }), async (seed, slowMs) => {
      const limits = limitsOf(index => ({ requestsPerMinute: 20 + 5 * index }))
      const load = { limits, seed, slowMs, minutes: 4, callers: 5 }
      const granted = await underLoad({ ...load, estimate: () => 1, lasts: random => 500 + 3_000 * random() })
      for (const [key, calls] of granted) {
        const { requestsPerMinute = 0 } = limits[key] ?? {}
        expect(fullestMinute(calls, requestsOf)).toBeLessThanOrEqual(requestsPerMinute)
        const used = perMinute(calls, 2 * 60_000, 4 * 60_000, requestsOf)
        expect(used).toBeGreaterThanOrEqual(requestsPerMinute * 0.95)
      }
    })
    await fc.assert(cases, { numRuns: 2 })
  })

  test('tokens: at least 95 % of the limit, never more in any minute', async () => {
    const limits = limitsOf(index => ({ tokensPerMinute: 10_000 * (index + 1) }))
    const granted = await underLoad({
      ...{ limits, seed: 7, slowMs: 20, minutes: 4, callers: 12 },
      estimate: ({ tokensPerMinute = 0 }, random) => Math.ceil(tokensPerMinute * 0.03 * random()),
      lasts: () => 1_000,
    })
    for (const [key, calls] of granted) {
      const { tokensPerMinute = 0 } = limits[key] ?? {}
      expect(fullestMinute(calls, tokensOf)).toBeLessThanOrEqual(tokensPerMinute)
      const used = perMinute(calls, 2 * 60_000, 4 * 60_000, tokensOf)
      expect(used).toBeGreaterThanOrEqual(tokensPerMinute * 0.95)
    }
  })

  test('places: at least 95 % of them busy, never more at once', async () => {
    const limits = limitsOf(index => ({ concurrency: 2 + index }))
    const granted = await underLoad({
      ...{ limits, seed: 3, slowMs: 20, minutes: 3, callers: 14 },
      estimate: () => 1,
      lasts: random => 5_000 + 10_000 * random(),
    })
    let used = 0
    let allowed = 0
    for (const [key, calls] of granted) {
      const { concurrency = 0 } = limits[key] ?? {}
      for (const one of calls) {
        const running = calls.filter(
          other => other.grantedAt <= one.grantedAt && one.grantedAt < other.grantedAt + other.lasts,
        )
        expect(running.length).toBeLessThanOrEqual(concurrency)
      }
      const busy = busyPlaces(calls, 30_000, 3 * 60_000)
      // One key's calls are few: by chance some end close together.
      expect(busy).toBeGreaterThanOrEqual(concurrency * 0.9)
      used += busy
      allowed += concurrency
    }
    expect(used).toBeGreaterThanOrEqual(allowed * 0.95)
  })
})

describe('one account', () => {
  const anAsk = fc.record({ kind: fc.constant('ask' as const), ticket: fc.nat(9), cost: fc.nat(60) })
  const aStep = fc.oneof(
    anAsk,
    fc.record({ kind: fc.constant('commit' as const), which: fc.nat(9), cost: fc.option(fc.nat(60)) }),
    fc.record({ kind: fc.constant('release' as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant('withdraw' as const), ticket: fc.nat(9) }),
    fc.record({ kind: fc.constant('park' as const), ms: fc.nat(20_000) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(30_000) }),
  )

  test('a shared limiter that is alone answers what a local one answers', async () => {
    const limits = { key: { requestsPerMinute: 20, tokensPerMinute: 100, concurrency: 3 } }
    const cases = fc.asyncProperty(fc.array(aStep, { maxLength: 60 }), async steps => {
      const { clock, limiters } = processes(1, { limits, leaseMs: 1e9 })
      const both = [limiters[0], createLocalLimiter({ limits, clock })] as const
      const reservations: (readonly Reservation[])[] = []
      for (const step of steps) {
        if (step.kind === 'ask') {
          const request = { key: 'key', ticket: `${step.ticket}`, cost: step.cost }
          const answers = await Promise.all(both.map(limiter => limiter.acquire(request)))
          const told = answers.map(answer => (answer.granted ? 'granted' : answer.until))
          expect(told[0]).toBe(told[1])
          reservations.push(answers.flatMap(answer => (answer.granted ? [answer.reservation] : [])))
        } else if (step.kind === 'commit')
          for (const each of reservations[step.which] ?? []) each.commit(step.cost ?? undefined)
        else if (step.kind === 'release') for (const each of reservations[step.which] ?? []) each.release()
        else if (step.kind === 'withdraw')
          await Promise.all(both.map(limiter => limiter.withdraw('key', `${step.ticket}`)))
        else if (step.kind === 'park')
          await Promise.all(both.map(limiter => limiter.park('key', clock.now() + step.ms)))
        else await clock.jump(step.ms)
        await clock.settle()
        expect(limiters[0].describe()).toEqual(both[1].describe())
      }
    })
    const parkedAfterLosingItsPlace = [
      { kind: 'park', ms: 1 },
      { kind: 'ask', ticket: 0, cost: 0 },
      { kind: 'wait', ms: 30_002 },
      { kind: 'park', ms: 1 },
    ] as const
    await fc.assert(cases, { numRuns: 60, examples: [[[...parkedAfterLosingItsPlace]]] })
  })

  test('comes back from its text as it was; a text that is not one is an account that nobody has used', () => {
    const limit = { requestsPerMinute: 20, tokensPerMinute: 100, concurrency: 3 }
    const cases = fc.property(fc.array(aStep, { maxLength: 60 }), steps => {
      const state = newAccount(start)
      let now = start
      for (const step of steps) {
        if (step.kind === 'ask') acquire(state, limit, { ...step, ticket: `${step.ticket}` }, now)
        else if (step.kind === 'commit') commit(state, step.which, step.cost ?? undefined, now)
        else if (step.kind === 'release') release(state, step.which, now)
        else if (step.kind === 'withdraw') withdraw(state, `${step.ticket}`, now)
        else if (step.kind === 'park') park(state, now + step.ms, now)
        else now += step.ms
      }
      const writes = Array.from({ length: 16 }, (_, index) => `w${index}`)
      const back = limitCodec.read(limitCodec.write({ state, writes }, 'new'), 0)
      expect(back).toEqual({ state, writes: ['new', ...writes.slice(0, 15)] })
    })
    fc.assert(cases)
    for (const text of ['', '{', 'null', '7', '{"format":2}', '[]'])
      expect(limitCodec.read(text, start)).toEqual({ state: newAccount(start), writes: [] })
  })

  test('asks of one moment go together: one load and one save', async () => {
    const { clock, place, limiters } = processes(1, {
      limits: { key: { concurrency: 5 } },
      trouble: { slowMs: 5 },
    })
    const asks = Array.from({ length: 20 }, (_, index) =>
      limiters[0].acquire({ key: 'key', ticket: `${index}`, cost: 1 }),
    )
    const answers = await at(clock, Promise.all(asks))
    expect(answers.filter(({ granted }) => granted)).toHaveLength(5)
    expect([place.loads, place.saves]).toEqual([1, 1])
  })
})

describe('several processes', () => {
  const limits = { key: { concurrency: 1 } }
  const ask = (limiter: RateLimiter, ticket: string, key = 'key') => limiter.acquire({ key, ticket, cost: 1 })

  test('the places of a process that dies come back at the end of its lease, those of one that lives never', async () => {
    const { clock, place, limiters } = processes(1, { limits, leaseMs: 30_000 })
    const timers: (() => void)[] = []
    const mortal = {
      now: clock.now,
      after(ms: number, callback: () => void) {
        const cancel = clock.after(ms, callback)
        timers.push(cancel)
        return cancel
      },
    }
    const dying = createSharedLimiter({ limits, states: place, clock: mortal, leaseMs: 30_000 })
    mustGrant(await at(clock, ask(dying, 'a')))
    await clock.advance(300_000)
    expect((await at(clock, ask(limiters[0], 'b'))).granted).toBe(false)
    for (const cancel of timers) cancel()
    const diedAt = clock.now()
    for (;;) {
      const answer = await at(clock, ask(limiters[0], 'b'))
      if (answer.granted) break
      await clock.advance(Math.max(1, answer.until - clock.now()))
    }
    expect(clock.now() - diedAt).toBeGreaterThan(19_000)
    expect(clock.now() - diedAt).toBeLessThan(33_000)
  })

  test('a park by one holds for all, also for a key that nobody configured; it is written once', async () => {
    const { clock, place, limiters } = processes(2, { limits: { key: { requestsPerMinute: 9 } } })
    const [one, other] = limiters
    for (const key of ['key', 'unknown']) {
      mustGrant(await at(clock, ask(other, 'free', key))).release()
      await at(clock, one.park(key, start + 7_000))
      expect(mustWait(await at(clock, ask(other, 'a', key)))).toBeGreaterThanOrEqual(7_000)
    }
    const { saves } = place
    await at(clock, other.park('key', start + 7_000))
    expect(place.saves).toBe(saves)
    expect(other.describe().map(({ parkedUntil }) => parkedUntil)).toEqual([start + 7_000, start + 7_000])
    await clock.advance(7_000)
    for (const key of ['key', 'unknown']) mustGrant(await at(clock, ask(other, 'a', key))).release()
    await expect(one.park('key', Number.NaN)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a park of a day ends after 15 minutes for all, with one call that probes; a reset ends it at once', async () => {
    const { clock, limiters } = processes(2, { limits: { key: { requestsPerMinute: 9 } } })
    const [one, other] = limiters
    for (const key of ['key', 'unknown']) {
      await at(clock, one.park(key, clock.now() + 24 * 3_600_000))
      await clock.advance(899_000)
      mustWait(await at(clock, ask(other, 'a', key)))
      await clock.advance(1_000)
      const probe = mustGrant(await at(clock, ask(other, 'a', key)))
      mustWait(await at(clock, ask(one, 'b', key)))
      probe.commit(1)
      await clock.advance(500)
      mustGrant(await at(clock, ask(one, 'b', key))).commit(1)
      mustGrant(await at(clock, ask(other, 'c', key))).commit(1)
      await at(clock, one.park(key, clock.now() + 24 * 3_600_000))
      mustWait(await at(clock, ask(other, 'd', key)))
      await at(clock, one.reset(key))
      mustGrant(await at(clock, ask(other, 'd', key))).commit(1)
      mustGrant(await at(clock, ask(one, 'e', key))).commit(1)
    }
  })

  test('an account that an earlier version parked for a day is parked for 15 minutes', () => {
    const account = { ...newAccount(start), parkedUntil: start + 24 * 3_600_000 }
    const text = limitCodec.write({ state: account, writes: [] }, 'write')
    expect(limitCodec.read(text, start).state).toMatchObject({ parkedUntil: start + 900_000, probe: 0 })
  })

  test('a key that nobody configured costs a look and no write', async () => {
    const { clock, place, limiters } = processes(1, {})
    mustGrant(await at(clock, ask(limiters[0], 'a'))).commit(5)
    await clock.settle()
    expect([place.loads, place.saves, limiters[0].describe()]).toEqual([1, 0, []])
  })

  test('who waits is called within a quarter of a second after another process gave room back, once', async () => {
    const { clock, limiters } = processes(2, { limits })
    const [one, other] = limiters
    const called: string[] = []
    one.onCapacity((key, ticket) => called.push(`one ${key} ${ticket}`))
    other.onCapacity(() => {
      throw new Error('a listener that throws harms nobody')
    })
    other.onCapacity((key, ticket) => called.push(`other ${key} ${ticket}`))
    const held = mustGrant(await at(clock, ask(one, 'a')))
    expect((await at(clock, ask(other, 'b'))).granted).toBe(false)
    await clock.advance(500)
    held.commit()
    await clock.advance(250)
    expect(called).toEqual(['other key b'])
    await clock.advance(600)
    expect(called).toHaveLength(1)
    mustGrant(await at(clock, ask(other, 'b')))
  })

  test('who was told to wait by a process that is gone is called by another that keeps its place, in its turn', async () => {
    const { clock, place, limiters } = processes(2, { limits })
    const [gone, other] = limiters
    const called: string[] = []
    const held = mustGrant(await at(clock, ask(gone, 'a')))
    for (const ticket of ['b', 'c']) mustWait(await at(clock, ask(gone, ticket)))
    other.onCapacity((key, ticket) => called.push(`${key} ${ticket}`))
    // A third waits that never had a place.
    for (const ticket of ['c', 'b', 'd'])
      expect(await at(clock, other.keepPlace({ key: 'key', ticket, cost: 0 }))).toBeGreaterThan(clock.now())
    await clock.advance(100)
    expect(called).toEqual([])
    held.release()
    await clock.advance(500)
    expect(called).toEqual(['key b'])
    // A key that is not limited holds up nobody.
    const unlimited = createSharedLimiter({ limits: {}, states: place, clock })
    for (const key of ['key', 'other'])
      expect(await at(clock, unlimited.keepPlace({ key, ticket: 'd', cost: 0 }))).toBeLessThanOrEqual(
        clock.now(),
      )
  })

  test('what is in use elsewhere is told by a process that asks for nothing itself', async () => {
    const { clock, limiters } = processes(2, { limits })
    mustGrant(await at(clock, ask(limiters[0], 'a')))
    limiters[1].describe()
    await clock.settle()
    expect(limiters[1].describe()).toMatchObject([{ key: 'key', inFlight: 1, requests: 1 }])
  })

  test('clocks that differ: times are told by the clock of the asker', async () => {
    const { clock, place, limiters } = processes(1, { limits })
    const late = { now: () => clock.now() - 5_000, after: clock.after }
    const lagging = createSharedLimiter({ limits, states: place, clock: late })
    await at(clock, limiters[0].park('key', clock.now() + 7_000))
    const answer = await at(clock, ask(lagging, 'a'))
    expect(answer).toEqual({ granted: false, until: late.now() + 7_000 })
    await at(clock, lagging.park('key', late.now() + 9_000))
    expect(limiters[0].describe()).toMatchObject([{ parkedUntil: clock.now() + 7_000 }])
    await clock.settle()
    expect(limiters[0].describe()).toMatchObject([{ parkedUntil: clock.now() + 9_000 }])
  })
})

describe('a place that fails', () => {
  const limits = { key: { concurrency: 2, requestsPerMinute: 1_000 } }

  test('now and then: no limit is exceeded, every call gets its turn, and every place is free in the end', async () => {
    const cases = fc.asyncProperty(fc.nat(), async seed => {
      const trouble = { slowMs: 20, fails: 0.05, forgets: 0.05 }
      const { clock, place, limiters } = processes(3, { limits, trouble, seed, leaseMs: 20_000 })
      let [running, most, done] = [0, 0, 0]
      const call = async (index: number) => {
        for (;;) {
          const limiter = limiters[index % 3] as RateLimiter
          const answer = await limiter.acquire({ key: 'key', ticket: `${index}`, cost: 1 })
          if (answer.granted) {
            running += 1
            most = Math.max(most, running)
            await new Promise<void>(resolve => clock.after(500, resolve))
            running -= 1
            done += 1
            return answer.reservation.commit()
          }
          await new Promise<void>(resolve => clock.after(Math.max(1, answer.until - clock.now()), resolve))
        }
      }
      for (let index = 0; index < 30; index += 1) void call(index)
      for (let waited = 0; done < 30 && waited < 120; waited += 1) await clock.advance(1_000)
      expect([most, done]).toEqual([2, 30])
      place.trouble = {}
      await clock.advance(25_000)
      limiters[0].describe()
      await clock.settle()
      expect(limiters[0].describe()).toMatchObject([{ inFlight: 0, waiting: 0, requests: 30 }])
    })
    await fc.assert(cases, { numRuns: 8 })
  })

  test('always: an ask is told so, what is given back is tried again, a park harms nobody', async () => {
    const { clock, place, limiters } = processes(1, { limits, leaseMs: 60_000 })
    const [limiter] = limiters
    const held = mustGrant(await at(clock, limiter.acquire({ key: 'key', ticket: 'a', cost: 1 })))
    place.trouble = { fails: 1 }
    await expect(at(clock, limiter.acquire({ key: 'key', ticket: 'b', cost: 1 }))).rejects.toThrow(
      'the place failed',
    )
    held.release()
    await at(clock, limiter.withdraw('key', 'b'))
    place.trouble = {}
    await clock.advance(2_000)
    expect(limiter.describe()).toMatchObject([{ inFlight: 0, requests: 0 }])
  })

  test.each([
    { trouble: { fails: 1 }, error: { message: 'the place failed' } },
    { trouble: { late: 1 }, error: { code: 'STORE_FAILED' } },
  ])('with $trouble: a reset is told that nothing was reset', async ({ trouble, error }) => {
    const { clock, place, limiters } = processes(2, { limits })
    await at(clock, limiters[0].park('key', start + 600_000))
    place.trouble = trouble
    await expect(at(clock, limiters[0].reset('key'))).rejects.toMatchObject(error)
    place.trouble = {}
    mustWait(await at(clock, limiters[1].acquire({ key: 'key', ticket: 'a', cost: 1 })))
    await at(clock, limiters[0].reset('key'))
    mustGrant(await at(clock, limiters[1].acquire({ key: 'key', ticket: 'a', cost: 1 }))).commit()
  })

  test('a cost that is no amount is refused before anything is given back', async () => {
    const { clock, limiters } = processes(1, { limits })
    const held = mustGrant(await at(clock, limiters[0].acquire({ key: 'key', ticket: 'a', cost: 1 })))
    for (const cost of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => held.commit(cost)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    await expect(limiters[0].acquire({ key: 'key', ticket: 'b', cost: -1 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    expect(limiters[0].describe()).toMatchObject([{ inFlight: 1 }])
    expect(() => processes(1, { limits: { key: { concurrency: 0 } } })).toThrow('concurrency')
  })
})

test('what operators set holds in each process that took it into use, and what waits in any goes on', async () => {
  const { limiters } = processes(2, { limits: { key: { concurrency: 1 } } })
  const [one, other] = limiters
  const ask = (limiter: RateLimiter, ticket: string, cost = 1) =>
    limiter.acquire({ key: 'key', ticket, cost })
  const called: string[] = []
  other.onCapacity((_key, ticket) => called.push(ticket))
  mustGrant(await ask(one, 'a'))
  mustWait(await ask(other, 'b', 7))
  mustWait(await ask(other, 'c'))
  await one.refresh?.()
  expect(one.overrides?.mostAsked('key')).toBe(7)
  for (const limiter of limiters) limiter.overrides?.use(new Map([['key', { concurrency: 2 }]]))
  await one.overrides?.replan('key')
  await vi.waitFor(() => expect(called).toEqual(['b']))
  mustGrant(await ask(other, 'b', 7))
  mustWait(await ask(one, 'd'))
  for (const limiter of limiters) limiter.overrides?.use(new Map())
  expect(one.describe()).toMatchObject([{ limit: { concurrency: 1 }, inFlight: 2, waiting: 2 }])
})
