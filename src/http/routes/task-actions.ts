import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { mostBulkTags } from '../../engine/bulk-selection.ts'
import type { Engine, RetryTaskOptions, TaskRecord } from '../../index.ts'
import { subjectTags } from '../../novel/subject-tags.ts'
import { readable } from '../../task/codec.ts'
import { withoutControls } from '../../task/controls.ts'
import { defined } from '../../task/defined.ts'
import { audited, auditedTask } from '../audit/audit.ts'
import { type Identity, usesAll } from '../identity.ts'
import { etagOf, idempotencyKeyHeader, idempotencyKeyOf, ifMatchVersion } from '../request-headers.ts'
import { routesOf } from '../route.ts'
import { ifMatch, plainText } from '../schemas/fields.ts'
import { presentTask, taskParams, taskSchema } from '../schemas/task.ts'
import { ownParameters, requireOwnSubject, requireOwnTags } from '../scope.ts'
import { traceparentFor } from '../trace.ts'
import { accepted, sendTask, submissionRefusals } from './tasks.ts'

const someSteps = z.array(z.string().min(1).max(200)).max(1_000)

/** What the retries of a task and of a dead letter take and send. */
export const retryRoute = {
  params: taskParams,
  headers: z.object(ifMatch),
  body: z
    .strictObject({
      parameters: z
        .unknown()
        .optional()
        .describe('Runs with these instead; the closed dead letter keeps the submitted ones'),
      keepCheckpoints: z
        .union([z.literal(true), someSteps], {
          error: 'Give true, or a list of at most 1,000 keys of steps.',
        })
        .optional()
        .describe(
          'Finished steps that stay with other parameters: all, or those with these keys. Default none',
        ),
      repeatSteps: someSteps
        .optional()
        .describe(
          'Finished steps that run again, and are paid again, of a task with its own parameters and without sub-tasks. Default none',
        ),
    })
    .nullish(),
  sends: {
    202: z.object({
      retried: z.int().describe('Tasks that run again: this one, and its sub-tasks that did not complete'),
      task: taskSchema,
    }),
  },
}

/** Returns the codes that a retry refuses with, `notFound` among them. */
export const retryRefusals = (notFound: 'TASK_NOT_FOUND' | 'DEAD_LETTER_NOT_FOUND') =>
  [
    ...(['IF_MATCH_INVALID', 'OPTION_INVALID', 'PARAMETERS_INVALID', 'PARAMETERS_TOO_LARGE'] as const),
    'TASK_TYPE_UNKNOWN',
    ...([notFound, 'TASK_NOT_RETRYABLE', 'TASK_CHANGED'] as const),
  ] as const

/** Responds to a retry: how many tasks run again, and the task as it is now. */
export async function sendRetried(
  request: { params: { taskId: string } },
  reply: FastifyReply,
  engine: Engine,
  retried: number,
) {
  const { taskId } = request.params
  const record = await engine.tasks.get(taskId)
  audited(request, { after: { status: record.status, retried } })
  reply.code(202).header('location', `/v1/tasks/${taskId}`).header('etag', etagOf(record.version))
  return { retried, task: presentTask(record) }
}

/**
 * Returns the options of a retry, as the engine takes them. Reads the task where it gets other parameters, or the identity may not act on all users.
 * Throws FORBIDDEN.
 */
export async function retryOptions(
  { engine, identity }: { engine: Engine; identity: Identity },
  request: {
    body?: z.output<typeof retryRoute.body>
    headers: { 'if-match'?: string | undefined }
  },
  readTask: () => Promise<TaskRecord>,
): Promise<RetryTaskOptions> {
  const ifVersion = ifMatchVersion(request.headers['if-match'])
  const { parameters: sent, ...steps } = request.body ?? {}
  if (sent === undefined) {
    if (!usesAll(identity, 'operate')) requireOwnSubject(identity, await readTask())
    return defined({ ifVersion, ...steps })
  }
  const task = await readTask()
  const parameters = await ownParameters(engine, identity, { taskType: task.taskType, parameters: sent })
  const { tags, derivedTags } = tagsFor(task, parameters)
  return defined({ ifVersion, parameters, ...steps, tags: [...tags, ...derivedTags] })
}

