import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import { eraseUser } from '../../novel/erase-user.ts'
import { subjectTags } from '../../novel/subject-tags.ts'
import { countsOfUser } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { hasEnded, taskStatuses } from '../../task/status.ts'
import type { SubmitOptions } from '../../task/submission.ts'
import type { TaskRecord } from '../../task/task.ts'
import { audited } from '../audit/audit.ts'
import { userActedAs, userIn, usesAll } from '../identity.ts'
import { presentAll } from '../listing.ts'
import { preferHeader, waitForEnd } from '../prefer.ts'
import { etagOf, idempotencyKeyHeader, idempotencyKeyOf, noneMatchNames } from '../request-headers.ts'
import { routesOf } from '../route.ts'
import { pageOf } from '../schemas/fields.ts'
import {
  filterFrom,
  presentListed,
  presentTask,
  submissionSchema,
  taskListQuery,
  taskParams,
  taskSchema,
} from '../schemas/task.ts'
import { ownParameters } from '../scope.ts'
import { traceparentFor } from '../trace.ts'

/**
 * Submits a task for a request, once for its Idempotency-Key, and responds with its address. Throws as `engine.tasks.submit`, and
 * IDEMPOTENCY_KEY_REUSED.
 */
export async function submitFor(
  engine: Engine,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { taskType, parameters, ...given }: SubmitOptions & { taskType: string; parameters: unknown },
): Promise<TaskRecord> {
  const key = request.headers['idempotency-key'] as string | undefined
  const options: SubmitOptions = {
    ...given,
    ...defined({
      derivedTags: subjectTags(taskType, parameters, given.tags),
      idempotencyKey: idempotencyKeyOf(key),
      traceparent: traceparentFor(request),
    }),
  }
  return accepted(reply, await engine.tasks.submit(taskType, parameters, options))
}

/** Responds to a submission with the address of its task, and says whether an earlier request with its key made it. Returns the task. */
export function accepted(
  reply: FastifyReply,
  { record, isNew }: { record: TaskRecord; isNew: boolean },
): TaskRecord {
  if (!isNew) reply.header('idempotency-replayed', 'true')
  reply.code(202).header('location', `/v1/tasks/${record.id}`)
  return record
}

/** Codes of every route that submits a task under an Idempotency-Key. */
export const submissionRefusals = ['IDEMPOTENCY_KEY_REUSED', 'USER_QUEUE_FULL', 'LANE_QUEUE_FULL'] as const

const { get, post } = routesOf('tasks')

/** The tasks: submit, list, count, read. */
export const taskRoutes = [
  post('/v1/tasks', {
    summary: 'Submit a task',
    description:
      'Responds when the task is durable. With an Idempotency-Key, a repeated request finds the first task. 200: it has ended, which only a request with `Prefer: wait` waits for.',
    headers: z.object({
      ...idempotencyKeyHeader,
      ...preferHeader,
      traceparent: z.string().optional().describe('W3C trace context; kept with the task'),
    }),
    body: submissionSchema,
    sends: { 200: taskSchema, 202: taskSchema },
    config: { audits: 'said' },
    refuses: [
      'PARAMETERS_INVALID',
      'PARAMETERS_TOO_LARGE',
      'TASK_TYPE_UNKNOWN',
      'SUBMISSION_REFUSED',
      'PROVIDER_NOT_CONFIGURED',
      'LANE_UNKNOWN',
      'OPTION_INVALID',
      'VALUE_NOT_STORABLE',
      ...submissionRefusals,
    ],
    handle: async (context, request, reply) => {
      const { engine, identity } = context
      const { taskType, parameters = {}, startAt, userId: forUser, ...given } = request.body
      const userId = userActedAs(identity, forUser)
      // It deletes all that a user has, and its task too in the end.
      if (taskType === eraseUser.type) audited(request, {})
      const options = defined({ ...given, startAt: startAt === undefined ? undefined : new Date(startAt) })
      const read = await ownParameters(engine, identity, { taskType, parameters })
      const submission = { ...(options as SubmitOptions), userId, taskType, parameters: read }
      const submitted = await submitFor(engine, { request, reply }, submission)
      const record = await waitForEnd(context, { request, reply }, submitted)
      const isOver = reply.hasHeader('preference-applied') && hasEnded(record.status)
      return sendTask(reply.code(isOver ? 200 : 202), record, engine)
    },
  }),
  get('/v1/tasks', {
    summary: 'List tasks, newest or oldest first',
    querystring: taskListQuery,
    sends: { 200: pageOf(taskSchema) },
    refuses: ['PAGE_TOKEN_INVALID'],
    handle: async ({ engine, identity }, { query: { pageSize, pageToken, order, ...given } }) => {
      const filter = filterFrom({ ...given, userId: userIn(identity, given.userId, 'see') })
      const page = await engine.tasks.list(filter, defined({ pageSize, pageToken, order }))
      return { ...page, items: await presentAll(page.items, presentListed) }
    },
  }),
  get('/v1/tasks/counts', {
    summary: 'Count tasks by status',
    description:
      'With MongoDB, tasks of a status are counted up to 100,000; `atLeast` names the statuses with more. Who sees the tasks of one user alone gets the counts of the newest 10,000 of these.',
    sends: {
      200: z.object({
        counts: z.record(z.enum(taskStatuses), z.int()),
        total: z.int(),
        atLeast: z
          .array(z.enum(taskStatuses))
          .optional()
          .describe(
            'Statuses with at least as many tasks as their count, and the total, say; absent where all are exact',
          ),
      }),
    },
    handle: async ({ engine, identity }) => {
      const userId = usesAll(identity, 'see') ? undefined : identity.userId
      const counts = await engine.tasks.counts(userId)
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
      const { countsUpTo = Number.POSITIVE_INFINITY } = engine.store.capabilities
      const isCut = userId !== undefined && total >= countsOfUser
      const atLeast = taskStatuses.filter(status => isCut || counts[status] >= countsUpTo)
      return { counts, total, ...(atLeast.length === 0 ? {} : { atLeast }) }
    },
  }),
  get('/v1/tasks/:taskId', {
    summary: 'Read a task',
    description:
      'The entity tag is the version. Until the task has ended, Retry-After says when to ask again.',
    params: taskParams,
    headers: z.object({ 'if-none-match': z.string().optional(), ...preferHeader }),
    sends: { 200: taskSchema, 304: z.undefined().describe('The task still has this version') },
    refuses: ['TASK_NOT_FOUND'],
    handle: async (context, request, reply) => {
      const { engine } = context
      const { params, headers } = request
      const found = await engine.tasks.get(params.taskId)
      const record = await waitForEnd(context, { request, reply }, found)
      const tasks = await waitingBelow(engine, record)
      describe(reply, record, engine)
      if (tasks > 0) {
        // The record does not hold how many tasks wait for the budget, so its version cannot be the entity tag.
        reply.removeHeader('etag').header('cache-control', 'no-store')
        return {
          ...presentTask(record),
          waitingFor: { kind: 'budget' as const, rootTaskId: record.id, tasks },
        }
      }
      const isKnown = noneMatchNames(headers['if-none-match'], etagOf(record.version))
      return isKnown ? reply.code(304).send() : presentTask(record)
    },
  }),
]

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
  reply.header('cache-control', 'private, no-cache')
  if (hasEnded(record.status)) return
  const ageSeconds = (engine.store.tasks.now() - record.createdAt) / 1_000
  reply.header('retry-after', String(Math.round(Math.min(30, Math.max(2, ageSeconds / 10)))))
  reply.header('link', `</v1/tasks/${record.id}/events>; rel="monitor"; type="text/event-stream"`)
}
