import { Box, Group, SegmentedControl, Stack, Table, Text, Title } from '@mantine/core'
import { useId } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { usePreferences } from '../browser/preferences.ts'
import { useWriting } from '../text/format.ts'
import classes from './chart.module.css'

/** What is drawn of each step: a bar upon those before it, or a point of a line. */
export interface Series {
  readonly name: string
  /** A colour of the theme, as CSS. */
  readonly color: string
  /** One for each time; undefined where nothing was measured. */
  readonly values: readonly (number | undefined)[]
}

/** What a chart shows. */
export interface ChartProps {
  title: string
  kind: 'bars' | 'lines'
  /** RFC 3339, the beginnings of the steps. */
  times: readonly string[]
  series: readonly Series[]
  /** Writes a value. */
  write: (value: number) => string
  /** Writes a time. */
  writeTime: (at: string) => string
  /** What the picture says. */
  text: string
}

/** Units of the picture; it is stretched to the place that it has. */
const [width, height] = [600, 120]

/** A picture over time, what it says in words, and the same as a table. */
export function Chart(props: ChartProps) {
  const { title, times, series, write, writeTime, text, kind } = props
  const id = useId()
  const most = mostOf(props)
  return (
    <Stack
      gap="xs"
      component="section"
      aria-labelledby={id}
      className={classes['chart'] ?? ''}
      data-chart={kind}
    >
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h5" id={id}>
          {title}
        </Title>
        <Group gap="sm">
          {series.map(({ name, color }) => (
            <Group key={name} gap={4} wrap="nowrap">
              <Box w={10} h={10} bg={color} className={classes['key'] ?? ''} aria-hidden />
              <Text size="xs">{name}</Text>
            </Group>
          ))}
        </Group>
      </Group>
      <Text size="xs" c="dimmed" className="numbers" aria-hidden>
        {write(most)}
      </Text>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className={classes['picture'] ?? ''}
        role="img"
        aria-label={`${title}. ${text}`}
      >
        <line x1={0} x2={width} y1={height} y2={height} className={classes['axis'] ?? ''} />
        <line x1={0} x2={width} y1={0} y2={0} className={classes['axis'] ?? ''} />
        {kind === 'bars' ? <Bars {...props} most={most} /> : <Lines {...props} most={most} />}
      </svg>
      <Group justify="space-between" gap="xs" aria-hidden>
        <Text size="xs" c="dimmed" className="numbers">
          {writeTime(times[0] ?? '')}
        </Text>
        <Text size="xs" c="dimmed" className="numbers">
          {writeTime(times.at(-1) ?? '')}
        </Text>
      </Group>
      <Text size="sm" c="dimmed" data-chart-text>
        {text}
      </Text>
      <AsTable {...props} />
    </Stack>
  )
}

/** Returns the value at the top of the picture. */
function mostOf({ kind, times, series }: ChartProps): number {
  const values = times.map((_, step) => {
    const all = series.map(({ values: of }) => of[step] ?? 0)
    return kind === 'bars' ? all.reduce((sum, value) => sum + value, 0) : Math.max(...all)
  })
  return Math.max(...values, 0)
}

function Bars({ times, series, most }: ChartProps & { most: number }) {
  const step = width / times.length
  if (most === 0) return null
  return times.map((at, index) => {
    let top = height
    return series.map(({ name, color, values }) => {
      const tall = ((values[index] ?? 0) / most) * height
      if (tall === 0) return null
      top -= tall
      return (
        <rect
          key={`${at} ${name}`}
          x={index * step + step * 0.1}
          y={top}
          width={step * 0.8}
          height={tall}
          fill={color}
        />
      )
    })
  })
}

/** A line is broken where nothing was measured; a measure between two breaks is a short line of its own. */
function Lines({ times, series, most }: ChartProps & { most: number }) {
  const step = width / times.length
  if (most === 0) return null
  return series.map(({ name, color, values }) => {
    const path = values
      .map((value, index) => {
        if (value === undefined) return ''
        const [x, y] = [index * step, height - (value / most) * height]
        return `${values[index - 1] === undefined ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}h${step.toFixed(1)}`
      })
      .join('')
    return <path key={name} d={path} stroke={color} className={classes['line'] ?? ''} />
  })
}

/** The steps in which something was measured, for those who do not see the picture, and who want the numbers. */
function AsTable({ title, times, series, write, writeTime }: ChartProps) {
  const t = useTranslations('parts.chart')
  const writing = useWriting()
  const steps = times.flatMap((at, index) =>
    series.some(({ values }) => (values[index] ?? 0) > 0) ? [{ at, index }] : [],
  )
  if (steps.length === 0) return null
  return (
    <details className={classes['asTable'] ?? ''}>
      <summary>{t('asTable', { count: steps.length })}</summary>
      <Table horizontalSpacing="xs" verticalSpacing={2} mt="xs">
        <Table.Caption>{title}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('time')}</Table.Th>
            {series.map(({ name }) => (
              <Table.Th key={name} scope="col" ta="right">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {steps.map(({ at, index }) => (
            <Table.Tr key={at}>
              <Table.Th scope="row" fw={400} title={writing.dateTime(at)} className="numbers">
                {writeTime(at)}
              </Table.Th>
              {series.map(({ name, values }) => (
                <Table.Td key={name} ta="right" className="numbers">
                  {values[index] === undefined ? '' : write(values[index] ?? 0)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  )
}

/** Returns how the beginning of a step is written: with its day where there are several. */
export function useStepTime(stepMs: number): (at: string) => string {
  const format = useFormatter()
  const { zone } = usePreferences()
  const timeZone = zone === 'utc' ? { timeZone: 'UTC' } : {}
  return at =>
    at === ''
      ? ''
      : format.dateTime(new Date(at), {
          ...(stepMs > 60_000 ? ({ weekday: 'short' } as const) : {}),
          ...{ hour: 'numeric', minute: '2-digit', ...timeZone },
        })
}

/** Over which time something is shown. */
export type TimeRange = (typeof timeRanges)[number]

const timeRanges = ['hour', 'day', 'week'] as const

/** Asks over which time: the last hour, day or week. */
export function RangeControl({ range, onRange }: { range: TimeRange; onRange: (range: TimeRange) => void }) {
  const t = useTranslations('parts.chart')
  return (
    <SegmentedControl
      aria-label={t('range')}
      size="xs"
      value={range}
      onChange={onRange}
      data={timeRanges.map(value => ({ value, label: t(`ranges.${value}`) }))}
    />
  )
}
