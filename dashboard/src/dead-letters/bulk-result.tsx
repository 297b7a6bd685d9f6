import { Button, Group, List, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { TextLink } from '../parts/links.tsx'
import { actOnLetters, type BulkAnswer, type LetterFilter, useReadLettersAgain } from './letter-queries.ts'

/** The most failures that the API names. */
const mostNamed = 100

/** What an action on many could not be done to, and why; and a way to ask for it again. */
export function BulkResult(props: {
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
    onSettled: readAgain,
  })
  return (
    <Dialog centered onClose={onClose} title={said('ended')}>
      <Stack>
        <Text role="status">
          {t('deadLetters.outcome', { done: answer.done, failed: answer.failed.length })}
        </Text>
        <Failed failed={answer.failed} />
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

function Failed({ failed }: { failed: BulkAnswer['failed'] }) {
  const t = useTranslations('deadLetters')
  return (
    <>
      <List size="sm" spacing="xs">
        {failed.map(({ taskId, code, message }) => (
          <List.Item key={taskId}>
            <TextLink to="/tasks/$taskId" params={{ taskId }} inherit>
              {t('taskEndingIn', { id: taskId.slice(-6) })}
            </TextLink>
            <Text size="sm">{message}</Text>
            <Text size="xs" c="dimmed">
              {t('code', { code })}
            </Text>
          </List.Item>
        ))}
      </List>
      {failed.length >= mostNamed && <Text c="dimmed">{t('mostNamed', { count: mostNamed })}</Text>}
    </>
  )
}
