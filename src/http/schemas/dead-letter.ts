import { z } from 'zod'
import { givenTime, paging, plainText, time } from './fields.ts'
import { named } from './registry.ts'

/** Which dead letters. */
const deadLetterFilter = {
  taskType: z
    .array(z.string().min(1).max(100))
    .min(1, 'Name at least one task type, or leave taskType out, which means every one.')
    .max(50)
    .optional(),
  userId: plainText(200).optional(),
  code: plainText(100).optional(),
  fingerprint: plainText(200).optional(),
  openedAfter: givenTime.optional(),
  openedBefore: givenTime.optional(),
}

/** The query of the listing. */
export const deadLetterQuery = z.strictObject({ ...deadLetterFilter, ...paging })

/** The query of the groups. */
export const deadLetterGroupQuery = z.strictObject(deadLetterFilter)

/** The body of an action on many. The filter must be there, so that nobody means all by accident; `{}` means all. */
export const bulkBody = named(
  'DeadLetterSelection',
  z.strictObject({
    filter: z.strictObject(deadLetterFilter),
    openedBefore: givenTime.optional().describe('As in the filter: those older than this'),
  }),
)

/** Equal failures as one line. */
export const groupSchema = z.object({
  fingerprint: z.string(),
  taskType: z.string(),
  code: z.string(),
  count: z.int(),
  firstAt: time,
  lastAt: time,
  sampleTaskId: z.string(),
})

/** What became of an action on many. */
export const bulkAnswer = z.object({
  done: z.int(),
  failed: z
    .array(z.object({ taskId: z.string(), code: z.string(), message: z.string() }))
    .describe('The first 100'),
})
