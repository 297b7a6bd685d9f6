import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'

/** Spans that ended, as an SDK exports them. */
export interface Exported {
  readonly all: readonly ReadableSpan[]
  /** The only span whose name that is. */
  one(name: string): ReadableSpan
  named(name: string): readonly ReadableSpan[]
  /** The names of a span and of what is below it, indented, in the order of their beginning. */
  tree(root: ReadableSpan): string[]
}

/** Registers an SDK for the rest of the process. */
export function registerSdk(): { exported: Exported; forget(): void } {
  const exporter = new InMemorySpanExporter()
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
  return { exported: exportedBy(exporter), forget: () => exporter.reset() }
}

function exportedBy(exporter: InMemorySpanExporter): Exported {
  const spans = () =>
    exporter
      .getFinishedSpans()
      .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
  const named = (name: string) => spans().filter(span => span.name === name)
  const tree = (span: ReadableSpan, depth = 0): string[] => [
    '  '.repeat(depth) + span.name,
    ...spans()
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId)
      .flatMap(child => tree(child, depth + 1)),
  ]
  return {
    get all() {
      return spans()
    },
    named,
    tree: root => tree(root),
    one(name) {
      const [span, ...others] = named(name)
      if (span !== undefined && others.length === 0) return span
      throw new Error(
        `${others.length + (span ? 1 : 0)} spans are named ${name}; there are ${spans().map(each => each.name)}.`,
      )
    },
  }
}
