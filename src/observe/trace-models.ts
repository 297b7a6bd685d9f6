import { context, SpanKind } from '@opentelemetry/api'
import type { Summary, SummaryModel } from '../ai/model.ts'
import { sdkTracer } from './trace-context.ts'
import { codeOf, fail } from './tracing.ts'

/**
 * The same models, with a span for each call by OpenTelemetry's conventions for generative models
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/). Texts stay out. Without a registered SDK they are the models themselves.
 */
export function traceModels<C extends { summaryModel(id?: string): SummaryModel }>(catalogue: C): C {
  if (sdkTracer() === undefined) return catalogue
  return { ...catalogue, summaryModel: id => traced(catalogue.summaryModel(id)) }
}

function traced(model: SummaryModel): SummaryModel {
  return {
    ...model,
    summarise: (request, options) => watch(model.id, () => model.summarise(request, options)),
  }
}

async function watch(model: string, call: () => Promise<Summary>): Promise<Summary> {
  const name = 'summarize'
  const span = sdkTracer()?.startSpan(
    `${name} ${model}`,
    {
      kind: SpanKind.CLIENT,
      attributes: { 'gen_ai.operation.name': name, 'gen_ai.request.model': model },
    },
    context.active(),
  )
  try {
    const summary = await call()
    span?.setAttribute('gen_ai.response.model', summary.model)
    if (summary.usage !== undefined) {
      span?.setAttribute('gen_ai.usage.input_tokens', summary.usage.inputTokens)
      span?.setAttribute('gen_ai.usage.output_tokens', summary.usage.outputTokens)
    }
    return summary
  } catch (error) {
    if (span !== undefined) fail(span, codeOf(error))
    throw error
  } finally {
    span?.end()
  }
}
