import { ActionIcon, Checkbox, Group, Paper, Stack, Table, Text } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { Suspense, useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { TextLink } from '../parts/links.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useSubjectLine, useTaskTypeName } from '../parts/task-name.tsx'
import { Ago, useNow } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import type { RowMenuProps } from './row-menu-items.tsx'
import type { TaskAction } from './task-actions.ts'
import classes from './tasks.module.css'

/** A task of the list, and what the list does with it. */
export interface TaskRowProps {
  task: Task
  /** Number of the row, from 0. */
  index: number
  isSelected: boolean
  /** Whether the person may act on it. */
  canAct: boolean
  /** Whether its status is still one that the filter asks for. */
  fits: boolean
  onToggle: (range: boolean) => void
  onAct: (action: TaskAction) => void
  onOpen: () => void
}

/** A task as a row of a table. Always equally high, whatever it says. */
export function TaskRow(props: TaskRowProps) {
  const { task, index, fits, onAct } = props
  const name = useTaskTypeName()(task.taskType)
  return (
    <Table.Tr
      data-task-id={task.id}
      tabIndex={-1}
      aria-rowindex={index + 2}
      className={classes['row']}
      data-selected={props.isSelected || undefined}
      onClick={event => openUnlessBusy(event, props.onOpen)}
    >
      <Table.Td>{props.canAct && <Choose {...props} name={name} />}</Table.Td>
      <Table.Td>
        <StatusBadge {...task} />
        <StatusNote task={task} fits={fits} />
      </Table.Td>
      <Table.Td>
        <Subject task={task} name={name} />
      </Table.Td>
      <Table.Td>
        <Progress task={task} />
      </Table.Td>
      <Table.Td visibleFrom="lg">
        <Attempts task={task} />
      </Table.Td>
      <Table.Td visibleFrom="xl">
        <Text size="sm" truncate title={task.userId}>
          {task.userId}
        </Text>
      </Table.Td>
      <Table.Td>
        <Ago at={task.timestamps.createdAt} />
      </Table.Td>
      <Table.Td>
        <Took task={task} />
      </Table.Td>
      <Table.Td>
        <RowMenu task={task} name={name} onAct={onAct} />
      </Table.Td>
    </Table.Tr>
  )
}

/** The box that chooses a row; with the shift key, all up to it. */
function Choose({ isSelected, onToggle, name }: TaskRowProps & { name: string }) {
  const t = useTranslations('tasks')
  return (
    <Checkbox
      size="sm"
      checked={isSelected}
      aria-label={t('choose', { name })}
      onChange={({ nativeEvent }) => onToggle(nativeEvent instanceof MouseEvent && nativeEvent.shiftKey)}
    />
  )
}

/** What the task is: its type as a link, its subject, and what went wrong. */
function Subject({ task, name }: { task: Task; name: string }) {
  const subject = useSubjectLine()(task)
  const trouble = troubleOf(task)
  const below = trouble ?? subject
  return (
    <>
      <Text size="sm" truncate>
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} fw={600} inherit>
          {name}
        </TextLink>
        {trouble !== undefined && subject !== '' && (
          <Text span size="sm" c="dimmed">
            {` · ${subject}`}
          </Text>
        )}
      </Text>
      {below !== '' && (
        <Text size="xs" c={trouble === undefined ? 'dimmed' : 'red'} truncate title={below}>
          {below}
        </Text>
      )}
    </>
  )
}

/** Opens a row on a click, unless the click was meant for something in it, or marked a text. */
function openUnlessBusy(event: React.MouseEvent, open: () => void): void {
  const { target, currentTarget } = event
  if (!(target instanceof Element) || !currentTarget.contains(target)) return
  if (target.closest('a, button, input, label') !== null) return
  if (window.getSelection()?.isCollapsed === false) return
  open()
}

/** A task as a card, where there is no space for a table. */
export function TaskCard(props: TaskRowProps) {
  const { task, fits, onAct, onOpen } = props
  const t = useTranslations('tasks')
  const name = useTaskTypeName()(task.taskType)
  return (
    <Paper
      withBorder
      p="sm"
      data-task-id={task.id}
      tabIndex={-1}
      className={classes['card']}
      data-selected={props.isSelected || undefined}
      onClick={event => openUnlessBusy(event, onOpen)}
    >
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="sm" wrap="nowrap" miw={0}>
            {props.canAct && <Choose {...props} name={name} />}
            <StatusBadge {...task} />
          </Group>
          <RowMenu task={task} name={name} onAct={onAct} />
        </Group>
        <div>
          <Subject task={task} name={name} />
          <StatusNote task={task} fits={fits} />
        </div>
        <Progress task={task} />
        <Group gap="md" fz="xs" c="dimmed">
          <Ago at={task.timestamps.createdAt} />
          <Took task={task} />
          {task.attempt > 1 && <Text inherit>{t('attemptsWord', { count: task.attempt })}</Text>}
        </Group>
      </Stack>
    </Paper>
  )
}

