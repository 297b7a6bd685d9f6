import fc from 'fast-check'
import { defineTask } from 'quillwork'
import { createManualClock, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Limit } from '../../src/rate-limit/limiter.ts'
import { createSharedLimiter } from '../../src/rate-limit/shared.ts'
import { randomFrom, SharedPlace, type Trouble } from '../rate-limit/shared-states.ts'
import { sizeOf } from '../size.ts'

/** The longest that a wait may hold a worker slot, in milliseconds. */
const longest = 2_000

/** Tasks that call a model under a limit whose account is in a place that may be slow and written by others. */
async function callers({ limit, trouble, seed }: { limit: Limit; trouble: Trouble; seed: number }) {
  const clock = createManualClock()
  // The store keeps whole milliseconds.
  const whole = { after: (ms: number, callback: () => void) => clock.after(Math.ceil(ms), callback) }
  const place = new SharedPlace(whole, randomFrom(seed), trouble)
  /** How long each wait held a slot, and how long each call had its place. */
  const waits: number[] = []
  const calls: { from: number; to: number }[] = []
  const call = defineTask({
    type: 'Call',
    parameters: z.object({ lastsMs: z.number() }),
    result: z.null(),
    async execute(ctx) {
      const begin = clock.monotonic()
      const permit = await ctx.acquire('model').finally(() => waits.push(clock.monotonic() - begin))
      const from = clock.monotonic()
      await new Promise<void>(resolve => clock.after(ctx.parameters.lastsMs, resolve))
      calls.push({ from, to: clock.monotonic() })
      permit.commit()
      return null
    },
  })
  const t = await testEngine({
    tasks: [call],
    clock,
    lanes: { default: { slots: 20 } },
    limits: createSharedLimiter({ limits: { model: limit }, states: place, clock }),
  })
  const submit = (count: number, lastsMs = 300) =>
    t.submitMany(
      call,
      Array.from({ length: count }, () => ({ parameters: { lastsMs } })),
    )
  return { t, place, waits, calls, submit }
}

/** The most calls that ran at once. */
function mostAtOnce(calls: readonly { from: number; to: number }[]): number {
  const running = (at: number) => calls.filter(({ from, to }) => from <= at && at < to).length
  return Math.max(0, ...calls.map(({ from }) => running(from)))
}

/** Calls that were granted so many milliseconds ago, or less. */
function since(calls: readonly { from: number }[], ms: number, now: number): number {
  return calls.filter(({ from }) => now - from <= ms).length
}

describe('a wait for a limit', () => {
  it('holds a slot for two seconds at most, however long asking takes, and leaves nothing behind', async () => {
    const someTrouble = fc.record({
      slowMs: fc.integer({ min: 0, max: 1_500 }),
      late: fc.double({ min: 0, max: 0.95, noNaN: true }),
    })
    const limits = fc.constantFrom<Limit>({ concurrency: 2 }, { requestsPerMinute: 10 })
    const cases = fc.asyncProperty(someTrouble, limits, fc.nat(), async (trouble, limit, seed) => {
      const { t, place, waits, calls, submit } = await callers({ limit, trouble, seed })
      await using _ = t
      const tasks = await submit(12)
      await t.advance('20s')
      place.trouble = {}
      // Grants whose answers came too late for anybody count for a minute, and may do so twice.
      for (let waited = 0; waited < 80 && calls.length < 12; waited += 1) await t.advance('3s')
      await t.advance('3s')
      expect(Math.max(...waits)).toBeLessThanOrEqual(longest)
      const states = await Promise.all(tasks.map(task => task.state()))
      expect(states.map(({ status }) => status)).toEqual(tasks.map(() => 'COMPLETED'))
      if (limit.concurrency !== undefined) expect(mostAtOnce(calls)).toBeLessThanOrEqual(limit.concurrency)
      t.limiter.describe()
      await t.drain()
      const [use] = t.limiter.describe()
      expect(use).toMatchObject({ inFlight: 0, waiting: 0 })
      // What was granted to nobody counts no more. A call counts from the ask whose answer may have been two seconds on its way.
      const now = t.clock.monotonic()
      expect(use?.requests).toBeGreaterThanOrEqual(since(calls, 58_000, now))
      expect(use?.requests).toBeLessThanOrEqual(since(calls, 63_000, now))
    })
    await fc.assert(cases, { numRuns: sizeOf(4, 12), endOnFailure: true })
  })
})
