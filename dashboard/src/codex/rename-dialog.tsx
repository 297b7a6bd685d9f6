import { Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { Form, FormButtons } from '../parts/form.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'
import type { CodexEntry } from './codex-queries.ts'

type Place = components['schemas']['CodexPlace']
type Names = components['schemas']['CodexPlacesRequest']['names']

/** What the list of chosen places of a task has at most. */
const mostChosen = 10_000

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
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set())
  const [keepsOld, setKeepsOld] = useState(false)
  const all = places.data?.pages.flatMap(({ items }) => items)
  // The task is given the places to change where all are shown, else the sure ones to leave: then no doubtful one can be chosen.
  const isWhole = !places.hasNextPage && (all?.length ?? 0) <= mostChosen
  const isOpen = ({ doubt }: Place) => doubt === undefined || isWhole
  const isChosen = (place: Place) => isOpen(place) && (place.doubt === undefined) !== turned.has(place.id)
  const chosen = all?.filter(isChosen).map(({ id }) => id) ?? []
  const except = all?.filter(place => place.doubt === undefined && !isChosen(place)).map(({ id }) => id)
  const { id: entryId, novelId, version: expectedVersion } = entry
  const which = isWhole ? { only: chosen } : { except }
  const rename = useSubmitAndOpen({
    taskType: 'RenameInNovel',
    parameters: { novelId, entryId, expectedVersion, names, keepsOld, ...which },
    lane: 'default',
  })
  const question = useUnsaved(all !== undefined && !rename.isPending)
  if (all === undefined) return <Pending error={places.error} onRetry={places.refetch} lines={4} />
  const turn = (id: string) =>
    setTurned(now => new Set(now.has(id) ? [...now].filter(each => each !== id) : [...now, id]))
  return (
    <Form onSubmit={() => rename.mutate()}>
      <Stack>
        <Text role="status">{t('found', { count: all.length, chosen: chosen.length })}</Text>
        <Stack gap={4} mah="24rem" style={{ overflowY: 'auto' }}>
          {all.map(place => (
            <PlaceRow
              key={place.id}
              place={place}
              isChosen={isChosen(place)}
              isOpen={isOpen(place)}
              onTurn={() => turn(place.id)}
            />
          ))}
        </Stack>
        {!isWhole && (
          <Text size="sm" c="dimmed">
            {t('doubtfulStay', { most: mostChosen })}
          </Text>
        )}
        {places.hasNextPage && (
          <Group>
            <Button variant="default" loading={places.isFetching} onClick={() => void places.fetchNextPage()}>
              {t('more')}
            </Button>
            <Text size="sm" c="dimmed">
              {t('notAll')}
            </Text>
          </Group>
        )}
        <Checkbox
          label={t('keepsOld')}
          checked={keepsOld}
          onChange={({ currentTarget }) => setKeepsOld(currentTarget.checked)}
        />
        {rename.error !== null && <ErrorNotice error={rename.error} />}
        <FormButtons action={t('action')} isBusy={rename.isPending} isDisabled={false} onBack={onBack} />
      </Stack>
      {question}
    </Form>
  )
}

interface PlaceRowProps {
  place: Place
  isChosen: boolean
  /** It can be chosen. */
  isOpen: boolean
  onTurn: () => void
}

/** A place as it is and as it would be. */
function PlaceRow({ place, isChosen, isOpen, onTurn }: PlaceRowProps) {
  const t = useTranslations('codex.rename')
  const { what, before, text, to, after, doubt, entry, thread } = place
  return (
    <Checkbox
      data-place={place.id}
      checked={isChosen}
      disabled={!isOpen}
      onChange={onTurn}
      label={
        <>
          {before}
          <del>{text}</del> <ins>{to}</ins>
          {after}
        </>
      }
      description={[
        t(`in.${what}`, { name: entry?.name ?? thread?.title ?? '' }),
        ...(doubt === undefined ? [] : [t(`doubt.${doubt}`)]),
      ].join(' · ')}
    />
  )
}
