import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Limit } from '../../src/rate-limit/limiter.ts'
import { sizeOf } from '../size.ts'
import { type Call, fullestMinute, perMinute, requestsOf, run, tokensOf } from './load.ts'

const end = 12 * 60_000
/** What happens in the first minutes is left out: a key that nobody used starts with a burst. */
const warm = 2 * 60_000

/** A pseudo-random number from 0 to 1, the same for equal arguments. */
const noise = (seed: number, i: number) =>
  ((Math.imul(i + 1, 2_654_435_761) ^ Math.imul(seed, 40_503)) >>> 8) / 2 ** 24

const spreadOf = fc.constantFrom('at once', 'steadily') // how the load arrives
const callsOf = (count: number, spread: string, call: (i: number) => Partial<Call>): Call[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `${i}`,
    at: spread === 'at once' ? 0 : Math.floor((i * end) / count),
    estimate: 1,
    lasts: 1_000,
    late: 0,
    ...call(i),
  }))

describe('under more load than the limit', () => {
  test('requests: at least 95 % of the limit, never more in any minute', async () => {
    const cases = fc.asyncProperty(
      fc.integer({ min: 20, max: 400 }),
      spreadOf,
      fc.nat(1_500),
      fc.nat(20_000),
      fc.nat(),
      async (limit, spread, late, lasts, seed) => {
        const calls = callsOf(limit * 14, spread, i => ({ lasts, late: late * noise(seed, i) }))
        const granted = await run({ requestsPerMinute: limit }, calls, { end })
        expect(fullestMinute(granted, requestsOf)).toBeLessThanOrEqual(limit)
        expect(perMinute(granted, warm, end, requestsOf)).toBeGreaterThanOrEqual(limit * 0.95)
      },
    )
    await fc.assert(cases, { numRuns: sizeOf(8, 25) })
  })

  test('tokens: at least 95 % of the limit, never more in any minute', async () => {
    const cases = fc.asyncProperty(
      fc.integer({ min: 10_000, max: 1_000_000 }),
      spreadOf,
      fc.nat(1_000),
      fc.nat(),
      async (limit, spread, late, seed) => {
        const calls = callsOf(2_000, spread, i => ({
          estimate: limit * 0.02 * noise(seed, i),
          late: late * noise(seed + 1, i),
        }))
        const granted = await run({ tokensPerMinute: limit }, calls, { end })
        const tokens = (call: Call) => Math.ceil(call.estimate)
        expect(fullestMinute(granted, tokens)).toBeLessThanOrEqual(limit)
        expect(perMinute(granted, warm, end, tokens)).toBeGreaterThanOrEqual(limit * 0.95)
      },
    )
    await fc.assert(cases, { numRuns: sizeOf(8, 25) })
  })

  test.each([
    { spread: 'at once', times: 2, share: 0.95, wake: false },
    { spread: 'at once', times: 2, share: 0.95, wake: true },
    { spread: 'steadily', times: 2, share: 0.95, wake: false },
    // While a call runs its whole estimate is reserved: calls of a second leave 60 / 63 of the limit at best.
    { spread: 'steadily', times: 4, share: 0.9, wake: false },
  ])(
    'estimates $times times the truth, arriving $spread, callers called: $wake',
    async ({ spread, times, share, wake }) => {
      const limit = 60_000
      const calls = callsOf(times * 2_000, spread, () => ({
        estimate: 400,
        real: 400 / times,
        lasts: 1_000,
        late: 200,
      }))
      const granted = await run({ tokensPerMinute: limit }, calls, { end, wake })
      expect(fullestMinute(granted, tokensOf)).toBeLessThanOrEqual(limit)
      expect(perMinute(granted, 2 * warm, end, tokensOf)).toBeGreaterThanOrEqual(limit * share)
    },
  )

  test('places: at least 95 % of them busy when callers come as they are called', async () => {
    const calls = callsOf(600, 'at once', i => ({ lasts: 5_000 + 10_000 * noise(7, i), late: 200 }))
    const granted = await run({ concurrency: 4 }, calls, { end, wake: true })
    expect(perMinute(granted, warm, end, call => call.lasts / 60_000)).toBeGreaterThanOrEqual(4 * 0.95)
  })

  test('tickets that never come back cost little', async () => {
    const calls = callsOf(6_000, 'at once', i => ({ vanishes: noise(3, i) < 0.2 }))
    const granted = await run({ requestsPerMinute: 300 }, calls, { end })
    expect(fullestMinute(granted, requestsOf)).toBeLessThanOrEqual(300)
    expect(perMinute(granted, warm, end, requestsOf)).toBeGreaterThanOrEqual(300 * 0.9)
  })
})

