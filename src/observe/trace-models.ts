import { context, type Span, SpanKind } from '@opentelemetry/api'
import type { EmbeddingModel, LanguageModel, ModelChoice, SummaryModel } from '../ai/model.ts'
import type { Usage } from '../task/paid-call.ts'
import { sdkTracer } from './trace-context.ts'
import { codeOf, fail } from './tracing.ts'

/**
 * The same models, with a span for each call by OpenTelemetry's conventions for generative models
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/). Texts stay out. Without a registered SDK they are the models themselves.
 */
export function traceModels<C extends ModelChoice>(catalogue: C): C {
  if (sdkTracer() === undefined) return catalogue
  const traced: ModelChoice = {
    summaryModel: id => tracedSummary(catalogue.summaryModel(id)),
    languageModel: (use, id) => tracedLanguage(catalogue.languageModel(use, id)),
    summarizer(id) {
      const { kind, model } = catalogue.summarizer(id)
      return kind === 'extractive'
        ? { kind, model: tracedSummary(model) }
        : { kind, model: tracedLanguage(model) }
    },
    embeddingModel: id => tracedEmbedding(catalogue.embeddingModel(id)),
    indexer(id) {
      const indexer = catalogue.indexer(id)
      return indexer.kind === 'lexical' ? indexer : { ...indexer, model: tracedEmbedding(indexer.model) }
    },
  }
  return { ...catalogue, ...traced }
}

function tracedSummary(model: SummaryModel): SummaryModel {
  return {
    ...model,
    summarise: (request, options) =>
      watch({ name: 'summarize', model: model.id }, async span => {
        const summary = await model.summarise(request, options)
        span?.setAttribute('gen_ai.response.model', summary.model)
        recordUsage(span, summary.usage)
        return summary
      }),
  }
}

function tracedLanguage(model: LanguageModel): LanguageModel {
  const traced: Pick<LanguageModel, 'write'> = {
    write: (request, options) =>
      watch({ name: 'chat', model: model.id }, async span => {
        span?.setAttribute('gen_ai.request.max_tokens', request.maxOutputTokens)
        const answer = await model.write(request, options)
        const { providerModel } = answer.parameters
        if (providerModel !== undefined) span?.setAttribute('gen_ai.response.model', providerModel)
        span?.setAttribute('gen_ai.response.finish_reasons', [answer.finishReason])
        recordUsage(span, answer.usage)
        return answer
      }),
  }
  // Not a copy: its window changes when it is learned.
  return Object.assign(Object.create(model), traced)
}

function tracedEmbedding(model: EmbeddingModel): EmbeddingModel {
  return {
    ...model,
    embed: (texts, options) =>
      watch({ name: 'embeddings', model: model.id }, async span => {
        const embeddings = await model.embed(texts, options)
        recordUsage(span, embeddings.usage)
        return embeddings
      }),
  }
}

function recordUsage(span: Span | undefined, usage: Usage | undefined): void {
  if (usage === undefined) return
  span?.setAttribute('gen_ai.usage.input_tokens', usage.inputTokens)
  span?.setAttribute('gen_ai.usage.output_tokens', usage.outputTokens)
}

/** One call under a span; the operation is named as the conventions name it. */
async function watch<T>(
  { name, model }: { name: string; model: string },
  call: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = sdkTracer()?.startSpan(
    `${name} ${model}`,
    {
      kind: SpanKind.CLIENT,
      attributes: { 'gen_ai.operation.name': name, 'gen_ai.request.model': model },
    },
    context.active(),
  )
  try {
    return await call(span)
  } catch (error) {
    if (span !== undefined) fail(span, codeOf(error))
    throw error
  } finally {
    span?.end()
  }
}
