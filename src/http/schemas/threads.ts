import { z } from 'zod'
import { threadFields, threadStates, threadToWrite } from '../../novel/threads/thread.ts'
import { id, named, paging, time } from './fields.ts'

/** Ids in paths. */
export const threadParams = z.object({ novelId: id, threadId: id })

const before = id
  .optional()
  .describe(
    'The scene right before which it is asked how far threads are. Default: behind the last scene that has a text',
  )

/** Where it is asked how far a thread is. */
export const threadQuery = z.strictObject({ before })

/** The same for a list. */
export const threadsQuery = z.strictObject({ before, ...paging })

/** A thread as a person writes it. */
export const threadBody = named('ThreadToWrite', threadToWrite)

const { events, ...fields } = threadFields.shape

/** A thread, and how far it is. */
export const threadSchema = named(
  'Thread',
  z.object({
    id: z.string(),
    novelId: z.string(),
    ...fields,
    events: z.array(
      z.object({
        ...events.element.shape,
        outOfDate: z
          .boolean()
          .describe(
            'The text of the scene no longer has the quotation, or the scene is gone: it counts for nothing',
          ),
      }),
    ),
    state: z.enum(threadStates).describe('By the last event before the place that is not out of date'),
    overdue: z.boolean().describe('The scene that was to plant or to resolve it is before the place'),
    due: z.boolean().describe('The scene of `before` is to plant or to resolve it'),
    version: z.int(),
    createdAt: time,
    updatedAt: time,
  }),
)
