/** What a `traceparent` header says: the trace, the span of the caller, and the flags, in lower-case hexadecimal digits. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly flags: string
}

/** The version `ff` and ids of zeros alone are invalid (https://www.w3.org/TR/trace-context/#traceparent-header). */
const form = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/

/** Returns what a W3C trace context says; undefined for anything else, which the standard asks to ignore. */
export function readTraceparent(traceparent: string | undefined): TraceContext | undefined {
  const [, traceId, spanId, flags] = (traceparent === undefined ? null : form.exec(traceparent)) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, flags }
}
