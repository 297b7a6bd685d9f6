import type { EmbeddingModel, EmbeddingPurpose, Embeddings, LanguageModel } from '../../ai/model.ts'
import type { TaskContext } from '../../index.ts'
import {
  beginCall,
  type CallsContext,
  callUnderLimits,
  endCall,
  nextCall,
  reportRefusal,
  settleCutCalls,
} from './calls.ts'
import { startByTokens } from './context.ts'

/**
 * Returns the vectors of some texts from one call, under the budget of the tree and the rate limit of the model. Records the usage under its
 * subject, the id of the novel, also of a failed call. `unit` is the key of the checkpoint that they become. Throws `ModelError`, what `ctx.call` throws, and the signal's reason.
 */
export async function embedTexts(
  ctx: CallsContext & Pick<TaskContext, 'call'>,
  {
    model,
    texts,
    subject,
    unit,
    purpose = 'passage',
    otherModel = () => undefined,
  }: {
    model: EmbeddingModel
    texts: readonly string[]
    subject: string
    unit: string
    /** Default: `passage`. */
    purpose?: EmbeddingPurpose
    /** Finds other models of the task, for calls of theirs that were cut off. Default: it has none. */
    otherModel?: (id: string) => LanguageModel | undefined
  },
): Promise<Embeddings> {
  const inputTokens = texts.reduce((sum, text) => sum + model.countTokens(text, purpose), 0)
  const modelOf = (id: string) => (id === model.id ? model : otherModel(id))
  await settleCutCalls(ctx, { unit, subject, modelOf })
  const name = await nextCall(ctx, unit)
  const most = { inputTokens, outputTokens: 0 }
  return callUnderLimits(ctx, model, { name, subject, most }, async call => {
    try {
      await beginCall(ctx, name, { unit, model: model.id, inputTokens })
      const embeddings = await model.embed(texts, { purpose, signal: ctx.signal, onPartialUsage: call.used })
      call.used(embeddings.usage)
      return embeddings
    } catch (error) {
      if (ctx.signal.aborted) throw error
      reportRefusal(call, error)
      await endCall(ctx, name)
      throw error
    }
  })
}

/** Returns the most tokens of one call: a model on a small machine needs a minute for them, and a large one is not called too often. */
export function batchTokens({ maxTokens = most }: Pick<EmbeddingModel, 'maxTokens'>): number {
  return Math.min(most, maxTokens)
}

const most = 8_000

/** Returns as much of a query as one call takes. */
export function queryText(model: Pick<EmbeddingModel, 'countTokens' | 'maxTokens'>, query: string): string {
  return startByTokens(query.trim(), batchTokens(model), text => model.countTokens(text, 'query'))
}

/** The texts of one call. */
export interface TextBatch {
  /** Place of the first one. */
  readonly first: number
  readonly texts: readonly string[]
}

/** Divides texts into calls, in order, by the bounds of the model on texts and tokens. */
export function* textBatches(
  model: Pick<EmbeddingModel, 'countTokens' | 'maxTexts' | 'maxTokens'>,
  texts: readonly string[],
): Generator<TextBatch, void> {
  const mostTokens = batchTokens(model)
  let first = 0
  let tokens = 0
  for (const [place, text] of texts.entries()) {
    const more = model.countTokens(text)
    if (place > first && (place - first === model.maxTexts || tokens + more > mostTokens)) {
      yield { first, texts: texts.slice(first, place) }
      first = place
      tokens = 0
    }
    tokens += more
  }
  if (first < texts.length) yield { first, texts: texts.slice(first) }
}
