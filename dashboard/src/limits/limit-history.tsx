import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Chart, type TimeRange, useStepTime } from '../parts/chart.tsx'
import { useWriting } from '../text/format.ts'

type LimitHistory = components['schemas']['LimitHistory']
type Point = LimitHistory['items'][number]['points'][number]

/** Milliseconds: a process looks once a minute. */
const readAgainMs = 30_000

/** Returns how much of the limits was in use over a time, read again while it is looked at. */
export function useLimitHistory(range: TimeRange): LimitHistory | undefined {
  const { data } = useQuery({
    queryKey: keys.limitHistory(range),
    queryFn: () => dataOf(api.GET('/v1/limits:history', { params: { query: { range } } })),
    placeholderData: keepPreviousData,
    staleTime: readAgainMs,
    refetchInterval: readAgainMs,
  })
  return data
}

/** What of each point is measured against which part of the limit. */
const parts = [
  { part: 'requestsPerMinute', of: 'requests', color: 'var(--mantine-primary-color-filled)' },
  { part: 'tokensPerMinute', of: 'tokens', color: 'var(--mantine-color-orange-filled)' },
  { part: 'concurrency', of: 'inFlight', color: 'var(--mantine-color-gray-5)' },
] as const

type Part = (typeof parts)[number]

/** How much of a limit was in use over a time, as shares of what it then allowed. Nothing where none was. */
export function LimitOverTime({ limit, history }: { limit: string; history: LimitHistory }) {
  const t = useTranslations('limits')
  const writing = useWriting()
  const writeTime = useStepTime(history.stepMs)
  const points = history.items.find(({ key }) => key === limit)?.points ?? []
  const limited = parts.filter(part => points.some(point => shareOf(part, point) !== undefined))
  if (limited.length === 0) return null
  const at = new Map(points.map(point => [Date.parse(point.at), point]))
  const times = timesOf(history)
  const series = limited.map(part => ({
    name: t(`parts.${part.part}`),
    color: part.color,
    values: times.map(time => shareOf(part, at.get(time))),
  }))
  const most = Math.max(...series.flatMap(({ values }) => values.map(value => value ?? 0)))
  const waiting = Math.max(...points.map(point => point.waiting))
  return (
    <Chart
      {...{ title: t('overTime'), kind: 'lines', series, writeTime, write: writing.percent }}
      times={times.map(time => new Date(time).toISOString())}
      text={t('overTimeText', { share: writing.percent(most), waiting })}
    />
  )
}

/** Returns the beginnings of the steps, epoch milliseconds. */
function timesOf({ from, to, stepMs }: LimitHistory): number[] {
  const first = Date.parse(from)
  return Array.from(
    { length: Math.floor((Date.parse(to) - first) / stepMs) + 1 },
    (_, step) => first + step * stepMs,
  )
}

/** Returns which share of a part was in use; undefined where nothing was, and where that part was not limited. */
function shareOf({ part, of }: Part, point: Point | undefined): number | undefined {
  const most = point?.limit[part]
  return point === undefined || most === undefined ? undefined : point[of] / most
}
