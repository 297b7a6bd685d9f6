import { Checkbox, Stack, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Form, FormButtons } from '../parts/form.tsx'
import { PlacesForm, usePlaceChoice } from '../parts/word-places.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'
import type { CodexEntry } from './codex-queries.ts'

type Names = components['schemas']['CodexPlacesRequest']['names']

interface RenameDialogProps {
  entry: CodexEntry
  onClose: () => void
}

/** Gives an entry other names, and shows every place that would change before anything does. */
export function RenameDialog({ entry, onClose }: RenameDialogProps) {
  const t = useTranslations('codex.rename')
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({})
  const [shown, setShown] = useState<Names>()
  const names = Object.entries(given).flatMap(([from, to]) =>
    to.trim() === '' || to.trim() === from ? [] : [{ from, to: to.trim() }],
  )
  return (
    <Dialog
      title={t('title', { name: entry.name })}
      size="xl"
      isUnsaved={names.length > 0 && shown === undefined}
      onClose={onClose}
    >
      <Stack>
        <Form onSubmit={() => setShown(names)}>
          <Stack>
            {[entry.name, ...entry.aliases].map((name, at) => (
              <TextInput
                key={name}
                label={t('newName', { name })}
                placeholder={name}
                maxLength={200}
                {...(at === 0 ? { 'data-autofocus': true } : {})}
                value={given[name] ?? ''}
                onChange={({ currentTarget }) => {
                  setGiven({ ...given, [name]: currentTarget.value })
                  setShown(undefined)
                }}
              />
            ))}
            {shown === undefined && (
              <FormButtons action={t('show')} isBusy={false} isDisabled={names.length === 0} />
            )}
          </Stack>
        </Form>
        {shown !== undefined && <Places entry={entry} names={shown} onBack={() => setShown(undefined)} />}
      </Stack>
    </Dialog>
  )
}

/** Reads the places page by page. */
function usePlaces({ id: entryId, novelId }: CodexEntry, names: Names) {
  return useInfiniteQuery({
    queryKey: [...keys.codex(novelId), 'places', entryId, names],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      dataOf(
        api.POST('/v1/novels/{novelId}/codex/{entryId}:places', {
          params: { path: { novelId, entryId } },
          body: {
            names,
            in: ['text', 'summary', 'entry', 'thread', 'view'],
            pageSize: 200,
            ...(pageParam === undefined ? {} : { pageToken: pageParam }),
          },
        }),
      ),
    getNextPageParam: page => page.nextPageToken,
    // What is chosen names these very places. Read again after a task of anybody, a text that changed would have others, which nobody chose.
    staleTime: 'static',
    gcTime: 0,
  })
}

function Places({ entry, names, onBack }: { entry: CodexEntry; names: Names; onBack: () => void }) {
  const t = useTranslations('codex.rename')
  const places = usePlaces(entry, names)
  const choice = usePlaceChoice(places)
  const [keepsOld, setKeepsOld] = useState(false)
  const { id: entryId, novelId, version: expectedVersion } = entry
  const rename = useSubmitAndOpen({
    taskType: 'RenameInNovel',
    parameters: { novelId, entryId, expectedVersion, names, keepsOld, ...choice.which },
    lane: 'default',
  })
  return (
    <PlacesForm places={places} choice={choice} submit={rename} action={t('action')} onBack={onBack}>
      <Checkbox
        label={t('keepsOld')}
        checked={keepsOld}
        onChange={({ currentTarget }) => setKeepsOld(currentTarget.checked)}
      />
    </PlacesForm>
  )
}
