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

/** Runs each request within its span, and ends the span with the response, which says what that span is. */
export function addTraces(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/v1/')) reply.header('traceparent', traceparentFor(request))
    const trace = traces.get(request.raw)
    if (trace === undefined) return done()
    reply.raw.once('close', () => trace.end(request.routeOptions.url, reply.raw.statusCode))
    trace.run(done)
  })
}

/** The trace contexts of requests in progress that have no span. */
const parents = new WeakMap<IncomingMessage, string>()

/** Returns the trace context of a submitted task: the caller's trace, with this request as the parent. No two requests have the same. */
export function traceparentFor(request: FastifyRequest): string {
  const trace = traces.get(request.raw)
  if (trace !== undefined) return trace.traceparent
  const made = parents.get(request.raw)
  if (made !== undefined) return made
  const flags = readTraceparent(headerOf(request.raw))?.flags ?? '01'
  const traceparent = `00-${request.id}-${randomBytes(8).toString('hex')}-${flags}`
  parents.set(request.raw, traceparent)
  return traceparent
}

function headerOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined
}
