import { z } from 'zod'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'
import { limitsSchema } from './capabilities.ts'

const limitSchema = named(
  'Limit',
  z.object({
    key: z.string().describe('Its key: of a model, `provider:account:model`'),
    limit: limitsSchema,
    inFlight: z.int().describe('Calls that run'),
    waiting: z.int().describe('Tasks and searches that wait for a place'),
    requests: z.int().describe('Calls that count against the minute that ends now'),
    tokens: z.int().describe('Tokens that count against it'),
    parkedUntil: time.optional().describe('Set while no call is made, because the provider asked to wait'),
    isProbed: z
      .boolean()
      .optional()
      .describe('True until one call was answered, because the provider had asked for a longer wait'),
    isProbing: z.boolean().optional().describe('True while that call runs, and no other is made'),
  }),
)

/** A limit as the API returns it. */
export type LimitJson = z.output<typeof limitSchema>

const { get, post } = routesOf('limits')

/** The limits of calls, by key. */
export const limitRoutes = [
  get('/v1/limits', {
    summary: 'List the limits, and how much of them is in use',
    sends: { 200: z.object({ items: z.array(limitSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async ({ engine }) => ({ items: await engine.limits.list() }),
  }),
  post('/v1/limits::reset', {
    summary: 'Let the calls under a limit go on at once',
    description: 'Forgets that its provider asked to wait, and what counts against its minute.',
    body: z.strictObject({ key: z.string().min(1).max(500) }),
    sends: { 200: limitSchema },
    refuses: ['LIMIT_UNKNOWN', 'STORE_FAILED'],
    handle: ({ engine }, { body }) => engine.limits.reset(body.key),
  }),
]
