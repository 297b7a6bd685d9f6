import { Paper, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { keys } from '../api/keys.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Pending } from '../parts/states.tsx'
import { type CodexEntry, mergeEntries, useMerge } from './codex-queries.ts'

interface MergeDialogProps {
  entry: CodexEntry
  others: readonly CodexEntry[]
  onClose: () => void
}

/** Has an entry take another one in, once the person has seen what it would be. */
export function MergeDialog({ entry, others, onClose }: MergeDialogProps) {
  const t = useTranslations('codex.merge')
  const [otherId, setOtherId] = useState<string | null>(null)
  const other = others.find(({ id }) => id === otherId)
  const merge = useMerge(entry)
  const submit = () =>
    other !== undefined &&
    merge.mutate(other, {
      onSuccess() {
        notifyDone(t('done', { name: entry.name, other: other.name }))
        onClose()
      },
    })
  return (
    <Dialog title={t('title', { name: entry.name })} size="lg" onClose={onClose}>
      <DialogForm
        onSubmit={submit}
        error={merge.error}
        action={t('action')}
        isBusy={merge.isPending}
        isDisabled={other === undefined}
      >
        <Text>{t('text', { name: entry.name })}</Text>
        <Select
          label={t('other')}
          data={others.map(({ id, name }) => ({ value: id, label: name }))}
          value={otherId}
          onChange={setOtherId}
          searchable
        />
        {other !== undefined && <Merged entry={entry} other={other} />}
      </DialogForm>
    </Dialog>
  )
}

function Merged({ entry, other }: { entry: CodexEntry; other: CodexEntry }) {
  const t = useTranslations('codex')
  const { data, error, refetch } = useQuery({
    queryKey: [...keys.codex(entry.novelId), 'merged', entry.id, other.id],
    queryFn: () => mergeEntries(entry, other, true),
  })
  if (data === undefined) return <Pending error={error} onRetry={refetch} />
  return (
    <Paper withBorder p="sm" data-merged>
      <Stack gap="xs">
        <Text fw={600}>{data.name}</Text>
        <Text size="sm">{t('alsoCalled', { names: data.aliases.join(t('listJoint')) })}</Text>
        <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
          {data.text}
        </Text>
        {data.note !== '' && (
          <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap' }}>
            {data.note}
          </Text>
        )}
        {data.changes.length > 0 && (
          <Text size="xs" c="dimmed">
            {t('changesCount', { count: data.changes.length })}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}
