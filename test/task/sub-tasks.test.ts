import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasEnded, type TaskStatus, taskStatuses } from '../../src/task/status.ts'
import {
  closingStatus,
  liveOf,
  recount,
  reducedStatus,
  totalOf,
  unsuccessfulOf,
} from '../../src/task/subtasks.ts'
import type { SubTaskSummary } from '../../src/task/task.ts'

const status = fc.constantFrom(...taskStatuses)
/** The lives of some sub-tasks: the statuses that each goes through. */
const lives = fc.array(fc.array(status, { minLength: 1, maxLength: 6 }), { maxLength: 30 })

function countOf(statuses: readonly TaskStatus[]): Partial<Record<TaskStatus, number>> {
  const counts: Partial<Record<TaskStatus, number>> = {}
  for (const one of statuses) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

describe('recount', () => {
  it('C4: equals a fresh count after any moves in any order, and sums to the number of sub-tasks at every step', () => {
    fc.assert(
      fc.property(lives, fc.infiniteStream(fc.nat(29)), (all, order) => {
        const at = all.map(() => 0)
        let summary = {}
        let made = 0
        for (let left = all.reduce((sum, life) => sum + life.length, 0); left > 0; left--) {
          let index = (order.next().value ?? 0) % all.length
          while ((at[index] ?? 0) >= (all[index]?.length ?? 0)) index = (index + 1) % all.length
          const step = at[index] ?? 0
          const from = all[index]?.[step - 1]
          const to = all[index]?.[step] ?? 'QUEUED'
          summary = recount(summary, [from === undefined ? { to } : { from, to }])
          if (from === undefined) made += 1
          at[index] = step + 1
          expect(totalOf(summary)).toBe(made)
        }
        expect(summary).toEqual(countOf(all.map(life => life.at(-1) ?? 'QUEUED')))
      }),
    )
  })

  it('of all moves at once is the same as one by one, and leaves its argument alone', () => {
    fc.assert(
      fc.property(lives, all => {
        const moves = all.flatMap(life =>
          life.map((to, step) => ({ ...(step === 0 ? {} : { from: life[step - 1] ?? to }), to })),
        )
        const before: SubTaskSummary = Object.freeze({ COMPLETED: 2 })
        const oneByOne = moves.reduce<SubTaskSummary>((summary, move) => recount(summary, [move]), before)
        expect(recount(before, moves)).toEqual(oneByOne)
        expect(before).toEqual({ COMPLETED: 2 })
      }),
    )
  })
})

describe('how a parent ends', () => {
  it.each([
    [undefined, 'COMPLETED', 'COMPLETED'],
    [{}, 'COMPLETED', 'COMPLETED'],
    [{ COMPLETED: 3 }, 'COMPLETED', 'COMPLETED'],
    [{ COMPLETED: 2, FAILED: 1 }, 'COMPLETED_WITH_ERRORS', 'COMPLETED_WITH_ERRORS'],
    [{ COMPLETED: 2, CANCELLED: 1 }, 'COMPLETED_WITH_ERRORS', 'COMPLETED_WITH_ERRORS'],
    [{ COMPLETED: 1, COMPLETED_WITH_ERRORS: 1 }, 'COMPLETED_WITH_ERRORS', 'COMPLETED_WITH_ERRORS'],
    [{ COMPLETED_WITH_ERRORS: 2 }, 'COMPLETED_WITH_ERRORS', 'COMPLETED_WITH_ERRORS'],
    [{ COMPLETED_WITH_ERRORS: 1, FAILED: 2 }, 'COMPLETED_WITH_ERRORS', 'COMPLETED_WITH_ERRORS'],
    [{ FAILED: 1 }, 'FAILED', 'COMPLETED_WITH_ERRORS'],
    [{ DEAD_LETTER: 1, CANCELLED: 1 }, 'FAILED', 'COMPLETED_WITH_ERRORS'],
  ] as const)('%j: %s without a hook, %s with one', (summary, plain, hooked) => {
    expect(closingStatus(summary)).toBe(plain)
    expect(reducedStatus(summary)).toBe(hooked)
  })

  it('every sub-task is live, completed or unsuccessful, and only one of them', () => {
    fc.assert(
      fc.property(fc.array(status), statuses => {
        const summary = countOf(statuses)
        const done = (summary.COMPLETED ?? 0) + (summary.COMPLETED_WITH_ERRORS ?? 0)
        expect(liveOf(summary) + unsuccessfulOf(summary) + done).toBe(statuses.length)
        expect(liveOf(summary)).toBe(statuses.filter(one => !hasEnded(one)).length)
      }),
    )
  })
})
