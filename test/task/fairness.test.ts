import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fairRank } from '../../src/task/fairness.ts'

interface Waiting {
  user: number
  rank: number
  order: number
}

/** A lane as the stores keep it: ranks at submission, the smallest rank leaves first, and then the virtual time is its rank. */
function createLane() {
  const waiting: Waiting[] = []
  const last = new Map<number, number>()
  let virtualTime = 0
  let order = 0
  return {
    waiting,
    submit(user: number): void {
      const rank = fairRank(
        virtualTime,
        waiting.some(task => task.user === user) ? last.get(user) : undefined,
      )
      last.set(user, rank)
      waiting.push({ user, rank, order: order++ })
    },
    leave(): Waiting | undefined {
      waiting.sort((a, b) => a.rank - b.rank || a.order - b.order)
      const next = waiting.shift()
      if (next !== undefined) virtualTime = Math.max(virtualTime, next.rank)
      return next
    },
  }
}

describe('the fair order', () => {
  it('between two tasks of one user at most one task of each other user leaves, while all of them wait', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 }), backlog => {
        const lane = createLane()
        backlog.forEach((count, user) => {
          for (let task = 0; task < count; task++) lane.submit(user)
        })
        const sinceLast = backlog.map(() => backlog.map(() => 0))
        while (new Set(lane.waiting.map(task => task.user)).size === backlog.length) {
          const left = lane.leave()
          if (left === undefined) return
          for (const [user, seen] of sinceLast.entries()) {
            if (user === left.user) seen.fill(0)
            else seen[left.user] = (seen[left.user] ?? 0) + 1
            for (const count of seen) expect(count).toBeLessThanOrEqual(user === left.user ? 0 : 2)
          }
        }
      }),
    )
  })

  it('C15: one task of a user who comes late leaves after at most one more of each other user', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(300), (users, done) => {
        const lane = createLane()
        for (let user = 0; user < users; user++) for (let task = 0; task < 500; task++) lane.submit(user)
        for (let task = 0; task < done; task++) lane.leave()
        lane.submit(99)
        let before = 0
        while (lane.leave()?.user !== 99) before += 1
        expect(before).toBeLessThanOrEqual(2 * users)
      }),
      { numRuns: 30 },
    )
  })

  it('a user alone is served in the order of submission', () => {
    const lane = createLane()
    for (let task = 0; task < 20; task++) lane.submit(1)
    const orders = Array.from({ length: 20 }, () => lane.leave()?.order)
    expect(orders).toEqual([...orders].sort((a, b) => (a ?? 0) - (b ?? 0)))
  })

  it('waiting without a backlog earns no credit', () => {
    expect(fairRank(100, undefined)).toBe(101)
    expect(fairRank(100, 3)).toBe(101)
    expect(fairRank(100, 150)).toBe(151)
  })
})
