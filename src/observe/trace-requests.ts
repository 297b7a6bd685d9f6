import type { IncomingMessage } from 'node:http'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer as SpanMaker,
  trace,
} from '@opentelemetry/api'
import { sdkTracer, traceparentOf } from './trace-context.ts'
import { fail } from './tracing.ts'

/** The trace of one request. */
export interface RequestTrace {
  readonly traceId: string
  /** W3C trace context of the request: what it causes belongs to it. */
  readonly traceparent: string
  /** Handles the request within that context. */
  run(handle: () => void): void
  /** The answer was sent, or the client has gone. `route` is the pattern of the address. */
  end(route: string | undefined, status: number): void
}

/** Begins the trace of a request. */
export type RequestTracer = (request: IncomingMessage) => RequestTrace

/**
 * Makes a span for each request, by OpenTelemetry's conventions for HTTP servers, in the trace that the caller's headers name.
 * Where an instrumentation of Node has made one already, that one stands. Undefined when no SDK is registered.
 */
export function requestTracer(): RequestTracer | undefined {
  const spans = sdkTracer()
  return spans === undefined ? undefined : request => begin(spans, request)
}

function begin(spans: SpanMaker, request: IncomingMessage): RequestTrace {
  const active = trace.getActiveSpan()
  if (active !== undefined) return { ...idsOf(active), run: handle => handle(), end: () => undefined }
  const { method = 'GET', url = '/' } = request
  const span = spans.startSpan(
    method,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': method,
        'url.path': url.split('?', 1)[0] ?? '/',
        'url.scheme': 'http',
      },
    },
    propagation.extract(ROOT_CONTEXT, request.headers),
  )
  return {
    ...idsOf(span),
    run: handle => context.with(trace.setSpan(ROOT_CONTEXT, span), handle),
    end(route, status) {
      if (route !== undefined) {
        span.updateName(`${method} ${route}`)
        span.setAttribute('http.route', route)
      }
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) fail(span, String(status))
      span.end()
    },
  }
}

function idsOf(span: Span) {
  return { traceId: span.spanContext().traceId, traceparent: traceparentOf(span) }
}
