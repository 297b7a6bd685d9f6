/** What calls of models used, summed: which calls, by what, and the sums. */

/** What calls can be summed by; `day` is a day of UTC. */
export const usageKinds = ['task', 'user', 'subject', 'day', 'model'] as const

/** What calls are summed by. */
export type UsageKind = (typeof usageKinds)[number]

/** Which calls. Absent fields do not restrict. */
export interface UsageFilter {
  userId?: string
  /** Of this task alone. */
  taskId?: string
  /** Of this task and all below it; also when their records are gone, of a root. */
  treeOf?: string
  subject?: string
  model?: string
  /** At this time or later, epoch milliseconds. */
  after?: number
  /** Earlier than this time, epoch milliseconds: reports of adjacent times add up. */
  before?: number
}

/** The calls of one key. */
export interface UsageSum {
  /** Id of the task, user, subject or model; empty for calls that name no subject; a day as `2026-01-31`. */
  key: string
  calls: number
  inputTokens: number
  outputTokens: number
  /** In the currency of the price list; absent when no call has a known cost: a sum of costs that nobody told is not zero. */
  cost?: number
  /** Calls without a known cost, which `cost` leaves out. */
  unpricedCalls: number
}

/** Whether the keys of a kind go down: the newest days and tasks come first. */
export function goesDown(by: UsageKind): boolean {
  return by === 'task' || by === 'day'
}
