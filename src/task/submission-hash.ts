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
  const unique = isAscending(tags) ? tags : [...new Set(tags)].sort()
  return hashedId(textOf([parameters, lane, priority, unique, tokens, cost]))
}

/**
 * Returns the JSON of a plain value, see `plainOf`: of an object its members as pairs, sorted by their keys, without those that are undefined.
 * Without an array for each step: those of one submission were half of what it allocated.
 */
function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return JSON.stringify(plainOf(value)) ?? 'null'
  let text = ''
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      text += `${index === 0 ? '' : ','}${index in value ? textOf(value[index]) : ''}`
    return `[${text}]`
  }
  const members = value as Record<string, unknown>
  const keys = Object.keys(members)
  for (const key of isAscending(keys) ? keys : keys.sort())
    if (members[key] !== undefined)
      text += `${text === '' ? '' : ','}[${JSON.stringify(key)},${textOf(members[key])}]`
  return `{"members":[${text}]}`
}

/** Whether texts are sorted and differ. */
function isAscending(texts: readonly string[]): boolean {
  for (let index = 1; index < texts.length; index++)
    if ((texts[index - 1] ?? '') >= (texts[index] ?? '')) return false
  return true
}
