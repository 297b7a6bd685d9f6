import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { TaskProgress } from '../parts/task-progress.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { useTask } from '../queries/task-queries.ts'
import { novelTag, useLiveTasks } from './live-tasks.ts'

/** Tasks that are shown with their progress; the others are a link away. */
const shown = 3

/** What is being done with the novel now. Nothing where nothing is. */
export function NowWorking({ novelId }: { novelId: string }) {
  const t = useTranslations('novels.working')
  const tasks = useLiveTasks(novelId)
  if (tasks.length === 0) return null
  return (
    <Paper withBorder p="md" component="section" aria-label={t('title')}>
      <Stack gap="sm">
        <Title order={2}>{t('title')}</Title>
        {tasks.slice(0, shown).map(task => (
          <WorkingTask key={task.id} task={task} />
        ))}
        {tasks.length > shown && (
          <TextLink
            to="/tasks"
            search={{ tag: novelTag(novelId), status: ['QUEUED', 'RUNNING', 'RETRYING'] }}
            size="sm"
          >
            {t('more', { count: tasks.length - shown })}
          </TextLink>
        )}
      </Stack>
    </Paper>
  )
}

function WorkingTask({ task: listed }: { task: Task }) {
  const t = useTranslations('novels.working')
  // A listing does not tell whether the tasks below wait for the budget.
  const { data: task = listed } = useTask(listed.id)
  const typeName = useTaskTypeName()
  return (
    <Stack gap={4} data-task={task.id}>
      <Group justify="space-between" gap="xs">
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }}>
          {typeName(task.taskType)}
        </TextLink>
        <StatusBadge status={task.status} phase={task.phase} />
      </Group>
      {task.waitingFor?.kind === 'budget' && <Text size="sm">{t('waitsForBudget')}</Text>}
      <TaskProgress task={task} />
    </Stack>
  )
}
