import { defined } from '../task/defined.ts'
import { type ErrorCode, QuillworkError } from '../task/errors.ts'
import type { Usage } from '../task/paid-call.ts'
import { messageOf } from '../task/thrown.ts'
import type { ModelCatalogue, ModelDescription } from './catalogue.ts'
import { ModelError } from './model-error.ts'

/** How one small call of a model went. */
export interface Trial {
  readonly id: string
  readonly ok: boolean
  /** How long the call took, milliseconds. */
  readonly ms: number
  /** The beginning of what it answered; absent of vectors. */
  readonly says?: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** In `currency`, where a price is configured. */
  readonly cost?: number
  readonly currency?: string
  /** What went wrong, and what to do. */
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

/** Enough for models that think before they answer; the answer is one word. */
const mostTokens = 1_024

/** Characters of an answer that are told. */
const longestSaid = 200

/** Milliseconds that a model may take for one word; one that takes longer has failed with MODEL_STALLED. */
const longestTrial = 120_000

/** Asks a model for one word, or for the vectors of one word as a passage and as a query, outside all limits and budgets. Rejects only when aborted. */
export async function tryModel(
  models: ModelCatalogue,
  description: ModelDescription,
  signal: AbortSignal,
  longest = longestTrial,
): Promise<Trial> {
  const { id, price } = description
  const startedAt = performance.now()
  const elapsed = () => Math.round(performance.now() - startedAt)
  const late = AbortSignal.timeout(longest)
  try {
    const { usage, says } = await ask(models, description, AbortSignal.any([signal, late]))
    return { id, ok: true, ms: elapsed(), ...defined({ says }), ...spent(usage, price?.currency) }
  } catch (error) {
    signal.throwIfAborted()
    const code = late.aborted ? 'MODEL_STALLED' : error instanceof QuillworkError ? error.code : 'INTERNAL'
    const message = late.aborted ? `The model did not finish one word in ${longest} ms.` : messageOf(error)
    return { id, ok: false, ms: elapsed(), error: { code, message } }
  }
}

async function ask(
  models: ModelCatalogue,
  { id, uses }: ModelDescription,
  signal: AbortSignal,
): Promise<{ usage?: Usage | undefined; says?: string }> {
  if (uses.includes('embedding')) {
    const model = models.embeddingModel(id)
    const passage = await model.embed(['ready'], { signal })
    // Queries may use another model of the provider, which may be missing.
    const query = await model.embed(['ready'], { signal, purpose: 'query' })
    return { usage: bothOf(passage.usage, query.usage) }
  }
  const model = models.languageModel(uses.includes('prose') ? 'prose' : 'summary', id)
  let says = ''
  let usage: Usage | undefined
  try {
    const request = {
      prompt: 'Answer with this one word: ready',
      maxOutputTokens: Math.min(model.maxOutputTokens, mostTokens),
    }
    const answer = await model.write(request, {
      signal,
      onText: text => {
        says += text
      },
      onPartialUsage: used => {
        usage = used
      },
    })
    usage = answer.usage
  } catch (error) {
    // One that does not stop after a word can write all the same.
    if (!(error instanceof ModelError && error.code === 'MODEL_ANSWER_TRUNCATED' && says.trim() !== ''))
      throw error
  }
  return { usage, says: says.trim().slice(0, longestSaid) }
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
