import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createServerClock } from '../../src/store/mongodb/clock.ts'

describe("the server's clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2031-05-04T03:02:01Z') })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const server = Date.parse('2030-01-01T00:00:00Z')

  it('goes on from what the server told, whatever the clock of the process does', async () => {
    const clock = createServerClock(async () => new Date(server))
    expect(clock.now()).toBe(Date.now())
    await clock.start()
    expect(clock.now()).toBe(server)
    vi.setSystemTime(0)
    expect(clock.now()).toBe(server)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(clock.now()).toBe(server + 10_000)
    clock.stop()
  })

  it('is learnt anew every half minute, until it is stopped; a question that fails changes nothing', async () => {
    let asked = 0
    const clock = createServerClock(async () => {
      asked += 1
      if (asked === 2) throw new Error('away')
      return new Date(server + asked * 1_000_000)
    })
    await clock.start()
    await vi.advanceTimersByTimeAsync(30_000)
    expect([asked, clock.now()]).toEqual([2, server + 1_030_000])
    await vi.advanceTimersByTimeAsync(30_000)
    expect([asked, clock.now()]).toEqual([3, server + 3_000_000])
    clock.stop()
    await vi.advanceTimersByTimeAsync(90_000)
    expect(asked).toBe(3)
  })

  it('takes half of the time that the question took for the way back', async () => {
    const clock = createServerClock(async () => {
      await new Promise(resolve => setTimeout(resolve, 200))
      return new Date(server)
    })
    const started = clock.start()
    await vi.advanceTimersByTimeAsync(200)
    await started
    expect(clock.now()).toBe(server + 100)
    clock.stop()
  })
})
