import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { RecordDialog } from '../parts/record-dialog.tsx'
import {
  type CodexEntry,
  type EntryFields,
  readEntry,
  useDeleteEntry,
  useSaveEntry,
} from './codex-queries.ts'
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
  /** `seen`: the entry as the dialog shows it. */
  onChange?: (how: EntryChange, seen: CodexEntry) => void
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
  const t = useTranslations('codex')
  const [seen, setSeen] = useState(entry)
  return (
    <RecordDialog<CodexEntry, EntryFields>
      texts="codex.entry"
      seen={seen}
      onSeen={setSeen}
      start={start ?? fieldsOf(entry)}
      fieldsOf={fieldsOf}
      nameOf={({ name }) => name}
      labelOf={field => (field === 'changes' ? t('changes.title') : t(`fields.${field}`))}
      isWhole={({ changes }) => changes.every(({ from, text }) => from !== '' && text.trim() !== '')}
      save={useSaveEntry(novelId, seen)}
      remove={useDeleteEntry(novelId)}
      read={readEntry}
      actions={isChanged =>
        seen && onChange && <Changes {...{ isChanged, others }} onChange={how => onChange(how, seen)} />
      }
      onClose={onClose}
    >
      {props => <EntryFieldsForm {...props} novelId={novelId} others={others} />}
    </RecordDialog>
  )
}

interface ChangesProps {
  isChanged: boolean
  others: readonly CodexEntry[]
  onChange: (how: EntryChange) => void
}

/** The ways to what else can become of an entry; open while nothing is changed. */
function Changes({ isChanged, others, onChange }: ChangesProps) {
  const t = useTranslations('codex.entry')
  return (
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
  )
}
