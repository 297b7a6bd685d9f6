import { Badge, Text, UnstyledButton } from '@mantine/core'
import { IconBookmark, IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import type { ChapterEntry } from './novel.ts'
import classes from './outline.module.css'
import type { OutlineRow } from './outline-rows.ts'

/** The heading of a volume, which opens and closes it. */
export function VolumeRow({
  row: { volume, isOpen },
  onToggle,
}: {
  row: OutlineRow & { kind: 'volume' }
  onToggle: () => void
}) {
  const t = useTranslations()
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  const title =
    volume.title === '' ? t('novels.outline.volume', { number: volume.position + 1 }) : volume.title
  return (
    <UnstyledButton
      className={`${classes['row']} ${classes['volume']}`}
      aria-expanded={isOpen}
      onClick={onToggle}
    >
      <Icon size={16} aria-hidden />
      <span className={classes['title']}>{title}</span>
      <Text size="sm" className="numbers" visibleFrom="xs">
        {t('units.chapters', { count: volume.chapters.length })}
      </Text>
      <Text size="sm" className="numbers">
        {t('units.words', { count: volume.words })}
      </Text>
    </UnstyledButton>
  )
}

/** A chapter, to be opened in the reader. `isHere`: where the person was reading. */
export function ChapterRow({
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
        <Text size="sm" c="dimmed" visibleFrom="sm">
          {t('novels.outline.noSummary')}
        </Text>
      )}
      <Text size="sm" c="dimmed" className="numbers">
        {t('units.words', { count: chapter.words })}
      </Text>
    </Link>
  )
}
