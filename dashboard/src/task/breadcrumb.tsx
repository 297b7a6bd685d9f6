import { Breadcrumbs, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { useTask } from '../queries/task-queries.ts'
import { useTaskName } from './task-names.ts'

/** The way from the list of tasks over the root and the parent to a task. */
export function TaskPath({ task }: { task: Task }) {
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
