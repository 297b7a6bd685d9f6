import { Badge, Box, Button, Group, List, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Facts } from '../parts/facts.tsx'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { PauseButton } from '../parts/pause-button.tsx'
import { Empty, ErrorNotice, Pending } from '../parts/states.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago, Countdown } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import { ScheduleDialog } from './schedule-dialog.tsx'

type Schedule = components['schemas']['Schedule']

/** Milliseconds: the next tick comes by itself, and no event tells of it. */
const readAgainMs = 10_000

/** What a dialog is about. */
type Asked = { how: 'run' | 'edit' | 'remove'; id: string } | { how: 'new' }

/** The schedules: when they tick, what they ran, how they are paused and run now, and how operators make others. */
export function SchedulesPage() {
  const t = useTranslations('schedules')
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  const { data, error, refetch } = useQuery({
    queryKey: keys.schedules,
    queryFn: () => dataOf(api.GET('/v1/schedules')),
    staleTime: readAgainMs,
    refetchInterval: readAgainMs,
  })
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')}>
        <May need="operate">
          <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setAsked({ how: 'new' })}>
            {t('new')}
          </Button>
        </May>
      </PageTitle>
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={6} />}
      {data?.items.length === 0 && <Empty title={t('noneTitle')} text={t('noneText')} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {data?.items.map(schedule => (
          <ScheduleCard
            key={schedule.id}
            schedule={schedule}
            onAsk={how => setAsked({ how, id: schedule.id })}
          />
        ))}
      </SimpleGrid>
      {asked?.how === 'run' && <RunDialog schedule={asked.id} onClose={close} />}
      {asked?.how === 'remove' && <RemoveDialog schedule={asked.id} onClose={close} />}
      {asked?.how === 'new' && <ScheduleDialog id={undefined} onClose={close} />}
      {asked?.how === 'edit' && <ScheduleDialog id={asked.id} onClose={close} />}
    </Page>
  )
}

interface CardProps {
  schedule: Schedule
  onAsk: (how: 'run' | 'edit' | 'remove') => void
}

function ScheduleCard({ schedule, onAsk }: CardProps) {
  const t = useTranslations('schedules')
  const typeName = useTaskTypeName()
  const { id, paused, cron, timeZone, taskType, lane, priority, catchUp, overlap, made, problem } = schedule
  return (
    <Paper withBorder p="md" data-schedule={id}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h4" miw={0} style={{ overflowWrap: 'anywhere' }}>
            {id}
          </Title>
          <Badge color={paused ? 'yellow' : 'green'} variant="light" data-state={paused ? 'paused' : 'open'}>
            {t(paused ? 'paused' : 'open')}
          </Badge>
        </Group>
        <Facts
          facts={[
            [t('cron'), cron],
            [t('zone'), timeZone],
            [t('task'), typeName(taskType)],
            [t('lane'), lane],
            [t('priority'), priority === 'high' && t('priorities.high')],
            [t('missed'), t(`catchUp.${catchUp}`)],
            [t('meanwhile'), t(`overlap.${overlap}`)],
            [t('madeBy'), made?.createdBy],
            [t('madeFor'), made?.userId],
          ]}
        />
        {problem === undefined ? (
          <Ticks schedule={schedule} />
        ) : (
          <Text size="sm" fw={500} data-problem={problem}>
            {t(`problems.${problem}`)}
          </Text>
        )}
        <LastRun run={schedule.lastRun} />
        <May need="operate">
          <Group gap="xs">
            <ScheduleSwitch id={id} paused={paused} />
            {(made === undefined ? (['run'] as const) : (['run', 'edit', 'remove'] as const)).map(how => (
              <Button
                key={how}
                size="xs"
                variant="default"
                aria-label={t('named', { verb: t(how), id })}
                onClick={() => onAsk(how)}
              >
                {t(how)}
              </Button>
            ))}
          </Group>
        </May>
      </Stack>
    </Paper>
  )
}

function Ticks({ schedule: { nextTicks, paused, timeZone } }: { schedule: Schedule }) {
  const t = useTranslations('schedules')
  const writing = useWriting()
  const [next] = nextTicks
  if (paused) return <Text size="sm">{t('pausedText')}</Text>
  if (next === undefined) return <Text size="sm">{t('never')}</Text>
  return (
    <Stack gap={4}>
      <Text size="sm">
        {t('next')} <Countdown at={next} />
      </Text>
      <Box component="details" fz="sm">
        <summary style={{ cursor: 'pointer' }}>{t('nextTicks', { count: nextTicks.length })}</summary>
        <List size="sm" mt={4}>
          {nextTicks.map(at => (
            <List.Item key={at} className="numbers" title={timeZone}>
              {writing.dateTime(at)}
            </List.Item>
          ))}
        </List>
      </Box>
    </Stack>
  )
}

/** The last task of a schedule, as long as it is kept. */
function LastRun({ run }: { run: Schedule['lastRun'] }) {
  const t = useTranslations('schedules')
  if (run === undefined) return <Text size="sm">{t('notYet')}</Text>
  const { taskId, status, at } = run
  if (status === undefined || at === undefined) return <Text size="sm">{t('lastGone')}</Text>
  return (
    <Group gap="xs">
      <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
        {t('last')}
      </TextLink>
      <StatusBadge status={status} />
      <Text size="sm" c="dimmed">
        <Ago at={at} />
      </Text>
    </Group>
  )
}

function ScheduleSwitch({ id, paused }: Pick<Schedule, 'id' | 'paused'>) {
  const t = useTranslations('schedules')
  const params = { path: { schedule: id } }
  const verb = t(paused ? 'resume' : 'pause')
  const done = t(paused ? 'resumed' : 'nowPaused', { id })
  return (
    <PauseButton
      paused={paused}
      words={{ verb, label: t('named', { verb, id }), done }}
      onChange={() =>
        dataOf(
          paused
            ? api.POST('/v1/schedules/{schedule}:resume', { params })
            : api.POST('/v1/schedules/{schedule}:pause', { params }),
        )
      }
      queryKey={keys.schedules}
    />
  )
}

/** Asks before a task is submitted, and does it. */
function RunDialog({ schedule, onClose }: { schedule: string; onClose: () => void }) {
  const t = useTranslations('schedules')
  const queries = useQueryClient()
  const run = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/schedules/{schedule}:run', { params: { path: { schedule } } })),
    onSuccess() {
      notifyDone(t('ran', { id: schedule }))
      onClose()
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.schedules }),
  })
  return (
    <Confirm
      title={t('runTitle')}
      action={t('runAction')}
      isBusy={run.isPending}
      onConfirm={() => run.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text style={{ overflowWrap: 'anywhere' }}>{t('runText', { id: schedule })}</Text>
        {run.error !== null && <ErrorNotice error={run.error} />}
      </Stack>
    </Confirm>
  )
}

/** Asks before a schedule is removed, and does it. */
function RemoveDialog({ schedule, onClose }: { schedule: string; onClose: () => void }) {
  const t = useTranslations('schedules')
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/schedules/{schedule}', { params: { path: { schedule } } }),
    onSuccess() {
      notifyDone(t('removed', { id: schedule }))
      onClose()
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.schedules }),
  })
  return (
    <Confirm
      title={t('removeTitle')}
      action={t('remove')}
      isDangerous
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text style={{ overflowWrap: 'anywhere' }}>{t('removeText', { id: schedule })}</Text>
        {remove.error !== null && <ErrorNotice error={remove.error} />}
      </Stack>
    </Confirm>
  )
}
