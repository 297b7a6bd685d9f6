import { Badge, Table, Text } from '@mantine/core'
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconBan,
  IconCheck,
  IconClock,
  IconLoader2,
  IconPlayerPlay,
  IconPlus,
  IconRefresh,
  IconX,
} from '@tabler/icons-react'
import { memo } from 'react'
import { useTranslations } from 'use-intl'
import type { TaskEvent } from '../live/apply.ts'
import type { Happening } from '../live/recent-events.ts'
import { TextLink } from '../parts/links.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { useWriting } from '../text/format.ts'

/** What happens to a task, as the stream names it. The colour only helps. */
const appearances = {
  submitted: { color: 'gray', icon: IconPlus },
  started: { color: 'ink', icon: IconPlayerPlay },
  progress: { color: 'ink', icon: IconLoader2 },
  waiting: { color: 'gray', icon: IconClock },
  retrying: { color: 'yellow', icon: IconRefresh },
  givenBack: { color: 'gray', icon: IconArrowBackUp },
  completed: { color: 'green', icon: IconCheck },
  failed: { color: 'red', icon: IconX },
  cancelled: { color: 'gray', icon: IconBan },
  deadLettered: { color: 'red', icon: IconAlertTriangle },
  reopened: { color: 'ink', icon: IconArrowBackUp },
} as const

const columns = ['at', 'event', 'task', 'lane', 'user', 'note'] as const

/** The events, the newest first. */
export function EventTable({ happenings }: { happenings: readonly Happening[] }) {
  const t = useTranslations('events')
  return (
    <WideTable label={t('title')} minWidth="52rem">
      <Table.Thead>
        <Table.Tr>
          {columns.map(column => (
            <Table.Th key={column} scope="col">
              {t(`columns.${column}`)}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {happenings.map(happening =>
          happening.kind === 'task' ? (
            <EventRow key={happening.number} event={happening.event} />
          ) : (
            <GapRow key={happening.number} kind={happening.kind} at={happening.at} />
          ),
        )}
      </Table.Tbody>
    </WideTable>
  )
}

/** What became of the connection. */
const GapRow = memo(function GapRow({ kind, at }: { kind: 'lost' | 'back' | 'reset'; at: string }) {
  const t = useTranslations('events')
  const writing = useWriting()
  return (
    <Table.Tr data-gap={kind}>
      <Table.Td className="numbers" style={{ whiteSpace: 'nowrap' }} title={writing.dateTime(at)}>
        {writing.time(at)}
      </Table.Td>
      <Table.Td colSpan={columns.length - 1}>
        <Text size="sm" fs="italic" {...(kind === 'reset' && { fw: 600 })}>
          {t(`gaps.${kind}`)}
        </Text>
      </Table.Td>
    </Table.Tr>
  )
})

/** Rows do not change once they are there: however many come, these are drawn once. */
const EventRow = memo(function EventRow({ event }: { event: TaskEvent }) {
  const writing = useWriting()
  const typeName = useTaskTypeName()
  const { taskId, taskType, lane, userId, at } = event
  return (
    <Table.Tr data-event={event.event}>
      <Table.Td className="numbers" style={{ whiteSpace: 'nowrap' }} title={writing.dateTime(at)}>
        {writing.time(at)}
      </Table.Td>
      <Table.Td>
        <EventBadge event={event} />
      </Table.Td>
      <Table.Th scope="row" fw={400}>
        <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
          <span title={taskId}>
            {typeName(taskType)} …{taskId.slice(-6)}
          </span>
        </TextLink>
      </Table.Th>
      <Table.Td>{lane}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{userId}</Table.Td>
      <Table.Td maw="24rem" style={{ overflowWrap: 'anywhere' }}>
        <Note event={event} />
      </Table.Td>
    </Table.Tr>
  )
})

/** What happened, in a word; what is not known here, such as an event of a newer server, as it is named. */
function EventBadge({ event: { event, name } }: { event: TaskEvent }) {
  const t = useTranslations('events.kinds')
  const known = event as keyof typeof appearances
  const appearance = appearances[known] as (typeof appearances)['started'] | undefined
  if (appearance === undefined) return event ?? name
  const { color, icon: Icon } = appearance
  return (
    <Badge color={color} variant="light" leftSection={<Icon size={12} aria-hidden />}>
      {t(known)}
    </Badge>
  )
}

/** Characters of a progress that are shown: the task has all of it. */
const mostOfProgress = 120

/** What the event tells beside its name: which attempt, how long it waited or ran, why it ended, when it goes on. */
function Note({ event }: { event: TaskEvent }) {
  const t = useTranslations('events')
  const writing = useWriting()
  const { attempt = 0, waitedMs, ranMs, nextAttemptTimestamp: next, errorInfo, progress } = event
  const said = [
    attempt > 0 && t('attempt', { attempt }),
    waitedMs !== undefined && t('waited', { time: writing.duration(waitedMs) }),
    ranMs !== undefined && t('ran', { time: writing.duration(ranMs) }),
    next !== undefined && t('next', { time: writing.time(next) }),
    progress !== undefined && JSON.stringify(progress).slice(0, mostOfProgress),
    errorInfo !== undefined && `${errorInfo.code}: ${errorInfo.message}`.slice(0, 2 * mostOfProgress),
  ]
  return (
    <Text size="sm" c="dimmed" className="numbers">
      {said.filter(Boolean).join(' · ')}
    </Text>
  )
}
