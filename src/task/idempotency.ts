/** Idempotency keys: which a task may have, and what a key stands for when a task is submitted again. */
import { plainOf } from './codec.ts'
import { QuillworkError } from './errors.ts'
import { hashedId } from './id.ts'
import { bounded } from './submission.ts'
import type { Budget, NewTask, Priority, TaskRecord } from './task.ts'

/**
 * The form of the key of a task that a schedule submitted. It names the tick: one tick makes one task, and the task knows its tick. No other task has
 * a key of this form, for a caller's own is refused.
 */
const tickForm = /^schedule .+ (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/s

/** Returns the key for a tick of a schedule. `tick`: epoch milliseconds. */
export function tickKey(scheduleId: string, tick: number): string {
  return `schedule ${scheduleId} ${new Date(tick).toISOString()}`
}

/** Returns the tick that a key names; undefined for any other key, and for none. */
export function tickOf(key: string | undefined): Date | undefined {
  const time = key === undefined ? undefined : tickForm.exec(key)?.[1]
  return time === undefined ? undefined : new Date(time)
}

/** Returns the idempotency key of a caller. Throws OPTION_INVALID for one that would pass for a tick of a schedule. */
export function ownKey(key: string): string {
  if (tickOf(bounded(key, 255, 'idempotencyKey')) === undefined) return key
  const message = `The idempotency key ${JSON.stringify(key)} has the form of those that schedules give their ticks; give it another one.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/** Whether a task that was found is what is submitted again. Records of earlier versions do not say what was submitted first. */
export function isSameSubmission(task: NewTask, found: TaskRecord): boolean {
  if (found.submissionHash === undefined) return found.parameters === task.parameters
  return found.submissionHash === task.submissionHash
}

/** What an idempotency key stands for beside user and task type. */
export interface KeyedSubmission {
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
export function submissionHash({ parameters, lane, priority, tags, budget }: KeyedSubmission): string {
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
