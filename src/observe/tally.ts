import { Histogram } from 'prom-client'

/** The labels of a value. Never an id: each value of a label is one more line indefinitely. */
export type Labels = Record<string, string>

/** Counts by up to two labels, as plain numbers in nested maps: an increment makes no object and no text. */
export class Tally {
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

interface Line {
  metricName: string
  labels: Record<string, string | number>
  value: number
}

/** A histogram by one label that is kept in plain arrays, and put into the form of the metrics library when it is read. */
export class TimeHistogram extends Histogram {
  readonly #options: { name: string; help: string; label: string; buckets: readonly number[] }
  readonly #observed = new Map<string, Observed>()

  constructor(options: { name: string; help: string; label: string; buckets: readonly number[] }) {
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
  #lines([value, { perBucket, sum }]: [string, Observed]): Line[] {
    const { name, label, buckets } = this.#options
    let count = 0
    const lines: Line[] = [...buckets, '+Inf'].map((le, index) => {
      count += perBucket[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { le, [label]: value }, value: count }
    })
    const labels = { [label]: value }
    lines.push({ metricName: `${name}_sum`, labels, value: sum })
    lines.push({ metricName: `${name}_count`, labels, value: count })
    return lines
  }
}
