import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import type { Upload } from '../api/send-file.ts'
import { liveStatuses, type Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { subjectOf, textField } from '../parts/subject.ts'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago } from '../parts/time.tsx'
import { type Novel, useOutline } from '../queries/novel-queries.ts'
import { useTasks } from '../queries/task-queries.ts'
import { ImportSteps } from './import-steps.tsx'

/** Most tasks that the page shows; the list of tasks has all. */
const shown = 8

const filter = { status: [...liveStatuses], rootsOnly: 'true' as const, pageSize: shown }

/** What is being worked on: the newest tasks without a parent that have not ended, and whether there are more. */
interface Working {
  tasks: readonly Task[]
  hasMore: boolean
}

/** Returns what is being worked on; `data` is undefined until the server answers. Kept up to date by the live stream. */
export function useWorking() {
  const { data: tasks, ...query } = useTasks(filter, { refetchOnMount: 'always' })
  const working: Working | undefined = tasks && { tasks, hasMore: query.hasNextPage }
  return { ...query, data: working }
}

/** What a task is about, as far as it is known. */
interface Subject {
  novelId?: string
  title?: string
}

/**
 * Returns what a task is about. Its tags name the novel; before that is on the shelf, the upload and what was chosen for it name the title.
 */
export function aboutOf(task: Task, novels: readonly Novel[], uploads: readonly Upload[]): Subject {
  const upload = uploads.find(({ confirmation }) => confirmation?.taskId === task.id)
  const novelId = subjectOf(task).novelId ?? upload?.confirmation?.novelId
  const title =
    novels.find(({ id }) => id === novelId)?.title ?? textField(task.parameters, 'title') ?? upload?.fileName
  return defined({ novelId, title })
}

/** What names the novels that tasks are about. */
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
        <WorkingRow key={task.id} task={task} subject={aboutOf(task, novels, uploads)} />
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
            <StatusBadge {...task} />
          </Group>
        </Group>
        {task.taskType === 'ImportNovel' ? <ImportSteps task={task} /> : <TaskProgress task={task} />}
      </Stack>
    </Paper>
  )
}

/** Returns the title of what a task is about. A novel that is further down the shelf is read from the server. */
function useTitle({ novelId, title }: Subject): string | undefined {
  const { data } = useOutline(novelId ?? '', title === undefined && novelId !== undefined)
  return title ?? data?.title
}
