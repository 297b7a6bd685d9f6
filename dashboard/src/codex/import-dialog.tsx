import { Button, FileButton, List, Select, Stack, Text } from '@mantine/core'
import { IconFileText } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { type LorebookImported, useImportLorebook } from './codex-queries.ts'
import { kinds } from './entry-fields.tsx'

/** Imports a lorebook of another tool, and says what of it was not taken. */
export function ImportDialog({ novelId, onClose }: { novelId: string; onClose: () => void }) {
  const t = useTranslations('codex.import')
  const { mutate, data, error, isPending } = useImportLorebook(novelId)
  const kindOf = useTranslations('codex.kind')
  const [isUnreadable, setIsUnreadable] = useState(false)
  const [kind, setKind] = useState<(typeof kinds)[number]>('person')
  const send = async (file: File | null) => {
    if (file === null) return
    const book = bookIn(await file.text())
    setIsUnreadable(book === undefined)
    if (book !== undefined) mutate({ book, kind })
  }
  return (
    <Dialog title={t('title')} onClose={onClose}>
      <Stack>
        <Text>{t('text')}</Text>
        <Select
          label={t('kind')}
          data={kinds.map(each => ({ value: each, label: kindOf(each) }))}
          value={kind}
          onChange={value => setKind(kinds.find(each => each === value) ?? kind)}
          allowDeselect={false}
        />
        <FileButton accept=".json,.lorebook,application/json" onChange={file => void send(file)}>
          {({ onClick }) => (
            <Button
              w="fit-content"
              loading={isPending}
              leftSection={<IconFileText size={18} aria-hidden />}
              onClick={onClick}
            >
              {t('choose')}
            </Button>
          )}
        </FileButton>
        {isUnreadable && (
          <Text c="red" role="alert">
            {t('notJson')}
          </Text>
        )}
        {error !== null && <ErrorNotice error={error} />}
        {data !== undefined && <Result result={data} />}
      </Stack>
    </Dialog>
  )
}

function bookIn(text: string): Record<string, unknown> | undefined {
  try {
    const book: unknown = JSON.parse(text)
    return typeof book === 'object' && book !== null ? (book as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** What the import came to. */
function Result({ result: { added, existing, skipped, ignored } }: { result: LorebookImported }) {
  const t = useTranslations('codex.import')
  return (
    <Stack gap="xs" role="status" data-imported={added}>
      <Text fw={600}>{t('added', { count: added })}</Text>
      {existing > 0 && <Text>{t('existing', { count: existing })}</Text>}
      {skipped.length > 0 && (
        <>
          <Text size="sm">{t('skipped')}</Text>
          <List size="sm">
            {skipped.map(({ name, reason }) => (
              <List.Item key={`${name} ${reason}`}>{t('skippedEntry', { name, reason })}</List.Item>
            ))}
          </List>
        </>
      )}
      {ignored.length > 0 && (
        <>
          <Text size="sm">{t('ignored')}</Text>
          <List size="sm">
            {ignored.map(({ part, entries }) => (
              <List.Item key={part}>{t('ignoredPart', { part, count: entries })}</List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  )
}
