import { Select, SimpleGrid } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { sceneQuery, useChapter, useOutline } from '../queries/novel-queries.ts'
import { ChapterSelect } from './chapter-select.tsx'

interface ScenePickerProps {
  novelId: string
  label: string
  /** Empty: none is chosen. */
  sceneId: string
  /** What it means that none is chosen. Default: one has to be. */
  none?: string
  onPick: (sceneId: string) => void
}

/** Chooses a scene: its chapter, then its number there. The first scene of a chapter is taken until another one is. */
export function ScenePicker({ novelId, label, sceneId, none, onPick }: ScenePickerProps) {
  const t = useTranslations('parts.scene')
  const { data: novel } = useOutline(novelId)
  const { data: chosen } = useQuery({ ...sceneQuery(sceneId), enabled: sceneId !== '' })
  const [picked, setPicked] = useState<string>()
  const chapterId = picked ?? (sceneId === '' ? undefined : chosen?.chapterId)
  const { data: chapter } = useChapter(novelId, chapterId)
  const pickChapter = (id: string | null) => {
    setPicked(id ?? undefined)
    if (id === null) onPick('')
  }
  const scenes = chapter?.scenes ?? []
  const isHere = scenes.some(({ id }) => id === sceneId)
  const first = picked === undefined || chapter?.id !== picked || isHere ? undefined : scenes[0]?.id
  useEffect(() => {
    if (first !== undefined) onPick(first)
  }, [first, onPick])
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <ChapterSelect
        label={label}
        placeholder={none ?? t('chapter')}
        novel={novel}
        value={chapterId}
        onChange={pickChapter}
        clearable={none !== undefined}
        allowDeselect={none !== undefined}
      />
      {scenes.length > 1 && (
        <Select
          label={t('scene')}
          data={scenes.map(({ id, title }, at) => ({
            value: id,
            label: title ?? t('number', { number: at + 1 }),
          }))}
          value={isHere ? sceneId : null}
          onChange={id => id !== null && onPick(id)}
          allowDeselect={false}
        />
      )}
    </SimpleGrid>
  )
}
