import { Group, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useNow } from '../parts/now.ts'
import { TaskProgress } from '../parts/task-progress.tsx'
import { useWriting } from '../text/format.ts'

/** Statuses in which the last error is what matters. */
const troubled = new Set<Task['status']>(['RETRYING', 'FAILED', 'DEAD_LETTER', 'COMPLETED_WITH_ERRORS'])

/** What went wrong last, in the words for authors where there are any; undefined when nothing did, or when it is past. */
export function troubleOf({ status, errorInfo }: Task): string | undefined {
  if (errorInfo === undefined || !troubled.has(status)) return undefined
  return errorInfo.authorMessage ?? errorInfo.message
}

/** What more there is to say of a status: when it is tried again, that it stops, that the row no longer fits. */
export function StatusNote({ task, fits }: { task: Task; fits: boolean }) {
  const t = useTranslations('tasks')
  if (!fits) return <Note text={t('fitsNoMore')} />
  if (!task.done && task.cancelRequestedAt !== undefined) return <Note text={t('stopping')} />
  if (task.waitingFor?.kind === 'budget') return <Note text={t('waitsForBudget')} />
  if (task.status === 'RETRYING' && task.nextAttemptTimestamp !== undefined)
    return <NextTry at={task.nextAttemptTimestamp} />
  return null
}

function Note({ text }: { text: string }) {
  return (
    <Text size="xs" c="dimmed" truncate title={text}>
      {text}
    </Text>
  )
}

function NextTry({ at }: { at: string }) {
  const t = useTranslations('tasks')
  const writing = useWriting()
  const left = Date.parse(at) - useNow()
  return <Note text={left > 0 ? t('nextTry', { time: writing.duration(left) }) : t('nextTryNow')} />
}

/** How far a task is: while it lives, its bar; and of its sub-tasks how many ended, and how many of them failed. */
export function Progress({ task }: { task: Task }) {
  const t = useTranslations('tasks')
  const summary = task.subTaskStatusSummary
  if (summary === undefined) return <TaskProgress task={task} isSlim />
  const { QUEUED = 0, RUNNING = 0, RETRYING = 0, FAILED = 0, DEAD_LETTER = 0 } = summary
  const total = Object.values(summary).reduce((sum, count) => sum + count, 0)
  const failed = FAILED + DEAD_LETTER
  return (
    <>
      <TaskProgress task={task} isSlim />
      <Group gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed" className="numbers" truncate>
          {t('subTasksDone', { done: total - QUEUED - RUNNING - RETRYING, total })}
        </Text>
        {failed > 0 && (
          <Text size="xs" c="red" className="numbers" truncate>
            {t('subTasksFailed', { count: failed })}
          </Text>
        )}
      </Group>
    </>
  )
}

/** How long a task ran, or has been running. Nothing before it began. */
export function Took({ task }: { task: Task }) {
  const { startedAt, completedAt } = task.timestamps
  if (startedAt === undefined) return null
  if (!task.done) return <Running since={startedAt} />
  return completedAt === undefined ? null : <Length ms={Date.parse(completedAt) - Date.parse(startedAt)} />
}

function Running({ since }: { since: string }) {
  return <Length ms={useNow() - Date.parse(since)} />
}

function Length({ ms }: { ms: number }) {
  const writing = useWriting()
  return <span className="numbers">{writing.duration(ms)}</span>
}

/** How often a task was tried, and how many of that were retries. */
export function Attempts({ task }: { task: Task }) {
  const t = useTranslations('tasks')
  if (task.attempt === 0) return null
  return (
    <span className="numbers">
      {t('attempts', { count: task.attempt })}
      {task.retryCount > 0 && (
        <Text size="xs" c="dimmed" component="span" display="block">
          {t('retries', { count: task.retryCount })}
        </Text>
      )}
    </span>
  )
}
