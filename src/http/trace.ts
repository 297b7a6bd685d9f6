import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The form of a W3C trace context header (https://www.w3.org/TR/trace-context/#traceparent-header). */
const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** The trace id of a `traceparent`; undefined for anything that is not one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : traceparentForm.exec(traceparent)?.[1]
}

/** The id of a request: the trace id that the caller sent, or a new one. */
export function requestTraceId(request: Pick<IncomingMessage, 'headers'>): string {
  const { traceparent } = request.headers
  return (
    traceIdOf(typeof traceparent === 'string' ? traceparent : undefined) ?? randomBytes(16).toString('hex')
  )
}

/**
 * The trace context that a submitted task carries: the caller's trace, and this request as the parent of what follows. No two
 * requests have the same.
 */
export function traceparentFor(traceId: string, header: unknown): string {
  const flags = typeof header === 'string' && traceIdOf(header) !== undefined ? header.slice(-2) : '01'
  return `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`
}
