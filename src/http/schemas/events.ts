/** The data of the events that streams send, for those who read them: nothing is checked while it is sent. */
import { z } from 'zod'
import { taskStatuses } from '../../task/status.ts'
import { named, time } from './fields.ts'
import { errorInfoSchema } from './task.ts'

/** What became of a task. */
const taskEventSchema = named(
  'TaskEvent',
  z.looseObject({
    event: z
      .enum([
        ...(['submitted', 'started', 'progress', 'waiting', 'retrying', 'givenBack', 'completed'] as const),
        ...(['failed', 'cancelled', 'deadLettered', 'reopened'] as const),
      ])
      .describe('What happened; finer than the name of the event of the stream'),
    at: time,
    taskId: z.string(),
    taskType: z.string(),
    userId: z.string(),
    lane: z.string(),
    status: z.enum(taskStatuses).describe('Of the task after the event'),
    version: z.int(),
    attempt: z.int(),
    parentTaskId: z.string().optional(),
    rootTaskId: z.string(),
    phase: z.string().optional(),
    progress: z.unknown().optional(),
    retryCount: z.int().optional(),
    nextAttemptTimestamp: time.optional(),
    errorInfo: errorInfoSchema.loose().optional(),
    executionNodeId: z.string().optional(),
    waitedMs: z.number().optional().describe('How long the task could have run before it did'),
    ranMs: z.number().optional().describe('How long the attempt ran that ended with the event'),
    traceId: z.string().optional(),
  }),
)

const streamResetSchema = named(
  'StreamReset',
  z.object({ reason: z.string().describe('Events may be missing: read the tasks again') }),
)

/** The events of the streams of tasks, by name. */
export const taskStreamEvents = {
  'task.created': taskEventSchema,
  'task.updated': taskEventSchema,
  'task.progress': taskEventSchema,
  'task.completed': taskEventSchema,
  'task.failed': taskEventSchema,
  'task.cancelled': taskEventSchema,
  'task.dead-lettered': taskEventSchema,
  reset: streamResetSchema,
}

/** The events of the stream of the output of a task, by name. */
export const outputStreamEvents = {
  text: named(
    'OutputText',
    z.object({
      attempt: z.int(),
      sequence: z.int().describe('Rises from 1 without a gap within the attempt'),
      text: z.string(),
    }),
  ),
  reset: named(
    'OutputReset',
    z.object({ attempt: z.int().describe('Starts to write: discard the text before it') }),
  ),
  end: named(
    'OutputEnd',
    z.object({
      status: z.enum(taskStatuses),
      deleted: z
        .literal(true)
        .optional()
        .describe('What came after the place to resume from is not kept any more'),
    }),
  ),
}
