import { describe, expect, it } from 'vitest'
import { cooperate, takeTurn } from '../../src/runtime/cooperate.ts'

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

  it('that are short share a stretch: many of them neither hold the event loop nor take a round each', async () => {
    let inRound = 0
    const rounds: number[] = []
    const work = () => {
      const until = performance.now() + 0.5
      while (performance.now() < until);
      inRound++
    }
    let done = false
    void Promise.all(Array.from({ length: 100 }, () => takeTurn(work))).then(() => {
      done = true
    })
    while (!done) {
      await nextRound()
      rounds.push(inRound)
      inRound = 0
    }
    expect(Math.max(...rounds)).toBeLessThanOrEqual(40)
    expect(rounds.length).toBeLessThan(60)
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
