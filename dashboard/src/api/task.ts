import {
  hasEnded as isEnd,
  liveStatuses,
  taskStatuses as statuses,
  unsuccessfulStatuses,
} from '../../../src/task/status.ts'
import type { components } from './schema.ts'

/** A task as the API returns it. */
export type Task = components['schemas']['Task']

export { isEnd, liveStatuses, statuses, unsuccessfulStatuses }

/** Statuses of tasks that can run again. */
export const retryableStatuses = [...unsuccessfulStatuses, 'COMPLETED_WITH_ERRORS'] as const

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
