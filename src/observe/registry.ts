import { Counter, Gauge, Histogram, Registry } from 'prom-client'

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

/** The labels of a value. Never an id: each value of a label is one more line indefinitely. */
type Labels = Record<string, string>

/** Counts by up to two labels, as plain numbers in nested maps: an increment makes no object and no text. */
class Tally {
  readonly #counts = new Map<string, Map<string, number>>()

  add(first = '', second = ''): void {
    let inner = this.#counts.get(first)
    if (inner === undefined) {
      inner = new Map()
      this.#counts.set(first, inner)
    }
    inner.set(second, (inner.get(second) ?? 0) + 1)
  }

  /** Every count with its labels, which have these names. */
  *readings([first = '', second = '']: readonly string[]): Generator<[count: number, labels: Labels]> {
    for (const [value, inner] of this.#counts)
      for (const [other, count] of inner)
        yield [count, { ...(first && { [first]: value }), ...(second && { [second]: other }) }]
  }
}

interface Observed {
  /** Observations per bucket, not summed up; the last one is above every bound. */
  readonly perBucket: number[]
  sum: number
}

interface TimeOptions {
  name: string
  help: string
  label: string
  buckets: readonly number[]
}

/** A histogram by one label that is kept in plain arrays, and put into the form of the metrics library when it is read. */
class TimeHistogram extends Histogram {
  readonly #options: TimeOptions
  readonly #observed = new Map<string, Observed>()

  constructor(options: TimeOptions) {
    const { name, help, label, buckets } = options
    super({ name, help, labelNames: [label], buckets: [...buckets], registers: [] })
    this.#options = options
  }

  /** Adds one observation, in seconds. */
  add(label: string, seconds: number): void {
    const { buckets } = this.#options
    let observed = this.#observed.get(label)
    if (observed === undefined) {
      observed = { perBucket: new Array<number>(buckets.length + 1).fill(0), sum: 0 }
      this.#observed.set(label, observed)
    }
    let bucket = 0
    while (seconds > (buckets[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    observed.perBucket[bucket] = (observed.perBucket[bucket] ?? 0) + 1
    observed.sum += seconds
  }

  /** Called by the registry when it makes text. */
  async getForPromString(): Promise<unknown> {
    const { name, help } = this.#options
    const values = [...this.#observed].flatMap(entry => this.#lines(entry))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }

  /** The lines of one label: each bucket holds all that is at most its bound. */
  #lines([value, { perBucket, sum }]: [string, Observed]) {
    const { name, label, buckets } = this.#options
    const labels = { [label]: value }
    let count = 0
    const ofBuckets = [...buckets, '+Inf'].map((le, index) => {
      count += perBucket[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
    })
    return [
      ...ofBuckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}
