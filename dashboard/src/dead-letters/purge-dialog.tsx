import { Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Confirm } from '../parts/confirm.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { notifyDone } from '../parts/notify.ts'
import { TaskNames } from '../parts/task-names.tsx'
import { purgeLetter, useReadLettersAgain } from './letter-queries.ts'

/** Asks before a single task is taken off the list, and does it. */
export function PurgeDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const said = useTranslations('deadLetters.acts.purge')
  const readAgain = useReadLettersAgain()
  const purge = useMutation({
    mutationFn: () => purgeLetter(task),
    onSuccess() {
      notifyDone(said('done', { count: 1 }))
      onClose()
    },
    onSettled: readAgain,
  })
  return (
    <Confirm
      title={said('title', { count: 1 })}
      action={said('verb', { count: 1 })}
      isDangerous
      isBusy={purge.isPending}
      onConfirm={() => purge.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text>{said('text', { count: 1 })}</Text>
        <TaskNames tasks={[task]} />
        {purge.error !== null && <ErrorNotice error={purge.error} />}
      </Stack>
    </Confirm>
  )
}
