import { Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Confirm } from '../parts/confirm.tsx'
import { notifyDone } from '../parts/notify.ts'
import { useRetry } from './act.ts'
import { belowOf } from './counts-below.ts'
import { Refusal } from './refusal.tsx'

/** Asks whether a task is to run again, says what that does, and does it. */
export function RetryDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.retry')
  const retry = useRetry(task)
  const { incomplete } = belowOf(task)
  const { errorInfo } = task
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isBusy={retry.isPending}
      onClose={onClose}
      onConfirm={() =>
        retry.mutate(undefined, {
          onSuccess({ retried }) {
            notifyDone(t('done', { count: retried }))
            onClose()
          },
        })
      }
    >
      <Text>{incomplete > 0 ? t('below', { count: incomplete }) : t('alone')}</Text>
      {task.parentTaskId !== undefined && <Text>{t('above')}</Text>}
      {errorInfo?.errorClass === 'permanent' && incomplete === 0 && (
        <Text c="dimmed">{t('hopeless', { reason: errorInfo.authorMessage ?? errorInfo.message })}</Text>
      )}
      {retry.error !== null && <Refusal error={retry.error} task={task} />}
    </Confirm>
  )
}
