import { z } from 'zod'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { ApiContext, App } from '../context.ts'
import { flag, pageOf, pageRequest, paging, time, timeText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'
import { childrenQuery, presentListed, taskParams, taskSchema } from '../schemas/task.ts'

const tags = ['tasks']
const notFound = problems('REQUEST_INVALID', 'TASK_NOT_FOUND')

/** Adds the parts of one task beside its record: sub-tasks, attempts, log, usage. */
export function addTaskDetailRoutes(app: App, context: ApiContext): void {
  listChildren(app, context)
  listAttempts(app, context)
  listLogs(app, context)
  sumUsage(app, context)
}

const childrenSchema = {
  tags,
  summary: 'List the sub-tasks of a task, in the order of their submission',
  params: taskParams,
  querystring: childrenQuery,
  response: {
    200: pageOf(taskSchema),
    ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID', 'TASK_NOT_FOUND'),
  },
}

function listChildren(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId/children', { schema: childrenSchema }, async request => {
    const { pageSize, pageToken, ...filter } = request.query
    const { id } = await engine.tasks.get(request.params.taskId)
    const page = await engine.tasks.children(id, defined(filter), pageRequest({ pageSize, pageToken }))
    return { ...page, items: page.items.map(presentListed) }
  })
}

const attemptSchema = z.object({
  attempt: z.int(),
  executionNodeId: z.string().optional(),
  startedAt: time,
  endedAt: time,
  outcome: z.string(),
  code: z.string().optional(),
  message: z.string().optional(),
})

const attemptsSchema = {
  tags,
  summary: 'List the attempts that ended without completing the task; the task itself has the last one',
  params: taskParams,
  response: { 200: z.object({ items: z.array(attemptSchema) }), ...notFound },
}

function listAttempts(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId/attempts', { schema: attemptsSchema }, async request => {
    const { id } = await engine.tasks.get(request.params.taskId)
    const rows = await engine.tasks.attempts(id)
    return {
      items: rows.map(row => ({
        ...row,
        startedAt: timeText(row.startedAt),
        endedAt: timeText(row.endedAt),
      })),
    }
  })
}

const logLineSchema = z.object({
  sequence: z.int().describe('Rises within the log of the task'),
  at: time,
  attempt: z.int(),
  level: z.enum(['info', 'error']),
  message: z.string(),
  fields: z.unknown().optional(),
})

const logsSchema = {
  tags,
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
  response: {
    200: pageOf(logLineSchema),
    ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID', 'TASK_NOT_FOUND'),
  },
}

function listLogs(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId/logs', { schema: logsSchema }, async request => {
    const { pageSize, pageToken } = request.query
    const { id } = await engine.tasks.get(request.params.taskId)
    const lines = await engine.tasks.logs(id, sequenceOf(pageToken), pageSize + 1)
    const items = lines.slice(0, pageSize).map(({ fields, at, ...line }) => ({
      ...line,
      at: timeText(at),
      ...defined({ fields: fields === undefined ? undefined : fieldsOf(fields) }),
    }))
    const last = items.at(-1)
    return lines.length > pageSize && last !== undefined
      ? { items, nextPageToken: `${last.sequence}` }
      : { items }
  })
}

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

const usageSchema = {
  tags,
  summary: 'Sum what the model calls of a task used',
  params: taskParams,
  querystring: z.strictObject({ tree: flag.optional().describe('With all its sub-tasks') }),
  response: {
    200: z.object({
      items: z.array(
        z.object({
          model: z.string(),
          calls: z.int(),
          inputTokens: z.int(),
          outputTokens: z.int(),
          cost: z.number().optional(),
        }),
      ),
    }),
    ...notFound,
  },
}

function sumUsage(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId/usage', { schema: usageSchema }, async request => {
    const { id } = await engine.tasks.get(request.params.taskId)
    const items = await engine.tasks.usage(id, { tree: request.query.tree ?? false })
    return { items: items.map(item => ({ ...item })) }
  })
}
