import { Anchor, Group, Paper, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Ago } from '../parts/ago.tsx'
import { useConcern } from '../parts/concern.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { failureOf } from './failure-text.ts'
import type { LetterActions } from './letter-actions.ts'
import { LetterButtons } from './letter-buttons.tsx'

/** A task of a group: what it is, when it was given up, and what can be done. */
export function LetterRow({ task, actions }: { task: Task; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const name = useTaskTypeName()(task.taskType)
  const concern = useConcern()(task)
  const openedAt = task.deadLetter?.openedAt
  return (
    <Paper withBorder p="sm" role="listitem" data-task-id={task.id}>
      <Group justify="space-between" gap="sm">
        <Stack gap={4} miw={0} flex="1 1 18rem">
          <Group gap="sm">
            <StatusBadge status={task.status} />
            <Anchor component="button" type="button" fw={600} onClick={() => actions.onInspect(task.id)}>
              {concern === '' ? name : `${name} · ${concern}`}
            </Anchor>
          </Group>
          <Text size="sm" c="dimmed" lineClamp={2}>
            {failureOf(task)}
          </Text>
          <Group gap="md" fz="xs" c="dimmed">
            {openedAt !== undefined && <Ago at={openedAt} />}
            <span>{t('attempts', { count: task.attempt })}</span>
            <span>{t('user', { user: task.userId })}</span>
          </Group>
        </Stack>
        <LetterButtons task={task} actions={actions} />
      </Group>
    </Paper>
  )
}