describe('flows', () => {
  const everySecond = (flow: string, count: number): Call[] =>
    callsOf(count, 'at once', i => ({ name: `${flow} ${i}`, flow, at: 60_000 + i * 1_000, late: 200 }))

  test.each<[string, Limit]>([
    ['requests', { requestsPerMinute: 120 }],
    ['places', { concurrency: 2 }],
  ])('a backlog of two thousand calls holds up those of another by seconds (%s)', async (_name, limit) => {
    const backlog = callsOf(2_000, 'at once', i => ({ name: `backlog ${i}`, flow: 'backlog', late: 200 }))
    const granted = await run(limit, [...backlog, ...everySecond('other', 60)], { end, wake: true })
    const waits = granted.filter(({ flow }) => flow === 'other').map(({ at, grantedAt }) => grantedAt - at)
    expect(waits).toHaveLength(60)
    expect(Math.max(...waits)).toBeLessThan(limit.concurrency === undefined ? 62_000 : 5_000)
    expect(granted.length / 12).toBeGreaterThanOrEqual(120 * 0.95)
  })

  test('each has an equal share, however many calls it has waiting', async () => {
    const counts = [2_000, 1_000, 500]
    const calls = counts.flatMap((count, flow) =>
      callsOf(count, 'at once', i => ({ name: `${flow} ${i}`, flow: `${flow}`, late: 200 })),
    )
    const granted = await run({ requestsPerMinute: 90 }, calls, { end, wake: true })
    for (const flow of ['0', '1', '2']) {
      const share = perMinute(granted, warm, end, call => (call.flow === flow ? 1 : 0))
      expect(share).toBeGreaterThanOrEqual(30 * 0.95)
      expect(share).toBeLessThanOrEqual(30 * 1.05)
    }
  })
})

describe('the order', () => {
  const mixed = fc.record({
    limit: fc.integer({ min: 100, max: 2_000 }),
    spread: spreadOf,
    seed: fc.nat(),
    largest: fc.constantFrom(0.05, 0.3, 1),
  })
  const loadOf = (limit: number, spread: string, seed: number, largest: number, late: number) =>
    callsOf(150, spread, i => ({
      estimate: limit * largest * noise(seed, i) ** 3,
      lasts: 2_000,
      late: late * noise(seed + 1, i),
    }))
  const ordered = (granted: readonly { name: string; grantedAt: number }[]) =>
    [...granted].sort((a, b) => Number(a.name) - Number(b.name))

  test('callers that come in time are granted in the order of their first ask, whatever their size', async () => {
    const cases = fc.asyncProperty(mixed, async ({ limit, spread, seed, largest }) => {
      const granted = await run({ tokensPerMinute: limit }, loadOf(limit, spread, seed, largest, 0))
      expect(granted).toHaveLength(150)
      const times = ordered(granted).map(call => call.grantedAt)
      expect(times).toEqual([...times].sort((a, b) => a - b))
    })
    await fc.assert(cases, { numRuns: sizeOf(15, 50) })
  })

  test('callers that come late lose no more than they were late', async () => {
    const cases = fc.asyncProperty(mixed, async ({ limit, spread, seed, largest }) => {
      const granted = await run(
        { tokensPerMinute: limit, requestsPerMinute: 40 },
        loadOf(limit, spread, seed, largest, 2_000),
      )
      expect(granted).toHaveLength(150)
      let latest = 0
      for (const call of ordered(granted)) {
        expect(call.grantedAt).toBeGreaterThanOrEqual(latest - 4_000)
        latest = Math.max(latest, call.grantedAt)
      }
    })
    await fc.assert(cases, { numRuns: sizeOf(15, 50) })
  })

  test('a call as large as the whole limit gets its turn among small ones', async () => {
    const small = callsOf(1_200, 'steadily', () => ({ estimate: 10 }))
    const large: Call = { name: 'large', at: 60_000, estimate: 1_000, lasts: 1_000, late: 500 }
    const granted = await run({ tokensPerMinute: 1_000 }, [...small, large], { end })
    const waited =
      (granted.find(call => call.name === 'large')?.grantedAt ?? Number.POSITIVE_INFINITY) - large.at
    expect(waited).toBeLessThan(2 * 60_000)
  })
})
