import { Group, Paper, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { Ago } from '../parts/ago.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { RowMenu } from './row-menu.tsx'
import { Progress, StatusNote, Took } from './row-parts.tsx'
import { Choose, openUnlessBusy, Subject, type TaskRowProps } from './task-row.tsx'
import classes from './tasks.module.css'

/** A task as a card, where there is no room for a table. */
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
            <Choose {...props} name={name} />
            <StatusBadge status={task.status} phase={task.phase} />
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
