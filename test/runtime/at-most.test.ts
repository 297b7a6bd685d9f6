import { createGate, createManualClock } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { atMost } from '../../src/runtime/at-most.ts'

describe('work that has a time limit', () => {
  it('gives what the work gives in time, and cancels its timer', async () => {
    const clock = createManualClock()
    let late = 0
    const result = atMost(100, Promise.resolve('done'), () => (late += 1), clock)
    expect(await result).toBe('done')
    await clock.advance(200)
    expect(late).toBe(0)
  })

  it('gives what `late` returns when the time is over; how the work ends later is ignored', async () => {
    const clock = createManualClock()
    const gate = createGate()
    const work = gate.opened.then(() => Promise.reject(new Error('nobody waits')))
    const result = atMost(100, work, () => undefined, clock)
    await clock.advance(100)
    expect(await result).toBeUndefined()
    gate.open()
    await clock.settle()
  })

  it('rejects with what the work rejects with, or `late` throws', async () => {
    const clock = createManualClock()
    await expect(atMost(100, Promise.reject(new Error('work')), () => 0, clock)).rejects.toThrow('work')
    const never = new Promise<void>(() => undefined)
    const late = atMost(
      100,
      never,
      () => {
        throw new Error('late')
      },
      clock,
    )
    late.catch(() => undefined)
    await clock.advance(100)
    await expect(late).rejects.toThrow('late')
  })

  it('has the time of the system by default', async () => {
    expect(await atMost(1, new Promise<void>(() => undefined), () => 'late')).toBe('late')
  })
})
