import { Alert, Breadcrumbs, Group, Text } from '@mantine/core'
import { IconBook2, IconTrash } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { DeadLetterHistory } from '../parts/dead-letter-note.tsx'
import { ExportedFile } from '../parts/exported.tsx'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { Empty, Pending } from '../parts/states.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { isBeforeNovel, subjectOf } from '../parts/subject.ts'
import { useTaskName } from '../parts/task-name.tsx'
import { isNovelMissing, useOutline, useSceneName } from '../queries/novel-queries.ts'
import { useTask } from '../queries/task-queries.ts'
import { BulkOutcome } from './bulk-outcome.tsx'
import { Facts } from './facts.tsx'
import { FailureNotice } from './failure-notice.tsx'
import { TaskActions } from './task-actions.tsx'
import { TaskParts } from './task-parts.tsx'
import { WaitingNotice } from './waiting-notice.tsx'

/** One task and everything below it. */
export function TaskPage() {
  const t = useTranslations('task')
  const { taskId } = useParams({ from: '/tasks/$taskId' })
  const { data: task, error, refetch } = useTask(taskId)
  if (task !== undefined) return <Shown key={taskId} task={task} isDeleted={isMissing(error)} />
  if (isMissing(error)) return <NoSuchTask />
  return (
    <Page>
      <PageTitle title={t('title')} />
      <Pending error={error} onRetry={refetch} lines={8} />
    </Page>
  )
}

function Shown({ task, isDeleted }: { task: Task; isDeleted: boolean }) {
  const nameOf = useTaskName()
  return (
    <Page>
      {isDeleted && <DeletedMeanwhile />}
      <TaskPath task={task} />
      <PageTitle title={nameOf(task)} below={<Standing task={task} />}>
        <OpenNovel task={task} />
        {!isDeleted && <TaskActions task={task} />}
      </PageTitle>
      <TaskProgress task={task} />
      <BulkOutcome task={task} />
      <WaitingNotice task={task} />
      <FailureNotice task={task} />
      <ExportedFile task={task} />
      <DeadLetterHistory letters={task.deadLetterHistory ?? []} />
      <Facts task={task} />
      <TaskParts task={task} />
    </Page>
  )
}

function Standing({ task }: { task: Task }) {
  return (
    <Group gap="md" mt={4}>
      <StatusBadge {...task} />
      <SubjectLine task={task} />
    </Group>
  )
}

/** The way from the list of tasks over the root and the parent to a task. */
function TaskPath({ task }: { task: Task }) {
  const t = useTranslations('task.path')
  const { rootTaskId, parentTaskId, id, depth } = task
  const above = [...new Set([rootTaskId, parentTaskId])].filter(
    (each): each is string => each !== undefined && each !== id,
  )
  return (
    <nav aria-label={t('label')}>
      <Breadcrumbs separator="›" separatorMargin={6} style={{ flexWrap: 'wrap', rowGap: 4 }}>
        <TextLink to="/tasks" size="sm">
          {t('tasks')}
        </TextLink>
        {above.flatMap((taskId, place) => [
          ...(place === 1 && depth > 2
            ? [
                <Text key="between" size="sm" c="dimmed" title={t('between')}>
                  …
                </Text>,
              ]
            : []),
          <TaskLink key={taskId} taskId={taskId} />,
        ])}
      </Breadcrumbs>
    </nav>
  )
}

/** A link to a task by its name; its id where it cannot be read. */
function TaskLink({ taskId }: { taskId: string }) {
  const t = useTranslations('task.path')
  const { data, error } = useTask(taskId)
  const nameOf = useTaskName()
  if (data === undefined && error !== null)
    return (
      <Text size="sm" c="dimmed">
        {t('unknown')}
      </Text>
    )
  return (
    <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
      {data === undefined ? taskId : nameOf(data)}
    </TextLink>
  )
}

/** The subject of a task, with a link to it. Nothing for a task without a novel. */
function SubjectLine({ task }: { task: Task }) {
  const { novelId, sceneId } = subjectOf(task)
  if (novelId === undefined) return null
  return (
    <Group gap="md">
      <NovelLink novelId={novelId} isComing={isBeforeNovel(task)} />
      {sceneId !== undefined && <SceneLink novelId={novelId} sceneId={sceneId} />}
    </Group>
  )
}

function NovelLink({ novelId, isComing }: { novelId: string; isComing: boolean }) {
  const t = useTranslations('task.subject')
  const { data, error } = useOutline(novelId, !isComing)
  const isMissing = isNovelMissing(error) || (data === undefined && error !== null)
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {t('novel')}{' '}
      </Text>
      {isComing || isMissing ? (
        t(isComing ? 'novelComing' : 'novelNotFound')
      ) : (
        <TextLink to="/novels/$novelId" params={{ novelId }}>
          {data?.title ?? t('untitledNovel')}
        </TextLink>
      )}
    </Text>
  )
}

/** The way from an import to its novel, as long as that is there. */
function OpenNovel({ task }: { task: Task }) {
  const t = useTranslations('parts')
  const { novelId = '' } = subjectOf(task)
  const isWanted = task.taskType === 'ImportNovel' && novelId !== '' && !isBeforeNovel(task)
  const { data, error } = useOutline(novelId, isWanted)
  if (!isWanted || data === undefined || isNovelMissing(error)) return null
  return (
    <ButtonLink to="/novels/$novelId" params={{ novelId }} leftSection={<IconBook2 size={18} aria-hidden />}>
      {t('openNovel')}
    </ButtonLink>
  )
}

function SceneLink({ novelId, sceneId }: { novelId: string; sceneId: string }) {
  const t = useTranslations('task.subject')
  const { name, isMissing: isDeleted } = useSceneName(novelId, sceneId)
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {t('scene')}{' '}
      </Text>
      {isDeleted ? (
        name
      ) : (
        <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }}>
          {name}
        </TextLink>
      )}
    </Text>
  )
}

/** Returns whether an error says that there is no such task, or that no task can have such an id. */
function isMissing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 400)
}

/** In place of a task that does not exist. */
function NoSuchTask() {
  const t = useTranslations('task')
  return (
    <Page>
      <PageTitle title={t('title')} />
      <Empty title={t('notFound.title')} text={t('notFound.text')}>
        <ButtonLink to="/tasks">{t('notFound.toTasks')}</ButtonLink>
      </Empty>
    </Page>
  )
}

/** Above a task that was deleted while it was shown. */
function DeletedMeanwhile() {
  const t = useTranslations('task.notFound')
  return (
    <Alert color="yellow" icon={<IconTrash aria-hidden />} title={t('meanwhileTitle')} role="status">
      {t('meanwhileText')}
    </Alert>
  )
}
