import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Acquired, Limit, RateLimiter } from '../../src/rate-limit/limiter.ts'
import { createSharedLimiter } from '../../src/rate-limit/shared.ts'
import type { SharedTexts } from '../../src/runtime/shared-account.ts'
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts'
import { type Granted, mustGrant, perMinute, requestsOf, start } from './load.ts'
import { randomFrom, SharedPlace, type Trouble, timelineClock } from './shared-states.ts'

/** Limiters of several processes on one place, and a clock that a test moves. What is saved may be told later: `answers`. */
function processes(count: number, limit: Limit, trouble: Trouble = {}, seed = 1) {
  const clock = createManualClock({ startAt: new Date(start) })
  const place = new SharedPlace(clock, randomFrom(seed), trouble)
  const answers = { slowMs: 0 }
  const states: SharedTexts = {
    load: keys => place.load(keys),
    async save(text) {
      const isSaved = await place.save(text)
      if (answers.slowMs > 0) await new Promise<void>(resolve => clock.after(answers.slowMs, resolve))
      return isSaved
    },
  }
  const make = () => createSharedLimiter({ limits: { key: limit }, states, clock })
  return {
    clock,
    place,
    answers,
    limiters: Array.from({ length: count }, make) as [RateLimiter, RateLimiter],
  }
}

/** An ask and what became of it. */
interface Asked {
  /** Resolves with the answer or the error. */
  ended: Promise<void>
  answer?: Acquired
  error?: unknown
  tookMs?: number
}

/** Asks, and notes how long the answer took. */
function ask(clock: ManualClock, limiter: RateLimiter, ticket: string, within?: number): Asked {
  const begin = clock.monotonic()
  const request = { key: 'key', ticket, cost: 1, ...(within === undefined ? {} : { within }) }
  const asked: Asked = {
    ended: limiter
      .acquire(request)
      .then(
        answer => {
          asked.answer = answer
        },
        error => {
          asked.error = error
        },
      )
      .then(() => {
        asked.tookMs = clock.monotonic() - begin
      }),
  }
  return asked
}

/** What is in use, as the account says it now. */
async function useOf(clock: ManualClock, limiter: RateLimiter) {
  await clock.advance(1_000)
  limiter.describe()
  await clock.settle()
  return limiter.describe()[0]
}

describe('an ask whose answer is waited for no longer', () => {
  test('is answered in time, with the time to ask again', async () => {
    const { clock, place, limiters } = processes(1, { concurrency: 1 }, { late: 1 })
    const asked = ask(clock, limiters[0], 'a', 100)
    await clock.advance(99)
    expect(asked.answer).toBeUndefined()
    await clock.advance(1)
    expect(asked).toMatchObject({ tookMs: 100, answer: { granted: false } })
    expect((asked.answer as { until: number }).until).toBeGreaterThan(clock.now())
    place.trouble = {}
    await clock.advance(2_000)
    expect(await useOf(clock, limiters[0])).toMatchObject({ inFlight: 0, requests: 0 })
    expect(clock.timers).toBe(0)
  })

  test('is granted nothing by the tries that follow, which only keep its place', async () => {
    const { clock, place, limiters } = processes(2, { concurrency: 1 }, { late: 1 })
    const [one, other] = limiters
    const asked = ask(clock, one, 'a', 100)
    await clock.advance(100)
    expect(asked.answer?.granted).toBe(false)
    place.trouble = {}
    expect(await useOf(clock, one)).toMatchObject({ inFlight: 0, waiting: 1, requests: 0 })
    const behind = ask(clock, other, 'b')
    const again = ask(clock, other, 'a')
    await clock.settle()
    expect([behind.answer?.granted, again.answer?.granted]).toEqual([false, true])
  })

  test('is told its turn as far as it is known, so that nobody asks again in vain', async () => {
    const { clock, place, limiters } = processes(1, { requestsPerMinute: 1 })
    const [limiter] = limiters
    for (const ticket of ['granted', 'a', 'b']) ask(clock, limiter, ticket)
    await clock.settle()
    place.trouble = { slowMs: 60_000 }
    const asked = ['a', 'b', 'new'].map(ticket => ask(clock, limiter, ticket, 500))
    await clock.advance(500)
    const turns = asked.map(({ answer }) => (answer?.granted === false ? answer.until - start : undefined))
    // A turn that is far away is looked at again half-way.
    expect(turns).toEqual([60_500, 121_000, 150_500])
  })

  test('gives back a grant that comes too late, and is the first in the queue again', async () => {
    const { clock, answers, limiters } = processes(2, { concurrency: 1 })
    const [one, other] = limiters
    const holder = ask(clock, one, 'holder')
    await clock.settle()
    const told = ['a', 'b', 'c'].map(ticket => ask(clock, one, ticket))
    await clock.settle()
    expect(told.map(({ answer }) => answer?.granted)).toEqual([false, false, false])
    mustGrant(holder.answer ?? fail()).commit()
    await clock.settle()
    answers.slowMs = 400
    const late = ask(clock, one, 'a', 300)
    await clock.advance(300)
    expect(late).toMatchObject({ tookMs: 300, answer: { granted: false } })
    await clock.advance(2_000)
    answers.slowMs = 0
    expect(await useOf(clock, one)).toMatchObject({ inFlight: 0, waiting: 3, requests: 1 })
    for (const ticket of ['c', 'b']) {
      const behind = ask(clock, other, ticket)
      await clock.settle()
      expect(behind.answer?.granted, ticket).toBe(false)
    }
    const again = ask(clock, other, 'a')
    await clock.settle()
    expect(again.answer?.granted).toBe(true)
    expect(await useOf(clock, one)).toMatchObject({ inFlight: 1, waiting: 2, requests: 2 })
  })

  test('gives back a grant that it learns of only afterwards', async () => {
    const { clock, limiters } = processes(1, { concurrency: 1 }, { forgets: 1 })
    const asked = ask(clock, limiters[0], 'a', 0)
    await clock.advance(1)
    expect(asked.answer?.granted).toBe(false)
    expect(await useOf(clock, limiters[0])).toMatchObject({ inFlight: 0, waiting: 1, requests: 0 })
  })

  test('tells what the place says only to who still waits', async () => {
    const { clock, limiters } = processes(1, { concurrency: 1 }, { fails: 1 })
    const [patient, hasty] = [ask(clock, limiters[0], 'a'), ask(clock, limiters[0], 'b', 200)]
    await clock.advance(10_000)
    expect(patient.error).toMatchObject({ message: 'the place failed' })
    expect(hasty).toMatchObject({ tookMs: 200, answer: { granted: false } })
  })

  test('however slow the place is: answered in time, no limit exceeded, everybody gets a turn, nothing is left', async () => {
    const trouble = fc.record({
      slowMs: fc.integer({ min: 0, max: 600 }),
      late: fc.double({ min: 0, max: 0.8, noNaN: true }),
    })
    const cases = fc.asyncProperty(trouble, fc.nat(), async (kind, seed) => {
      const { clock, place, limiters } = processes(3, { concurrency: 2 }, kind, seed)
      let [running, most, done, longest] = [0, 0, 0, 0]
      const call = async (index: number) => {
        for (;;) {
          const asked = ask(clock, limiters[index % 3] as RateLimiter, `${index}`, 1_500)
          await asked.ended
          longest = Math.max(longest, asked.tookMs ?? 0)
          if (asked.answer?.granted === true) {
            running += 1
            most = Math.max(most, running)
            await new Promise<void>(resolve => clock.after(100, resolve))
            running -= 1
            done += 1
            return asked.answer.reservation.commit()
          }
          await new Promise<void>(resolve => clock.after(500, resolve))
        }
      }
      for (let index = 0; index < 12; index += 1) void call(index)
      await clock.advance(10_000)
      place.trouble = {}
      for (let waited = 0; done < 12 && waited < 40; waited += 1) await clock.advance(1_000)
      await clock.advance(3_000)
      expect([done, longest <= 1_500, most <= 2]).toEqual([12, true, true])
      expect(await useOf(clock, limiters[0])).toMatchObject({ inFlight: 0, waiting: 0, requests: 12 })
    })
    await fc.assert(cases, { numRuns: 10, endOnFailure: true })
  })
})

