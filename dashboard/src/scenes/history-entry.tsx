import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Suspense, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { notifyDone } from '../parts/notify.ts'
import { Loading } from '../parts/states.tsx'
import { ifMatch, type Scene, useReadAgain } from '../queries/scene-queries.ts'
import { CopyThis } from './outcome.tsx'

/** Comparing needs a library of its own: it is loaded when somebody compares. */
const TextDiff = lazyPart(() => import('./text-diff.tsx'), 'TextDiff')

/** An entry of the history, whole: to read, to compare with what is in its place now, and to put back. */
export function HistoryEntry({ entryId, scene }: { entryId: string; scene: Scene }) {
  const t = useTranslations('scenes.history')
  const [view, setView] = useState<'read' | 'compare'>('read')
  const { data, error, refetch } = useEntry(scene.id, entryId)
  if (error !== null) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Loading lines={6} />
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
        <Restore scene={scene} entryId={entryId} />
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
  const readAgain = useReadAgain(scene)
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
