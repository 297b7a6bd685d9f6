import { Alert, Box, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconArrowDown, IconClockPause, IconPlayerStop, IconRefresh } from '@tabler/icons-react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { type Output, useOutput } from '../live/follow-output.ts'
import { TextLink } from '../parts/links.tsx'
import { MayAct } from '../parts/may.tsx'
import { useNotifyError } from '../parts/notify.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useNow } from '../parts/time.tsx'
import { useIsPaused } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { RaiseBudget, Spent } from './budget.tsx'
import { useTaskAction } from './scene-writes.ts'
import styles from './scenes.module.css'

/** What is shown of a scene that is being written. */
interface WritingNowProps {
  task: Task
  /** There is a text that the new one will replace. */
  replaces: boolean
  /** Whether the focus goes here when it appears. */
  takesFocus: boolean
}

/** A scene while it is written, or while its task waits for what the author decides about the candidates. */
export function WritingNow(props: WritingNowProps) {
  return props.task.waitingFor?.kind === 'signal' ? (
    <AwaitsAuthor task={props.task} />
  ) : (
    <Growing {...props} />
  )
}

function AwaitsAuthor({ task }: { task: Task }) {
  const t = useTranslations('scenes.now')
  return (
    <Paper withBorder p="md" data-awaits-author>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">
          {t('awaitsYou')}{' '}
          <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} inherit underline="always">
            {t('toTask')}
          </TextLink>
        </Text>
        <MayAct task={task}>
          <StopButton task={task} />
        </MayAct>
      </Group>
    </Paper>
  )
}

/** The text as it grows, how far it is, what it waits for, what it has cost, and how to stop it. */
function Growing({ task, replaces, takesFocus }: WritingNowProps) {
  const t = useTranslations('scenes.now')
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (takesFocus) title.current?.focus()
  }, [takesFocus])
  const output = useOutput(task.id, task.done)
  return (
    <Paper withBorder p="md" data-writing={task.status}>
      <Stack>
        <Group justify="space-between" wrap="wrap" gap="xs">
          <Group gap="xs">
            <Title order={2} ref={title} tabIndex={-1}>
              {t('title')}
            </Title>
            {task.waitingFor === undefined && <StatusBadge {...task} />}
          </Group>
          <MayAct task={task}>
            <StopButton task={task} />
          </MayAct>
        </Group>
        <WaitingFor task={task} />
        <TaskProgress task={task} />
        <GrowingText output={output} />
        {output.text === '' && (
          <Text size="sm" c="dimmed">
            {task.status === 'RUNNING' ? t('noWordYet') : t('notBegun')}
          </Text>
        )}
        {task.attempt > 1 && output.attempt === task.attempt && (
          <Text size="sm" c="dimmed">
            {t('laterAttempt', { attempt: task.attempt })}
          </Text>
        )}
        <Spent taskId={task.id} />
        <Text size="sm" c="dimmed">
          {replaces ? t('replaces') : t('keepsOn')}{' '}
          <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} inherit underline="always">
            {t('toTask')}
          </TextLink>
        </Text>
      </Stack>
    </Paper>
  )
}

function StopButton({ task }: { task: Task }) {
  const t = useTranslations('scenes.now')
  const { stop } = useTaskAction(task.id)
  const notifyError = useNotifyError()
  const isStopping = task.cancelRequestedAt !== undefined || stop.isPending
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlayerStop size={16} aria-hidden />}
      loading={isStopping}
      onClick={() => stop.mutate(undefined, { onError: notifyError })}
    >
      {t('stop')}
    </Button>
  )
}

/** Pixels from the end within which a person is at the end. */
const nearEnd = 48

/** A text that grows. The view goes along with it as long as the person is at its end; scrolling up to read stops that. */
function GrowingText({ output: { text } }: { output: Output }) {
  const t = useTranslations('scenes.now')
  const box = useRef<HTMLDivElement>(null)
  const [isAtEnd, setIsAtEnd] = useState(true)
  useLayoutEffect(() => {
    if (isAtEnd && text !== '') box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [text, isAtEnd])
  if (text === '') return null
  return (
    <Box pos="relative">
      <Box
        component="section"
        ref={box}
        className={styles['growing'] ?? ''}
        tabIndex={0}
        aria-label={t('text')}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setIsAtEnd(scrollHeight - clientHeight - scrollTop < nearEnd)
        }
      >
        <Text component="div" className="prose" data-growing>
          {text}
        </Text>
      </Box>
      {!isAtEnd && (
        <Button
          className={styles['toEnd'] ?? ''}
          size="xs"
          variant="default"
          leftSection={<IconArrowDown size={16} aria-hidden />}
          onClick={() => setIsAtEnd(true)}
        >
          {t('toEnd')}
        </Button>
      )}
    </Box>
  )
}

/** What a task waits for that does not run now, and until when. Nothing while it runs. */
function WaitingFor({ task }: { task: Task }) {
  if (task.status === 'RUNNING' || task.done) return null
  if (task.waitingFor?.kind === 'budget') return <RaiseBudget task={task} />
  if (task.waitingFor?.kind === 'limit') return <ForLimit task={task} limit={task.waitingFor.limit} />
  // The provider said when to come again.
  if (task.errorInfo?.errorClass === 'rate-limited') return <ForLimit task={task} />
  if (task.status === 'RETRYING') return <ForRetry task={task} />
  return <ForSlot lane={task.lane} />
}

/** When it goes on; a moment that has come is now. */
function useUntil(at: string | undefined): string | undefined {
  const writing = useWriting()
  const now = useNow()
  if (at === undefined) return undefined
  return Date.parse(at) <= now ? undefined : writing.ago(at, now)
}

function ForLimit({ task, limit }: { task: Task; limit?: string }) {
  const t = useTranslations('scenes.waiting')
  const until = useUntil(task.nextAttemptTimestamp)
  return (
    <Alert color="yellow" icon={<IconClockPause aria-hidden />} title={t('limitTitle')} role="status">
      <Text size="sm">{until === undefined ? t('limitNow') : t('limit', { until })}</Text>
      {limit !== undefined && (
        <Text size="xs" c="dimmed">
          {t('limitKey', { limit })}
        </Text>
      )}
    </Alert>
  )
}

function ForRetry({ task }: { task: Task }) {
  const t = useTranslations('scenes.waiting')
  const until = useUntil(task.nextAttemptTimestamp)
  const why = wordsOf(task.errorInfo)
  return (
    <Alert color="yellow" icon={<IconRefresh aria-hidden />} title={t('retryTitle')} role="status">
      {why !== undefined && <Text size="sm">{why}</Text>}
      <Text size="sm">{until === undefined ? t('retryNow') : t('retry', { until })}</Text>
      <Text size="sm">{t('kept')}</Text>
    </Alert>
  )
}

/** It waits for a free worker slot; a lane that somebody paused starts nothing. */
function ForSlot({ lane }: { lane: string }) {
  const t = useTranslations('scenes.waiting')
  const isPaused = useIsPaused(lane)
  return (
    <Text size="sm" c="dimmed" role="status">
      {isPaused ? t('paused', { lane }) : t('queue')}
    </Text>
  )
}