describe('asks that are waited for no longer than two seconds, of four processes that contend for one account', () => {
  const callers = 64
  const longest = 2_000

  /** Attempts as those of tasks: one that has to wait longer than it may comes back a second before its turn, in any process. */
  async function underLoad(limit: Limit, slowMs: number, minutes: number) {
    const random = randomFrom(5)
    const clock = timelineClock()
    const states = new SharedPlace(clock, randomFrom(6), { slowMs })
    const make = () => createSharedLimiter({ limits: { key: limit }, states, clock })
    const limiters = Array.from({ length: 4 }, make)
    const granted: Granted[] = []
    let asks = 0
    let slowest = 0
    const passes = (ms: number) => new Promise<void>(resolve => clock.after(Math.max(1, ms), resolve))

    async function call(name: string): Promise<void> {
      for (;;) {
        const limiter = limiters[Math.floor(random() * limiters.length)] as RateLimiter
        const begin = clock.now()
        const answer = await limiter.acquire({ key: 'key', cost: 1, ticket: name, within: longest })
        asks += 1
        slowest = Math.max(slowest, clock.now() - begin)
        if (answer.granted) {
          const lasts = 500 + 1_000 * random()
          const grantedAt = clock.now() - start
          granted.push({ name, at: 0, estimate: 1, lasts, late: 0, grantedAt, asks })
          await passes(lasts)
          return answer.reservation.commit()
        }
        await passes(answer.until - clock.now() - 1_000)
        await passes(100)
      }
    }
    for (let index = 0; index < callers; index += 1)
      void (async () => {
        for (let calls = 0; ; calls += 1) await call(`${index} ${calls}`)
      })()
    await clock.runUntil(minutes * 60_000)
    return { granted, slowest }
  }

  test('at least 95 % of the limit is used, where an operation of the place takes 50 ms', async () => {
    const requestsPerMinute = 120
    const { granted, slowest } = await underLoad({ requestsPerMinute }, 50, 3)
    expect(slowest).toBeLessThanOrEqual(longest)
    const used = perMinute(granted, 60_000, 3 * 60_000, requestsOf)
    expect(used).toBeGreaterThanOrEqual(requestsPerMinute * 0.95)
    expect(used).toBeLessThanOrEqual(requestsPerMinute)
  })
})

function fail(): never {
  throw new Error('There is no answer.')
}
