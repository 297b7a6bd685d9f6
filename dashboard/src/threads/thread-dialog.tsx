import { Alert, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import { DeleteButton } from '../parts/delete-button.tsx'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { Form, FormButtons } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { ThreadFieldsForm } from './thread-fields.tsx'
import { type Thread, type ThreadFields, useDeleteThread, useSaveThread } from './thread-queries.ts'

interface ThreadDialogProps {
  novelId: string
  /** Undefined: a new one. */
  thread: Thread | undefined
  onClose: () => void
}

const blank: ThreadFields = { title: '', plan: '', note: '', plantBy: '', resolveBy: '', events: [] }

function fieldsOf({ title, plan, note, plantBy, resolveBy, events }: Thread): ThreadFields {
  const written = events.map(({ scene, kind, quotation }) => ({ scene, kind, quotation }))
  return { title, plan, note, plantBy, resolveBy, events: written }
}

/** Writes a thread, or another version of the one that the person opened. */
export function ThreadDialog({ novelId, thread, onClose }: ThreadDialogProps) {
  const t = useTranslations('threads.thread')
  const first = thread === undefined ? blank : fieldsOf(thread)
  const [fields, setFields] = useState(first)
  const save = useSaveThread(novelId, thread)
  const isChanged = JSON.stringify(fields) !== JSON.stringify(first)
  const isWhole = fields.events.every(({ scene, quotation }) => scene !== '' && quotation.trim() !== '')
  const leaving = useUnsaved(isChanged && !save.isSuccess)
  const submit = () =>
    save.mutate(fields, {
      onSuccess({ title }) {
        notifyDone(t('saved', { title }))
        onClose()
      },
    })
  return (
    <Dialog title={thread?.title ?? t('newTitle')} size="lg" onClose={onClose}>
      <Form onSubmit={submit}>
        <Stack>
          <ThreadFieldsForm
            novelId={novelId}
            fields={fields}
            onChange={part => setFields(before => ({ ...before, ...part }))}
          />
          {!isWhole && (
            <Text size="sm" c="dimmed">
              {t('unfinished')}
            </Text>
          )}
          {save.error !== null && <NotSaved error={save.error} />}
          <Group justify="space-between">
            {thread === undefined ? <span /> : <Delete thread={thread} onDeleted={onClose} />}
            <FormButtons
              action={t('save')}
              isBusy={save.isPending}
              isDisabled={!isWhole || !isChanged || fields.title.trim() === ''}
              onBack={onClose}
            />
          </Group>
        </Stack>
      </Form>
      {leaving}
    </Dialog>
  )
}

const own = { THREAD_CHANGED: 'changed', QUOTATION_NOT_FOUND: 'notQuoted' } as const

function NotSaved({ error }: { error: unknown }) {
  const t = useTranslations('threads.thread')
  const code = codeOf(error)
  if (code !== 'THREAD_CHANGED' && code !== 'QUOTATION_NOT_FOUND') return <ErrorNotice error={error} />
  return (
    <Alert color="red" role="alert">
      {t(own[code])}
    </Alert>
  )
}

/** Deletes the thread once the person has said so. */
function Delete({ thread, onDeleted }: { thread: Thread; onDeleted: () => void }) {
  const t = useTranslations('threads.thread')
  const { mutate, isPending, error } = useDeleteThread(thread)
  const { title } = thread
  const onSuccess = () => {
    notifyDone(t('deleted', { title }))
    onDeleted()
  }
  return (
    <DeleteButton
      action={t('delete')}
      title={t('deleteTitle')}
      text={t('deleteText', { title })}
      failure={error !== null && <NotSaved error={error} />}
      isBusy={isPending}
      onDelete={() => mutate(undefined, { onSuccess })}
    />
  )
}
