import { z } from 'zod'
import { importSample, listSamples, type Sample } from '../../novel/samples.ts'
import type { App, NovelContext } from '../context.ts'
import { idempotencyKeyHeader, idempotencyKeyOf } from '../request-headers.ts'
import { named, plainText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'
import { traceparentFor } from '../trace.ts'

const tags = ['novels']

/** Adds the sample texts of the server. */
export function addSampleRoutes(app: App, context: NovelContext): void {
  listAll(app, context)
  importOne(app, context)
}

const listSchema = {
  tags,
  summary: 'List the sample texts of the server, which can be imported by name',
  response: {
    200: z.object({
      items: z.array(
        named(
          'Sample',
          z.object({
            name: z.string(),
            title: z.string(),
            language: z.string().optional().describe('BCP 47'),
            chapters: z.int(),
            words: z.int(),
          }),
        ),
      ),
    }),
    ...problems(),
  },
}

function listAll(app: App, { samples }: NovelContext): void {
  let known: Promise<Sample[]> | undefined
  app.get('/v1/samples', { schema: listSchema }, async () => {
    // The samples never change. After a failure they are read again.
    known ??= listSamples(samples).catch(error => {
      known = undefined
      throw error
    })
    return { items: await known }
  })
}

const importSchema = {
  tags,
  summary: 'Import a sample as a novel',
  description: 'Each import makes a novel. With an Idempotency-Key, a repeated import finds the first one.',
  params: z.object({ name: plainText(100) }),
  headers: z.object(idempotencyKeyHeader),
  response: {
    202: z.object({ taskId: z.string(), novelId: z.string() }),
    ...problems(
      'REQUEST_INVALID',
      'ROUTE_NOT_FOUND',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
      'LANE_QUEUE_FULL',
      'STORE_FULL',
    ),
  },
}

function importOne(app: App, { engine, novels, samples, settings }: NovelContext): void {
  app.post('/v1/samples/:name([^:]+)::import', { schema: importSchema }, async (request, reply) => {
    const { taskId, novelId, isNew } = await importSample(engine, novels, {
      folder: samples,
      name: request.params.name,
      userId: settings.userId,
      idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
      traceparent: traceparentFor(request),
    })
    if (!isNew) reply.header('idempotency-replayed', 'true')
    reply.code(202).header('location', `/v1/tasks/${taskId}`)
    return { taskId, novelId }
  })
}
