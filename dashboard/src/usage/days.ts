import { useFormatter } from 'use-intl'
import type { UsageSum } from './usage-queries.ts'

const dayMs = 86_400_000

/** Writes a day (`2026-11-25`). The server counts days of UTC, whatever zone times are shown in. */
export function useDayName(): (day: string | number) => string {
  const format = useFormatter()
  return day => format.dateTime(new Date(day), { dateStyle: 'medium', timeZone: 'UTC' })
}

/** A day and what was used on it; undefined where nothing was. */
export interface Day {
  /** Epoch milliseconds of its beginning. */
  at: number
  sum: UsageSum | undefined
}

/**
 * Every day of a span, also those without a call: a gap in time must be seen as one. `span`: days up to now, or all since the first call.
 */
export function everyDay(sums: readonly UsageSum[], span: string, now: number): Day[] {
  const today = Math.floor(now / dayMs) * dayMs
  const byDay = new Map(sums.map(sum => [Date.parse(sum.key), sum]))
  const first = span === 'all' ? Math.min(today, ...byDay.keys()) : today - (Number(span) - 1) * dayMs
  const last = Math.max(today, ...byDay.keys())
  const count = Math.round((last - first) / dayMs) + 1
  return Array.from({ length: count }, (_, day) => {
    const at = first + day * dayMs
    return { at, sum: byDay.get(at) }
  })
}
