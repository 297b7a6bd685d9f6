import { Badge, Group, List, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { useId } from 'react'
import { useTranslations } from 'use-intl'
import { Facts } from '../parts/facts.tsx'
import { TextLink } from '../parts/links.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago, useNow } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import { laneSlotsOf, type SeenWorker, type Worker } from './seen-workers.ts'

const colors = { live: 'green', silent: 'yellow', gone: 'gray' } as const

/** One process: what it is, how full its lanes are, and what it runs. */
export function WorkerCard({ seen: { worker, state } }: { seen: SeenWorker }) {
  const t = useTranslations('workers')
  const { nodeId, host, pid, version, roles, startedAt, seenAt } = worker
  return (
    <Paper withBorder p="md" data-worker={nodeId}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs" align="flex-start">
          <Title order={2} size="h4" miw={0} style={{ overflowWrap: 'anywhere' }}>
            {t('name', { host, pid: String(pid) })}
          </Title>
          <Badge color={colors[state]} variant="light" data-state={state}>
            {t(`states.${state}`)}
          </Badge>
        </Group>
        {state !== 'live' && (
          <Text size="sm" fw={500}>
            {t(`why.${state}`)}
          </Text>
        )}
        <Facts
          facts={[
            [t('node'), nodeId],
            [t('version'), version],
            [t('roles'), roles.length === 0 ? t('client') : roles.join(', ')],
          ]}
        />
        <Text size="sm" c="dimmed">
          {t('started')} <Ago at={startedAt} /> · {t('seen')} <Ago at={seenAt} />
        </Text>
        {state !== 'gone' && <Slots worker={worker} />}
        {state !== 'gone' && <Attempts worker={worker} />}
      </Stack>
    </Paper>
  )
}

/** How many slots of each lane are in use. */
function Slots({ worker }: { worker: Worker }) {
  const t = useTranslations('workers')
  const lanes = laneSlotsOf(worker)
  if (lanes.length === 0) return <Text size="sm">{t('noSlots')}</Text>
  return (
    <Stack gap={6} component="section" aria-label={t('lanes')}>
      {lanes.map(({ lane, slots, busy }) => {
        const text = busy === undefined ? t('slots', { slots }) : t('ofSlots', { busy, slots })
        return (
          <div key={lane} data-slots={lane}>
            <Group justify="space-between" gap="xs">
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {lane}
              </Text>
              <Text size="sm" className="numbers">
                {text}
              </Text>
            </Group>
            <Progress
              value={slots === 0 ? 100 : Math.min(100, (100 * (busy ?? 0)) / slots)}
              size="sm"
              aria-label={`${lane}: ${text}`}
            />
          </div>
        )
      })}
    </Stack>
  )
}

/** What the slots run, and since when. */
function Attempts({ worker: { running, attempts } }: { worker: Worker }) {
  const t = useTranslations('workers')
  const writing = useWriting()
  const typeName = useTaskTypeName()
  const now = useNow()
  const id = useId()
  if (running === 0) return <Text size="sm">{t('idle')}</Text>
  if (attempts === undefined) return <Text size="sm">{t('runs', { count: running })}</Text>
  const more = running - attempts.length
  return (
    <Stack gap={4} component="section" aria-labelledby={id}>
      <Title order={3} size="h5" id={id}>
        {t('attempts')}
      </Title>
      <List size="sm" spacing={2}>
        {attempts.map(({ taskId, taskType, lane, attempt, startedAt }) => (
          <List.Item key={taskId}>
            <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
              <span title={taskId}>
                {typeName(taskType)} …{taskId.slice(-6)}
              </span>
            </TextLink>{' '}
            <Text span inherit c="dimmed" className="numbers">
              {t('since', {
                lane,
                attempt,
                // Clocks differ: never less than nothing.
                time: writing.duration(Math.max(0, now - Date.parse(startedAt))),
              })}
            </Text>
          </List.Item>
        ))}
      </List>
      {more > 0 && <Text size="sm">{t('more', { count: more })}</Text>}
    </Stack>
  )
}
