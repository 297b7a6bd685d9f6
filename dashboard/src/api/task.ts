import type { components } from './schema.ts'

/** A task as the API returns it. */
export type Task = components['schemas']['Task']

/** Every status, in the order in which a task goes through them. */
export const statuses = [
  'QUEUED',
  'RUNNING',
  'RETRYING',
  'COMPLETED',
  'COMPLETED_WITH_ERRORS',
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
] as const satisfies readonly Task['status'][]

/** Statuses of tasks that have not ended. */
export const liveStatuses = ['QUEUED', 'RUNNING', 'RETRYING'] as const satisfies readonly Task['status'][]

/** Returns whether a status is one that a task ends with. */
export function isEnd(status: Task['status']): boolean {
  return !liveStatuses.some(live => live === status)
}

/** Statuses of tasks that can run again. */
export const retryableStatuses = [
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
  'COMPLETED_WITH_ERRORS',
] as const satisfies readonly Task['status'][]

/** What went wrong, as a record or a dead letter has it. */
interface ErrorWords {
  authorMessage?: string
  message: string
}

/** Returns what went wrong, in the words for authors where there are any. */
export function wordsOf(error: ErrorWords): string
export function wordsOf(error: ErrorWords | undefined): string | undefined
export function wordsOf(error: ErrorWords | undefined): string | undefined {
  return error?.authorMessage ?? error?.message
}

/** Returns whether a value, such as one of an address, names a status. */
export function isStatus(value: unknown): value is Task['status'] {
  return statuses.some(status => status === value)
}
