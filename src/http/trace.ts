import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RequestTrace, RequestTracer } from '../observe/trace-requests.ts'
import { readTraceparent } from '../task/trace-context.ts'

/** The spans of requests in progress, where a tracer makes any. */
const traces = new WeakMap<IncomingMessage, RequestTrace>()

/**
 * Returns what names requests: by the trace id of the caller, else by a new one. With a tracer, each request of the API has a span from
 * here to the end of its response.
 */
export function requestNames(tracer: RequestTracer | undefined): (request: IncomingMessage) => string {
  return request => {
    if (tracer === undefined || request.url?.startsWith('/v1/') !== true)
      return readTraceparent(headerOf(request))?.traceId ?? randomBytes(16).toString('hex')
    const trace = tracer(request)
    traces.set(request, trace)
    return trace.traceId
  }
}

/** Runs each request within its span, and ends the span with the response. */
export function addTraces(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const trace = traces.get(request.raw)
    if (trace === undefined) return done()
    reply.raw.once('close', () => trace.end(request.routeOptions.url, reply.raw.statusCode))
    trace.run(done)
  })
}

/** Returns the trace context of a submitted task: the caller's trace, with this request as the parent. No two requests have the same. */
export function traceparentFor(request: FastifyRequest): string {
  const trace = traces.get(request.raw)
  if (trace !== undefined) return trace.traceparent
  const flags = readTraceparent(headerOf(request.raw))?.flags ?? '01'
  return `00-${request.id}-${randomBytes(8).toString('hex')}-${flags}`
}

function headerOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined
}
