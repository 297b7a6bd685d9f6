import { z } from 'zod'
import { importSample, listSamples, type Sample } from '../../novel/samples.ts'
import { idempotencyKeyHeader, idempotencyKeyOf } from '../request-headers.ts'
import { type AddRoute, type NovelContext, routesOf } from '../route.ts'
import { named, plainText } from '../schemas/fields.ts'
import { traceparentFor } from '../trace.ts'
import { submissionRefusals } from './tasks.ts'

const sampleSchema = named(
  'Sample',
  z.object({
    name: z.string(),
    title: z.string(),
    language: z.string().optional().describe('BCP 47'),
    chapters: z.int(),
    words: z.int(),
  }),
)

const { get, post } = routesOf<NovelContext>('novels')

/** The samples never change, so they are read once. After a failure they are read again. */
const addList: AddRoute<NovelContext> = (app, context) => {
  let known: Promise<Sample[]> | undefined
  get('/v1/samples', {
    summary: 'List the sample texts of the server, which can be imported by name',
    sends: { 200: z.object({ items: z.array(sampleSchema) }) },
    handle: async ({ samples }) => {
      known ??= listSamples(samples).catch(error => {
        known = undefined
        throw error
      })
      return { items: await known }
    },
  })(app, context)
}

/** The sample texts of the server. */
export const sampleRoutes = [
  addList,
  post('/v1/samples/:name([^:]+)::import', {
    summary: 'Import a sample as a novel',
    description: 'Each import makes a novel. With an Idempotency-Key, a repeated import finds the first one.',
    params: z.object({ name: plainText(100) }),
    headers: z.object(idempotencyKeyHeader),
    sends: { 202: z.object({ taskId: z.string(), novelId: z.string() }) },
    refuses: ['ROUTE_NOT_FOUND', ...submissionRefusals],
    handle: async ({ engine, novels, samples, userId }, request, reply) => {
      const { taskId, novelId, isNew } = await importSample(engine, novels, {
        folder: samples,
        name: request.params.name,
        userId,
        idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
        traceparent: traceparentFor(request),
      })
      if (!isNew) reply.header('idempotency-replayed', 'true')
      reply.code(202).header('location', `/v1/tasks/${taskId}`)
      return { taskId, novelId }
    },
  }),
]
