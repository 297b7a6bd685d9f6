import { createGate, createManualClock } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { startLoop } from '../../src/runtime/loop.ts'

describe('a loop', () => {
  it('runs its step after its period, and sooner when the step says so or somebody wakes it', async () => {
    const clock = createManualClock()
    const times: number[] = []
    const waits = [undefined, 30, 500, undefined]
    const loop = startLoop({
      clock,
      everyMs: 100,
      async step() {
        times.push(clock.monotonic())
        return waits.shift()
      },
    })
    await clock.advance(250)
    expect(times).toEqual([100, 200, 230])
    loop.wake()
    await clock.settle()
    expect(times).toEqual([100, 200, 230, 250])
    await clock.advance(100)
    expect(times).toEqual([100, 200, 230, 250, 350])
    await loop.stop()
  })

  it('never runs two steps at once; waking a running one runs it once more', async () => {
    const clock = createManualClock()
    const gates = [createGate(), createGate(), createGate()]
    let running = 0
    let most = 0
    let steps = 0
    const loop = startLoop({
      clock,
      everyMs: 100,
      async step() {
        running += 1
        most = Math.max(most, running)
        await gates[steps++]?.opened
        running -= 1
        return undefined
      },
    })
    loop.wake()
    for (let wake = 0; wake < 5; wake++) loop.wake()
    await clock.settle()
    expect(steps).toBe(1)
    gates[0]?.open()
    await clock.settle()
    expect(steps).toBe(2)
    gates[1]?.open()
    await clock.settle()
    expect([steps, most]).toEqual([2, 1])
    await loop.stop()
  })

  it('stops when the step that runs has ended, and begins no other', async () => {
    const clock = createManualClock()
    const gate = createGate()
    let steps = 0
    const loop = startLoop({
      clock,
      everyMs: 100,
      async step() {
        steps += 1
        await gate.opened
        return 0
      },
    })
    loop.wake()
    let stopped = false
    const stopping = loop.stop().then(() => (stopped = true))
    loop.wake()
    await clock.settle()
    expect(stopped).toBe(false)
    gate.open()
    await stopping
    await clock.advance('1s')
    loop.wake()
    await clock.settle()
    expect(steps).toBe(1)
    expect(clock.timers).toBe(0)
  })
})
