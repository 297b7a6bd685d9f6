import { Group, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { subjectOf } from '../parts/subject.ts'
import { useSceneName } from '../queries/scene-name.ts'
import { useOutline } from '../queries/scene-queries.ts'

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

function NovelLink({ novelId }: { novelId: string }) {
  const t = useTranslations('task.subject')
  const { data, error } = useOutline(novelId)
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
  const { name, isGone } = useSceneName(novelId, sceneId)
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {t('scene')}{' '}
      </Text>
      {isGone ? (
        name
      ) : (
        <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }}>
          {name}
        </TextLink>
      )}
    </Text>
  )
}
