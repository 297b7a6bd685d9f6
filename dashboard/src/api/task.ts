import type { components } from './schema.ts'

/** A task as the API tells it. */
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

/** Whether a value, such as one of an address, names a status. */
export function isStatus(value: unknown): value is Task['status'] {
  return statuses.some(status => status === value)
}
