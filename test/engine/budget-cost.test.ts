import { createManualClock } from 'quillwork/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { BudgetLedger } from '../../src/engine/budget.ts'
import type { BudgetParts } from '../../src/engine/budget-tree.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { TaskRecord } from '../../src/task/task.ts'

afterEach(() => vi.restoreAllMocks())

/** Counts the entries of maps that loops go through. */
function countingEntries(): () => number {
  const entriesOf = Map.prototype[Symbol.iterator]
  let seen = 0
  vi.spyOn(Map.prototype, Symbol.iterator).mockImplementation(function* (this: Map<unknown, unknown>) {
    for (const entry of entriesOf.call(this)) {
      seen += 1
      yield entry
    }
    return undefined
  })
  return () => seen
}

describe('a reservation', () => {
  it('looks at no other trees than those that it drops, however many there were within a minute', async () => {
    const clock = createManualClock()
    let monotonic = 0
    const get = async (ids: readonly string[]) => ids.map(id => ({ id }) as TaskRecord)
    const store = { states: { load: async () => [] }, queries: { get }, tasks: clock }
    const parts = { store, clock: { ...clock, monotonic: () => monotonic }, log: silentLog, random: () => 0 }
    const ledger = new BudgetLedger(parts as unknown as BudgetParts)
    const seen = countingEntries()
    const reserve = async (tree: number) => {
      monotonic += 10
      const record = { id: `${tree}`, rootTaskId: `${tree}` } as TaskRecord
      await ledger.reserve(record, { tokens: 1, money: 1 }, { clock, again: () => false })
    }
    // 6,000 trees a minute, of which one is used all the time.
    for (let tree = 1; tree <= 10_000; tree++) await reserve(tree % 10 === 0 ? 0 : tree)
    expect(seen()).toBeGreaterThan(0)
    expect(seen()).toBeLessThan(20_000)
  })
})
