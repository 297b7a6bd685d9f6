import { Anchor, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { TextLink } from '../parts/links.tsx'
import { Loading } from '../parts/states.tsx'
import { namedBy } from '../parts/subject.ts'
import { useTaskTypeName } from '../parts/task-type.ts'
import { useChildren } from '../queries/task-queries.ts'
import { SubTaskRow } from './sub-task-row.tsx'
import classes from './sub-tasks.module.css'

/** Levels below the task of the page that are shown on it; what lies deeper is shown on pages of its own. */
const deepest = 3
/** Pages of sub-tasks of a sub-task that are shown in place. */
const mostPages = 3

/** A row, and below it, when it is open, its own sub-tasks. `level`: of the row, from 1. */
function SubTaskBranch({ task, level }: { task: Task; level: number }) {
  const [isOpen, { toggle }] = useDisclosure()
  return (
    <>
      <SubTaskRow task={task} isOpen={isOpen} onToggle={toggle} />
      {isOpen && <NestedSubTasks parent={task} level={level + 1} />}
    </>
  )
}

/** The sub-tasks of a sub-task, read when it is opened, some at a time. */
export function NestedSubTasks({ parent, level }: { parent: Task; level: number }) {
  const t = useTranslations('task.children')
  const typeName = useTaskTypeName()
  const name = namedBy(parent) ?? typeName(parent.taskType)
  if (level > deepest)
    return (
      <div className={classes['nested']}>
        <OpenLink taskId={parent.id} text={t('deeper')} />
      </div>
    )
  return (
    <ul className={classes['nested']} aria-label={t('below', { name })}>
      <NestedRows parentId={parent.id} level={level} />
    </ul>
  )
}

function NestedRows({ parentId, level }: { parentId: string; level: number }) {
  const t = useTranslations('actions')
  const children = useTranslations('task.children')
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useChildren(parentId)
  if (data === undefined)
    return (
      <li>
        {error === null ? (
          <Loading lines={2} />
        ) : (
          <ErrorNotice error={error} onRetry={() => void refetch()} />
        )}
      </li>
    )
  return (
    <>
      {data.pages.flatMap(({ items }) =>
        items.map(task => (
          <li key={task.id}>
            <SubTaskBranch task={task} level={level} />
          </li>
        )),
      )}
      {hasNextPage && (
        <li>
          {data.pages.length < mostPages ? (
            <Anchor
              component="button"
              type="button"
              size="sm"
              disabled={isFetchingNextPage}
              onClick={() => void fetchNextPage()}
            >
              {t('more')}
            </Anchor>
          ) : (
            <OpenLink taskId={parentId} text={children('moreInside')} />
          )}
        </li>
      )}
    </>
  )
}

function OpenLink({ taskId, text }: { taskId: string; text: string }) {
  return (
    <Text size="sm" py="xs">
      <TextLink to="/tasks/$taskId" params={{ taskId }} search={{ part: 'sub-tasks' }}>
        {text}
      </TextLink>
    </Text>
  )
}
