import { Checkbox, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { LongText } from '../parts/long-text.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { type CodexEntry, useSplit } from './codex-queries.ts'

interface SplitDialogProps {
  entry: CodexEntry
  onClose: () => void
}

/** Cuts an entry in two: names, text and changes go to one of them. */
export function SplitDialog({ entry, onClose }: SplitDialogProps) {
  const t = useTranslations('codex.split')
  const { aliases, changes, kind, matchCase, when } = entry
  const [name, setName] = useState(aliases[0] ?? '')
  const [moved, setMoved] = useState<string[]>(aliases.slice(0, 1))
  const [movedChanges, setMovedChanges] = useState<string[]>([])
  const [texts, setTexts] = useState({ stays: entry.text, into: entry.text })
  const split = useSplit(entry)
  const isTyped = name !== (aliases[0] ?? '') || texts.into !== entry.text || texts.stays !== entry.text
  const isMoved = (_: unknown, at: number) => movedChanges.includes(String(at))
  const submit = () =>
    split.mutate(
      {
        stays: {
          aliases: aliases.filter(alias => !moved.includes(alias) && alias !== name.trim()),
          text: texts.stays,
          changes: changes.filter((change, at) => !isMoved(change, at)),
        },
        into: {
          ...{ kind, matchCase, when, name: name.trim(), text: texts.into },
          aliases: moved.filter(alias => alias !== name.trim()),
          changes: changes.filter(isMoved),
          ...{ exclusions: [], relations: [], note: '', begins: '', ends: '' },
        },
      },
      {
        onSuccess() {
          notifyDone(t('done', { name: entry.name, other: name }))
          onClose()
        },
      },
    )
  return (
    <Dialog title={t('title', { name: entry.name })} size="lg" isUnsaved={isTyped} onClose={onClose}>
      <DialogForm
        onSubmit={submit}
        error={split.error}
        action={t('action')}
        isBusy={split.isPending}
        isDisabled={name.trim() === '' || name.trim() === entry.name}
      >
        <Text>{t('text', { name: entry.name })}</Text>
        <TextInput
          label={t('name')}
          required
          maxLength={200}
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        {aliases.length > 0 && (
          <Chosen label={t('aliases')} options={aliases} value={moved} onChange={setMoved} />
        )}
        {changes.length > 0 && (
          <Chosen
            label={t('changes')}
            options={changes.map(({ text }) => text)}
            byNumber
            value={movedChanges}
            onChange={setMovedChanges}
          />
        )}
        {(['into', 'stays'] as const).map(which => (
          <LongText
            key={which}
            label={t(which, { name: which === 'into' ? name : entry.name })}
            maxLength={8_000}
            value={texts[which]}
            onType={text => setTexts({ ...texts, [which]: text })}
          />
        ))}
      </DialogForm>
    </Dialog>
  )
}

interface ChosenProps {
  label: string
  options: readonly string[]
  /** The value of an option is its number. */
  byNumber?: boolean
  value: string[]
  onChange: (value: string[]) => void
}

function Chosen({ label, options, byNumber = false, value, onChange }: ChosenProps) {
  return (
    <Checkbox.Group label={label} value={value} onChange={onChange}>
      <Stack gap={4} mt={4}>
        {options.map((option, at) => {
          const own = byNumber ? String(at) : option
          return <Checkbox key={own} value={own} label={option} />
        })}
      </Stack>
    </Checkbox.Group>
  )
}
