import { z } from 'zod'
import { QuillworkError, type TaskType } from '../index.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { generateSummary } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import { parseFile } from './parse-file.ts'
import type { NovelServices } from './services.ts'
import { vectorize } from './vectorize.ts'

/** What a task will ask of one model, rather too much than too little. */
export interface ModelEstimate {
  /** Id of the model. */
  readonly model: string
  /** Key of its limits. */
  readonly limit: string
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** In `currency`; absent where no price is known. */
  readonly cost?: number
  /** ISO 4217. */
  readonly currency?: string
}

/** What a task will ask of models, with all below it. Empty: it asks none. */
export interface Estimate {
  readonly byModel: readonly ModelEstimate[]
}

/** A task that is not submitted yet. */
export interface EstimateRequest {
  readonly userId: string
  readonly taskType: string
  /** As they would be submitted. */
  readonly parameters: unknown
}

/** What an estimate is made from: parameters as the schema of the type parsed them. */
interface Asked<P> {
  readonly services: NovelServices
  readonly userId: string
  readonly parameters: P
}

type Estimator = (services: NovelServices, request: EstimateRequest) => Promise<Estimate>

/** Quotes, index terms and files need no model. */
const noCalls: Estimate = { byModel: [] }

/** One per task type of the novel; a test holds the list against `novelTasks`. */
const estimators: ReadonlyMap<string, Estimator> = new Map([
  estimator(importNovel, async () => noCalls),
  estimator(parseFile, async () => noCalls),
  estimator(batchGenerateSummary, async () => noCalls),
  estimator(generateSummary, async () => noCalls),
  estimator(vectorize, async () => noCalls),
])

function estimator<P extends z.ZodType>(
  { type, parameters: schema }: TaskType<P>,
  estimate: (asked: Asked<z.output<P>>) => Promise<Estimate>,
): [string, Estimator] {
  return [
    type,
    async (services, { userId, parameters }) => {
      const parsed = await schema.safeParseAsync(parameters)
      if (parsed.success) return estimate({ services, userId, parameters: parsed.data })
      throw new QuillworkError(
        'PARAMETERS_INVALID',
        `The parameters of ${type} are not valid: ${z.prettifyError(parsed.error)}`,
      )
    },
  ]
}

/**
 * What a task will ask of models, told before it is submitted. Throws ESTIMATE_UNAVAILABLE for a type of which nobody can tell,
 * PARAMETERS_INVALID, PROVIDER_NOT_CONFIGURED, and what is wrong with the novel or scene that it names.
 */
export async function estimateTask(services: NovelServices, request: EstimateRequest): Promise<Estimate> {
  const estimate = estimators.get(request.taskType)
  if (estimate !== undefined) return estimate(services, request)
  throw new QuillworkError(
    'ESTIMATE_UNAVAILABLE',
    `Nobody can tell beforehand what a ${request.taskType} will ask of models; those of ${[...estimators.keys()].join(', ')} can be estimated.`,
  )
}
