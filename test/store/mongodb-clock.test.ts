import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createServerClock } from '../../src/store/mongodb/database.ts'

const noon = Date.parse('2030-01-01T12:00:00Z')

describe("the server's clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2031-05-04T03:02:01Z') })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('goes on from what the server told, whatever the clock of the process does', async () => {
    const clock = createServerClock(async () => new Date(noon), atOnce)
    expect(clock.now()).toBe(Date.now())
    await clock.start()
    expect(clock.now()).toBe(noon)
    vi.setSystemTime(0)
    expect(clock.now()).toBe(noon)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(clock.now()).toBe(noon + 10_000)
    clock.stop()
  })

  it('is learnt anew every half minute, until it is stopped; a question that fails changes nothing', async () => {
    let asked = 0
    const clock = createServerClock(async () => {
      asked += 1
      if (asked === 2) throw new Error('away')
      return new Date(noon + asked * 1_000_000)
    }, atOnce)
    await clock.start()
    await vi.advanceTimersByTimeAsync(30_000)
    expect([asked, clock.now()]).toEqual([2, noon + 1_030_000])
    await vi.advanceTimersByTimeAsync(30_000)
    expect([asked, clock.now()]).toEqual([3, noon + 3_000_000])
    clock.stop()
    await vi.advanceTimersByTimeAsync(90_000)
    expect(asked).toBe(3)
  })

  it('is asked again when the process slept: its own clock went on, and the one that only grows stood still', async () => {
    let serverTime = noon
    let isAway = false
    const ask = async () => {
      if (isAway) throw new Error('away')
      return new Date(serverTime)
    }
    const clock = createServerClock(ask, atOnce)
    expect(clock.fresh()).toBe(undefined)
    await clock.start()
    expect(clock.fresh()).toBe(undefined)
    serverTime += 600_000
    vi.setSystemTime(Date.now() + 600_000)
    isAway = true
    await clock.fresh()
    isAway = false
    await clock.fresh()
    expect([clock.now(), clock.fresh()]).toEqual([serverTime, undefined])
    clock.stop()
    vi.setSystemTime(0)
    expect(clock.fresh()).toBe(undefined)
  })

  it('takes half of the time that the question took for the way back', async () => {
    const server = askedServer()
    const clock = createServerClock(server.ask, atOnce)
    const started = clock.start()
    await vi.advanceTimersByTimeAsync(200)
    server.tell()
    await started
    expect(clock.now()).toBe(noon + 100)
    clock.stop()
  })

  it('does not count what passed before the question was sent, or sent again', async () => {
    const server = askedServer()
    let send = () => {}
    const clock = createServerClock(server.ask, async question => {
      await new Promise<void>(resolve => {
        send = resolve
      })
      return question()
    })
    const started = clock.start()
    await vi.advanceTimersByTimeAsync(8_000)
    send()
    await vi.advanceTimersByTimeAsync(0)
    server.tell()
    await started
    expect(clock.now()).toBe(noon)
    clock.stop()
  })

  it('is never ahead after a slow answer, and keeps what a quick one told before', async () => {
    const server = askedServer()
    const clock = createServerClock(server.ask, atOnce)
    const started = clock.start()
    await vi.advanceTimersByTimeAsync(4_000)
    server.tell()
    await started
    expect(clock.now()).toBe(noon)
    await vi.advanceTimersByTimeAsync(30_000)
    server.tell(noon + 40_000)
    await vi.advanceTimersByTimeAsync(0)
    expect(clock.now()).toBe(noon + 40_000)
    await vi.advanceTimersByTimeAsync(30_000 + 4_000)
    server.tell(noon)
    await vi.advanceTimersByTimeAsync(0)
    expect(clock.now()).toBe(noon + 40_000 + 34_000)
    clock.stop()
  })
})

/** Every question reaches the server with its first sending. */
function atOnce<T>(question: () => Promise<T>): Promise<T> {
  return question()
}

/** A server that answers the last question when it is told to. */
function askedServer() {
  let answer = (_time: Date) => {}
  return {
    ask: () =>
      new Promise<Date>(resolve => {
        answer = resolve
      }),
    tell: (time = noon) => answer(new Date(time)),
  }
}
