import { Badge, Button, Group, Paper, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Suspense, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { itemsOf, pageAt, pageByPage } from '../api/pages.ts'
import type { components } from '../api/schema.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { CopyThis } from '../parts/export-text.tsx'
import { May } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { Empty, ErrorNotice, Loading, MoreButton, Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { ifMatch, type Scene, useReadSceneAgain } from '../queries/novel-queries.ts'

type Note = components['schemas']['HistoryNote']

/** What of a scene is not in its place any more, newest first. `open`: the entry that is read. */
export function HistoryPart({ scene, open }: { scene: Scene; open: string | undefined }) {
  const t = useTranslations('scenes.history')
  const history = useHistory(scene.id)
  if (history.error !== null || history.data === undefined)
    return <Pending error={history.error} onRetry={history.refetch} lines={6} />
  const notes = itemsOf(history.data)
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
        <MoreButton isBusy={history.isFetchingNextPage} onMore={history.fetchNextPage} />
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
            query: { pageSize: 20, ...pageAt(pageParam) },
          },
        }),
      ),
    ...pageByPage,
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
            <Badge variant="light" color="gray">
              {t(note.what)}
            </Badge>
            <Badge variant="light" color={note.why === 'conflict' ? 'yellow' : 'gray'}>
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
  return { ...provenance, ...defined({ writtenBy, writtenAt }) }
}

/** Comparing needs a library of its own: it is loaded when somebody compares. */
const TextDiff = lazyPart(() => import('../parts/text-diff.tsx'), 'TextDiff')

/** An entry of the history, whole: to read, to compare with what is in its place now, and to put back. */
function HistoryEntry({ entryId, scene }: { entryId: string; scene: Scene }) {
  const t = useTranslations('scenes.history')
  const [view, setView] = useState<'read' | 'compare'>('read')
  const { data, error, refetch } = useEntry(scene.id, entryId)
  if (error !== null || data === undefined) return <Pending error={error} onRetry={refetch} lines={6} />
  const now = data.what === 'text' ? scene.content : (scene.summary?.text ?? '')
  return (
    <Stack gap="sm">
      <SegmentedControl
        w="fit-content"
        size="xs"
        aria-label={t('view')}
        value={view}
        onChange={value => setView(value === 'compare' ? 'compare' : 'read')}
        data={[
          { value: 'read', label: t('whole') },
          { value: 'compare', label: t('compare') },
        ]}
      />
      {view === 'read' ? (
        <Text component="div" className="prose" data-entry-text>
          {data.text}
        </Text>
      ) : (
        <Suspense fallback={<Loading lines={6} />}>
          <TextDiff before={data.text} after={now} />
        </Suspense>
      )}
      <Group gap="xs">
        <May need="write">
          <Restore scene={scene} entryId={entryId} />
        </May>
        <CopyThis text={data.text} />
      </Group>
    </Stack>
  )
}

function useEntry(sceneId: string, entryId: string) {
  return useQuery({
    queryKey: keys.historyEntry(sceneId, entryId),
    queryFn: () =>
      dataOf(api.GET('/v1/scenes/{sceneId}/history/{entryId}', { params: { path: { sceneId, entryId } } })),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Puts the entry in place of what is there, which goes into the history: nothing is lost, so nothing is asked first. */
function Restore({ scene, entryId }: { scene: Scene; entryId: string }) {
  const t = useTranslations('scenes.history')
  const queries = useQueryClient()
  const readAgain = useReadSceneAgain(scene)
  const restore = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/scenes/{sceneId}:restore', {
          params: { path: { sceneId: scene.id }, header: ifMatch(scene) },
          body: { entryId },
        }),
      ),
    onSuccess(restored) {
      queries.setQueryData(keys.scene(scene.id), restored)
      notifyDone(t('restored'))
    },
    // Also after a refusal: what is there now is what the person has to see.
    onSettled: readAgain,
  })
  return (
    <>
      <Button
        size="xs"
        leftSection={<IconHistory size={16} aria-hidden />}
        loading={restore.isPending}
        onClick={() => restore.mutate()}
      >
        {t('restore')}
      </Button>
      {restore.error !== null && <ErrorNotice error={restore.error} />}
    </>
  )
}
