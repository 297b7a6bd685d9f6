import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Acquired, Limit, RateLimiter } from '../../src/rate-limit/limiter.ts'
import { createSharedLimiter } from '../../src/rate-limit/shared.ts'
import type { SharedTexts } from '../../src/runtime/shared-account.ts'
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts'
import { mustGrant, start } from './load.ts'
import { randomFrom, SharedPlace, type Trouble } from './shared-states.ts'

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
  answer?: Acquired
  error?: unknown
  tookMs?: number
}

/** Asks, and notes how long the answer took. */
function ask(clock: ManualClock, limiter: RateLimiter, ticket: string, within?: number): Asked {
  const begin = clock.monotonic()
  const asked: Asked = {}
  const request = { key: 'key', ticket, cost: 1, ...(within === undefined ? {} : { within }) }
  const ends = () => {
    asked.tookMs = clock.monotonic() - begin
  }
  limiter.acquire(request).then(
    answer => {
      asked.answer = answer
      ends()
    },
    error => {
      asked.error = error
      ends()
    },
  )
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
    expect(await useOf(clock, limiters[0])).toMatchObject({ inFlight: 0, waiting: 0, requests: 0 })
    expect(clock.timers).toBe(0)
  })

  test('is granted nothing by the tries that follow: others have the place meanwhile', async () => {
    const { clock, place, limiters } = processes(2, { concurrency: 1 }, { late: 1 })
    const asked = ask(clock, limiters[0], 'a', 100)
    await clock.advance(100)
    expect(asked.answer?.granted).toBe(false)
    place.trouble = {}
    const { saves } = place
    await clock.advance(1_000)
    expect(place.saves).toBe(saves)
    const other = ask(clock, limiters[1], 'b')
    await clock.settle()
    expect(other.answer?.granted).toBe(true)
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
          while (asked.tookMs === undefined) await new Promise<void>(next => clock.after(5, next))
          longest = Math.max(longest, asked.tookMs)
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
    await fc.assert(cases, { numRuns: 20, endOnFailure: true })
  })
})

function fail(): never {
  throw new Error('There is no answer.')
}
