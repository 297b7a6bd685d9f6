import { Alert, Text } from '@mantine/core'
import { IconClockPause, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { useNow } from '../parts/now.ts'
import { useWriting } from '../text/format.ts'
import { RaiseBudget } from './raise-budget.tsx'

/** What a task waits for that does not run now, and until when. Nothing while it runs. */
export function WaitingFor({ task }: { task: Task }) {
  if (task.status === 'RUNNING' || task.done) return null
  if (task.waitingFor?.kind === 'budget') return <RaiseBudget task={task} />
  if (task.waitingFor?.kind === 'limit') return <ForLimit task={task} limit={task.waitingFor.limit} />
  // The provider said when to come again.
  if (task.errorInfo?.errorClass === 'rate-limited') return <ForLimit task={task} />
  if (task.status === 'RETRYING') return <ForRetry task={task} />
  return <ForTurn lane={task.lane} />
}

/** When it goes on; a moment that has come is now. */
function useUntil(at: string | undefined): string | undefined {
  const writing = useWriting()
  const now = useNow()
  if (at === undefined) return undefined
  return Date.parse(at) <= now ? undefined : writing.ago(at, now)
}

function ForLimit({ task, limit }: { task: Task; limit?: string }) {
  const t = useTranslations('scenes.waiting')
  const until = useUntil(task.nextAttemptTimestamp)
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconClockPause aria-hidden />}
      title={t('limitTitle')}
      role="status"
    >
      <Text size="sm">{until === undefined ? t('limitNow') : t('limit', { until })}</Text>
      {limit !== undefined && (
        <Text size="xs" c="dimmed">
          {t('limitKey', { limit })}
        </Text>
      )}
    </Alert>
  )
}

function ForRetry({ task }: { task: Task }) {
  const t = useTranslations('scenes.waiting')
  const until = useUntil(task.nextAttemptTimestamp)
  const why = task.errorInfo?.authorMessage ?? task.errorInfo?.message
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconRefresh aria-hidden />}
      title={t('retryTitle')}
      role="status"
    >
      {why !== undefined && <Text size="sm">{why}</Text>}
      <Text size="sm">{until === undefined ? t('retryNow') : t('retry', { until })}</Text>
      <Text size="sm">{t('kept')}</Text>
    </Alert>
  )
}

/** It waits for a free worker slot; a lane that somebody paused starts nothing. */
function ForTurn({ lane }: { lane: string }) {
  const t = useTranslations('scenes.waiting')
  const { data } = useQuery({
    queryKey: keys.lanes,
    queryFn: () => dataOf(api.GET('/v1/lanes')),
    staleTime: 5_000,
  })
  const isPaused = data?.items.some(each => each.lane === lane && each.paused) ?? false
  return (
    <Text size="sm" c="dimmed" role="status">
      {isPaused ? t('paused', { lane }) : t('turn')}
    </Text>
  )
}
