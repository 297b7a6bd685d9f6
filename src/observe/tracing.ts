/**
 * Spans of tasks by OpenTelemetry's conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/): `send` when a
 * task is submitted, `process` from its claim to the durable end of the attempt, and within it `task <type>` for the handler and
 * `settle` for the write of its outcome.
 */
import {
  type Attributes,
  type AttributeValue,
  context,
  type Span,
  SpanKind,
  type Tracer as SpanMaker,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { AttemptTrace, TaskRecord, Tracer } from '../index.ts'
import type { Outcome } from '../task/decide.ts'
import type { NewTask } from '../task/task.ts'
import { isA, textIn } from '../task/thrown.ts'
import { below, remoteContext, sdkTracer, traceparentOf } from './trace-context.ts'

/** Where messages go, for the names of spans. */
export interface TracingOptions {
  /** The broker and its names, as `topologyOf(...).names` has them; default: messages stay in the process. */
  rabbitmq?: {
    host: string
    port: number
    names: { work: string; laneQueue(lane: string): string }
  }
}

/**
 * The tracer of an engine, for the SDK that is registered with the API of OpenTelemetry: register it first. Undefined when there is
 * none; then tracing costs nothing, and a trace context that a caller gives is passed on as it is.
 */
export function openTelemetry(options: TracingOptions = {}): Tracer | undefined {
  const spans = sdkTracer()
  return spans === undefined ? undefined : new TaskTracer(spans, options)
}

/** A kind of message, as the conventions name where it goes. */
interface Destination {
  sentTo: string
  receivedFrom: string
  common: Attributes
}

class TaskTracer implements Tracer {
  readonly #spans: SpanMaker
  readonly #options: TracingOptions
  readonly #destinations = new Map<string, Destination>()

  constructor(spans: SpanMaker, options: TracingOptions) {
    this.#spans = spans
    this.#options = options
  }

  submitting(tasks: readonly NewTask[]): (error?: unknown) => void {
    const [first] = tasks
    if (first === undefined) return () => undefined
    const { sentTo, common } = this.#destination(first.lane, first.taskType)
    const caller = remoteContext(first.traceparent)
    const span = this.#spans.startSpan(
      `send ${sentTo}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...common,
          ...operation('send'),
          'messaging.destination.name': sentTo,
          ...(tasks.length === 1
            ? { 'messaging.message.conversation_id': first.id }
            : { 'messaging.batch.message_count': tasks.length }),
        },
      },
      caller === undefined ? context.active() : below(caller),
    )
    const given = first.traceparent
    // Whoever submitted with another context stays in that trace.
    for (const task of tasks) if (task.traceparent === given) task.traceparent = traceparentOf(span)
    return error => {
      if (error !== undefined) fail(span, codeOf(error))
      span.end()
    }
  }

  attempt(record: TaskRecord): AttemptTrace {
    return new TracedAttempt(this.#spans, record, this.#destination(record.lane, record.taskType))
  }

  /** Lanes and task types are few, and their names are needed for every task. */
  #destination(lane: string, taskType: string): Destination {
    const kind = `${lane} ${taskType}`
    let known = this.#destinations.get(kind)
    if (known === undefined) {
      known = destinationOf(this.#options, lane, taskType)
      this.#destinations.set(kind, known)
    }
    return known
  }
}

function destinationOf({ rabbitmq }: TracingOptions, lane: string, taskType: string): Destination {
  if (rabbitmq === undefined)
    return { sentTo: lane, receivedFrom: lane, common: { 'messaging.system': 'quillwork' } }
  const { host, port, names } = rabbitmq
  const key = `task.${lane}.${taskType}`
  const sentTo = `${names.work}:${key}`
  return {
    sentTo,
    receivedFrom: `${sentTo}:${names.laneQueue(lane)}`,
    common: {
      'messaging.system': 'rabbitmq',
      'messaging.rabbitmq.destination.routing_key': key,
      'server.address': host,
      'server.port': port,
    },
  }
}

class TracedAttempt implements AttemptTrace {
  readonly #spans: SpanMaker
  readonly #process: Span
  readonly #task: Span
  readonly #from: string
  readonly #shared: Attributes
  #settle: Span | undefined
  #error: string | undefined

  constructor(spans: SpanMaker, record: TaskRecord, { receivedFrom, common }: Destination) {
    this.#spans = spans
    this.#from = receivedFrom
    this.#shared = {
      ...common,
      'messaging.destination.name': receivedFrom,
      // A delivery is named by the attempt before its claim.
      'messaging.message.id': `${record.id}/${record.attempt - 1}`,
      'messaging.message.conversation_id': record.id,
    }
    const creation = remoteContext(record.traceparent)
    const attributes: Record<string, AttributeValue> = {
      'task.id': record.id,
      'task.type': record.taskType,
      'task.attempt': record.attempt,
      'task.phase': record.phase,
    }
    if (record.parentTaskId !== undefined) attributes['task.parent_id'] = record.parentTaskId
    // One message makes one attempt, so its creation is the parent as well as the link: the whole way is one trace.
    this.#process = spans.startSpan(
      `process ${receivedFrom}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...this.#shared, ...operation('process'), ...attributes },
        ...(creation === undefined ? {} : { links: [{ context: creation }] }),
      },
      below(creation),
    )
    this.#task = spans.startSpan(`task ${record.taskType}`, { attributes }, this.#within)
  }

  get #within() {
    return below(this.#process.spanContext())
  }

  get traceparent(): string {
    return traceparentOf(this.#task)
  }

  run<T>(handler: () => T): T {
    return context.with(trace.setSpan(this.#within, this.#task), handler)
  }

  settling(outcome: Outcome | undefined): void {
    this.#error = errorOf(outcome)
    this.#task.setAttribute('task.outcome', outcome?.kind ?? 'lease-lost')
    if (this.#error !== undefined) fail(this.#task, this.#error)
    this.#task.end()
    if (outcome === undefined) return
    const attributes = { ...this.#shared, ...operation('settle') }
    this.#settle = this.#spans.startSpan(
      `settle ${this.#from}`,
      { kind: SpanKind.CLIENT, attributes },
      this.#within,
    )
  }

  settled(): void {
    this.#settle?.end()
    if (this.#error !== undefined) fail(this.#process, this.#error)
    this.#process.end()
  }
}

function operation(name: 'send' | 'process' | 'settle'): Attributes {
  return { 'messaging.operation.name': name, 'messaging.operation.type': name }
}

/** The code of the error that an attempt ended with. A task that waits for its turn at a provider has not failed. */
function errorOf(outcome: Outcome | undefined): string | undefined {
  if (outcome === undefined) return 'LEASE_LOST'
  if (outcome.kind !== 'failed' || outcome.error.errorClass === 'rate-limited') return undefined
  return outcome.error.info.code
}

/** Marks a span as failed. Only the code: messages may quote what people wrote. */
export function fail(span: Span, code: string): void {
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** The code of an error, or the name of its class. */
export function codeOf(error: unknown): string {
  if (!isA(error, Error)) return '_OTHER'
  return textIn(error, 'code') ?? textIn(error, 'name') ?? '_OTHER'
}
