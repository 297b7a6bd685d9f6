import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RequestTrace, RequestTracer } from '../observe/trace-requests.ts'

/** The form of a W3C trace context header (https://www.w3.org/TR/trace-context/#traceparent-header). */
const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** The trace id of a `traceparent`; undefined for anything that is not one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : traceparentForm.exec(traceparent)?.[1]
}

/** Where spans are made for requests, those of requests on their way. */
const traces = new WeakMap<IncomingMessage, RequestTrace>()

/**
 * Names requests: by the trace id that the caller sent, or by a new one. With a tracer, each request of the API has a span from here to
 * the end of its answer.
 */
export function requestNames(tracer: RequestTracer | undefined): (request: IncomingMessage) => string {
  return request => {
    if (tracer === undefined || request.url?.startsWith('/v1/') !== true)
      return traceIdOf(headerOf(request)) ?? randomBytes(16).toString('hex')
    const trace = tracer(request)
    traces.set(request, trace)
    return trace.traceId
  }
}

/** Handles each request that has a span within it, and ends the span with the answer. */
export function addTraces(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const trace = traces.get(request.raw)
    if (trace === undefined) return done()
    reply.raw.once('close', () => trace.end(request.routeOptions.url, reply.raw.statusCode))
    trace.run(done)
  })
}

/**
 * The trace context that a submitted task carries: the caller's trace, and this request as the parent of what follows. No two
 * requests have the same.
 */
export function traceparentFor(request: FastifyRequest): string {
  const trace = traces.get(request.raw)
  if (trace !== undefined) return trace.traceparent
  const header = headerOf(request.raw)
  const flags = traceIdOf(header) === undefined ? '01' : header?.slice(-2)
  return `00-${request.id}-${randomBytes(8).toString('hex')}-${flags}`
}

function headerOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined
}
