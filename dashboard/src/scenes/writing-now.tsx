import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconPlayerStop } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useOutput } from '../live/follow-output.ts'
import { TextLink } from '../parts/links.tsx'
import { useNotifyError } from '../parts/notify.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { TaskProgress } from '../parts/task-progress.tsx'
import { GrowingText } from './growing-text.tsx'
import { Spent } from './spent.tsx'
import { useTaskAction } from './use-write.ts'
import { WaitingFor } from './waiting-for.tsx'

/** What is shown of a scene that is being written. */
export interface WritingNowProps {
  task: Task
  /** There is a text that the new one will replace. */
  replaces: boolean
  /** Whether the focus goes here when it appears. */
  takesFocus: boolean
}

/** A scene while it is written: the text as it grows, how far it is, what it waits for, what it has cost, and how to stop it. */
export function WritingNow({ task, replaces, takesFocus }: WritingNowProps) {
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
            {task.waitingFor === undefined && <StatusBadge status={task.status} phase={task.phase} />}
          </Group>
          <StopButton task={task} />
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
