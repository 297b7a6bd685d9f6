import type { Facts } from './facts.ts'

/** Whoever asks for a longer wait is asked again after this one. */
const longestWait = 24 * 3_600_000
/** Epoch seconds and milliseconds are told apart from durations by their size. */
const leastEpochSeconds = 1_000_000_000
const leastEpochMs = 1_000_000_000_000

/**
 * The wait that a provider asks for, in milliseconds from now, at most a day; undefined where it says nothing that can be read. Looked
 * for in this order: `retry-after-ms` (OpenAI), `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), `retryDelay` in the
 * body (Google), the reset times of limits with nothing left (`x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset`).
 *
 * @param now Epoch milliseconds, for dates.
 */
export function retryAfterMs({ headers, retryDelay }: Facts, now: number): number | undefined {
  const found = [
    numberOf(headers['retry-after-ms'], 1),
    waitOf(headers['retry-after'], now),
    retryDelay === undefined ? undefined : durationOf(retryDelay),
    resetOf(headers, now),
  ].find(ms => ms !== undefined && ms >= 0)
  return found === undefined ? undefined : Math.ceil(Math.min(found, longestWait))
}

/** A number (seconds, or an epoch), a duration, or a date. */
function waitOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const seconds = numberOf(value, 1)
  if (seconds !== undefined) {
    if (seconds >= leastEpochMs) return Math.max(0, seconds - now)
    return seconds >= leastEpochSeconds ? Math.max(0, seconds * 1_000 - now) : seconds * 1_000
  }
  const duration = durationOf(value)
  if (duration !== undefined) return duration
  // The parser takes almost anything for a date; one has a time of day.
  const date = /\d:\d\d/u.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function numberOf(value: string | undefined, unit: number): number | undefined {
  return value !== undefined && /^\d{1,15}(?:\.\d{1,9})?$/u.test(value.trim())
    ? Number(value) * unit
    : undefined
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `7s`, `1.5s`, `250ms`, `6m0s`. */
function durationOf(value: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd])){1,5}$/u.test(value)) return undefined
  return [...value.matchAll(/([\d.]+)(ms|[smhd])/gu)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0),
    0,
  )
}

const resetName = /^(?:x-ratelimit-reset(.*)|anthropic-ratelimit-(.+)-reset)$/u

/** The longest reset of the limits with nothing left; of all, where none is said to be used up. */
function resetOf(headers: Facts['headers'], now: number): number | undefined {
  const resets = Object.entries(headers).flatMap(([header, value]) => {
    const match = resetName.exec(header.toLowerCase())
    const ms = match === null ? undefined : waitOf(value, now)
    if (match === null || ms === undefined) return []
    const left =
      match[2] === undefined
        ? headers[`x-ratelimit-remaining${match[1]}`]
        : headers[`anthropic-ratelimit-${match[2]}-remaining`]
    return [{ ms, usedUp: left === '0' }]
  })
  const usedUp = resets.filter(reset => reset.usedUp)
  const counted = usedUp.length > 0 ? usedUp : resets
  return counted.length === 0 ? undefined : Math.max(...counted.map(({ ms }) => ms))
}
