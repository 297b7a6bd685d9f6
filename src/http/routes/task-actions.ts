import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Engine } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { ApiContext, App } from '../context.ts'
import { etagOf, ifMatchVersion } from '../request-headers.ts'
import { ifMatch } from '../schemas/fields.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { presentTask, taskParams, taskSchema } from '../schemas/task.ts'
import { sendTask } from './tasks.ts'

const tags = ['tasks']

/** Adds cancel and retry. */
export function addTaskActionRoutes(app: App, context: ApiContext): void {
  cancelTask(app, context)
  retryTask(app, context)
}

const cancelSchema = {
  tags,
  summary: 'Cancel a task and everything below it',
  description:
    '200: it is cancelled. 202: its running attempt was asked to stop. A repeated request changes nothing.',
  params: taskParams,
  headers: z.object(ifMatch),
  response: {
    200: taskSchema,
    202: taskSchema,
    ...problems(
      'REQUEST_INVALID',
      'IF_MATCH_INVALID',
      'TASK_NOT_FOUND',
      'TASK_ALREADY_ENDED',
      'TASK_CHANGED',
    ),
  },
}

function cancelTask(app: App, { engine }: ApiContext): void {
  app.post('/v1/tasks/:taskId([^:]+)::cancel', { schema: cancelSchema }, async (request, reply) => {
    const { taskId } = request.params
    const ifVersion = ifMatchVersion(request.headers['if-match'])
    await engine.tasks.cancel(taskId, defined({ ifVersion }))
    const record = await engine.tasks.get(taskId)
    reply.code(record.status === 'CANCELLED' ? 200 : 202)
    return sendTask(reply, record, engine)
  })
}

/** The body of a retry. */
export const retryBody = z
  .strictObject({
    parameters: z
      .unknown()
      .optional()
      .describe('Runs with these instead; the closed dead letter keeps the submitted ones'),
  })
  .nullish()

/** The response of a retry. */
export const retryResult = z.object({
  retried: z.int().describe('Tasks that run again: this one, and its sub-tasks that did not complete'),
  task: taskSchema,
})

const retrySchema = {
  tags,
  summary: 'Run an ended task again, with those of its sub-tasks that did not complete',
  params: taskParams,
  headers: z.object(ifMatch),
  body: retryBody,
  response: {
    202: retryResult,
    ...problems(
      ...bodyProblems,
      'IF_MATCH_INVALID',
      'PARAMETERS_INVALID',
      'TASK_TYPE_UNKNOWN',
      'TASK_NOT_FOUND',
      'TASK_NOT_RETRYABLE',
      'TASK_CHANGED',
    ),
  },
}

function retryTask(app: App, { engine }: ApiContext): void {
  app.post('/v1/tasks/:taskId([^:]+)::retry', { schema: retrySchema }, async (request, reply) => {
    const { taskId } = request.params
    const retried = await engine.tasks.retry(taskId, retryOptions(request))
    return sendRetried(reply, engine, taskId, retried)
  })
}

/** Responds to a retry: how many tasks run again, and the task as it is now. */
export async function sendRetried(reply: FastifyReply, engine: Engine, taskId: string, retried: number) {
  const record = await engine.tasks.get(taskId)
  reply.code(202).header('location', `/v1/tasks/${taskId}`).header('etag', etagOf(record.version))
  return { retried, task: presentTask(record) }
}

/** Returns the options of a retry, as the engine takes them. */
export function retryOptions(request: {
  body?: { parameters?: unknown } | null | undefined
  headers: { 'if-match'?: string | undefined }
}): { parameters?: unknown; ifVersion?: number } {
  const ifVersion = ifMatchVersion(request.headers['if-match'])
  return defined({ ifVersion, parameters: request.body?.parameters })
}
