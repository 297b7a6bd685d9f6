import type { ModelCatalogue, ModelDescription } from '../ai/catalogue.ts'
import type { Usage } from '../index.ts'
import { defined } from '../task/defined.ts'
import { codedError } from './exit-codes.ts'

/** How one small call of a model went. */
export interface Trial {
  readonly id: string
  readonly ok: boolean
  /** How long the call took, milliseconds. */
  readonly ms: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** In `currency`, where a price is configured. */
  readonly cost?: number
  readonly currency?: string
  /** What went wrong, and what to do. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** Enough for models that think before they answer; the answer is one word. */
const mostTokens = 1_024

/** Asks a model for one word, or for the vectors of one word as a passage and as a query, outside all limits and budgets. Rejects only when aborted. */
export async function tryModel(
  models: ModelCatalogue,
  description: ModelDescription,
  signal: AbortSignal,
): Promise<Trial> {
  const { id, price } = description
  const startedAt = performance.now()
  const elapsed = () => Math.round(performance.now() - startedAt)
  try {
    const usage = await ask(models, description, signal)
    return { id, ok: true, ms: elapsed(), ...spent(usage, price?.currency) }
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = codedError(error)
    return { id, ok: false, ms: elapsed(), error: { code, message } }
  }
}

async function ask(
  models: ModelCatalogue,
  { id, uses }: ModelDescription,
  signal: AbortSignal,
): Promise<Usage | undefined> {
  if (uses.includes('embedding')) {
    const model = models.embeddingModel(id)
    const passage = await model.embed(['ready'], { signal })
    // Queries may use another model of the provider, which may be missing.
    const query = await model.embed(['ready'], { signal, purpose: 'query' })
    return bothOf(passage.usage, query.usage)
  }
  const model = models.languageModel(uses.includes('prose') ? 'prose' : 'summary', id)
  const { usage } = await model.write(
    {
      prompt: 'Answer with this one word: ready',
      maxOutputTokens: Math.min(model.maxOutputTokens, mostTokens),
    },
    { signal },
  )
  return usage
}

function bothOf(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const tokens = {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  }
  const cost = one.cost === undefined || other.cost === undefined ? undefined : one.cost + other.cost
  return { model: one.model, ...tokens, ...defined({ cost }) }
}

function spent(usage: Usage | undefined, currency: string | undefined) {
  if (usage === undefined) return {}
  const { inputTokens, outputTokens, cost } = usage
  const paid = cost === undefined || currency === undefined ? {} : { cost, currency }
  return { inputTokens, outputTokens, ...paid }
}

/** Returns a trial as one line. */
export function trialText({ ms, inputTokens, outputTokens, cost, currency, error }: Trial): string {
  if (error !== undefined) return `${error.code}: ${error.message}`
  const tokens = inputTokens === undefined ? [] : [`${inputTokens} tokens in, ${outputTokens} out`]
  const money = cost === undefined ? [] : [`${Number(cost.toPrecision(2))} ${currency}`]
  return [`answered in ${ms} ms`, ...tokens, ...money].join(', ')
}
