import {
  Group,
  Paper,
  SegmentedControl,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
  VisuallyHidden,
} from '@mantine/core'
import { Suspense, useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { useWriting } from '../text/format.ts'
import { type Day, everyDay, totalOf, type UsageSum, useDayName } from './usage-queries.ts'

/** The chart needs a library of its own. */
const Bars = lazyPart(() => import('./bars.tsx'), 'Bars')

const height = 200

/** What is drawn of a day. */
type Measure = 'cost' | 'tokens'

function amountOf(sum: UsageSum | undefined, measure: Measure): number {
  if (sum === undefined) return 0
  return measure === 'cost' ? (sum.cost ?? 0) : sum.inputTokens + sum.outputTokens
}

/** What was used, day by day: as bars, in a sentence, and as a table for those who do not see the bars. */
export function DayChart({ days, span, now }: { days: UsageSum[]; span: string; now: number }) {
  const t = useTranslations('usage')
  const isPriced = totalOf(days).cost !== undefined
  const [wanted, setWanted] = useState<Measure>('cost')
  const measure = isPriced ? wanted : 'tokens'
  const all = useMemo(() => everyDay(days, span, now), [days, span, now])
  const write = useAmount(measure)
  const times = useMemo(() => all.map(({ at }) => at), [all])
  const values = useMemo(() => all.map(({ sum }) => amountOf(sum, measure)), [all, measure])
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="by-day">
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} id="by-day">
            {t('byDay')}
          </Title>
          {isPriced && (
            <SegmentedControl
              size="xs"
              aria-label={t('measure')}
              value={measure}
              onChange={value => setWanted(value === 'tokens' ? 'tokens' : 'cost')}
              data={[
                { value: 'cost', label: t('cost') },
                { value: 'tokens', label: t('tokens') },
              ]}
            />
          )}
        </Group>
        <Suspense fallback={<Skeleton height={height} />}>
          <Bars times={times} values={values} height={height} write={write} label={t('byDay')} />
        </Suspense>
        <InWords all={all} measure={measure} write={write} />
        <HiddenTable all={all} measure={measure} write={write} />
      </Stack>
    </Paper>
  )
}

function useAmount(measure: Measure): (value: number) => string {
  const writing = useWriting()
  const currency = useCurrency()
  return value => (measure === 'cost' ? writing.money(value, currency) : writing.number(value))
}

interface TextProps {
  all: readonly Day[]
  measure: Measure
  write: (value: number) => string
}

function InWords({ all, measure, write }: TextProps) {
  const t = useTranslations('usage')
  const dayName = useDayName()
  const used = all.filter(({ sum }) => sum !== undefined)
  const most = used.reduce<Day | undefined>(
    (top, day) => (top === undefined || amountOf(day.sum, measure) > amountOf(top.sum, measure) ? day : top),
    undefined,
  )
  if (most === undefined) return null
  return (
    <Text size="sm" c="dimmed" data-chart-text>
      {t('chartText', {
        days: used.length,
        day: dayName(most.at),
        amount: write(amountOf(most.sum, measure)),
      })}
    </Text>
  )
}

function HiddenTable({ all, measure, write }: TextProps) {
  const t = useTranslations('usage')
  const dayName = useDayName()
  return (
    <VisuallyHidden>
      <Table>
        <Table.Caption>{t('byDay')}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('kinds.day')}</Table.Th>
            <Table.Th scope="col">{t(measure)}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all
            .filter(({ sum }) => sum !== undefined)
            .map(({ at, sum }) => (
              <Table.Tr key={at}>
                <Table.Th scope="row">{dayName(at)}</Table.Th>
                <Table.Td>{write(amountOf(sum, measure))}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </VisuallyHidden>
  )
}
