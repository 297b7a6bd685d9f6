import { Badge } from '@mantine/core'
import { IconBookmark, IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { useTranslations } from 'use-intl'
import type { ChapterEntry, Volume } from './novel.ts'
import classes from './outline.module.css'

/** The heading of a volume, which opens and closes it. Rendered anew only when it changed: a scroll moves thousands of lines. */
export const VolumeRow = memo(function VolumeRow({
  volume,
  isOpen,
  onToggle,
}: {
  volume: Volume
  isOpen: boolean
  onToggle: (volumeId: string) => void
}) {
  const t = useTranslations()
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  const title =
    volume.title === '' ? t('novels.outline.volume', { number: volume.position + 1 }) : volume.title
  return (
    <button
      type="button"
      className={`${classes['row']} ${classes['volume']}`}
      aria-expanded={isOpen}
      onClick={() => onToggle(volume.id)}
    >
      <Icon size={16} aria-hidden />
      <span className={classes['title']}>{title}</span>
      <span className={`numbers ${classes['wide']}`}>
        {t('units.chapters', { count: volume.chapters.length })}
      </span>
      <span className={`numbers ${classes['fact']}`}>{t('units.words', { count: volume.words })}</span>
    </button>
  )
})

/** A chapter, to be opened in the reader. `isHere`: where the person was reading. Rendered anew only when it changed. */
export const ChapterRow = memo(function ChapterRow({
  novelId,
  chapter,
  isHere,
}: {
  novelId: string
  chapter: ChapterEntry
  isHere: boolean
}) {
  const t = useTranslations()
  return (
    <Link
      to="/novels/$novelId/chapters/$chapterId"
      params={{ novelId, chapterId: chapter.id }}
      className={classes['row']}
    >
      <span className={classes['title']}>
        {chapter.title === '' ? t('novels.chapterNumber', { number: chapter.position + 1 }) : chapter.title}
      </span>
      {isHere && (
        <Badge variant="light" tt="none" leftSection={<IconBookmark size={12} aria-hidden />}>
          {t('novels.outline.here')}
        </Badge>
      )}
      {chapter.summaries === 0 && (
        <span className={`${classes['dimmed']} ${classes['wide']}`}>{t('novels.outline.noSummary')}</span>
      )}
      <span className={`numbers ${classes['dimmed']} ${classes['fact']}`}>
        {t('units.words', { count: chapter.words })}
      </span>
    </Link>
  )
})
