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
  return hashedId(textOf([parameters, lane, priority, [...new Set(tags)].sort(), tokens, cost]))
}

/** Returns the JSON of a plain value, see `plainOf`: of an object its members as pairs, sorted by their keys, without those that are undefined. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return JSON.stringify(plainOf(value)) ?? 'null'
  const members = value as Record<string, unknown>
  const keys = Object.keys(members).filter(key => members[key] !== undefined)
  return `{"members":[${keys.sort().map(key => `[${JSON.stringify(key)},${textOf(members[key])}]`)}]}`
}
