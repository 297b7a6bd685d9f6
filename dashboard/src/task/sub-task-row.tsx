import { ActionIcon, Text } from '@mantine/core'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { memo } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { isId, labelOf, namedBy, subjectOf } from '../parts/subject.ts'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago } from '../parts/time.tsx'
import { useSceneName } from '../queries/novel-queries.ts'
import { useWriting } from '../text/format.ts'
import { belowOf } from './below.ts'
import classes from './sub-tasks.module.css'

interface SubTaskRowProps {
  task: Task
  isOpen: boolean
  onToggle: (taskId: string) => void
}

/** One sub-task in a list. Rendered again only when the task itself changed: there may be many of them. */
export const SubTaskRow = memo(function SubTaskRow({ task, isOpen, onToggle }: SubTaskRowProps) {
  const { total } = belowOf(task)
  return (
    <div className={classes['row']} data-task={task.id}>
      <div className={classes['toggle']}>
        {total > 0 && <Toggle task={task} isOpen={isOpen} onToggle={onToggle} />}
      </div>
      <div className={classes['status']}>
        <StatusBadge {...task} />
      </div>
      <div className={classes['name']}>
        <Name task={task} />
        <Headline task={task} />
      </div>
      <div className={classes['progress']}>
        <TaskProgress task={task} isSlim />
      </div>
      <div className={classes['facts']}>
        <RowFacts task={task} />
      </div>
    </div>
  )
})

function Toggle({ task, isOpen, onToggle }: SubTaskRowProps) {
  const t = useTranslations('task.children')
  const typeName = useTaskTypeName()
  const name = namedBy(task) ?? typeName(task.taskType)
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-expanded={isOpen}
      aria-label={t(isOpen ? 'close' : 'open', { name })}
      onClick={() => onToggle(task.id)}
    >
      <Icon size={16} aria-hidden />
    </ActionIcon>
  )
}

function Name({ task }: { task: Task }) {
  const typeName = useTaskTypeName()
  return (
    <Text size="sm" truncate>
      <TextLink
        to="/tasks/$taskId"
        params={{ taskId: task.id }}
        preload={false}
        underline="always"
        data-row-link
      >
        {typeName(task.taskType)}
      </TextLink>
      <Text span inherit c="dimmed">
        {' '}
        <Label task={task} />
      </Text>
    </Text>
  )
}

/** What distinguishes it from others of its type. A scene has the name that people give it. */
function Label({ task }: { task: Task }) {
  const label = labelOf(task)
  const { novelId, sceneId } = subjectOf(task)
  if (label === undefined || !isId(label)) return label
  if (novelId === undefined || sceneId === undefined) return label
  return <SceneLabel novelId={novelId} sceneId={sceneId} />
}

function SceneLabel({ novelId, sceneId }: { novelId: string; sceneId: string }) {
  return useSceneName(novelId, sceneId).name
}

/** What went wrong, in one line, of a task that has not got over it. */
function Headline({ task: { errorInfo, status } }: { task: Task }) {
  if (errorInfo === undefined || status === 'COMPLETED' || status === 'CANCELLED') return null
  const text = wordsOf(errorInfo)
  return (
    <Text
      size="xs"
      c={status === 'RETRYING' || status === 'RUNNING' ? 'dimmed' : 'red'}
      truncate
      title={text}
    >
      {text}
    </Text>
  )
}

function RowFacts({ task }: { task: Task }) {
  const t = useTranslations('task.children')
  const writing = useWriting()
  const { attempt, done, timestamps, nextAttemptTimestamp } = task
  const { startedAt, completedAt } = timestamps
  return (
    <Text size="xs" c="dimmed" className="numbers">
      {attempt > 1 && `${t('attempts', { count: attempt })} · `}
      {done && startedAt !== undefined && completedAt !== undefined
        ? writing.duration(Date.parse(completedAt) - Date.parse(startedAt))
        : startedAt !== undefined && <Ago at={nextAttemptTimestamp ?? startedAt} />}
    </Text>
  )
}
