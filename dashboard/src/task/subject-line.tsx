import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { subjectOf } from '../parts/subject.ts'

/** What a task concerns, with the way there. Nothing for a task that concerns no novel. */
export function SubjectLine({ task }: { task: Task }) {
  const { novelId, sceneId } = subjectOf(task)
  if (novelId === undefined) return null
  return (
    <Group gap="md">
      <NovelLink novelId={novelId} />
      {sceneId !== undefined && <SceneLink novelId={novelId} sceneId={sceneId} />}
    </Group>
  )
}

function useNovel(novelId: string) {
  return useQuery({
    queryKey: keys.novel(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}', { params: { path: { novelId } } })),
  })
}

function useScene(sceneId: string) {
  return useQuery({
    queryKey: keys.scene(sceneId),
    queryFn: () => dataOf(api.GET('/v1/scenes/{sceneId}', { params: { path: { sceneId } } })),
  })
}

function NovelLink({ novelId }: { novelId: string }) {
  const t = useTranslations('task.subject')
  const { data, error } = useNovel(novelId)
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {t('novel')}{' '}
      </Text>
      {data === undefined && error !== null ? (
        t('goneNovel')
      ) : (
        <TextLink to="/novels/$novelId" params={{ novelId }}>
          {data?.title ?? t('untitledNovel')}
        </TextLink>
      )}
    </Text>
  )
}

function SceneLink({ novelId, sceneId }: { novelId: string; sceneId: string }) {
  const t = useTranslations('task.subject')
  const { data: novel } = useNovel(novelId)
  const { data: scene, error } = useScene(sceneId)
  const chapter = novel?.outline.flatMap(({ chapters }) => chapters).find(({ id }) => id === scene?.chapterId)
  const placed =
    scene !== undefined && chapter !== undefined
      ? t('sceneOf', { number: scene.position + 1, chapter: chapter.title })
      : t('untitledScene')
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {t('scene')}{' '}
      </Text>
      {scene === undefined && error !== null ? (
        t('goneScene')
      ) : (
        <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }}>
          {scene?.title ?? placed}
        </TextLink>
      )}
    </Text>
  )
}
