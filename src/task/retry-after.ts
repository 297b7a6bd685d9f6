import { unitMs } from './duration.ts'

/** Epoch seconds and milliseconds are distinguished from durations by their size. */
const leastEpochSeconds = 1_000_000_000
const leastEpochMs = 1_000_000_000_000

/** What a provider says beside its refusal. */
export interface RefusalFacts {
  /** The headers of the answer by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** How long to wait as Google says it in the body, such as `7s`. */
  readonly retryDelay?: string | undefined
}

/**
 * Returns the wait that a provider asks for, in milliseconds from now, negative for a time that has passed; undefined where it says
 * nothing that can be read. The first of these counts: `retry-after-ms` (OpenAI), `Retry-After` in seconds, as a date (RFC 9110,
 * section 10.2.3), as a duration or as an epoch, `retryDelay` in the body (Google), the reset times of limits with nothing left
 * (`x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset`).
 *
 * @param now Epoch milliseconds, for dates.
 */
export function requestedWaitMs({ headers, retryDelay }: RefusalFacts, now: number): number | undefined {
  return (
    numberOf(headers['retry-after-ms']) ??
    waitOf(headers['retry-after'], now) ??
    (retryDelay === undefined ? undefined : durationOf(retryDelay)) ??
    resetOf(headers, now)
  )
}

/** Reads a number (seconds, or an epoch), a duration, or a date. */
function waitOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim()
  const seconds = numberOf(value)
  if (seconds !== undefined) {
    if (seconds >= leastEpochMs) return seconds - now
    return seconds >= leastEpochSeconds ? seconds * 1_000 - now : seconds * 1_000
  }
  const duration = durationOf(value)
  if (duration !== undefined) return duration
  // The parser takes almost anything for a date; one has a time of day.
  const date = /\d:\d\d/u.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : date - now
}

function numberOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}(?:\.\d{1,9})?$/u.test(value.trim()) ? Number(value) : undefined
}

/** Reads `7s`, `1.5s`, `250ms`, `6m0s`. */
function durationOf(value: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd])){1,5}$/u.test(value)) return undefined
  return [...value.matchAll(/([\d.]+)(ms|[smhd])/gu)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit as keyof typeof unitMs],
    0,
  )
}

const resetName = /^(?:x-ratelimit-reset(.*)|anthropic-ratelimit-(.+)-reset)$/u

/** Returns the longest reset of the limits with nothing left; of all limits, where none is said to be used up. */
function resetOf(headers: RefusalFacts['headers'], now: number): number | undefined {
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
