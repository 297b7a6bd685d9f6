import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { FailedTasks } from '../parts/failed-tasks.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { TaskNames } from '../parts/task-name.tsx'
import {
  type AskedBulk,
  actOnLetters,
  type BulkAnswer,
  type LetterFilter,
  purgeLetter,
  useReadLettersAgain,
} from './letter-queries.ts'

/** Beyond this many, removing them from the list requires typing their number. */
const typedBeyond = 100

/** Asks before something is done to many, does it, and says what became of it. */
export function BulkDialog({ action, filter, count, subject, onClose }: AskedBulk & { onClose: () => void }) {
  const t = useTranslations('deadLetters')
  const said = useTranslations(`deadLetters.acts.${action}`)
  const readAgain = useReadLettersAgain()
  const run = useMutation({
    mutationFn: () => actOnLetters(action, filter),
    onSuccess({ done, failed }) {
      if (failed.length > 0) return
      notifyDone(said('done', { count: done }))
      onClose()
    },
    onSettled: (_, error) => readAgain(undefined, error),
  })
  if (run.data !== undefined && run.data.failed.length > 0)
    return <BulkResult action={action} filter={filter} answer={run.data} onClose={onClose} />
  return (
    <Confirm
      title={said('title', { count })}
      action={said('verb', { count })}
      isDangerous={action === 'purge'}
      isBusy={run.isPending}
      {...(action === 'purge' && count > typedBeyond
        ? { typed: { text: String(count), label: t('typeCount', { count: String(count) }) } }
        : {})}
      onConfirm={() => run.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text fw={600} lineClamp={3}>
          {subject}
        </Text>
        <Text>{said('text', { count })}</Text>
        {run.isPending && count > typedBeyond && <Text c="dimmed">{t('takesLong')}</Text>}
        {run.error !== null && <ErrorNotice error={run.error} />}
      </Stack>
    </Confirm>
  )
}

/** The most failures that the API names. */
const mostNamed = 100

/** What an action on many could not be done to, and why; and a way to ask for it again. */
function BulkResult(props: {
  action: 'retry' | 'purge'
  filter: LetterFilter
  answer: BulkAnswer
  onClose: () => void
}) {
  const { action, filter, onClose } = props
  const t = useTranslations()
  const said = useTranslations(`deadLetters.acts.${action}`)
  const [answer, setAnswer] = useState(props.answer)
  const readAgain = useReadLettersAgain()
  // What was done is not in the list any more, so the same filter stands for what is left.
  const again = useMutation({
    mutationFn: () => actOnLetters(action, filter),
    onSuccess: ({ done, failed }) => setAnswer({ done: answer.done + done, failed }),
    onSettled: (_, error) => readAgain(undefined, error),
  })
  return (
    <Dialog centered onClose={onClose} title={said('ended')}>
      <Stack>
        <Text role="status">
          {t('deadLetters.outcome', { done: answer.done, failed: answer.failed.length })}
        </Text>
        <FailedTasks failures={answer.failed} isCut={answer.failed.length >= mostNamed} />
        {again.error !== null && <ErrorNotice error={again.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('actions.close')}
          </Button>
          {answer.failed.length > 0 && (
            <Button loading={again.isPending} onClick={() => again.mutate()}>
              {t('deadLetters.again')}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}

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
    onSettled: (_, error) => readAgain(task, error),
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
