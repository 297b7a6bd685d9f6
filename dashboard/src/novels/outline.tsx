import { Badge, Button, Group, Paper, Stack, Title } from '@mantine/core'
import { IconBookmark, IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, type RefObject, useCallback, useMemo, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useTopOf } from '../browser/virtual-rows.ts'
import { Empty } from '../parts/states.tsx'
import {
  type ChapterEntry,
  chaptersOf,
  type NovelOutline,
  type OutlineRow,
  outlineRows,
  rowKey,
  type Volume,
} from './novel.ts'
import classes from './outline.module.css'
import { readPlace } from './reading-place.ts'

/** Below this many lines all of them are there, so that the search of the browser finds them; above, those on the screen alone. */
const mostWhole = 400
/** Height of a line in pixels, until it was measured. */
const lineHeight = 46

/** The volumes and chapters of a novel. Volumes can be closed; thousands of chapters stay fluid. */
export function Outline({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels.outline')
  const [closed, setClosed] = useState<ReadonlySet<string>>(() => new Set())
  const toggle = useCallback(
    (volumeId: string) =>
      setClosed(now => (now.has(volumeId) ? without(now, volumeId) : new Set([...now, volumeId]))),
    [],
  )
  const rows = useMemo(() => outlineRows(novel, closed), [novel, closed])
  if (chaptersOf(novel).length === 0) return <Empty title={t('emptyTitle')} text={t('emptyText')} />
  const { outline } = novel
  return (
    <Stack gap="sm" component="section" aria-label={t('title')}>
      <Group justify="space-between">
        <Title order={2}>{t('title')}</Title>
        {outline.length > 1 && (
          <Button
            variant="subtle"
            size="compact-sm"
            onClick={() => setClosed(closed.size > 0 ? new Set() : new Set(outline.map(({ id }) => id)))}
          >
            {closed.size > 0 ? t('openAll') : t('closeAll')}
          </Button>
        )}
      </Group>
      <Paper withBorder>
        <Rows rows={rows} novel={novel} onToggle={toggle} />
      </Paper>
    </Stack>
  )
}

function without(set: ReadonlySet<string>, removed: string): ReadonlySet<string> {
  return new Set([...set].filter(each => each !== removed))
}

interface RowsProps {
  rows: readonly OutlineRow[]
  novel: NovelOutline
  onToggle: (volumeId: string) => void
}

function Rows({ rows, novel, onToggle }: RowsProps) {
  const list = useRef<HTMLUListElement>(null)
  const here = useMemo(() => readPlace(novel.id)?.chapterId, [novel.id])
  const lines = useLines(rows, list)
  return (
    <ul ref={list} className={classes['list']} style={{ height: lines.getTotalSize() }}>
      {lines.getVirtualItems().map(({ index, key, start }) => {
        const row = rows[index]
        if (row === undefined) return null
        return (
          <li
            key={key}
            ref={lines.measureElement}
            aria-setsize={rows.length}
            aria-posinset={index + 1}
            data-index={index}
            className={classes['line']}
            style={{ transform: `translateY(${start - lines.options.scrollMargin}px)` }}
          >
            {row.kind === 'volume' ? (
              <VolumeRow volume={row.volume} isOpen={row.isOpen} onToggle={onToggle} />
            ) : (
              <ChapterRow novelId={novel.id} chapter={row.chapter} isHere={row.chapter.id === here} />
            )}
          </li>
        )
      })}
    </ul>
  )
}

/** Returns the lines that are on the screen and near it. */
function useLines(rows: readonly OutlineRow[], list: RefObject<HTMLUListElement | null>) {
  const top = useTopOf(list)
  return useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => lineHeight,
    getItemKey(index) {
      const row = rows[index]
      return row === undefined ? index : rowKey(row)
    },
    overscan: rows.length > mostWhole ? 12 : rows.length,
    scrollMargin: top,
  })
}

/** The heading of a volume, which opens and closes it. Rendered again only when it changed: a scroll moves thousands of lines. */
const VolumeRow = memo(function VolumeRow({
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

/** A chapter, to be opened in the reader. `isHere`: where the person was reading. Rendered again only when it changed. */
const ChapterRow = memo(function ChapterRow({
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
        <Badge variant="light" leftSection={<IconBookmark size={12} aria-hidden />}>
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