/** Statuses in which the last error is what matters. */
const troubled = new Set<Task['status']>(['RETRYING', 'FAILED', 'DEAD_LETTER', 'COMPLETED_WITH_ERRORS'])

/** Returns what went wrong last, in the words for authors where there are any; undefined when nothing did, or when it is past. */
function troubleOf({ status, errorInfo }: Task): string | undefined {
  if (errorInfo === undefined || !troubled.has(status)) return undefined
  return wordsOf(errorInfo)
}

/** What more there is to say of a status: when it is tried again, that it stops, that the row no longer fits. */
function StatusNote({ task, fits }: { task: Task; fits: boolean }) {
  const t = useTranslations('tasks')
  if (!fits) return <Note text={t('fitsNoMore')} />
  if (!task.done && task.cancelRequestedAt !== undefined) return <Note text={t('stopping')} />
  if (task.waitingFor?.kind === 'budget') return <Note text={t('waitsForBudget')} />
  if (task.status === 'RETRYING' && task.nextAttemptTimestamp !== undefined)
    return <NextTry at={task.nextAttemptTimestamp} />
  return null
}

function Note({ text }: { text: string }) {
  return (
    <Text size="xs" c="dimmed" truncate title={text}>
      {text}
    </Text>
  )
}

function NextTry({ at }: { at: string }) {
  const t = useTranslations('tasks')
  const writing = useWriting()
  const left = Date.parse(at) - useNow()
  return <Note text={left > 0 ? t('nextTry', { time: writing.duration(left) }) : t('nextTryNow')} />
}

/** How far a task is: while it lives, its bar; and of its sub-tasks how many ended, and how many of them failed. */
function Progress({ task }: { task: Task }) {
  const t = useTranslations('tasks')
  const summary = task.subTaskStatusSummary
  if (summary === undefined) return <TaskProgress task={task} isSlim />
  const { QUEUED = 0, RUNNING = 0, RETRYING = 0, FAILED = 0, DEAD_LETTER = 0 } = summary
  const total = Object.values(summary).reduce((sum, count) => sum + count, 0)
  const failed = FAILED + DEAD_LETTER
  return (
    <>
      <TaskProgress task={task} isSlim />
      <Group gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed" className="numbers" truncate>
          {t('subTasksDone', { done: total - QUEUED - RUNNING - RETRYING, total })}
        </Text>
        {failed > 0 && (
          <Text size="xs" c="red" className="numbers" truncate>
            {t('subTasksFailed', { count: failed })}
          </Text>
        )}
      </Group>
    </>
  )
}

/** How long a task ran, or has been running. Nothing before it began. */
function Took({ task }: { task: Task }) {
  const { startedAt, completedAt } = task.timestamps
  if (startedAt === undefined) return null
  if (!task.done) return <Running since={startedAt} />
  return completedAt === undefined ? null : <Length ms={Date.parse(completedAt) - Date.parse(startedAt)} />
}

function Running({ since }: { since: string }) {
  return <Length ms={useNow() - Date.parse(since)} />
}

function Length({ ms }: { ms: number }) {
  const writing = useWriting()
  return <span className="numbers">{writing.duration(ms)}</span>
}

/** How often a task was tried, and how many of that were retries. */
function Attempts({ task }: { task: Task }) {
  const t = useTranslations('tasks')
  if (task.attempt === 0) return null
  return (
    <span className="numbers">
      {t('attempts', { count: task.attempt })}
      {task.retryCount > 0 && (
        <Text size="xs" c="dimmed" component="span" display="block">
          {t('retries', { count: task.retryCount })}
        </Text>
      )}
    </span>
  )
}

/** Comes when a person is about to open the first one: a long list has many of them, and few are opened. */
const RowMenuItems = lazyPart<'RowMenuItems', RowMenuProps>(
  () => import('./row-menu-items.tsx'),
  'RowMenuItems',
)

/** What can be done to the task of a row. */
function RowMenu(props: RowMenuProps) {
  const t = useTranslations('tasks')
  const [isWanted, setIsWanted] = useState(false)
  const button = (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={t('actionsOf', { name: props.name })}
      aria-haspopup="menu"
      onPointerEnter={() => void RowMenuItems.preload()}
      onClick={() => setIsWanted(true)}
    >
      <IconDots size={18} aria-hidden />
    </ActionIcon>
  )
  if (!isWanted) return button
  return (
    <Suspense fallback={button}>
      <RowMenuItems {...props} />
    </Suspense>
  )
}
