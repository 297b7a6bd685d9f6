import type { Trial } from '../ai/try-model.ts'

/** Numbers, sizes and times as people read them. */

const grouped = new Intl.NumberFormat('en-GB')

/** Returns a number such as `5,120`. */
export function numberText(value: number): string {
  return grouped.format(value)
}

/** Returns a count such as `1 chapter` or `12 chapters`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${numberText(count)} ${count === 1 ? noun : plural}`
}

const spans = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const

/** Returns how long ago a time was, in its largest unit: `3m ago`. */
export function agoText(time: string, now = Date.now()): string {
  const ms = Math.max(0, now - Date.parse(time))
  const [unitMs, unit] = spans.find(([length]) => ms >= length) ?? [1_000, 's']
  return `${Math.floor(ms / unitMs)}${unit} ago`
}

/** Returns a duration in the largest unit that leaves a whole number: `30d`, `1500ms`. */
export function durationText(ms: number): string {
  const [unitMs, unit] = spans.find(([length]) => ms > 0 && ms % length === 0) ?? [1, 'ms']
  return `${ms / unitMs}${unit}`
}

/** Returns a size in its largest unit: `1.4 GB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1_000 ** power
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} ${units[power]}`
}

/** Returns money with two to six decimal places: `1,200.00`, `0.0125`. */
export function costText(cost: number): string {
  return money.format(cost)
}

const money = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 6 })

/** Returns the tokens of calls: `1,200 tokens in (1,000 from the cache), 300 out`. */
export function tokensText({
  inputTokens,
  cachedInputTokens = 0,
  outputTokens,
}: {
  readonly inputTokens: number
  readonly cachedInputTokens?: number | undefined
  readonly outputTokens: number
}): string {
  const cached = cachedInputTokens > 0 ? ` (${numberText(cachedInputTokens)} from the cache)` : ''
  return `${numberText(inputTokens)} tokens in${cached}, ${numberText(outputTokens)} out`
}

/** Returns a waiting time in its two largest units: `45s`, `4m 30s`, `2h 10m`. */
export function waitText(seconds: number): string {
  let left = Math.ceil(seconds) * 1_000
  const parts: string[] = []
  for (const [unitMs, unit] of spans) {
    const count = Math.floor(left / unitMs)
    left -= count * unitMs
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.length === 0 ? '0s' : parts.slice(0, 2).join(' ')
}

/** Returns a trial as one line. */
export function trialText({ ms, inputTokens, outputTokens, cost, currency, error }: Trial): string {
  if (error !== undefined) return `${error.code}: ${error.message}`
  const tokens = inputTokens === undefined ? [] : [`${inputTokens} tokens in, ${outputTokens} out`]
  const money = cost === undefined ? [] : [`${Number(cost.toPrecision(2))} ${currency}`]
  return [`answered in ${ms} ms`, ...tokens, ...money].join(', ')
}
