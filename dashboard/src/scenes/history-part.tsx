import { Badge, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Ago } from '../parts/ago.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import type { Scene } from '../queries/scene-queries.ts'
import { HistoryEntry } from './history-entry.tsx'

type Note = components['schemas']['HistoryNote']

/** What of a scene is not in its place any more, newest first. `open`: the entry that is read. */
export function HistoryPart({ scene, open }: { scene: Scene; open: string | undefined }) {
  const t = useTranslations('scenes.history')
  const actions = useTranslations('actions')
  const history = useHistory(scene.id)
  if (history.error !== null)
    return <ErrorNotice error={history.error} onRetry={() => void history.refetch()} />
  if (history.data === undefined) return <Loading lines={6} />
  const notes = history.data.pages.flatMap(({ items }) => items)
  if (notes.length === 0) return <Empty title={t('emptyTitle')} text={t('emptyText')} />
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('intro')}
      </Text>
      {notes.map(note => (
        <Entry key={note.id} note={note} scene={scene} isOpen={note.id === open} />
      ))}
      {history.hasNextPage && (
        <Button
          variant="default"
          loading={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
        >
          {actions('more')}
        </Button>
      )}
    </Stack>
  )
}

function useHistory(sceneId: string) {
  return useInfiniteQuery({
    queryKey: keys.sceneHistory(sceneId),
    queryFn: ({ pageParam }) =>
      dataOf(
        api.GET('/v1/scenes/{sceneId}/history', {
          params: {
            path: { sceneId },
            query: { pageSize: 20, ...(pageParam === '' ? {} : { pageToken: pageParam }) },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: page => page.nextPageToken,
  })
}

function Entry({ note, scene, isOpen }: { note: Note; scene: Scene; isOpen: boolean }) {
  const t = useTranslations('scenes.history')
  const navigate = useNavigate({ from: '/novels/$novelId/scenes/$sceneId' })
  const toggle = () =>
    navigate({
      search: { part: 'history', ...(isOpen ? {} : { entry: note.id }) },
      replace: true,
      resetScroll: false,
    })
  return (
    <Paper withBorder p="md" data-entry={note.why}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            <Badge variant="light" color="gray" tt="none">
              {t(note.what)}
            </Badge>
            <Badge variant="light" color={note.why === 'conflict' ? 'yellow' : 'gray'} tt="none">
              {note.why === 'conflict' ? t('conflict') : t('overwritten')}
            </Badge>
            <Text size="sm" c="dimmed">
              <Ago at={note.keptAt} />
            </Text>
          </Group>
          <Button size="xs" variant="default" onClick={toggle} aria-expanded={isOpen}>
            {isOpen ? t('close') : t('read')}
          </Button>
        </Group>
        {note.provenance !== undefined && <Provenance origin={originOf(note, note.provenance)} />}
        {isOpen ? (
          <HistoryEntry entryId={note.id} scene={scene} />
        ) : (
          <Text size="sm" c="dimmed" lineClamp={2}>
            {note.excerpt}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

function originOf({ writtenBy, writtenAt }: Note, provenance: components['schemas']['Provenance']) {
  return {
    ...provenance,
    ...(writtenBy === undefined ? {} : { writtenBy }),
    ...(writtenAt === undefined ? {} : { writtenAt }),
  }
}
