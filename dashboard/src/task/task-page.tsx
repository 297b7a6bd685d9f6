import { Group, Stack } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { DeadLetterHistory } from '../parts/dead-letter-note.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Loading } from '../parts/states.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { TaskProgress } from '../parts/task-progress.tsx'
import { useTask } from '../queries/task-queries.ts'
import { TaskPath } from './breadcrumb.tsx'
import { Facts } from './facts.tsx'
import { FailureNotice } from './failure-notice.tsx'
import { DeletedMeanwhile, isGone, NoSuchTask } from './gone.tsx'
import { SubjectLine } from './subject-line.tsx'
import { TaskActions } from './task-actions.tsx'
import { useTaskName } from './task-names.ts'
import { TaskParts } from './task-parts.tsx'
import { WaitingNotice } from './waiting-notice.tsx'

/** One task and everything below it. */
export function TaskPage() {
  const t = useTranslations('task')
  const { taskId } = useParams({ from: '/tasks/$taskId' })
  const { data: task, error, refetch } = useTask(taskId)
  if (task !== undefined) return <Shown key={taskId} task={task} isDeleted={isGone(error)} />
  if (isGone(error)) return <NoSuchTask />
  return (
    <Stack>
      <PageTitle title={t('title')} />
      {error === null ? <Loading lines={8} /> : <ErrorNotice error={error} onRetry={() => void refetch()} />}
    </Stack>
  )
}

function Shown({ task, isDeleted }: { task: Task; isDeleted: boolean }) {
  const nameOf = useTaskName()
  return (
    <Stack gap="md">
      {isDeleted && <DeletedMeanwhile />}
      <TaskPath task={task} />
      <PageTitle title={nameOf(task)} below={<Standing task={task} />}>
        {!isDeleted && <TaskActions task={task} />}
      </PageTitle>
      <TaskProgress task={task} />
      <WaitingNotice task={task} />
      <FailureNotice task={task} />
      <DeadLetterHistory letters={task.deadLetterHistory ?? []} />
      <Facts task={task} />
      <TaskParts task={task} />
    </Stack>
  )
}

function Standing({ task }: { task: Task }) {
  return (
    <Group gap="md" mt={4}>
      <StatusBadge status={task.status} phase={task.phase} />
      <SubjectLine task={task} />
    </Group>
  )
}
