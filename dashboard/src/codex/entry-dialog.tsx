import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import { DeleteButton } from '../parts/delete-button.tsx'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { Form, FormButtons } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { type CodexEntry, type EntryFields, useDeleteEntry, useSaveEntry } from './codex-queries.ts'
import { EntryFieldsForm } from './entry-fields.tsx'

/** What can become of an entry beside an edit of it. */
export type EntryChange = (typeof entryChanges)[number]

const entryChanges = ['rename', 'merge', 'split'] as const

interface EntryDialogProps {
  novelId: string
  /** Undefined: a new one. */
  entry: CodexEntry | undefined
  /** What is to be in the fields at first. Default: what the entry has. */
  start?: EntryFields
  others: readonly CodexEntry[]
  onChange?: (how: EntryChange) => void
  onClose: () => void
}

/** The fields of an entry of which only the name is known. */
export const blank: EntryFields = {
  kind: 'person',
  name: '',
  aliases: [],
  exclusions: [],
  matchCase: false,
  text: '',
  when: 'when-detected',
  relations: [],
  note: '',
  changes: [],
  begins: '',
  ends: '',
}

/** Returns the fields of an entry. */
export function fieldsOf(entry: CodexEntry | undefined): EntryFields {
  if (entry === undefined) return blank
  const { id: _, novelId: __, version: ___, createdAt: ____, updatedAt: _____, ...fields } = entry
  return fields
}

/** Writes an entry, or another version of the one that the person opened. */
export function EntryDialog({ novelId, entry, start, others, onChange, onClose }: EntryDialogProps) {
  const t = useTranslations('codex.entry')
  const [fields, setFields] = useState(() => start ?? fieldsOf(entry))
  const save = useSaveEntry(novelId, entry)
  const isChanged = JSON.stringify(fields) !== JSON.stringify(fieldsOf(entry))
  const isWhole = fields.changes.every(({ from, text }) => from !== '' && text.trim() !== '')
  const leaving = useUnsaved(isChanged && !save.isSuccess)
  const submit = () =>
    save.mutate(fields, {
      onSuccess({ name }) {
        notifyDone(t('saved', { name }))
        onClose()
      },
    })
  return (
    <Dialog title={entry?.name ?? t('newTitle')} size="lg" onClose={onClose}>
      <Form onSubmit={submit}>
        <Stack>
          {onChange !== undefined && (
            <Group gap="xs">
              {entryChanges.map(how => (
                <Button
                  key={how}
                  variant="default"
                  size="xs"
                  disabled={isChanged || (how === 'merge' && others.length === 0)}
                  onClick={() => onChange(how)}
                >
                  {t(how)}
                </Button>
              ))}
            </Group>
          )}
          <EntryFieldsForm
            novelId={novelId}
            fields={fields}
            onChange={part => setFields(before => ({ ...before, ...part }))}
            others={others}
          />
          {!isWhole && (
            <Text size="sm" c="dimmed">
              {t('unfinished')}
            </Text>
          )}
          {save.error !== null && <NotSaved error={save.error} />}
          <Group justify="space-between">
            {entry === undefined ? <span /> : <Delete entry={entry} onDeleted={onClose} />}
            <FormButtons
              action={t('save')}
              isBusy={save.isPending}
              isDisabled={!isWhole || !isChanged || fields.name.trim() === ''}
              onBack={onClose}
            />
          </Group>
        </Stack>
      </Form>
      {leaving}
    </Dialog>
  )
}

function NotSaved({ error }: { error: unknown }) {
  const t = useTranslations('codex.entry')
  if (codeOf(error) !== 'CODEX_ENTRY_CHANGED') return <ErrorNotice error={error} />
  return (
    <Alert color="red" role="alert">
      {t('changed')}
    </Alert>
  )
}

/** Deletes the entry once the person has said so. */
function Delete({ entry, onDeleted }: { entry: CodexEntry; onDeleted: () => void }) {
  const t = useTranslations('codex.entry')
  const { mutate, isPending, error } = useDeleteEntry(entry)
  const { name } = entry
  const onSuccess = () => {
    notifyDone(t('deleted', { name }))
    onDeleted()
  }
  return (
    <DeleteButton
      action={t('delete')}
      title={t('deleteTitle')}
      text={t('deleteText', { name })}
      failure={error !== null && <NotSaved error={error} />}
      isBusy={isPending}
      onDelete={() => mutate(undefined, { onSuccess })}
    />
  )
}
