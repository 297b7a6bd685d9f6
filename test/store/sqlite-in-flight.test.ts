import { expect, it } from 'vitest'
import { newRecord } from '../../src/store/new-task.ts'
import { createInFlight, type Known } from '../../src/store/sqlite/in-flight.ts'
import { newTask } from '../../src/testing/store-case.ts'

/** Rows that are remembered at most. */
const most = 4_096
const record = newRecord(newTask(), 1)
const row = (seq: number): Known => ({ seq, rank: 1, record })

it('what is in line is remembered from its beginning, until that stays', () => {
  const inFlight = createInFlight()
  const remember = (from: number, count: number) => {
    for (let seq = from; seq < from + count; seq++) inFlight.remember(row(seq))
  }
  remember(1, 2 * most)
  expect(inFlight.recall(1)).toEqual(row(1))
  expect(inFlight.recall(most + 1), 'a row beyond what is remembered').toBeUndefined()
  expect(inFlight.recall(1), 'a row that was handed out').toBeUndefined()
  // Some are of use: the others stay.
  remember(10_000, most)
  expect(inFlight.recall(2)).toEqual(row(2))
  // None was of use for as many more: those that come now are.
  remember(20_000, most + 3)
  expect(inFlight.recall(3)).toBeUndefined()
  expect(inFlight.recall(20_000 + most + 2)).toEqual(row(20_000 + most + 2))
})
