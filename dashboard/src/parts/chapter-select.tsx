import { Select, type SelectProps } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { nearest } from './nearest.ts'

interface ChapterSelectProps extends Omit<SelectProps, 'data' | 'filter' | 'searchable' | 'value'> {
  /** Undefined while it is read. */
  novel: Pick<components['schemas']['Outline'], 'outline'> | undefined
  /** The id of the chosen one; undefined for none. */
  value: string | undefined
}

/** Chooses a chapter by its title. Of thousands, those around the chosen one are shown until something is typed. */
export function ChapterSelect({ novel, value, ...select }: ChapterSelectProps) {
  const t = useTranslations('parts.scene')
  // Long, and there are many of them in one dialog: not once more for each key that is pressed there.
  const chapters = useMemo(() => {
    const all = novel?.outline.flatMap(volume => volume.chapters) ?? []
    return all.map(({ id, title, position }) => ({
      value: id,
      label: title === '' ? t('chapterNumber', { number: position + 1 }) : title,
    }))
  }, [novel, t])
  return (
    <Select
      nothingFoundMessage={t('noChapter')}
      {...select}
      data={chapters}
      value={value ?? null}
      filter={({ options, search }) => nearest(options, search, value ?? '')}
      searchable
    />
  )
}
