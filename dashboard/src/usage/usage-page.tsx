import { Button, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { currencyOf, useCapabilities } from '../api/capabilities.ts'
import { ButtonLink } from '../parts/links.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, Pending } from '../parts/states.tsx'
import { useNovelTitles } from '../queries/novel-queries.ts'
import type { UsageSearch } from '../queries/search.ts'
import { useWriting } from '../text/format.ts'
import { DayChart } from './day-chart.tsx'
import { filterOf, type SumsOf, totalOf, type UsageFilter, type UsageSum, useDays } from './usage-queries.ts'
import { UsageTable } from './usage-table.tsx'

const from = '/usage'

/** What calls of models used and cost. */
export function UsagePage() {
  const t = useTranslations('usage')
  const search = useSearch({ from })
  // The day may change while the page is open; what it shows stays of one piece.
  const [now] = useState(Date.now)
  const filter = filterOf(search, now)
  const { data: days, error, refetch } = useDays(filter)
  // Costs are written in the currency of the server.
  const capabilities = useCapabilities()
  const data = capabilities.isPending ? undefined : days
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')} />
      <Group gap="xs">
        <Span />
        <OneNovel />
      </Group>
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={6} />}
      {data?.length === 0 && <NothingUsed search={search} />}
      {data !== undefined && data.length > 0 && (
        <>
          <Totals total={totalOf(data)} />
          <DayChart days={data} span={search.days ?? '30'} now={now} />
          <Sums filter={filter} />
        </>
      )}
    </Page>
  )
}

/** Over which time is summed up. */
function Span() {
  const t = useTranslations('usage')
  const { days = '30', ...search } = useSearch({ from })
  const navigate = useNavigate({ from })
  return (
    <SegmentedControl
      aria-label={t('span')}
      size="xs"
      value={days}
      onChange={value => void navigate({ search: { ...search, ...daysOf(value) }, replace: true })}
      data={[
        { value: '7', label: t('days', { count: 7 }) },
        { value: '30', label: t('days', { count: 30 }) },
        { value: '90', label: t('days', { count: 90 }) },
        { value: 'all', label: t('all') },
      ]}
    />
  )
}

function daysOf(value: string): Pick<UsageSearch, 'days'> {
  return value === '7' || value === '90' || value === 'all' ? { days: value } : {}
}

/** Says that only one novel is counted, and takes that back. */
function OneNovel() {
  const t = useTranslations('usage')
  const { novel, ...search } = useSearch({ from })
  const navigate = useNavigate({ from })
  const titles = useNovelTitles()
  if (novel === undefined) return null
  return (
    <Button
      variant="light"
      size="xs"
      w="fit-content"
      rightSection={<IconX size={14} aria-hidden />}
      onClick={() => void navigate({ search })}
    >
      {t('onlyNovel', { title: titles.get(novel) ?? t('novelNotFound') })}
    </Button>
  )
}

/** The sums of the chosen kind, as a table. */
function Sums({ filter }: { filter: UsageFilter }) {
  const t = useTranslations('usage')
  const { by = 'model', ...search } = useSearch({ from })
  const navigate = useNavigate({ from })
  const kinds = ['model', 'subject', 'task', 'day'] as const satisfies readonly SumsOf[]
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="xs">
        <Title order={2}>{t('where')}</Title>
        <SegmentedControl
          aria-label={t('by')}
          size="xs"
          value={by}
          onChange={value => {
            const kind = kinds.find(each => each === value) ?? 'model'
            void navigate({ search: { ...search, ...(kind === 'model' ? {} : { by: kind }) }, replace: true })
          }}
          data={kinds.map(kind => ({ value: kind, label: t(`kinds.${kind}`) }))}
        />
      </Group>
      <UsageTable filter={filter} by={by} />
    </Stack>
  )
}

/** What all calls together used and cost. */
function Totals({ total }: { total: Omit<UsageSum, 'key'> }) {
  const t = useTranslations('usage')
  const writing = useWriting()
  const { data: capabilities } = useCapabilities()
  const { calls, inputTokens, cachedInputTokens, outputTokens, unpricedCalls, estimatedCalls, cost } = total
  return (
    <Stack gap="xs">
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure
          name={t('cost')}
          figure={cost === undefined ? t('unknown') : writing.money(cost, currencyOf(capabilities))}
        />
        <Figure name={t('calls')} figure={writing.number(calls)} />
        <Figure
          name={t('tokens')}
          figure={writing.number(inputTokens + outputTokens)}
          below={t('inAndOut', { input: inputTokens, cached: cachedInputTokens, output: outputTokens })}
        />
      </SimpleGrid>
      {unpricedCalls > 0 && (
        <Text size="sm" c="dimmed" data-unpriced={unpricedCalls}>
          {t('unpriced', { count: unpricedCalls })}
        </Text>
      )}
      {estimatedCalls > 0 && (
        <Text size="sm" c="dimmed" data-estimated={estimatedCalls}>
          {t('estimated', { count: estimatedCalls })}
        </Text>
      )}
    </Stack>
  )
}

function Figure({ name, figure, below }: { name: string; figure: string; below?: string }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={650} className="numbers">
        {figure}
      </Text>
      {below !== undefined && (
        <Text size="xs" c="dimmed" className="numbers">
          {below}
        </Text>
      )}
    </Paper>
  )
}

/** No model was called, at all or within the chosen time. */
function NothingUsed({ search: { days, novel } }: { search: UsageSearch }) {
  const t = useTranslations('usage')
  const isAll = days === 'all'
  return (
    <Empty title={isAll ? t('emptyTitle') : t('emptySpanTitle')} text={t('emptyText')}>
      <Group gap="xs" mt="sm">
        {!isAll && (
          <ButtonLink to="/usage" search={{ days: 'all', ...defined({ novel }) }} variant="default">
            {t('showAll')}
          </ButtonLink>
        )}
        <ButtonLink to="/settings" hash="models" variant="default">
          {t('toModels')}
        </ButtonLink>
      </Group>
    </Empty>
  )
}
