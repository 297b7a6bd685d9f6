import { Alert, Button, Group, Paper, SimpleGrid, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { RangeControl } from '../parts/chart.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Pending } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useWriting } from '../text/format.ts'
import { Charts } from './charts.tsx'
import { useDuration } from './durations.ts'
import { type Overview, useOverview } from './overview-query.ts'
import { Problems } from './problems.tsx'
import { SumsTable } from './sums-table.tsx'

const from = '/overview'

/** What is wrong now, what waits and runs, and what was done in the last hour, day or week. */
export function OverviewPage() {
  const t = useTranslations('overview')
  const search = useSearch({ from })
  const { data, error, refetch } = useOverview(search)
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')} />
      {data === undefined && <Pending error={error} onRetry={refetch} lines={8} />}
      {data !== undefined && (
        <>
          <Problems problems={data.problems} />
          <Now overview={data} />
          <Group gap="xs">
            <Range />
            <Only />
          </Group>
          {!data.isComplete && <Alert color="yellow">{t('incomplete')}</Alert>}
          {data.total.started + data.total.completed + data.total.failed === 0 && (
            <Text c="dimmed">{t('nothing')}</Text>
          )}
          <Charts overview={data} />
          <Tables overview={data} />
        </>
      )}
    </Page>
  )
}

/** What waits, runs and needs a person right now. */
function Now({ overview: { state } }: { overview: Overview }) {
  const t = useTranslations('overview.now')
  const writing = useWriting()
  const duration = useDuration()
  const { counts = {}, lanes = [], oldestWaitingMs } = state
  const sum = (of: (lane: (typeof lanes)[number]) => number) =>
    lanes.reduce((total, lane) => total + of(lane), 0)
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Figure name={t('waiting')} figure={writing.number(sum(lane => lane.waiting))} />
      <Figure
        name={t('oldest')}
        figure={oldestWaitingMs === undefined ? '–' : writing.duration(oldestWaitingMs)}
      />
      <Figure
        name={t('running')}
        figure={t('ofSlots', { running: sum(lane => lane.allRunning), slots: sum(lane => lane.allSlots) })}
      />
      <Figure name={t('retrying')} figure={writing.number(counts['RETRYING'] ?? 0)} />
      <Figure
        name={t('failed')}
        figure={writing.number((counts['FAILED'] ?? 0) + (counts['DEAD_LETTER'] ?? 0))}
      />
      <Figure name={t('loop')} figure={duration(state.loopDelayMs)} />
    </SimpleGrid>
  )
}

function Figure({ name, figure }: { name: string; figure: string }) {
  return (
    <Paper withBorder p="sm">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="lg" fw={650} className="numbers">
        {figure}
      </Text>
    </Paper>
  )
}

/** Over which time. */
function Range() {
  const { range = 'hour', ...search } = useSearch({ from })
  const navigate = useNavigate({ from })
  return (
    <RangeControl
      range={range}
      onRange={next =>
        void navigate({ search: { ...search, ...(next !== 'hour' && { range: next }) }, replace: true })
      }
    />
  )
}

/** Says that the charts show one lane or type alone, and takes that back. */
function Only() {
  const t = useTranslations('overview')
  const typeName = useTaskTypeName()
  const { lane, type, ...search } = useSearch({ from })
  const navigate = useNavigate({ from })
  const named = [lane, type === undefined ? undefined : typeName(type)].filter(each => each !== undefined)
  if (named.length === 0) return null
  return (
    <Button
      variant="light"
      size="xs"
      rightSection={<IconX size={14} aria-hidden />}
      onClick={() => void navigate({ search })}
    >
      {t('only', { name: named.join(' · ') })}
    </Button>
  )
}

function Tables({ overview: { lanes, types } }: { overview: Overview }) {
  const t = useTranslations('overview')
  const typeName = useTaskTypeName()
  return (
    <>
      <SumsTable
        title={t('byLane')}
        rows={lanes.map(({ lane, ...sums }) => ({ name: lane, sums, search: { lane } }))}
      />
      <SumsTable
        title={t('byType')}
        rows={types.map(({ taskType, ...sums }) =>
          taskType === undefined
            ? { name: t('others'), sums }
            : { name: typeName(taskType), sums, search: { type: taskType } },
        )}
      />
    </>
  )
}
