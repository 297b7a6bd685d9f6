import { Button, Group, Menu, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { May } from '../parts/may.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { AskModel } from './ask-model.tsx'
import { type CodexEntry, useAddAlias, useDismissal, useSaveEntry, useWanted } from './codex-queries.ts'
import { blank, EntryDialog, fieldsOf } from './entry-dialog.tsx'

type Proposed = components['schemas']['CodexProposals']['items'][number]

/** Names that the text has and no entry does: to become an entry, another name of one, or nothing. */
export function Proposals({ novelId, entries }: { novelId: string; entries: readonly CodexEntry[] }) {
  const t = useTranslations('codex.proposals')
  const queryKey = [...keys.codex(novelId), 'proposals']
  const [isWanted, want] = useWanted(queryKey)
  const { data, error, isFetching } = useQuery({
    queryKey,
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/codex-proposals', { params: { path: { novelId } } })),
    enabled: isWanted,
  })
  return (
    <Panel title={t('title')} hint={t('text')} data-proposals>
      {error !== null && <ErrorNotice error={error} />}
      {data === undefined ? (
        <Button variant="default" w="fit-content" loading={isFetching} onClick={want}>
          {t('find')}
        </Button>
      ) : (
        <Text role="status">{t('count', { count: data.items.length })}</Text>
      )}
      <May need="write">
        <AskModel novelId={novelId} taskType="ProposeCodexEntries" />
      </May>
      {data?.items.map(proposed => (
        <OneProposal
          key={`${proposed.kind} ${proposed.name}`}
          novelId={novelId}
          proposed={proposed}
          entries={entries}
        />
      ))}
    </Panel>
  )
}

interface OneProposalProps {
  novelId: string
  proposed: Proposed
  entries: readonly CodexEntry[]
}

function OneProposal({ novelId, proposed, entries }: OneProposalProps) {
  const t = useTranslations('codex.proposals')
  const { name, aliases, kind, text, quotation, entryId } = proposed
  const [isOpen, setIsOpen] = useState(false)
  const add = useSaveEntry(novelId, undefined)
  const extend = useAddAlias(novelId)
  const { dismiss } = useDismissal(novelId)
  const error = add.error ?? extend.error ?? dismiss.error
  const names = [name, ...aliases]
  const entry = entries.find(({ id }) => id === entryId)
  const fresh = { ...blank, kind, name, aliases, text }
  return (
    <Stack gap={4} data-proposed={name}>
      <Text>
        <strong>{names.join(', ')}</strong>{' '}
        <Text span size="sm" c="dimmed">
          {t('quotation', { quotation })}
        </Text>
      </Text>
      {text !== '' && (
        <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
          {text}
        </Text>
      )}
      {error !== null && <ErrorNotice error={error} />}
      <May need="write">
        <Group gap="xs">
          {entry === undefined ? (
            <Button size="xs" loading={add.isPending} onClick={() => add.mutate(fresh)}>
              {t('add')}
            </Button>
          ) : (
            <Button size="xs" loading={extend.isPending} onClick={() => extend.mutate({ entry, names })}>
              {t('nameOf', { name: entry.name })}
            </Button>
          )}
          {text !== '' && (
            <Button size="xs" variant="default" onClick={() => setIsOpen(true)}>
              {t('edit')}
            </Button>
          )}
          {entry === undefined && entries.length > 0 && (
            <AliasOf
              entries={entries}
              isBusy={extend.isPending}
              onChoose={of => extend.mutate({ entry: of, names })}
            />
          )}
          <Button
            size="xs"
            variant="subtle"
            loading={dismiss.isPending}
            onClick={() => dismiss.mutate({ what: 'name', key: name, reason: '' })}
          >
            {t('ignore')}
          </Button>
        </Group>
      </May>
      {isOpen && (
        <EntryDialog
          novelId={novelId}
          entry={entry}
          start={entry === undefined ? fresh : extended(entry, proposed)}
          others={entries.filter(({ id }) => id !== entryId)}
          onClose={() => setIsOpen(false)}
        />
      )}
    </Stack>
  )
}

/** Returns the fields of an entry with the other names, and what a model says behind what the author wrote. */
function extended(entry: CodexEntry, { name, aliases, text }: Proposed) {
  const fields = fieldsOf(entry)
  const texts = [fields.text, text].filter(each => each.trim() !== '')
  return { ...fields, aliases: [...fields.aliases, name, ...aliases], text: texts.join('\n\n') }
}

interface AliasOfProps {
  entries: readonly CodexEntry[]
  isBusy: boolean
  onChoose: (entry: CodexEntry) => void
}

/** Asks which entry has the other name. */
function AliasOf({ entries, isBusy, onChoose }: AliasOfProps) {
  const t = useTranslations('codex.proposals')
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button size="xs" variant="default" loading={isBusy}>
          {t('aliasOf')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah="16rem" style={{ overflowY: 'auto' }}>
        {entries.map(entry => (
          <Menu.Item key={entry.id} onClick={() => onChoose(entry)}>
            {entry.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
