import { Button, Group, List, Stack, Text, TextInput } from '@mantine/core'
import { IconArrowBackUp, IconGitCompare, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { type Unit, unitOf } from '../parts/instructions.ts'
import { TextLink } from '../parts/links.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { submitTask } from '../queries/task-queries.ts'
import type { NovelOutline } from './novel.ts'

type Snapshot = components['schemas']['Snapshot']
type ChangedScene = components['schemas']['SnapshotComparison']['scenes'][number]

/** Snapshots that a novel has at most. */
const all = 100

/** The named states of a novel: to make one, and to compare, restore and delete those that are there. */
export function Snapshots({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.snapshots')
  const { data, error, refetch } = useQuery({
    queryKey: keys.snapshots(novel.id),
    queryFn: () => {
      const params = { path: { novelId: novel.id }, query: { pageSize: all } }
      return dataOf(api.GET('/v1/novels/{novelId}/snapshots', { params }))
    },
  })
  return (
    <Dialog size="lg" title={t('title')} onClose={onClose}>
      <Stack>
        <Text size="sm">{t('text')}</Text>
        <NewSnapshot novelId={novel.id} />
        {data === undefined && <Pending error={error} onRetry={refetch} />}
        {data?.items.map(snapshot => (
          <OneSnapshot
            key={snapshot.id}
            snapshot={snapshot}
            unit={unitOf(novel.language)}
            onRestoring={onClose}
          />
        ))}
      </Stack>
    </Dialog>
  )
}

function NewSnapshot({ novelId }: { novelId: string }) {
  const t = useTranslations('novels.snapshots')
  const queries = useQueryClient()
  const key = useRequestKey()
  const [name, setName] = useState('')
  const make = useMutation({
    mutationFn() {
      const body = { name: name.trim() }
      const header = { 'idempotency-key': key.of(body) }
      return dataOf(
        api.POST('/v1/novels/{novelId}/snapshots', { params: { path: { novelId }, header }, body }),
      )
    },
    onSuccess() {
      key.answered()
      setName('')
      notifyDone(t('made'))
      return queries.invalidateQueries({ queryKey: keys.snapshots(novelId) })
    },
  })
  return (
    <DialogForm
      onSubmit={() => make.mutate()}
      error={make.error}
      action={t('make')}
      isBusy={make.isPending}
      isDisabled={name.trim() === ''}
    >
      <TextInput
        label={t('name')}
        placeholder={t('example')}
        maxLength={300}
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
    </DialogForm>
  )
}

interface OneSnapshotProps {
  snapshot: Snapshot
  unit: Unit
  onRestoring: () => void
}

function OneSnapshot({ snapshot, unit, onRestoring }: OneSnapshotProps) {
  const t = useTranslations('novels.snapshots')
  const { id, novelId, createdAt, isBeforeRestoring, isBeforeAppending } = snapshot
  const [isCompared, setIsCompared] = useState(false)
  const [asked, setAsked] = useState<'restore' | 'delete'>()
  const before =
    isBeforeRestoring === true ? 'before' : isBeforeAppending === true ? 'beforeAdding' : undefined
  const name = before === undefined ? snapshot.name : t(before, { name: snapshot.name })
  const { restore, remove } = useActions(snapshot, onRestoring)
  const close = () => setAsked(undefined)
  return (
    <Stack gap="xs" data-snapshot={id}>
      <Text fw={600}>{name}</Text>
      <Text size="sm" c="dimmed">
        <Ago at={createdAt} /> · {t('size', { scenes: snapshot.scenes, count: snapshot[unit], unit })}
      </Text>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconGitCompare size={16} aria-hidden />}
          aria-expanded={isCompared}
          onClick={() => setIsCompared(!isCompared)}
        >
          {t('compare')}
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          onClick={() => setAsked('restore')}
        >
          {t('restore')}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setAsked('delete')}
        >
          {t('delete')}
        </Button>
      </Group>
      {isCompared && <Compared novelId={novelId} snapshotId={id} unit={unit} />}
      {asked !== undefined && (
        <Confirm
          title={t(`${asked}Title`)}
          action={t(asked)}
          isDangerous={asked === 'delete'}
          isBusy={restore.isPending || remove.isPending}
          onConfirm={() => (asked === 'restore' ? restore : remove).mutate(undefined, { onSettled: close })}
          onClose={close}
        >
          <Text>{t(`${asked}Text`, { name })}</Text>
        </Confirm>
      )}
    </Stack>
  )
}

/** Restoring is a task, which the page of the novel shows; deleting is done at once. */
function useActions({ id: snapshotId, novelId }: Snapshot, onRestoring: () => void) {
  const t = useTranslations('novels.snapshots')
  const queries = useQueryClient()
  const onError = useNotifyError()
  const key = useRequestKey()
  const restore = useMutation({
    mutationFn() {
      const submission = { taskType: 'RestoreSnapshot', lane: 'default', parameters: { novelId, snapshotId } }
      return submitTask(submission, key.of(submission))
    },
    onSuccess() {
      key.answered()
      void queries.invalidateQueries({ queryKey: keys.taskLists })
      notifyDone(t('restoring'))
      onRestoring()
    },
    onError,
  })
  const remove = useMutation({
    mutationFn: () =>
      api.DELETE('/v1/novels/{novelId}/snapshots/{snapshotId}', {
        params: { path: { novelId, snapshotId } },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.snapshots(novelId) }),
    onError,
  })
  return { restore, remove }
}

/** What became of the scenes since. A scene that changed leads to the text of then, to compare and to restore it alone. */
function Compared({ novelId, snapshotId, unit }: { novelId: string; snapshotId: string; unit: Unit }) {
  const t = useTranslations('novels.snapshots')
  const { data, error, refetch } = useQuery({
    queryKey: [...keys.snapshots(novelId), snapshotId],
    queryFn: () => {
      const params = { path: { novelId, snapshotId } }
      return dataOf(api.GET('/v1/novels/{novelId}/snapshots/{snapshotId}/comparison', { params }))
    },
    // The novel may have changed since.
    gcTime: 0,
  })
  if (data === undefined) return <Pending error={error} onRetry={refetch} />
  const { unchanged, changed, added, deleted, scenes } = data
  return (
    <Stack gap="xs" data-compared>
      <Text size="sm" className="numbers">
        {t('counts', { unchanged, changed, added, deleted })}
      </Text>
      <List size="sm">
        {scenes.map(scene => (
          <List.Item key={scene.sceneId}>
            <SceneLine novelId={novelId} scene={scene} unit={unit} />
          </List.Item>
        ))}
      </List>
    </Stack>
  )
}

function SceneLine({ novelId, scene, unit }: { novelId: string; scene: ChangedScene; unit: Unit }) {
  const t = useTranslations('novels.snapshots')
  const { sceneId, title, position, change, entryId } = scene
  const name = title ?? t('scene', { number: position + 1 })
  const what = t(`change.${change}`, { before: scene[`${unit}Then`], now: scene[`${unit}Now`], unit })
  if (change === 'deleted') return `${name}: ${what}`
  const search = entryId === undefined ? {} : ({ part: 'history', entry: entryId } as const)
  return (
    <>
      <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }} search={search} inherit>
        {name}
      </TextLink>
      : {what}
    </>
  )
}
