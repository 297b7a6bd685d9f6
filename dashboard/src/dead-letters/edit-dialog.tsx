import { Alert, Anchor, Code, List, ScrollArea, SimpleGrid, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { JsonInput, largestEdited, readJson } from '../parts/json-input.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { jsonPlaces, lineOf, placeOf } from './json-places.ts'
import { retryLetter, useLetter, useReadLettersAgain } from './letter-queries.ts'

/** Lets the parameters of a task be changed, and runs it again with them. What they were stays in sight. */
export function EditDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations()
  // In a listing, parameters that are large are left out.
  const whole = useLetter(task.id)
  return (
    <Dialog onClose={onClose} title={t('deadLetters.editTitle')} size="xl">
      {whole.data === undefined && <Pending error={whole.error} onRetry={whole.refetch} lines={6} />}
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
      readAgain(seen)
      onClose()
    },
  })
  const question = useUnsaved(text !== before)
  if (before.length > largestEdited)
    return (
      <JsonView
        value={seen.parameters}
        label={t('deadLetters.formerParameters')}
        fileName={`${seen.id}.json`}
      />
    )
  const reading = readJson(text)
  const issues = issuesOf(retry.error)
  return (
    <DialogForm
      onSubmit={() => {
        if (reading.isValid) retry.mutate(reading.value)
      }}
      action={t('deadLetters.editVerb')}
      isBusy={retry.isPending}
      isDisabled={!reading.isValid}
    >
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
      {question}
    </DialogForm>
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

/** Why it was refused, unless that stands beside the parameters already. */
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

/** Returns what the server says of the parameters, by the place in them. */
function issuesOf(error: unknown): JsonIssue[] {
  if (!(error instanceof ApiError) || error.code !== 'PARAMETERS_INVALID') return []
  return (error.problem?.errors ?? []).map(({ pointer, detail }) => ({
    pointer: pointer.startsWith(inBody) ? pointer.slice(inBody.length) : pointer,
    detail,
  }))
}

/** What a server found wrong with a value. */
interface JsonIssue {
  /** JSON Pointer into the value that is edited. */
  pointer: string
  detail: string
}

/** Lets a value be edited as JSON. `issues` are shown with their line, and lead to it. */
function JsonEditor(props: {
  label: string
  text: string
  onText: (text: string) => void
  issues?: readonly JsonIssue[]
}) {
  const { label, text, onText, issues = [] } = props
  const t = useTranslations('deadLetters.editor')
  const area = useRef<HTMLTextAreaElement>(null)
  const reading = readJson(text)
  return (
    <Stack gap="xs">
      <JsonInput
        ref={area}
        label={label}
        text={text}
        onText={onText}
        error={
          reading.isValid
            ? issues.length > 0 && t('refused', { count: issues.length })
            : t('invalid', { reason: reading.reason })
        }
        minRows={8}
      />
      {reading.isValid && issues.length > 0 && <Issues text={text} issues={issues} area={area} />}
    </Stack>
  )
}

function Issues({
  text,
  issues,
  area,
}: {
  text: string
  issues: readonly JsonIssue[]
  area: React.RefObject<HTMLTextAreaElement | null>
}) {
  const t = useTranslations('deadLetters.editor')
  const places = jsonPlaces(text)
  const show = (pointer: string) => {
    const place = placeOf(pointer, places)
    if (area.current === null || place === undefined) return
    area.current.focus()
    area.current.setSelectionRange(place.from, place.to)
    const lines = text.split('\n').length
    area.current.scrollTop = (area.current.scrollHeight * (lineOf(text, place.from) - 3)) / lines
  }
  return (
    <List size="sm" role="alert">
      {issues.map(({ pointer, detail }) => (
        <List.Item key={`${pointer} ${detail}`}>
          <Anchor component="button" type="button" inherit onClick={() => show(pointer)}>
            {t('line', { line: lineOf(text, placeOf(pointer, places)?.from ?? 0) })}
          </Anchor>
          {t('issue', { pointer: pointer === '' ? '/' : pointer, detail })}
        </List.Item>
      ))}
    </List>
  )
}
