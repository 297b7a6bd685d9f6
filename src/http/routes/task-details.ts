import { z } from 'zod'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { presentAll } from '../listing.ts'
import { routesOf } from '../route.ts'
import { flag, pageOf, paging, time } from '../schemas/fields.ts'
import { childrenQuery, presentListed, taskParams, taskSchema } from '../schemas/task.ts'

/** An attempt that ended without completing its task. */
export const attemptSchema = z.object({
  attempt: z.int(),
  executionNodeId: z.string().optional(),
  startedAt: time,
  endedAt: time,
  outcome: z.string(),
  code: z.string().optional(),
  message: z.string().optional(),
})

/** A line of the log of a task. */
export const logLineSchema = z.object({
  sequence: z.int().describe('Rises within the log of the task'),
  at: time,
  attempt: z.int(),
  level: z.enum(['info', 'error']),
  message: z.string(),
  fields: z.unknown().optional(),
})

function sequenceOf(token: string | undefined): number {
  if (token === undefined) return 0
  if (/^\d{1,15}$/.test(token)) return Number(token)
  throw new QuillworkError(
    'PAGE_TOKEN_INVALID',
    'The page token of a log is the sequence of the last line that you have.',
  )
}

/** Returns the fields of a line; as text where they were cut when the line was stored. */
function fieldsOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const { get } = routesOf('tasks')

/** The parts of one task beside its record: sub-tasks, attempts, log, usage. */
export const taskDetailRoutes = [
  get('/v1/tasks/:taskId/children', {
    summary: 'List the sub-tasks of a task, in the order of their submission',
    params: taskParams,
    querystring: childrenQuery,
    sends: { 200: pageOf(taskSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'TASK_NOT_FOUND'],
    handle: async ({ engine }, { params, query: { pageSize, pageToken, ...filter } }) => {
      const { id } = await engine.tasks.get(params.taskId)
      const page = await engine.tasks.children(id, defined(filter), defined({ pageSize, pageToken }))
      return { ...page, items: await presentAll(page.items, presentListed) }
    },
  }),
  get('/v1/tasks/:taskId/attempts', {
    summary: 'List the attempts that ended without completing the task; the task itself has the last one',
    params: taskParams,
    sends: { 200: z.object({ items: z.array(attemptSchema) }) },
    refuses: ['TASK_NOT_FOUND'],
    handle: async ({ engine }, { params }) => {
      const { id } = await engine.tasks.get(params.taskId)
      const attempts = await engine.tasks.attempts(id)
      // Stacks are in the trace.
      return { items: attempts.map(({ stack: _, ...attempt }) => attempt) }
    },
  }),
  get('/v1/tasks/:taskId/logs', {
    summary: 'Read the log of a task, oldest line first; the newest 1,000 lines are kept',
    params: taskParams,
    querystring: z.strictObject({
      pageSize: paging.pageSize,
      pageToken: z
        .string()
        .max(20)
        .optional()
        .describe('`sequence` of the last line that you have; also to poll for new lines'),
    }),
    sends: { 200: pageOf(logLineSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'TASK_NOT_FOUND'],
    handle: async ({ engine }, { params, query: { pageSize, pageToken } }) => {
      const { id } = await engine.tasks.get(params.taskId)
      const lines = await engine.tasks.logs(id, sequenceOf(pageToken), pageSize + 1)
      const items = lines.slice(0, pageSize).map(({ fields, ...line }) => ({
        ...line,
        fields: fields === undefined ? undefined : fieldsOf(fields),
      }))
      const last = lines.length > pageSize ? items.at(-1) : undefined
      return { items, nextPageToken: last && `${last.sequence}` }
    },
  }),
  get('/v1/tasks/:taskId/usage', {
    summary: 'Sum what the model calls of a task used',
    description:
      'Calls are kept by task until they are as old as the setting `usageRetention.calls` says, and while the task that stands above all is live.',
    params: taskParams,
    querystring: z.strictObject({ tree: flag.optional().describe('With all its sub-tasks') }),
    sends: {
      200: z.object({
        items: z.array(
          z.object({
            model: z.string(),
            calls: z.int(),
            inputTokens: z.int(),
            cachedInputTokens: z.int().describe('Of these, what providers read from their caches'),
            outputTokens: z.int(),
            cost: z.number().optional(),
          }),
        ),
        since: time
          .optional()
          .describe(
            'The items lack calls from before this time, which are kept as sums by day, user, subject and model alone; absent when they lack none',
          ),
      }),
    },
    refuses: ['TASK_NOT_FOUND'],
    handle: async ({ engine }, { params, query: { tree = false } }) => {
      const since = await engine.tasks.usageSince(params.taskId)
      const items = await engine.tasks.usage(params.taskId, { tree })
      return { items, ...defined({ since }) }
    },
  }),
]