/** Returns the tags for an ended task that runs again or anew with other parameters: its own without those of its subject, and those of the new one. */
function tagsFor({ taskType, parameters: before, tags }: TaskRecord, parameters: unknown) {
  const ofSubject = subjectTags(taskType, readable(before))
  // Tags of earlier versions may have controls.
  const own = tags.filter(tag => !ofSubject.includes(tag)).map(withoutControls)
  return { tags: own, derivedTags: subjectTags(taskType, parameters, own) }
}

const { post } = routesOf('tasks')

const someTags = z.array(plainText(100)).min(1).max(mostBulkTags)

/** Cancel, retry, run now, move, tag, signal and run anew. */
export const taskActionRoutes = [
  post('/v1/tasks/:taskId([^:]+)::cancel', {
    summary: 'Cancel a task and everything below it',
    description:
      '200: it is cancelled. 202: its running attempt was asked to stop. A repeated request changes nothing.',
    params: taskParams,
    headers: z.object(ifMatch),
    sends: { 200: taskSchema, 202: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'TASK_NOT_FOUND', 'TASK_ALREADY_ENDED', 'TASK_CHANGED'],
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      const ifVersion = ifMatchVersion(request.headers['if-match'])
      await auditedTask(request, engine, taskId)
      await engine.tasks.cancel(taskId, defined({ ifVersion }))
      const record = await engine.tasks.get(taskId)
      audited(request, { after: { status: record.status } })
      reply.code(record.status === 'CANCELLED' ? 200 : 202)
      return sendTask(reply, record, engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::retry', {
    ...retryRoute,
    summary: 'Run an ended task again, with those of its sub-tasks that did not complete',
    refuses: retryRefusals('TASK_NOT_FOUND'),
    handle: async (context, request, reply) => {
      const { engine } = context
      const { taskId } = request.params
      const options = await retryOptions(context, request, () => engine.tasks.get(taskId))
      await auditedTask(request, engine, taskId)
      return sendRetried(request, reply, engine, await engine.tasks.retry(taskId, options))
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::runNow', {
    summary: 'Run a waiting task now',
    description:
      'Whatever time it waits for: its start, its next attempt, a limit, a budget, or a sleep, which is over then. One that then finds no capacity waits again.',
    params: taskParams,
    headers: z.object(ifMatch),
    sends: { 202: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'TASK_NOT_FOUND', 'TASK_NOT_WAITING', 'TASK_CHANGED'],
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      const ifVersion = ifMatchVersion(request.headers['if-match'])
      await auditedTask(request, engine, taskId)
      await engine.tasks.runNow(taskId, defined({ ifVersion }))
      const record = await engine.tasks.get(taskId)
      audited(request, { after: { status: record.status } })
      reply.code(202)
      return sendTask(reply, record, engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::move', {
    summary: 'Have a waiting task wait in another lane',
    description:
      'It joins the line of that lane, now or when the time comes that it waits for. One that runs keeps the lane of its slot, and is refused.',
    params: taskParams,
    headers: z.object(ifMatch),
    body: z.strictObject({ lane: plainText(60) }),
    sends: { 202: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'LANE_UNKNOWN', 'TASK_NOT_FOUND', 'TASK_NOT_WAITING', 'TASK_CHANGED'],
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      const { lane } = request.body
      const ifVersion = ifMatchVersion(request.headers['if-match'])
      await auditedTask(request, engine, taskId)
      await engine.tasks.move(taskId, lane, defined({ ifVersion }))
      audited(request, { after: { lane } })
      reply.code(202)
      return sendTask(reply, await engine.tasks.get(taskId), engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::tag', {
    summary: 'Add tags to a task, and remove tags from it',
    description:
      'Whatever its status. A running attempt keeps the tags that it began with. Tags that say what a task is about (`novel:…`, `scene:…`) are not removed. A repeated request changes nothing.',
    params: taskParams,
    headers: z.object(ifMatch),
    body: z
      .strictObject({ add: someTags.optional(), remove: someTags.optional() })
      .refine(
        ({ add, remove }) => add !== undefined || remove !== undefined,
        'Give `add`, `remove` or both.',
      ),
    sends: { 200: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'OPTION_INVALID', 'TASK_NOT_FOUND', 'TASK_CHANGED'],
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      const ifVersion = ifMatchVersion(request.headers['if-match'])
      requireOwnTags(request.body.remove)
      await auditedTask(request, engine, taskId)
      await engine.tasks.tag(taskId, defined({ ...request.body, ifVersion }))
      const record = await engine.tasks.get(taskId)
      audited(request, { after: { tags: record.tags } })
      return sendTask(reply, record, engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::signal', {
    summary: 'Tell a task what it waits for',
    description:
      'The task keeps the signal until its handler takes it, also where it comes early. Each ends one wait at most. Sent again with the same key, it changes nothing.',
    params: taskParams,
    headers: z.object({ ...ifMatch, ...idempotencyKeyHeader }),
    body: z.strictObject({
      name: plainText(100).describe('See `waitingFor.signals`'),
      payload: z.unknown().optional().describe('What the handler gets: JSON, at most 65,536 characters'),
    }),
    sends: { 202: taskSchema },
    refuses: [
      ...([
        'IF_MATCH_INVALID',
        'OPTION_INVALID',
        'TASK_NOT_FOUND',
        'TASK_ALREADY_ENDED',
        'TASK_CHANGED',
      ] as const),
      ...(['SIGNAL_TOO_LARGE', 'SIGNALS_FULL', 'VALUE_NOT_STORABLE'] as const),
    ],
    handle: async ({ engine }, { params: { taskId }, headers, body: { name, payload } }, reply) => {
      const id = idempotencyKeyOf(headers['idempotency-key'])
      const ifVersion = ifMatchVersion(headers['if-match'])
      await engine.signal(taskId, name, payload, defined({ id, ifVersion }))
      reply.code(202)
      return sendTask(reply, await engine.tasks.get(taskId), engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::rerun', {
    summary: 'Run an ended task anew, as a new task',
    description:
      'The new task has the user, lane, priority, tags, budget and parameters of the ended one, and names it in `rerunOf`.',
    params: taskParams,
    headers: z.object(idempotencyKeyHeader),
    body: z
      .strictObject({
        parameters: z.unknown().optional().describe('Runs with these instead'),
      })
      .nullish(),
    sends: { 202: taskSchema },
    refuses: [
      ...(['TASK_NOT_FOUND', 'TASK_NOT_ENDED', 'TASK_TYPE_UNKNOWN', 'LANE_UNKNOWN'] as const),
      ...([
        'PARAMETERS_INVALID',
        'PARAMETERS_TOO_LARGE',
        'SUBMISSION_REFUSED',
        'VALUE_NOT_STORABLE',
      ] as const),
      ...(['OPTION_INVALID', 'PROVIDER_NOT_CONFIGURED'] as const),
      ...submissionRefusals,
    ],
    handle: async ({ engine, identity }, request, reply) => {
      const { taskId } = request.params
      const { parameters: sent } = request.body ?? {}
      const ended = await engine.tasks.get(taskId)
      const { taskType } = ended
      if (sent === undefined) requireOwnSubject(identity, ended)
      const parameters =
        sent === undefined ? undefined : await ownParameters(engine, identity, { taskType, parameters: sent })
      const options = defined({
        parameters,
        idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
        traceparent: traceparentFor(request),
        ...(parameters !== undefined && tagsFor(ended, parameters)),
      })
      return sendTask(reply, accepted(reply, await engine.tasks.rerun(taskId, options)), engine)
    },
  }),
]
