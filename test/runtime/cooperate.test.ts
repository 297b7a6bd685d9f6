import { describe, expect, it } from 'vitest'
import { cooperate } from '../../src/runtime/cooperate.ts'

const nextRound = () => new Promise<void>(resolve => setImmediate(resolve))

/** A computation whose every step takes longer than a turn. */
function* longSteps(count: number, onStep: () => void): Generator<void, number> {
  for (let step = 0; step < count; step++) {
    const until = performance.now() + 9
    while (performance.now() < until);
    onStep()
    yield
  }
  return count
}

describe('computations in turns', () => {
  it('hold the event loop together no longer than one of them would', async () => {
    let inRound = 0
    let most = 0
    const onStep = () => {
      inRound++
    }
    const running = Promise.all(Array.from({ length: 5 }, () => cooperate(longSteps(4, onStep))))
    let done = false
    void running.then(() => {
      done = true
    })
    while (!done) {
      most = Math.max(most, inRound)
      inRound = 0
      await nextRound()
    }
    expect(await running).toEqual([4, 4, 4, 4, 4])
    // The last step of one and the first of the next may fall into the same round.
    expect(most).toBeLessThanOrEqual(2)
  })

  it('end with the reason of the signal, also while they wait for their turn', async () => {
    const controller = new AbortController()
    const one = cooperate(longSteps(3, () => undefined))
    const other = cooperate(
      longSteps(3, () => undefined),
      controller.signal,
    )
    controller.abort(new Error('enough'))
    await expect(other).rejects.toThrow('enough')
    expect(await one).toBe(3)
  })
})
