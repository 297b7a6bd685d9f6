import type { ChapterEntry, NovelOutline, Volume } from './novel.ts'

/** A line of the outline: the heading of a volume, or a chapter. */
export type OutlineRow =
  | { kind: 'volume'; volume: Volume; isOpen: boolean }
  | { kind: 'chapter'; chapter: ChapterEntry }

/** The lines of an outline, without the chapters of volumes that are closed. A novel of one nameless volume has no headings. */
export function outlineRows(
  { outline }: Pick<NovelOutline, 'outline'>,
  closed: ReadonlySet<string>,
): OutlineRow[] {
  const hasHeadings = outline.length > 1 || (outline[0]?.title ?? '') !== ''
  return outline.flatMap(volume => {
    const isOpen = !closed.has(volume.id)
    const chapters = volume.chapters.map((chapter): OutlineRow => ({ kind: 'chapter', chapter }))
    if (!hasHeadings) return chapters
    return [{ kind: 'volume', volume, isOpen }, ...(isOpen ? chapters : [])]
  })
}

/** What names a line from one outline to the next. */
export function rowKey(row: OutlineRow): string {
  return row.kind === 'volume' ? row.volume.id : row.chapter.id
}
