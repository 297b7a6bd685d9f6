/** Model calls summed by day: what is kept of them when they are old, and how sums are added up. */
import { createHash } from 'node:crypto'
import { defineKind, erase, type Records } from '../records/records.ts'
import { defined } from '../task/defined.ts'
import { startOfDay } from '../task/duration.ts'
import type { RollUp, UsagePlace, UsageRow, UsageStore } from './attempts.ts'
import { goesDown, type UsageFilter, type UsageKind, type UsageSum } from './queries.ts'

/** What calls come to. */
export type UsageTotal = Omit<UsageSum, 'key'>

/** The calls of one day, user, subject and model. */
export interface UsageDay extends UsageTotal, Pick<UsageRow, 'at' | 'subject' | 'model'> {
  /** Made of the day, user, subject and model. */
  id: string
  userId: string
}

/** Sums by day; `at` is the beginning of the day in UTC. */
export const usageDays = defineKind<UsageDay>({
  name: 'usage_days',
  fields: {
    at: 'integer',
    userId: 'text',
    subject: 'text',
    model: 'text',
    calls: 'integer',
    inputTokens: 'integer',
    cachedInputTokens: 'integer',
    outputTokens: 'integer',
    cost: 'real',
    unpricedCalls: 'integer',
    estimatedCalls: 'integer',
  },
  indexes: { time: ['at'], user: ['userId', 'at'], subject: ['subject', 'at'] },
})

/** Returns the upkeep of a store that keeps sums as records. */
export function createUsageStore(records: Records, rollUp: UsageStore['rollUp']): UsageStore {
  return {
    rollUp,
    async expire(before, limit) {
      const found = await records.find(usageDays, { most: { at: before - 1 }, order: ['at'], limit })
      const ids = found.map(({ id }) => id)
      if (ids.length > 0) await records.commit(erase(usageDays, ids))
      return ids.length
    },
  }
}

/** Returns where the next step goes on, after calls in the order of time of which some were left. */
export function placeAfter(
  { from, limit }: RollUp,
  calls: readonly { at: number; isLeft: boolean }[],
): UsagePlace | undefined {
  const at = calls.at(-1)?.at
  if (at === undefined || calls.length < limit) return undefined
  const left = calls.filter(call => call.isLeft && call.at === at).length
  return { at, skip: left + (from?.at === at ? from.skip : 0) }
}

/** Sums calls by day, user, subject and model. */
export function sumByDay(
  calls: readonly (Omit<UsageRow, 'id' | 'attempt' | 'call'> & { userId: string })[],
): UsageDay[] {
  const days = new Map<string, UsageDay>()
  for (const { at: time, userId, subject, model, cost, isEstimated, ...tokens } of calls) {
    const at = startOfDay(time)
    const id = idOf([at, userId, subject, model])
    const call: UsageTotal = {
      calls: 1,
      inputTokens: tokens.inputTokens,
      cachedInputTokens: tokens.cachedInputTokens ?? 0,
      outputTokens: tokens.outputTokens,
      ...defined({ cost }),
      unpricedCalls: cost === undefined ? 1 : 0,
      estimatedCalls: isEstimated === true ? 1 : 0,
    }
    const known = days.get(id)
    if (known === undefined) days.set(id, { id, at, userId, ...defined({ subject }), model, ...call })
    else addTotal(known, call)
  }
  return [...days.values()]
}

function idOf(key: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(key)).digest('base64url').slice(0, 22)
}

/** Whether sums by day hold what a report asks for: the task of a call is not in them. */
export function coversDays({ taskId, treeOf }: UsageFilter, by: UsageKind): boolean {
  return taskId === undefined && treeOf === undefined && by !== 'task'
}

/** The sums of a report, by key. */
export type UsageSums = Map<string, UsageSum>

/** Adds a sum to that of its key. */
export function addSum(sums: UsageSums, sum: UsageSum): void {
  const sofar = sums.get(sum.key)
  if (sofar === undefined) sums.set(sum.key, sum)
  else addTotal(sofar, sum)
}

function addTotal(sofar: UsageTotal, more: UsageTotal): void {
  sofar.calls += more.calls
  sofar.inputTokens += more.inputTokens
  sofar.cachedInputTokens += more.cachedInputTokens
  sofar.outputTokens += more.outputTokens
  sofar.unpricedCalls += more.unpricedCalls
  sofar.estimatedCalls += more.estimatedCalls
  if (more.cost !== undefined) sofar.cost = (sofar.cost ?? 0) + more.cost
}

/** Keeps the first keys, in order: one that came behind so many others never comes among them again. */
export function keepFirst(sums: UsageSums, by: UsageKind, limit: number): void {
  const direction = goesDown(by) ? -1 : 1
  // As the databases compare texts, by their bytes.
  const first = [...sums]
    .map(([key, sum]) => ({ sum, bytes: Buffer.from(key) }))
    .sort((one, other) => direction * Buffer.compare(one.bytes, other.bytes))
    .slice(0, limit)
  sums.clear()
  for (const { sum } of first) sums.set(sum.key, sum)
}

/** Digits of a cost that do not depend on the order in which the costs of calls were added. */
const costDigits = 12

/** Returns a sum as a report shows it. */
export function shownSum({ cost, ...sum }: UsageSum): UsageSum {
  return cost === undefined ? sum : { ...sum, cost: Number(cost.toPrecision(costDigits)) }
}
