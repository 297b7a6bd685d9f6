import { createManualClock } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { Quarantine } from '../../src/engine/attempt.ts'

it('one has the turn; others get it in their order, or are told in time that they do not', async () => {
  const clock = createManualClock()
  const turn = new Quarantine(clock)
  const told: string[] = []
  const enter = (name: string, ms: number) =>
    turn.enter(ms, entered => told.push(`${name} ${entered ? 'enters' : 'is turned away'}`))
  expect(turn.takenForMs).toBeUndefined()
  enter('first', 1_000)
  enter('second', 1_000)
  enter('impatient', 10)
  enter('third', 1_000)
  expect(told).toEqual(['first enters'])
  await clock.advance(20)
  expect(turn.takenForMs).toBe(20)
  expect(told).toEqual(['first enters', 'impatient is turned away'])
  turn.leave()
  expect(told.at(-1)).toBe('second enters')
  expect(turn.takenForMs).toBe(0)
  await clock.advance(5_000)
  expect(told.slice(3)).toEqual(['third is turned away'])
  turn.leave()
  expect(turn.takenForMs).toBeUndefined()
  enter('fourth', 1_000)
  expect(told.at(-1)).toBe('fourth enters')
})
