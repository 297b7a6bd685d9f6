import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { keys } from '../api/keys.ts'
import { readScene, useOutline } from './scene-queries.ts'

/** What a person calls a scene: its title, else its number and chapter. `isGone`: it is not there any more. */
export interface SceneName {
  name: string
  isGone: boolean
}

/** Names a scene; "the scene" until it is known. */
export function useSceneName(novelId: string, sceneId: string): SceneName {
  const t = useTranslations('task.subject')
  const { data: novel } = useOutline(novelId)
  const { data: scene, error } = useQuery({
    queryKey: keys.scene(sceneId),
    queryFn: () => readScene(sceneId),
  })
  if (scene === undefined)
    return { name: t(error === null ? 'untitledScene' : 'goneScene'), isGone: error !== null }
  const chapter = novel?.outline.flatMap(({ chapters }) => chapters).find(({ id }) => id === scene.chapterId)
  const placed =
    chapter === undefined
      ? t('untitledScene')
      : t('sceneOf', { number: scene.position + 1, chapter: chapter.title })
  return { name: scene.title ?? placed, isGone: false }
}
