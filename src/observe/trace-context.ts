import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { readTraceparent } from '../task/trace-context.ts'

/** The tracer of the registered SDK; undefined while there is none. Then nothing needs to be traced. */
export function sdkTracer(): Tracer | undefined {
  const tracer = trace.getTracer('quillwork')
  // The API does not tell whether an SDK is registered; without one, a span has no ids. A span that never ends is never exported.
  return isSpanContextValid(tracer.startSpan('probe', { root: true }).spanContext()) ? tracer : undefined
}

/** The context that a W3C `traceparent` names, as that of a step elsewhere; undefined for a text that is none. */
export function remoteContext(traceparent: string | undefined): SpanContext | undefined {
  const read = readTraceparent(traceparent)
  if (read === undefined) return undefined
  const { traceId, spanId, flags } = read
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

/** A context in which that step is the parent of what follows; the root for none. */
export function below(parent: SpanContext | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
}

/** The W3C `traceparent` of a span (https://www.w3.org/TR/trace-context/#traceparent-header). */
export function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
