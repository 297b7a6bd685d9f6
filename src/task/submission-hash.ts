import { plainOf } from './codec.ts'
import { hashedId } from './id.ts'
import type { Budget, Priority } from './task.ts'

/** What an idempotency key stands for beside user and task type. */
export interface Submitted {
  parameters: unknown
  lane: string
  priority: Priority
  tags: readonly string[]
  budget: Budget | undefined
}

/**
 * Returns what is compared when a submission is repeated under its idempotency key: the same for the same parameters in any order and with
 * their dates as values or as text, tags in any order, and defaults written out or not. When the task starts is no part of it: a repeated
 * call works that out anew.
 */
export function submissionHash({ parameters, lane, priority, tags, budget }: Submitted): string {
  const { tokens = null, cost = null } = budget ?? {}
  const submitted = [plainOf(parameters), lane, priority, [...new Set(tags)].sort(), tokens, cost]
  return hashedId(JSON.stringify(inOrder(submitted)))
}

/** Returns a value with the members of its objects as pairs, sorted by their keys, without those that are undefined. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return { members: members.map(([key, member]) => [key, inOrder(member)]) }
}
