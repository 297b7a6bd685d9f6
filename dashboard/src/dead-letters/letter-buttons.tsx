import { Button, Group } from '@mantine/core'
import { IconCircleMinus, IconPencil, IconRefresh } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { useMayAct } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { type LetterActions, retryLetter, useReadLettersAgain } from './letter-queries.ts'

/** What can be done to a single task. `onDone`: it runs again. */
export function LetterButtons({
  task,
  actions,
  onDone,
}: {
  task: Task
  actions: LetterActions
  onDone?: () => void
}) {
  const t = useTranslations('deadLetters')
  const readAgain = useReadLettersAgain()
  const onError = useNotifyError()
  const retry = useMutation({
    mutationFn: () => retryLetter(task),
    onSuccess({ retried }) {
      notifyDone(t('retried', { count: retried }))
      onDone?.()
    },
    onError,
    onSettled: (_, error) => readAgain(task, error),
  })
  if (!useMayAct()(task)) return null
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="light"
        leftSection={<IconRefresh size={16} aria-hidden />}
        loading={retry.isPending}
        onClick={() => retry.mutate()}
      >
        {t('retry')}
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPencil size={16} aria-hidden />}
        onClick={() => actions.onEdit(task)}
      >
        {t('edit')}
      </Button>
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        leftSection={<IconCircleMinus size={16} aria-hidden />}
        onClick={() => actions.onPurge(task)}
      >
        {t('purge')}
      </Button>
    </Group>
  )
}
