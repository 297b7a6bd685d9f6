/** When a schedule ticks: by a cron expression, or at an even distance. Times are epoch milliseconds. */
import { Cron } from 'croner'
import { type Duration, durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'

/** The ticks of a schedule. */
export interface Ticks {
  /** Returns the first tick after a time; undefined where none comes any more. */
  after(time: number): number | undefined
}

/** Longest text of a cron expression, in characters. */
export const longestCron = 200
/** Longest name of a time zone. */
const longestZone = 100
/** Milliseconds between two ticks at least. */
const shortestMs = 1_000

/**
 * Reads a cron expression of five or six fields, or `@every` with a duration: its ticks are the multiples of that since 1970-01-01 UTC, in any time zone.
 * Throws OPTION_INVALID, and what croner throws.
 */
export function readTicks(cron: string, timeZone: string): Ticks {
  requireShort(cron, longestCron, 'cron')
  requireShort(timeZone, longestZone, 'timeZone')
  const read = new Cron(isEven(cron) ? '@hourly' : cron, { timezone: timeZone, paused: true })
  // The time zone is read by the first use.
  const next = (time: number) => read.nextRun(new Date(time))?.getTime()
  next(0)
  return isEven(cron) ? evenTicks(cron) : { after: next }
}

function requireShort(text: string, longest: number, option: string): void {
  if (typeof text === 'string' && text.length <= longest) return
  throw new QuillworkError('OPTION_INVALID', `${option} must be a text of at most ${longest} characters.`)
}

const every = /^@every\s+/

function isEven(cron: string): boolean {
  return every.test(cron)
}

function evenTicks(cron: string): Ticks {
  const everyMs = durationMs(cron.replace(every, '').trim() as Duration, 'The duration of @every')
  if (everyMs < shortestMs)
    throw new QuillworkError('OPTION_INVALID', `${cron} is too often; give at least one second.`)
  return { after: time => (Math.floor(time / everyMs) + 1) * everyMs }
}

/** Returns the next ticks after a time, up to a number of them. */
export function nextTicks(ticks: Ticks, count: number, time: number): number[] {
  const found: number[] = []
  for (let tick = ticks.after(time); tick !== undefined && found.length < count; tick = ticks.after(tick))
    found.push(tick)
  return found
}

/** Milliseconds before now that are searched for missed ticks first. */
const firstSpanMs = 60_000

/** Returns the newest ticks after one time and until another, oldest first; found from the end, for there may be months of them. */
export function newestTicks(ticks: Ticks, after: number, now: number, most: number): number[] {
  for (let spanMs = firstSpanMs; ; spanMs *= 2) {
    const from = Math.max(after, now - spanMs)
    const found: number[] = []
    let tick = ticks.after(from)
    for (; tick !== undefined && tick <= now; tick = ticks.after(tick)) found.push(tick)
    if (from === after || found.length >= most) return found.slice(-most)
  }
}
