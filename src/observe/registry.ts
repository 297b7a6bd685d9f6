import { Counter, Gauge, Registry } from 'prom-client'
import { type Labels, Tally, TimeHistogram } from './tally.ts'

/** What a metric that is read when somebody asks answers: each value with its labels; nothing while it is not known. */
export type Reading = Iterable<readonly [value: number, labels?: Labels]>

/** The metrics of a process, by kind. Every name gets the prefix `quillwork_`. */
export class Metered {
  readonly #registry = new Registry()

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Counts what is told it. */
  tally(name: string, help: string, labelNames: string[] = []): Tally {
    const tally = new Tally()
    this.counter(name, help, () => tally.readings(labelNames), labelNames)
    return tally
  }

  /** Times what is told it. */
  times(name: string, help: string, label: string, buckets: readonly number[]): TimeHistogram {
    const histogram = new TimeHistogram({ name: `quillwork_${name}`, help, label, buckets })
    this.#registry.registerMetric(histogram)
    return histogram
  }

  /** Reads a number that only rises and that somebody else keeps. */
  counter(name: string, help: string, read: () => Reading, labelNames: string[] = []): void {
    this.#registry.registerMetric(
      new Counter({
        name: `quillwork_${name}`,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          if (labelNames.length === 0) this.remove()
          for (const [value, labels = {}] of read()) this.inc(labels, value)
        },
      }),
    )
  }

  /** Reads a number that rises and falls. */
  gauge(name: string, help: string, read: () => Reading, labelNames: string[] = []): void {
    this.#registry.registerMetric(
      new Gauge({
        name: `quillwork_${name}`,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          if (labelNames.length === 0) this.remove()
          for (const [value, labels = {}] of read()) this.set(labels, value)
        },
      }),
    )
  }
}
