import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createStop, drainMs } from '../../src/server/stop.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** The stop of a server, of which one step never ends until it is dropped. */
function stopping(stuck: 'requests' | 'loops') {
  const did: string[] = []
  let drop: () => void = () => undefined
  const never = new Promise<void>(resolve => {
    drop = resolve
  })
  const stop = createStop({
    grace: 30_000,
    drainRequests: () => (stuck === 'requests' ? never : Promise.resolve()),
    dropRequests() {
      did.push('requests dropped')
      if (stuck === 'requests') drop()
    },
    stopLoops: () => (stuck === 'loops' ? never : Promise.resolve()),
    async stopEngine(grace) {
      did.push(`engine stopped: ${grace}`)
    },
  })
  return { stop, did }
}

test.each([
  ['requests', ['requests dropped', 'engine stopped: 30000']],
  ['loops', ['requests dropped', 'engine stopped: 30000']],
] as const)('%s that never end keep tasks from stopping for a limited time', async (stuck, all) => {
  const { stop, did } = stopping(stuck)
  const stopped = stop()
  await vi.advanceTimersByTimeAsync(drainMs - 1)
  expect(did).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  await stopped
  expect(did).toEqual(all)
  expect(vi.getTimerCount()).toBe(0)
})

test.each(['requests', 'loops'] as const)(
  'a second stop without grace skips %s that never end',
  async stuck => {
    const { stop, did } = stopping(stuck)
    const stopped = stop()
    await Promise.all([stop({ grace: 0 }), stopped])
    expect(did).toEqual(['requests dropped', 'engine stopped: 0'])
    expect(vi.getTimerCount()).toBe(0)
  },
)
