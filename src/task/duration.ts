import { QuillworkError } from './errors.ts'

/** A span of time, at most ten years: milliseconds as a number, or a text such as `'250ms'`, `'15s'`, `'10m'`, `'2h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** The milliseconds of each unit. */
export const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Returns the beginning of a day in UTC. */
export function startOfDay(time: number): number {
  return Math.floor(time / unitMs.d) * unitMs.d
}

/** Ten years, in milliseconds: what is added to a time stays one that a Date, and every store, can hold. */
export const longestDuration = 3_650 * unitMs.d

/** The forms of a duration, for messages. */
export const durationForms =
  "milliseconds, or a text such as '250ms', '15s', '10m', '2h' or '7d', from 0 to ten years ('3650d')"

/** Returns the whole milliseconds of a duration, rounded up. Throws OPTION_INVALID, naming the option, for anything but a span of 0 to ten years. */
export function durationMs(duration: Duration, option: string): number {
  const ms = typeof duration === 'number' ? duration : parse(duration)
  if (ms >= 0 && ms <= longestDuration) return Math.ceil(ms)
  const message = `${option} is ${JSON.stringify(duration)}; give ${durationForms}.`
  throw new QuillworkError('OPTION_INVALID', message)
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (match === null) return Number.NaN
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}
