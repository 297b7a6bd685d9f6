import { z } from 'zod'
import type { ModelDescription } from '../../ai/catalogue.ts'

const limitsSchema = z.object({
  requestsPerMinute: z.number().optional(),
  tokensPerMinute: z.number().optional(),
  concurrency: z.number().optional(),
})

/** Why a model cannot be used. */
export const modelProblemSchema = z.object({
  cause: z
    .string()
    .describe('`KEY_NOT_SET`, `KEY_NOT_STORED`, `KEY_MALFORMED`, `KEYS_UNREADABLE`; more may come to be'),
  key: z.string().describe('Where its key is looked for: `env:NAME` or `stored:NAME`'),
  message: z.string().describe('Why, and what to do about it'),
})

/** A model, without its key and where it is called. */
export const modelSchema = z.object({
  id: z.string(),
  provider: z.string().describe('Who answers; `built-in`: a part of the product, with no network'),
  model: z.string().describe('Its name at the provider'),
  uses: z.array(z.string()).describe('What it may be used for: `prose`, `summary`, `embedding`'),
  defaultFor: z.array(z.string()).describe('The uses for which it is taken where a request names no model'),
  method: z.enum(['extractive', 'generative']).optional(),
  dimensions: z.int().optional(),
  contextTokens: z.int().optional().describe('Tokens of prompt and answer together'),
  maxOutputTokens: z.int().optional(),
  limit: z.string().optional().describe('Key of its limits'),
  limits: limitsSchema.optional(),
  price: z
    .object({ input: z.number(), output: z.number(), currency: z.string() })
    .optional()
    .describe('Per million tokens'),
  fallbacks: z.array(z.object({ model: z.string(), on: z.array(z.string()) })).optional(),
  problem: modelProblemSchema.optional().describe('Why it cannot be used; absent: it can'),
})

/** A model as the API tells it. */
export function presentModel(model: ModelDescription): z.input<typeof modelSchema> {
  const { uses, defaultFor, fallbacks, ...rest } = model
  return {
    ...rest,
    uses: [...uses],
    defaultFor: [...defaultFor],
    ...(fallbacks === undefined
      ? {}
      : { fallbacks: fallbacks.map(fallback => ({ model: fallback.model, on: [...fallback.on] })) }),
  }
}
