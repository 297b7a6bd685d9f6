import { createManualClock } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { retryUntilStored } from '../../src/runtime/retry-until-stored.ts'

describe('a write that is repeated', () => {
  it('waits 100 ms, then twice as long each time, at most 5 s', async () => {
    const clock = createManualClock()
    const waits: number[] = []
    let tries = 0
    const stored = retryUntilStored(
      async () => {
        tries += 1
        if (tries < 9) throw new Error('away')
        return tries
      },
      { clock, again: (_, waitMs) => waits.push(waitMs) > 0 },
    )
    await clock.advance(60_000)
    expect(await stored).toBe(9)
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    expect(clock.monotonic()).toBeGreaterThanOrEqual(16_300)
  })

  it('throws what the store threw last where there is no further try', async () => {
    const clock = createManualClock()
    const errors = [new Error('away'), new Error('closed')]
    let tries = 0
    const stored = retryUntilStored(() => Promise.reject(errors[tries++]), {
      clock,
      again: error => error !== errors[1],
    })
    stored.catch(() => undefined)
    await clock.advance(1_000)
    await expect(stored).rejects.toBe(errors[1])
    expect(tries).toBe(2)
  })

  it('goes on after a first try that was made elsewhere', async () => {
    const clock = createManualClock()
    const failed = new Error('away')
    const seen: unknown[] = []
    let tries = 0
    const stored = retryUntilStored(async () => (tries += 1), {
      clock,
      failed,
      again: error => seen.push(error) > 0,
    })
    await clock.settle()
    expect([tries, seen]).toEqual([0, [failed]])
    await clock.advance(100)
    expect(await stored).toBe(1)
  })
})
