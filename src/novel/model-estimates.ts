/** What tasks are expected to use of models. */
import type { z } from 'zod'
import type { EmbeddingModel, LanguageModel } from '../ai/model.ts'
import { defined } from '../task/defined.ts'
import type { ExpectedUse } from './models/expected.ts'
import type { NovelServices } from './services.ts'

/** The expected use of one model by a task, rather too high than too low. */
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

/** The expected use of models by a task and its sub-tasks. Empty: it uses none. */
export interface Estimate {
  readonly byModel: readonly ModelEstimate[]
}

/** The estimate of quotations, lexical indexes, briefs, files and deletions, which need no model. */
export const noCalls: Estimate = { byModel: [] }

/** Returns the expected use of a model by some texts. */
export function estimateOf(model: LanguageModel | EmbeddingModel, uses: readonly ExpectedUse[]): Estimate {
  if (uses.length === 0) return noCalls
  const sum = (part: keyof ExpectedUse) => uses.reduce((total, use) => total + use[part], 0)
  const tokens = { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') }
  const cost = model.costOf(tokens)
  const priced =
    cost === undefined || model.price === undefined ? {} : { cost, currency: model.price.currency }
  return { byModel: [{ model: model.id, limit: model.limit, calls: sum('calls'), ...tokens, ...priced }] }
}

/** Returns the sum of two estimates, by model. */
export function merged({ byModel: some }: Estimate, { byModel: others }: Estimate): Estimate {
  const both = some.map(one => {
    const same = others.find(({ model }) => model === one.model)
    return same === undefined ? one : sumOf(one, same)
  })
  return { byModel: [...both, ...others.filter(({ model }) => !some.some(one => one.model === model))] }
}

function sumOf(one: ModelEstimate, other: ModelEstimate): ModelEstimate {
  const cost = one.cost === undefined || other.cost === undefined ? undefined : one.cost + other.cost
  const sums = {
    calls: one.calls + other.calls,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  }
  const { cost: _, ...rest } = one
  return { ...rest, ...sums, ...defined({ cost }) }
}

/** The input of an estimate: parameters as the schema of the type parsed them. */
export interface Asked<P> {
  readonly services: NovelServices
  readonly userId: string
  readonly parameters: P
  readonly signal: AbortSignal | undefined
}

/** The input of the estimate of a task type. */
export type AskedOf<Task extends { readonly parameters: z.ZodType }> = Asked<z.output<Task['parameters']>>
