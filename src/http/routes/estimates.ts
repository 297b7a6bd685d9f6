import { z } from 'zod'
import { type Estimate, estimateTask, type ModelEstimate } from '../../novel/estimate.ts'
import type { LimitUse } from '../../rate-limit/limiter.ts'
import { createSharedWork } from '../../runtime/shared-work.ts'
import { userActedAs } from '../identity.ts'
import { type AddRoute, type NovelContext, routesOf } from '../route.ts'
import { named, plainText } from '../schemas/fields.ts'
import { ownParameters } from '../scope.ts'

const sums = {
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cost: z.number().optional().describe('Absent where a price is not known'),
  currency: z.string().optional().describe('ISO 4217'),
  seconds: z.number().describe('Least delay by the rate limits, as they are used now; 0 where there is none'),
}

/** An estimate of the model calls of a task. */
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

/** Estimates that are made at the same time: each may read a book. */
const atOnce = 2

const addEstimate: AddRoute<NovelContext> = (app, context) => {
  const running = createSharedWork<Estimate>(atOnce)
  routesOf<NovelContext>('usage').post('/v1/estimates', {
    summary: 'Estimate the model calls of a task before it is submitted',
    needs: 'read',
    description:
      'An upper estimate, with all sub-tasks. Refuses what a submission would refuse. Calls no model.',
    body: z.strictObject({
      taskType: z.string().min(1).max(100),
      parameters: z.unknown().optional().describe('As they would be submitted; default `{}`'),
      userId: plainText(200)
        .optional()
        .describe('The owner; default: the user for whom the server acts, `local` if none is set'),
    }),
    sends: { 200: estimateSchema },
    refuses: [
      ...(['PARAMETERS_INVALID', 'TASK_TYPE_UNKNOWN', 'OPTION_INVALID'] as const),
      ...(['ESTIMATE_UNAVAILABLE', 'SUBMISSION_REFUSED', 'PROVIDER_NOT_CONFIGURED'] as const),
      ...([
        'NOVEL_NOT_FOUND',
        'CHAPTER_NOT_FOUND',
        'SCENE_NOT_FOUND',
        'SCENE_EMPTY',
        'SELECTION_NOT_FOUND',
      ] as const),
      ...(['UPLOAD_NOT_FOUND', 'MODEL_CONTEXT_EXCEEDED', 'PROMPT_INVALID'] as const),
    ],
    handle: async ({ engine, novels, identity }, { body, signal }) => {
      const { taskType, parameters: sent = {} } = body
      const userId = userActedAs(identity, body.userId)
      const parameters = await ownParameters(engine, identity, { taskType, parameters: sent })
      await engine.tasks.check(taskType, parameters, { userId })
      const make = (left: AbortSignal) => estimateTask(novels, { userId, taskType, parameters, signal: left })
      const estimate = await running.join(JSON.stringify([userId, taskType, sent]), make, signal)
      return presentEstimate(estimate, engine.limiter.describe(), engine.store.tasks.now())
    },
  })(app, context)
}

/** The estimates of novel tasks. */
export const estimateRoutes = [addEstimate]

/** An estimate as the API returns it. */
export type EstimateJson = z.output<typeof estimateSchema>

/** Returns the sums of an estimate, with the least delay by the rate limits as they are used now. */
export function presentEstimate(
  { byModel }: Estimate,
  limits: readonly LimitUse[],
  now: number,
): EstimateJson {
  const seconds = new Map(
    [...new Set(byModel.map(({ limit }) => limit))].map(key => [
      key,
      secondsUnder(
        limits.find(use => use.key === key),
        // Models of one account and name share a limit.
        byModel.filter(({ limit }) => limit === key),
        now,
      ),
    ]),
  )
  return {
    calls: sumOf(byModel, ({ calls }) => calls),
    inputTokens: sumOf(byModel, ({ inputTokens }) => inputTokens),
    outputTokens: sumOf(byModel, ({ outputTokens }) => outputTokens),
    ...totalCost(byModel),
    // Calls under one limit do not wait for those under another.
    seconds: Math.max(0, ...seconds.values()),
    byModel: byModel.map(model => ({ ...model, seconds: seconds.get(model.limit) ?? 0 })),
  }
}

function sumOf(models: readonly ModelEstimate[], part: (model: ModelEstimate) => number): number {
  return models.reduce((sum, model) => sum + part(model), 0)
}

/** Returns the total cost; nothing where a price is unknown or currencies differ. */
function totalCost(models: readonly ModelEstimate[]): { cost?: number; currency?: string } {
  const [first] = models
  if (first?.currency === undefined) return {}
  const isKnown = models.every(({ cost, currency }) => cost !== undefined && currency === first.currency)
  return isKnown ? { cost: sumOf(models, ({ cost = 0 }) => cost), currency: first.currency } : {}
}

const minute = 60

/**
 * Returns the seconds until the last of the calls can start: calls within the free capacity of this minute start at once, the rest at the
 * rate of the limit, all after the time until which the provider refuses calls. Ignores calls that wait already, and how long calls run.
 */
function secondsUnder(use: LimitUse | undefined, models: readonly ModelEstimate[], now: number): number {
  if (use === undefined) return 0
  const { requestsPerMinute, tokensPerMinute } = use.limit
  const parked = Math.max(0, ((use.parkedUntil ?? now) - now) / 1_000)
  const calls = waitFor(
    sumOf(models, model => model.calls),
    requestsPerMinute,
    use.requests,
  )
  const tokens = waitFor(
    sumOf(models, model => model.inputTokens + model.outputTokens),
    tokensPerMinute,
    use.tokens,
  )
  return Math.ceil(parked + Math.max(calls, tokens))
}

function waitFor(needed: number, perMinute: number | undefined, used: number): number {
  if (perMinute === undefined) return 0
  const free = Math.max(0, perMinute - used)
  return (Math.max(0, needed - free) / perMinute) * minute
}
