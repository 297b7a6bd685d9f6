import { Counter, Gauge, Registry } from 'prom-client'
import { type Labels, Tally, TimeHistogram } from './tally.ts'

/** The values of a metric when it is read, each with its labels; none while it is not known. */
export type Reading = Iterable<readonly [value: number, labels?: Labels]>

/** Returns the reading of one value without labels. */
export const single = (value: number | undefined): Reading => (value === undefined ? [] : [[value]])

/** The metrics of a process, by kind. Every name gets the prefix `quillwork_`. */
export class Metered {
  readonly #registry = new Registry()

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Counts what is added to it. */
  tally(name: string, help: string, labelNames: string[] = []): Tally {
    const tally = new Tally()
    this.counter(name, help, () => tally.readings(labelNames), labelNames)
    return tally
  }

  /** Counts durations that are added to it, by buckets. */
  times(name: string, help: string, label: string, buckets: readonly number[]): TimeHistogram {
    const histogram = new TimeHistogram({ name: `quillwork_${name}`, help, label, buckets })
    this.#registry.registerMetric(histogram)
    return histogram
  }

  /** Reads a number that only rises and that somebody else keeps. */
  counter(name: string, help: string, read: () => Reading, labelNames: string[] = []): void {
    this.#registry.registerMetric(new Counter(readWhenAsked(name, help, read, labelNames)))
  }

  /** Reads a number that rises and falls. */
  gauge(name: string, help: string, read: () => Reading, labelNames: string[] = []): void {
    this.#registry.registerMetric(new Gauge(readWhenAsked(name, help, read, labelNames)))
  }
}

/** The configuration of a metric whose values are read anew each time. */
function readWhenAsked(name: string, help: string, read: () => Reading, labelNames: string[]) {
  return {
    name: `quillwork_${name}`,
    help,
    labelNames,
    registers: [],
    collect(this: Counter | Gauge) {
      this.reset()
      if (labelNames.length === 0) this.remove()
      for (const [value, labels = {}] of read()) this.inc(labels, value)
    },
  }
}
