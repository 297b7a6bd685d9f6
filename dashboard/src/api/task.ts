import type { components } from './schema.ts'

/** A task as the API tells it. */
export type Task = components['schemas']['Task']
