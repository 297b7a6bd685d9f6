import { z } from 'zod'
import { taskStatuses } from '../../task/status.ts'

/** What a task has written so far. */
export const outputSchema = z.object({
  attempt: z.int().describe('The newest attempt that wrote anything; 0 when none has'),
  text: z.string().describe('What it wrote after `after` if that is of this attempt, else all of it'),
  after: z.string().describe('Where the text ends: give it back to ask for what is new'),
  status: z.enum(taskStatuses).describe('Of the task; once it has ended, the text is whole'),
})

/** What a task has written, as the API answers it. */
export type OutputJson = z.output<typeof outputSchema>
