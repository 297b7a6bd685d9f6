import { systemClock } from 'quillwork'
import { createManualClock } from 'quillwork/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const day = 86_400_000

describe('the clock of the system', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each([0, 1, 1_000, 24 * day, 25 * day, 30 * day, 100 * day])(
    'calls back after %i ms, not before',
    ms => {
      let called = 0
      systemClock.after(ms, () => (called += 1))
      if (ms > 0) {
        vi.advanceTimersByTime(ms - 1)
        expect(called).toBe(0)
      }
      vi.advanceTimersByTime(1)
      expect(called).toBe(1)
      vi.advanceTimersByTime(200 * day)
      expect(called).toBe(1)
    },
  )

  it('a time that has passed is at once; a cancelled one never, in whatever part of a long wait', () => {
    let called = 0
    systemClock.after(-5, () => (called += 1))
    const cancelLong = systemClock.after(60 * day, () => (called += 10))
    vi.advanceTimersByTime(30 * day)
    cancelLong()
    vi.advanceTimersByTime(60 * day)
    expect(called).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps the process alive until it is told not to', () => {
    const release = systemClock.stayAlive()
    expect(vi.getTimerCount()).toBe(1)
    release()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the manual clock', () => {
  it('fires timers in the order of their times, each at its own time', async () => {
    const clock = createManualClock({ startAt: new Date(1_000) })
    const fired: [string, number, number][] = []
    const note = (name: string) => () => fired.push([name, clock.now(), clock.monotonic()])
    clock.after(20, note('late'))
    clock.after(10, note('first'))
    clock.after(10, note('second'))
    clock.after(10, () => clock.after(5, note('chained')))
    clock.after(30, note('never'))()
    await clock.advance(9)
    expect(fired).toEqual([])
    await clock.advance('1s')
    expect(fired).toEqual([
      ['first', 1_010, 10],
      ['second', 1_010, 10],
      ['chained', 1_015, 15],
      ['late', 1_020, 20],
    ])
    expect([clock.now(), clock.monotonic(), clock.timers]).toEqual([2_009, 1_009, 0])
  })

  it('lets what a timer sets off come to rest before the next one fires', async () => {
    const clock = createManualClock()
    const story: string[] = []
    clock.after(1, () => {
      void Promise.resolve().then(() => setImmediate(() => setImmediate(() => story.push('set off'))))
    })
    clock.after(2, () => story.push('next'))
    await clock.advance(5)
    expect(story).toEqual(['set off', 'next'])
  })

  it('jumps as a computer that slept: what became due fires once, late, at the new time', async () => {
    const clock = createManualClock()
    const times: number[] = []
    const again = () => {
      times.push(clock.monotonic())
      clock.after(1_000, again)
    }
    clock.after(1_000, again)
    await clock.jump('1h')
    expect(times).toEqual([3_600_000])
    await clock.advance('2s')
    expect(times).toHaveLength(3)
  })

  it('its wall time can be set without its timers noticing', async () => {
    const clock = createManualClock({ startAt: new Date(0) })
    let fired = 0
    clock.after(100, () => (fired += 1))
    clock.stepWallTime(-5_000)
    expect(clock.now()).toBe(-5_000)
    await clock.advance(100)
    expect([fired, clock.now(), clock.monotonic()]).toEqual([1, -4_900, 100])
  })
})
