/** Traces of an engine for OpenTelemetry: `createEngine({ trace: openTelemetry() })`, once an SDK is registered. */
export { traceModels } from './trace-models.ts'
export { openTelemetry, type TracingOptions } from './tracing.ts'
