import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { Ago } from '../parts/ago.tsx'
import { TextLink } from '../parts/links.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { TaskProgress } from '../parts/task-progress.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { ImportSteps } from './import-steps.tsx'
import type { Upload } from './sending/send-file.ts'
import type { Novel } from './shelf.ts'
import { type Subject, subjectOf, type Working } from './working.ts'

/** What tells of which novels tasks are. */
export interface Subjects {
  novels: readonly Novel[]
  uploads: readonly Upload[]
}

/** What is being worked on now. */
export function WorkingSection({ working, novels, uploads }: Subjects & { working: Working }) {
  const t = useTranslations('home')
  if (working.tasks.length === 0) return null
  return (
    <Stack component="section" gap="sm" aria-label={t('working')}>
      <Title order={2}>{t('working')}</Title>
      {working.tasks.map(task => (
        <WorkingRow key={task.id} task={task} subject={subjectOf(task, novels, uploads)} />
      ))}
      {working.hasMore && (
        <Text size="sm">
          <TextLink to="/tasks">{t('moreTasks')}</TextLink>
        </Text>
      )}
    </Stack>
  )
}

function WorkingRow({ task, subject }: { task: Task; subject: Subject }) {
  const t = useTranslations('home')
  const typeName = useTaskTypeName()
  const title = useTitle(subject)
  return (
    <Paper withBorder p="md" data-working={task.id}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} fw={600}>
            {title === undefined
              ? typeName(task.taskType)
              : t('about', { work: typeName(task.taskType), title })}
          </TextLink>
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              <Ago at={task.timestamps.startedAt ?? task.timestamps.createdAt} />
            </Text>
            <StatusBadge status={task.status} phase={task.phase} />
          </Group>
        </Group>
        {task.taskType === 'ImportNovel' ? <ImportSteps task={task} /> : <TaskProgress task={task} />}
      </Stack>
    </Paper>
  )
}

/** The title of what a task is about; of a novel that is further down the shelf than was looked, the server is asked. */
function useTitle({ novelId, title }: Subject): string | undefined {
  const { data } = useQuery({
    queryKey: keys.novel(novelId ?? ''),
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/novels/{novelId}', { params: { path: { novelId: novelId ?? '' } }, signal })),
    enabled: title === undefined && novelId !== undefined,
  })
  return title ?? data?.title
}
