import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { SubmitOptions } from '../../engine/submit.ts'
import { withSubjectTags } from '../../novel/subject-tags.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { hasEnded, taskStatuses } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import type { ApiContext, App } from '../context.ts'
import { etagOf, idempotencyKeyHeader, idempotencyKeyOf, noneMatchNames } from '../request-headers.ts'
import { pageOf, pageRequest } from '../schemas/fields.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import {
  presentListed,
  presentTask,
  submissionSchema,
  taskListQuery,
  taskParams,
  taskSchema,
} from '../schemas/task.ts'
import { traceparentFor } from '../trace.ts'

const tags = ['tasks']

/** Adds the tasks: submit, list, count, read. */
export function addTaskRoutes(app: App, context: ApiContext): void {
  submitTask(app, context)
  listTasks(app, context)
  countTasks(app, context)
  getTask(app, context)
}

const submitSchema = {
  tags,
  summary: 'Submit a task',
  description:
    'Responds when the task is durable. With an Idempotency-Key, a repeated request finds the first task.',
  headers: z.object({
    ...idempotencyKeyHeader,
    traceparent: z.string().optional().describe('W3C trace context; kept with the task'),
  }),
  body: submissionSchema,
  response: {
    202: taskSchema,
    ...problems(
      ...bodyProblems,
      'PARAMETERS_INVALID',
      'TASK_TYPE_UNKNOWN',
      'SUBMISSION_REFUSED',
      'PROVIDER_NOT_CONFIGURED',
      'LANE_UNKNOWN',
      'OPTION_INVALID',
      'VALUE_NOT_STORABLE',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
      'LANE_QUEUE_FULL',
      'STORE_FULL',
    ),
  },
}

function submitTask(app: App, { engine, settings }: ApiContext): void {
  app.post('/v1/tasks', { schema: submitSchema }, async (request, reply) => {
    const { taskType, parameters = {}, startAt, ...given } = request.body
    const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key'])
    const options = defined({
      ...given,
      tags: withSubjectTags(taskType, parameters, given.tags),
      userId: given.userId ?? settings.userId,
      startAt: startAt === undefined ? undefined : new Date(startAt),
      idempotencyKey,
      traceparent: traceparentFor(request),
    }) as SubmitOptions
    const { record, isNew } = await engine.tasks.submit(taskType, parameters, options)
    if (!isNew) {
      refuseOtherSubmission(record, options, given.tags)
      reply.header('idempotency-replayed', 'true')
    }
    reply.code(202).header('location', `/v1/tasks/${record.id}`)
    return sendTask(reply, record, engine)
  })
}

/**
 * Throws IDEMPOTENCY_KEY_REUSED for a key whose task has the same parameters, but another lane, priority, budget or other tags. A task that
 * was not submitted through the API lacks the tags of its subject.
 */
export function refuseOtherSubmission(
  record: TaskRecord,
  options: SubmitOptions,
  ownTags: readonly string[] = [],
): void {
  const { lane = record.lane, priority = 'normal', tags: wanted = [], budget } = options
  const isSame =
    record.lane === lane &&
    record.priority === priority &&
    [wanted, ownTags].some(each => JSON.stringify(record.tags) === JSON.stringify(each)) &&
    record.budget?.tokens === budget?.tokens &&
    record.budget?.cost === budget?.cost
  if (isSame) return
  throw new QuillworkError(
    'IDEMPOTENCY_KEY_REUSED',
    `The idempotency key belongs to task ${record.id}, which was submitted with other options; use a new key.`,
  )
}

const listSchema = {
  tags,
  summary: 'List tasks, newest or oldest first',
  querystring: taskListQuery,
  response: { 200: pageOf(taskSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

function listTasks(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks', { schema: listSchema }, async request => {
    const { pageSize, pageToken, order, ...filter } = request.query
    const page = await engine.tasks.list(defined(filter), {
      ...pageRequest({ pageSize, pageToken }),
      order,
    })
    return { ...page, items: page.items.map(presentListed) }
  })
}

const countsSchema = {
  tags,
  summary: 'Count tasks by status',
  response: {
    200: z.object({ counts: z.record(z.enum(taskStatuses), z.int()), total: z.int() }),
    ...problems(),
  },
}

function countTasks(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/counts', { schema: countsSchema }, async () => {
    const counts = await engine.tasks.counts()
    return { counts: { ...counts }, total: Object.values(counts).reduce((sum, count) => sum + count, 0) }
  })
}

const getSchema = {
  tags,
  summary: 'Read a task',
  description: 'The entity tag is the version. Until the task has ended, Retry-After says when to ask again.',
  params: taskParams,
  headers: z.object({ 'if-none-match': z.string().optional() }),
  response: {
    200: taskSchema,
    304: z.undefined().describe('The task still has this version'),
    ...problems('REQUEST_INVALID', 'TASK_NOT_FOUND'),
  },
}

function getTask(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId', { schema: getSchema }, async (request, reply) => {
    const record = await engine.tasks.get(request.params.taskId)
    const tasks = await waitingBelow(engine, record)
    if (tasks > 0) {
      const task = sendTask(reply, record, engine)
      // The record does not hold how many tasks wait for the budget, so its version cannot be the entity tag.
      reply.removeHeader('etag').header('cache-control', 'no-store')
      return { ...task, waitingFor: { kind: 'budget' as const, rootTaskId: record.id, tasks } }
    }
    if (noneMatchNames(request.headers['if-none-match'], record.version)) {
      describe(reply, record, engine)
      return reply.code(304).send()
    }
    return sendTask(reply, record, engine)
  })
}

/** Returns how many tasks below a root wait for its budget. Reads the store only while the root waits for its sub-tasks. */
async function waitingBelow(engine: Engine, { id, rootTaskId, status, phase }: TaskRecord): Promise<number> {
  if (id !== rootTaskId || status !== 'RUNNING' || phase !== 'awaiting-subtasks') return 0
  return (await engine.store.queries.waitingForBudget(id, 0)).total
}

/** Responds with a task: its version as entity tag, and until it has ended when to ask again and the address of its events. */
export function sendTask(reply: FastifyReply, record: TaskRecord, engine: Engine) {
  describe(reply, record, engine)
  return presentTask(record)
}

function describe(reply: FastifyReply, record: TaskRecord, engine: Engine): void {
  reply.header('etag', etagOf(record.version))
  reply.header('cache-control', 'no-cache')
  if (hasEnded(record.status)) return
  const ageSeconds = (engine.store.tasks.now() - record.createdAt) / 1_000
  reply.header('retry-after', String(Math.round(Math.min(30, Math.max(2, ageSeconds / 10)))))
  reply.header('link', `</v1/tasks/${record.id}/events>; rel="monitor"; type="text/event-stream"`)
}
