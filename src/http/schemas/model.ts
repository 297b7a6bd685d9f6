import { z } from 'zod'
import { limitsSchema } from '../routes/capabilities.ts'
import { named, plainText } from './fields.ts'

/** An id of a kept model in a path. */
export const modelParams = z.object({ modelId: z.string().min(1).max(100) })

const embeddedAs = z.strictObject({ prefix: z.string().optional(), taskType: z.string().optional() })
const waits = z.union([z.number(), z.string()]).describe('Milliseconds, or a text such as `60s`')
const tokens = z.int().min(1)

/** The fields of a model, as the configuration has them. What they mean together is checked where they are kept. */
const modelFields = named(
  'ModelFields',
  z
    .strictObject({
      provider: z.enum(['openai-compatible', 'openai', 'anthropic', 'google']),
      model: plainText(200).describe('Its name at the provider'),
      baseUrl: plainText(2_000).optional().describe('Address of the API; `openai-compatible` needs it'),
      uses: z.array(z.enum(['prose', 'summary', 'embedding'])).optional(),
      privateNetwork: z
        .boolean()
        .optional()
        .describe('Whether the address may lead to this machine or into a private network'),
      account: z.string().optional(),
      contextTokens: tokens.optional().describe('Default: as its server tells'),
      maxOutputTokens: tokens.optional(),
      thinkingTokens: z.int().min(0).optional(),
      dimensions: tokens.optional(),
      passage: embeddedAs.optional(),
      query: embeddedAs.extend({ model: z.string().optional() }).optional(),
      temperature: z.number().optional(),
      price: z
        .strictObject({
          input: z.number(),
          cachedInput: z.number().optional(),
          output: z.number().optional(),
          currency: z.string(),
        })
        .optional()
        .describe('Per million tokens'),
      limits: limitsSchema.strict().optional(),
      fallbacks: z.array(z.strictObject({ model: z.string(), on: z.array(z.string()) })).optional(),
      timeouts: z
        .strictObject({ first: waits.optional(), idle: waits.optional(), total: waits.optional() })
        .optional(),
    })
    .describe('As in the setting `models`, without `key`'),
)

/** A key that goes in. */
const givenKey = z
  .string()
  .min(1)
  .max(4_096)
  .nullable()
  .optional()
  .describe('A new key, which is never sent back; null removes it. Absent: as it is')

/** What is written of a model. */
export const modelChange = named('ModelChange', z.strictObject({ fields: modelFields, key: givenKey }))

/** A trial of a model as it is used, or as it would be. */
export const modelTest = z.strictObject({ change: modelChange.optional() })

/** All models that are kept. */
export const keptModels = named(
  'KeptModels',
  z.object({
    version: z.int(),
    items: z.array(
      z.object({
        id: z.string(),
        fields: modelFields,
        key: z
          .object({
            lastCharacters: z.string().describe('At most 4, none of a short key'),
            origin: z.string().describe('Where it may go'),
          })
          .optional(),
        isOverruled: z.boolean().describe('The configuration of the server has a model with this id'),
        problem: z.string().optional().describe('Why it is not used, and what to do'),
      }),
    ),
  }),
)

/** How a call went. */
export const modelTrial = named(
  'ModelTrial',
  z.object({
    id: z.string(),
    ok: z.boolean(),
    ms: z.int().describe('How long the call took'),
    says: z.string().optional().describe('The beginning of its answer'),
    inputTokens: z.int().optional(),
    outputTokens: z.int().optional(),
    cost: z.number().optional(),
    currency: z.string().optional(),
    window: z.int().optional().describe('Tokens of prompt and answer together, where its server tells them'),
    names: z.array(z.string()).optional().describe('Names of the models that its server lists'),
    error: z
      .object({ code: z.string(), message: z.string().describe('What went wrong, and what to do') })
      .optional(),
  }),
)
