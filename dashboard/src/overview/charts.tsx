import { Paper, SimpleGrid } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { Chart, type ChartProps, useStepTime } from '../parts/chart.tsx'
import { useWriting } from '../text/format.ts'
import { useDuration } from './durations.ts'
import type { Overview, Sums } from './overview-query.ts'

const blue = 'var(--mantine-primary-color-filled)'
const red = 'var(--mantine-color-red-filled)'
const grey = 'var(--mantine-color-gray-5)'

type Measure =
  | 'completed'
  | 'failed'
  | 'retries'
  | 'cost'
  | 'runP50Ms'
  | 'runP95Ms'
  | 'waitP50Ms'
  | 'waitP95Ms'

/** What was done over time: how much ended and how, how long it waited and ran, what was tried again, and what it cost. */
export function Charts({ overview }: { overview: Overview }) {
  const t = useTranslations('overview')
  const writing = useWriting()
  const currency = useCurrency()
  const writeTime = useStepTime(overview.stepMs)
  const duration = useDuration()
  const { points, total } = overview
  const times = points.map(({ at }) => at)
  const of = (name: Measure, color: string) => ({
    name: t(`measures.${name}`),
    color,
    values: points.map(point => point[name]),
  })
  const common = { times, writeTime }
  const durations = (p50: number | undefined, p95: number | undefined) =>
    p50 === undefined || p95 === undefined
      ? t('text.nothing')
      : t('text.durations', { p50: duration(p50), p95: duration(p95) })
  const charts: (ChartProps | false)[] = [
    {
      ...{ title: t('charts.ended'), kind: 'bars', write: writing.number, ...common },
      series: [of('completed', blue), of('failed', red)],
      text: t('text.ended', {
        completed: total.completed,
        failed: total.failed,
        each: perMinute(overview, writing),
      }),
    },
    {
      ...{ title: t('charts.waited'), kind: 'lines', write: duration, ...common },
      series: [of('waitP95Ms', grey), of('waitP50Ms', blue)],
      text: durations(total.waitP50Ms, total.waitP95Ms),
    },
    {
      ...{ title: t('charts.ran'), kind: 'lines', write: duration, ...common },
      series: [of('runP95Ms', grey), of('runP50Ms', blue)],
      text: durations(total.runP50Ms, total.runP95Ms),
    },
    {
      ...{ title: t('charts.retries'), kind: 'bars', write: writing.number, ...common },
      series: [of('retries', red)],
      text: t('text.retries', { count: total.retries }),
    },
    total.cost !== undefined && {
      ...{ title: t('charts.cost'), kind: 'bars', ...common },
      write: (amount: number) => writing.money(amount, currency),
      series: [of('cost', blue)],
      text: t('text.cost', { cost: writing.money(total.cost, currency), calls: total.calls }),
    },
  ]
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {charts.map(chart =>
        chart === false ? null : (
          <Paper key={chart.title} withBorder p="md" miw={0}>
            <Chart {...chart} />
          </Paper>
        ),
      )}
    </SimpleGrid>
  )
}

/** Returns how many tasks ended in a minute, over the whole time. */
function perMinute(
  { total, points, stepMs }: Overview,
  { number }: Pick<ReturnType<typeof useWriting>, 'number'>,
) {
  const each =
    (({ completed, failed }: Sums) => completed + failed)(total) / ((points.length * stepMs) / 60_000)
  return number(Number(each.toPrecision(2)))
}
