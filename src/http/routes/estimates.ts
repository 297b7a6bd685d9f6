import { z } from 'zod'
import { estimateTask } from '../../novel/estimate.ts'
import type { App, NovelContext } from '../context.ts'
import { presentEstimate } from '../present-estimate.ts'
import { plainText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'
import { named } from '../schemas/registry.ts'

const sums = {
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cost: z.number().optional().describe('Absent where a price is not known'),
  currency: z.string().optional().describe('ISO 4217'),
  seconds: z
    .number()
    .describe('How long the limits hold it up at least, by what is free now; 0 where they do not'),
}

/** What a task will ask of models. */
export const estimateSchema = named(
  'Estimate',
  z.object({
    ...sums,
    cost: sums.cost.describe('Absent where a price is not known, or prices have several currencies'),
    byModel: z.array(
      z.object({ model: z.string(), limit: z.string().describe('Key of its limits'), ...sums }),
    ),
  }),
)

const estimateRequestSchema = {
  tags: ['usage'],
  summary: 'Tell what a task will ask of models, before it is submitted',
  description:
    'Rather too much than too little, with all tasks below it. What a submission would refuse is refused. No call of a model is made.',
  body: z.strictObject({
    taskType: z.string().min(1).max(100),
    parameters: z.unknown().optional().describe('As they would be submitted; default `{}`'),
    userId: plainText(200).optional().describe('The owner; default the user of the request'),
  }),
  response: {
    200: estimateSchema,
    ...problems(
      ...(['REQUEST_INVALID', 'PARAMETERS_INVALID', 'TASK_TYPE_UNKNOWN', 'OPTION_INVALID'] as const),
      ...(['REQUEST_TOO_LARGE', 'REQUEST_TIMEOUT', 'MEDIA_TYPE_UNSUPPORTED'] as const),
      ...(['ESTIMATE_UNAVAILABLE', 'SUBMISSION_REFUSED', 'PROVIDER_NOT_CONFIGURED'] as const),
      ...(['NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'SCENE_NOT_FOUND', 'SCENE_EMPTY'] as const),
      ...(['UPLOAD_NOT_FOUND', 'MODEL_CONTEXT_EXCEEDED'] as const),
    ),
  },
}

/** What novel tasks will ask of models. */
export function addEstimateRoutes(app: App, { engine, novels, settings }: NovelContext): void {
  app.post('/v1/estimates', { schema: estimateRequestSchema }, async request => {
    const { taskType, parameters = {}, userId = settings.userId } = request.body
    await engine.tasks.check(taskType, parameters, { userId })
    const estimate = await estimateTask(novels, { userId, taskType, parameters })
    return presentEstimate(estimate, engine.limiter.describe(), engine.store.tasks.now())
  })
}
