import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Engine, RetryTaskOptions } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { etagOf, ifMatchVersion } from '../request-headers.ts'
import { routesOf } from '../route.ts'
import { ifMatch } from '../schemas/fields.ts'
import { presentTask, taskParams, taskSchema } from '../schemas/task.ts'
import { sendTask } from './tasks.ts'

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
        .union([z.literal(true), z.array(z.string().min(1).max(200)).max(1_000)], {
          error: 'Give true, or a list of at most 1,000 keys of steps.',
        })
        .optional()
        .describe(
          'Finished steps that stay with other parameters: all, or those with these keys. Default none',
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
export async function sendRetried(reply: FastifyReply, engine: Engine, taskId: string, retried: number) {
  const record = await engine.tasks.get(taskId)
  reply.code(202).header('location', `/v1/tasks/${taskId}`).header('etag', etagOf(record.version))
  return { retried, task: presentTask(record) }
}

/** Returns the options of a retry, as the engine takes them. */
export function retryOptions(request: {
  body?: { parameters?: unknown; keepCheckpoints?: true | string[] | undefined } | null | undefined
  headers: { 'if-match'?: string | undefined }
}): RetryTaskOptions {
  const ifVersion = ifMatchVersion(request.headers['if-match'])
  const { parameters, keepCheckpoints } = request.body ?? {}
  return defined({ ifVersion, parameters, keepCheckpoints })
}

const { post } = routesOf('tasks')

/** Cancel and retry. */
export const taskActionRoutes = [
  post('/v1/tasks/:taskId([^:]+)::cancel', {
    summary: 'Cancel a task and everything below it',
    description:
      '200: it is cancelled. 202: its running attempt was asked to stop. A repeated request changes nothing.',
    params: taskParams,
    headers: z.object(ifMatch),
    sends: { 200: taskSchema, 202: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'TASK_NOT_FOUND', 'TASK_ALREADY_ENDED', 'TASK_CHANGED'],
    handle: async ({ engine }, { params: { taskId }, headers }, reply) => {
      const ifVersion = ifMatchVersion(headers['if-match'])
      await engine.tasks.cancel(taskId, defined({ ifVersion }))
      const record = await engine.tasks.get(taskId)
      reply.code(record.status === 'CANCELLED' ? 200 : 202)
      return sendTask(reply, record, engine)
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::retry', {
    ...retryRoute,
    summary: 'Run an ended task again, with those of its sub-tasks that did not complete',
    refuses: retryRefusals('TASK_NOT_FOUND'),
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      return sendRetried(reply, engine, taskId, await engine.tasks.retry(taskId, retryOptions(request)))
    },
  }),
]
