import { IconBookmark } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { chaptersOf, type NovelOutline } from './novel.ts'
import { readPlace } from './reading-place.ts'

/** Leads to where the person was reading, or to the beginning. */
export function ReadOn({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels')
  const chapters = chaptersOf(novel)
  const place = readPlace(novel.id)
  const last = chapters.find(({ id }) => id === place?.chapterId)
  const chapter = last ?? chapters[0]
  if (chapter === undefined) return null
  return (
    <ButtonLink
      to="/novels/$novelId/chapters/$chapterId"
      params={{ novelId: novel.id, chapterId: chapter.id }}
      leftSection={<IconBookmark size={18} aria-hidden />}
    >
      {last === undefined ? t('readFirst') : t('readOn')}
    </ButtonLink>
  )
}
