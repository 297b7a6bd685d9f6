import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useFormatter } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { pageAt, pageByPage } from '../api/pages.ts'
import type { components } from '../api/schema.ts'
import type { UsageSearch } from '../queries/search.ts'

/** What the calls of one model, novel, task or day used. */
export type UsageSum = components['schemas']['UsageSum']

/** What sums are of. */
export type SumsOf = NonNullable<UsageSearch['by']> | 'model'

/** Whose calls are counted, and since when. */
export interface UsageFilter {
  /** RFC 3339; absent: since the beginning. */
  after?: string
  /** Id of a novel. */
  subject?: string
}

/** Where the address says nothing. */
const usualDays = 30
const dayMs = 86_400_000
/** The most that the API gives at once. */
const mostPerPage = 200
/** Years of days are shown as far as this many requests bring them. */
const mostPages = 10
/** Calls are made while the page is open: they are read again, but not at each of them. */
const readAgainMs = 30_000

/** Returns the filter that an address stands for. A span of days begins with a day of UTC, as the server counts them. */
export function filterOf({ days, novel }: Omit<UsageSearch, 'by'>, now: number): UsageFilter {
  const today = Math.floor(now / dayMs) * dayMs
  const after =
    days === 'all' ? undefined : new Date(today - (Number(days ?? usualDays) - 1) * dayMs).toISOString()
  return defined({ after, subject: novel })
}

function read(filter: UsageFilter, by: SumsOf, pageSize: number, pageToken: string) {
  return dataOf(
    api.GET('/v1/usage', {
      params: { query: { ...filter, by, pageSize, ...pageAt(pageToken) } },
    }),
  )
}

/** Returns what was used on each day that saw a call, oldest first. */
export function useDays(filter: UsageFilter) {
  return useQuery({
    queryKey: keys.usage({ ...filter, by: 'day', all: true }),
    queryFn: () => readDays(filter),
    staleTime: 0,
    refetchInterval: readAgainMs,
  })
}

async function readDays(filter: UsageFilter): Promise<UsageSum[]> {
  const days: UsageSum[] = []
  let token = ''
  for (let page = 0; page < mostPages; page++) {
    const { items, nextPageToken } = await read(filter, 'day', mostPerPage, token)
    days.push(...items)
    if (nextPageToken === undefined) break
    token = nextPageToken
  }
  return days.reverse()
}

/** Rows of a table that are read at once. */
const rowsPerPage = 25

/** Returns what was used, in the order of the API: the newest days and tasks first. */
export function useSums(filter: UsageFilter, by: SumsOf) {
  return useInfiniteQuery({
    queryKey: keys.usage({ ...filter, by }),
    queryFn: ({ pageParam }) => read(filter, by, rowsPerPage, pageParam),
    ...pageByPage,
    staleTime: 0,
    refetchInterval: readAgainMs,
  })
}

/** Adds sums up. The cost stays unknown where none is known. */
export function totalOf(sums: readonly UsageSum[]): Omit<UsageSum, 'key'> {
  const add = (part: (sum: UsageSum) => number) => sums.reduce((total, sum) => total + part(sum), 0)
  const isPriced = sums.some(({ cost }) => cost !== undefined)
  return {
    calls: add(({ calls }) => calls),
    inputTokens: add(({ inputTokens }) => inputTokens),
    cachedInputTokens: add(({ cachedInputTokens }) => cachedInputTokens),
    outputTokens: add(({ outputTokens }) => outputTokens),
    unpricedCalls: add(({ unpricedCalls }) => unpricedCalls),
    estimatedCalls: add(({ estimatedCalls }) => estimatedCalls),
    ...(isPriced ? { cost: add(({ cost = 0 }) => cost) } : {}),
  }
}

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
