import { Badge, Button, Group, Paper, Stack, Text, TextInput, Title, UnstyledButton } from '@mantine/core'
import { IconPlus, IconSearch, IconUpload } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { Empty, Pending } from '../parts/states.tsx'
import { useOutline } from '../queries/novel-queries.ts'
import { type CodexEntry, useCodex } from './codex-queries.ts'
import { type EntryChange, EntryDialog } from './entry-dialog.tsx'
import { kinds } from './entry-fields.tsx'
import { Findings } from './findings.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { InPrompt } from './in-prompt.tsx'
import { MergeDialog } from './merge-dialog.tsx'
import { NarrationPart } from './narration-part.tsx'
import { Proposals } from './proposals.tsx'
import { RenameDialog } from './rename-dialog.tsx'
import { SplitDialog } from './split-dialog.tsx'

const route = getRouteApi('/novels/$novelId/codex')

/** The codex of a novel: its entries by kind, what of it the prompt of a scene has, the import of lorebooks. */
export function CodexPage() {
  const { novelId } = route.useParams()
  return <CodexOf key={novelId} novelId={novelId} />
}

/** What is open above the page. */
type Opened = 'new' | 'import' | { entry: CodexEntry; how: 'edit' | EntryChange } | undefined

function CodexOf({ novelId }: { novelId: string }) {
  const t = useTranslations('codex')
  const { data: novel } = useOutline(novelId)
  const { data: entries, error, refetch } = useCodex(novelId)
  const [opened, setOpened] = useState<Opened>()
  const close = () => setOpened(undefined)
  return (
    <Page>
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel}>
        <May need="write">
          <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setOpened('new')}>
            {t('add')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconUpload size={18} aria-hidden />}
            onClick={() => setOpened('import')}
          >
            {t('import.open')}
          </Button>
        </May>
        <ButtonLink variant="default" to="/novels/$novelId/prompts" params={{ novelId }}>
          {t('prompts')}
        </ButtonLink>
      </NovelPageTitle>
      {entries === undefined ? (
        <Pending error={error} onRetry={refetch} lines={6} />
      ) : (
        <>
          <Entries entries={entries} onOpen={entry => setOpened({ entry, how: 'edit' })} />
          <Proposals novelId={novelId} entries={entries} />
          {entries.length > 0 && <Findings novelId={novelId} />}
          {entries.length > 0 && <InPrompt novelId={novelId} />}
        </>
      )}
      <NarrationPart novelId={novelId} />
      {opened === 'import' && <ImportDialog novelId={novelId} onClose={close} />}
      {opened === 'new' && (
        <EntryDialog novelId={novelId} entry={undefined} others={entries ?? []} onClose={close} />
      )}
      {typeof opened === 'object' && (
        <OfEntry
          {...opened}
          entries={entries ?? []}
          onChange={(how, entry) => setOpened({ entry, how })}
          onClose={close}
        />
      )}
    </Page>
  )
}

interface OfEntryProps {
  entry: CodexEntry
  how: 'edit' | EntryChange
  entries: readonly CodexEntry[]
  onChange: (how: EntryChange, entry: CodexEntry) => void
  onClose: () => void
}

/** What a person does with an entry. */
function OfEntry({ entry, how, entries, onChange, onClose }: OfEntryProps) {
  const others = entries.filter(({ id }) => id !== entry.id)
  if (how === 'rename') return <RenameDialog entry={entry} onClose={onClose} />
  if (how === 'merge') return <MergeDialog entry={entry} others={others} onClose={onClose} />
  if (how === 'split') return <SplitDialog entry={entry} onClose={onClose} />
  return (
    <EntryDialog
      novelId={entry.novelId}
      entry={entry}
      others={others}
      onChange={onChange}
      onClose={onClose}
    />
  )
}

function Entries({
  entries,
  onOpen,
}: {
  entries: readonly CodexEntry[]
  onOpen: (entry: CodexEntry) => void
}) {
  const t = useTranslations('codex')
  const [wanted, setWanted] = useState('')
  if (entries.length === 0) return <Empty title={t('emptyTitle')} text={t('emptyText')} />
  const has = (text: string) => text.toLowerCase().includes(wanted.trim().toLowerCase())
  const found = entries.filter(({ name, aliases, text }) => [name, ...aliases, text].some(has))
  return (
    <Stack gap="md">
      {entries.length > 8 && (
        <TextInput
          type="search"
          aria-label={t('find')}
          placeholder={t('find')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={wanted}
          onChange={({ currentTarget }) => setWanted(currentTarget.value)}
        />
      )}
      {found.length === 0 && <Text c="dimmed">{t('nothingFound')}</Text>}
      {kinds.map(kind => (
        <OfKind key={kind} kind={kind} entries={found.filter(entry => entry.kind === kind)} onOpen={onOpen} />
      ))}
    </Stack>
  )
}

interface OfKindProps {
  kind: CodexEntry['kind']
  entries: readonly CodexEntry[]
  onOpen: (entry: CodexEntry) => void
}

/** The entries of a kind, by name. Nothing where there are none. */
function OfKind({ kind, entries, onOpen }: OfKindProps) {
  const t = useTranslations('codex')
  if (entries.length === 0) return null
  const sorted = entries.toSorted((a, b) => a.name.localeCompare(b.name))
  return (
    <Stack gap="xs" component="section" aria-labelledby={`kind-${kind}`}>
      <Title order={2} id={`kind-${kind}`}>
        {t(`kinds.${kind}`)}
      </Title>
      {sorted.map(entry => (
        <UnstyledButton key={entry.id} onClick={() => onOpen(entry)} data-entry={entry.name}>
          <Paper withBorder p="sm">
            <Group justify="space-between" gap="xs">
              <Text fw={600}>{entry.name}</Text>
              <Badge variant="light" color={entry.when === 'never' ? 'gray' : 'blue'} tt="none">
                {t(`when.${entry.when}`)}
              </Badge>
            </Group>
            {entry.aliases.length > 0 && (
              <Text size="sm" c="dimmed">
                {t('alsoCalled', { names: entry.aliases.join(t('listJoint')) })}
              </Text>
            )}
            <Text size="sm" lineClamp={2}>
              {entry.text === '' ? t('noText') : entry.text}
            </Text>
            {entry.changes.length > 0 && (
              <Text size="xs" c="dimmed">
                {t('changesCount', { count: entry.changes.length })}
              </Text>
            )}
          </Paper>
        </UnstyledButton>
      ))}
    </Stack>
  )
}
