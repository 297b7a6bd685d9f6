import { Alert, Button, Code, Group, ScrollArea, SimpleGrid, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/problem.ts'
import type { Task } from '../api/task.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { notifyDone } from '../parts/notify.ts'
import { Loading } from '../parts/states.tsx'
import { JsonEditor, type JsonIssue, readJson } from './json-editor.tsx'
import { retryLetter, useLetter, useReadLettersAgain } from './letter-queries.ts'

/** Lets the parameters of a task be changed, and runs it again with them. What they were stays in sight. */
export function EditDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations()
  // In a listing, parameters that are large are left out.
  const whole = useLetter(task.id)
  return (
    <Dialog onClose={onClose} title={t('deadLetters.editTitle')} size="xl">
      {whole.data === undefined && whole.error === null && <Loading lines={6} />}
      {whole.data === undefined && whole.error !== null && (
        <ErrorNotice error={whole.error} onRetry={() => void whole.refetch()} />
      )}
      {whole.data !== undefined && <Editing task={whole.data} onClose={onClose} />}
    </Dialog>
  )
}

function Editing({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations()
  // As it was when one began: what comes in meanwhile takes nothing away from what is being written.
  const [seen] = useState(task)
  const [before] = useState(() => JSON.stringify(task.parameters ?? {}, null, 2))
  const [text, setText] = useState(before)
  const readAgain = useReadLettersAgain()
  const retry = useMutation({
    mutationFn: (parameters: unknown) => retryLetter(seen, { parameters }),
    onSuccess({ retried }) {
      notifyDone(t('deadLetters.retried', { count: retried }))
      readAgain()
      onClose()
    },
  })
  const reading = readJson(text)
  const issues = issuesOf(retry.error)
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (reading.isValid) retry.mutate(reading.value)
      }}
    >
      <Stack>
        <Text>{t('deadLetters.editText')}</Text>
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Former text={before} />
          <JsonEditor
            label={t('deadLetters.newParameters')}
            text={text}
            issues={issues}
            onText={given => {
              setText(given)
              if (!retry.isIdle) retry.reset()
            }}
          />
        </SimpleGrid>
        <Refusal error={retry.error} hasIssues={issues.length > 0} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('actions.back')}
          </Button>
          <Button type="submit" loading={retry.isPending} disabled={!reading.isValid}>
            {t('deadLetters.editVerb')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Former({ text }: { text: string }) {
  const t = useTranslations('deadLetters')
  return (
    <div>
      <Text size="sm" fw={500}>
        {t('formerParameters')}
      </Text>
      <ScrollArea.Autosize mah="30rem" viewportProps={{ tabIndex: 0, 'aria-label': t('formerParameters') }}>
        <Code block style={{ whiteSpace: 'pre-wrap' }}>
          {text}
        </Code>
      </ScrollArea.Autosize>
    </div>
  )
}

/** Why it was refused, where that is not told beside the parameters already. */
function Refusal({ error, hasIssues }: { error: unknown; hasIssues: boolean }) {
  const t = useTranslations('deadLetters')
  if (error === null || hasIssues) return null
  if (error instanceof ApiError && error.status === 412)
    return (
      <Alert color="yellow" title={t('changedTitle')} role="alert">
        {t('changedText')}
      </Alert>
    )
  return <ErrorNotice error={error} />
}

const inBody = '/parameters'

/** What the server says of the parameters, by the place in them. */
function issuesOf(error: unknown): JsonIssue[] {
  if (!(error instanceof ApiError) || error.code !== 'PARAMETERS_INVALID') return []
  return (error.problem?.errors ?? []).map(({ pointer, detail }) => ({
    pointer: pointer.startsWith(inBody) ? pointer.slice(inBody.length) : pointer,
    detail,
  }))
}
