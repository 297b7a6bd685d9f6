import { Badge, Button, Group, Paper, Stack, TextInput, Title } from '@mantine/core'
import { IconBookmark, IconChevronDown, IconChevronRight, IconDots, IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import {
  type DragEvent,
  type KeyboardEvent,
  memo,
  type RefObject,
  useCallback,
  useMemo,
  useRef,
  useState,
} from 'react'
import { useTranslations } from 'use-intl'
import { useMay } from '../api/me.ts'
import { useTopOf } from '../browser/virtual-rows.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { May } from '../parts/may.tsx'
import { type Done, type Shape, useShape } from '../parts/shaping.ts'
import { Empty } from '../parts/states.tsx'
import {
  type ChapterEntry,
  type NovelOutline,
  type OutlineRow,
  outlineRows,
  rowKey,
  type Volume,
} from './novel.ts'
import classes from './outline.module.css'
import { readPlace } from './reading-place.ts'
import { addChapter, addVolume, moveChapter, placeBeside, placeOf } from './shape.ts'
import { ChapterDialog, VolumeDialog } from './unit-dialog.tsx'

/** Below this many lines all of them are there, so that the search of the browser finds them; above, those on the screen alone. */
const mostWhole = 400
/** Height of a line in pixels, until it was measured. */
const lineHeight = 46

/** What is changed in a dialog. */
type Changed = { kind: 'chapter'; chapter: ChapterEntry } | { kind: 'volume'; volume: Volume }

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
  const shape = useShape(novel.id)
  const [changed, setChanged] = useState<Changed>()
  const close = () => setChanged(undefined)
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
      {rows.length === 0 ? (
        <Empty title={t('emptyTitle')} text={t('emptyText')} />
      ) : (
        <Paper withBorder>
          <Rows rows={rows} novel={novel} onToggle={toggle} onChange={setChanged} onMove={shape.mutate} />
        </Paper>
      )}
      <May need="write">
        <AddUnits novel={novel} shape={shape} />
      </May>
      {changed?.kind === 'chapter' && (
        <ChapterDialog novel={novel} chapter={changed.chapter} shape={shape} onClose={close} />
      )}
      {changed?.kind === 'volume' && (
        <VolumeDialog novel={novel} volume={changed.volume} shape={shape} onClose={close} />
      )}
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
  onChange: (changed: Changed) => void
  onMove: (act: () => Promise<Done>) => void
}

function Rows({ rows, novel, onToggle, onChange, onMove }: RowsProps) {
  const list = useRef<HTMLUListElement>(null)
  const here = useMemo(() => readPlace(novel.id)?.chapterId, [novel.id])
  const lines = useLines(rows, list)
  const dragging = useDragging(novel, onMove)
  const canWrite = useMay('write')
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
            {...(canWrite && dragging.of(row))}
          >
            {row.kind === 'volume' ? (
              <VolumeRow volume={row.volume} isOpen={row.isOpen} onToggle={onToggle} />
            ) : (
              <ChapterRow novelId={novel.id} chapter={row.chapter} isHere={row.chapter.id === here} />
            )}
            {canWrite && <ChangeButton row={row} onChange={onChange} />}
          </li>
        )
      })}
    </ul>
  )
}

/** Opens what changes a volume or a chapter. */
const ChangeButton = memo(function ChangeButton({
  row,
  onChange,
}: {
  row: OutlineRow
  onChange: (changed: Changed) => void
}) {
  const t = useTranslations('novels')
  const name =
    row.kind === 'volume'
      ? row.volume.title || t('outline.volume', { number: row.volume.position + 1 })
      : row.chapter.title || t('chapterNumber', { number: row.chapter.position + 1 })
  return (
    <button
      type="button"
      className={classes['change']}
      aria-label={t('shape.change', { name })}
      title={t('shape.change', { name })}
      onClick={() => onChange(row)}
    >
      <IconDots size={16} aria-hidden />
    </button>
  )
})

/**
 * Moves chapters: by the mouse, before the line where they are let go, or to the end of the volume on whose heading they are; and by Alt with the arrow
 * keys.
 */
function useDragging(novel: NovelOutline, onMove: RowsProps['onMove']) {
  const [dragged, setDragged] = useState<ChapterEntry>()
  const [target, setTarget] = useState<string>()
  const end = () => {
    setDragged(undefined)
    setTarget(undefined)
  }
  const drop = (row: OutlineRow) => {
    end()
    if (dragged === undefined || rowKey(row) === dragged.id) return
    const place =
      row.kind === 'volume'
        ? { volumeId: row.volume.id }
        : { volumeId: placeOf(novel, row.chapter.id).volumeId, before: row.chapter.id }
    onMove(() => moveChapter(novel, dragged, place))
  }
  const step = (event: KeyboardEvent, chapter: ChapterEntry) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key] as -1 | 1 | undefined
    const place = event.altKey && by !== undefined ? placeBeside(novel, chapter.id, by) : undefined
    if (place === undefined) return
    event.preventDefault()
    onMove(() => moveChapter(novel, chapter, place))
  }
  return {
    /** What a line needs for it. */
    of(row: OutlineRow) {
      const isTarget = dragged !== undefined && target === rowKey(row)
      const over = (event: DragEvent) => {
        if (dragged === undefined) return
        event.preventDefault()
        setTarget(rowKey(row))
      }
      const chapter = row.kind === 'chapter' ? row.chapter : undefined
      return {
        ...(isTarget && { 'data-target': row.kind }),
        onDragOver: over,
        onDrop: () => drop(row),
        ...(chapter && {
          draggable: true,
          onDragStart: () => setDragged(chapter),
          onDragEnd: end,
          onKeyDown: (event: KeyboardEvent) => step(event, chapter),
        }),
      }
    },
  }
}

/** Adds a chapter at the end, or a volume. */
function AddUnits({ novel, shape }: { novel: NovelOutline; shape: Shape }) {
  const t = useTranslations('novels.shape')
  const [adding, setAdding] = useState<'chapter' | 'volume'>()
  const [title, setTitle] = useState('')
  const close = () => {
    setAdding(undefined)
    setTitle('')
  }
  const act = () =>
    adding === 'volume'
      ? addVolume(novel.id, title.trim())
      : addChapter(novel.id, title.trim(), novel.outline.at(-1)?.id)
  return (
    <Group gap="xs">
      {(['chapter', 'volume'] as const).map(what => (
        <Button
          key={what}
          variant="default"
          size="sm"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => setAdding(what)}
        >
          {t(`add.${what}`)}
        </Button>
      ))}
      {adding && (
        <Dialog
          title={t(`add.${adding}`)}
          isUnsaved={title !== '' && !shape.isPending}
          onClose={close}
          centered
        >
          <DialogForm
            onSubmit={() => shape.mutate(act, { onSuccess: close })}
            action={t('add.action')}
            isBusy={shape.isPending}
            isDisabled={false}
          >
            <TextInput
              label={t('title')}
              value={title}
              maxLength={300}
              onChange={({ currentTarget }) => setTitle(currentTarget.value)}
              data-autofocus
            />
          </DialogForm>
        </Dialog>
      )}
    </Group>
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
