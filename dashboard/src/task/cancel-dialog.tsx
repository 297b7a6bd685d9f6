import { Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Confirm } from '../parts/confirm.tsx'
import { notifyDone } from '../parts/notify.ts'
import { useCancel } from './act.ts'
import { belowOf } from './counts-below.ts'
import { Refusal } from './refusal.tsx'

const effects: Partial<Record<Task['status'], 'waiting' | 'paused'>> = {
  QUEUED: 'waiting',
  RETRYING: 'paused',
}

/** Asks whether a task is to be cancelled, says what that does, and does it. */
export function CancelDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.cancel')
  const cancel = useCancel(task)
  const { open } = belowOf(task)
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isDangerous
      isBusy={cancel.isPending}
      onClose={onClose}
      onConfirm={() =>
        cancel.mutate(undefined, {
          onSuccess({ status }) {
            notifyDone(t(status === 'CANCELLED' ? 'done' : 'asked'))
            onClose()
          },
        })
      }
    >
      <Text>{t(effects[task.status] ?? 'running')}</Text>
      {open > 0 && <Text>{t('below', { count: open })}</Text>}
      <Text c="dimmed">{t('later')}</Text>
      {cancel.error !== null && <Refusal error={cancel.error} task={task} />}
    </Confirm>
  )
}
