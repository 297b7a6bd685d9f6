import type { components, paths } from '../api/schema.ts'

/** A novel with its outline, as the API returns it. */
export type NovelOutline = components['schemas']['Outline']
/** A volume of an outline. */
export type Volume = NovelOutline['outline'][number]
/** A chapter of an outline. */
export type ChapterEntry = Volume['chapters'][number]
/** A scene of a chapter, without its text. */
export type SceneEntry = components['schemas']['Chapter']['scenes'][number]

/** What a search returns. */
export type SearchAnswer =
  paths['/v1/novels/{novelId}/search']['get']['responses'][200]['content']['application/json']

/** Returns all chapters of a novel in their order. */
export function chaptersOf({ outline }: Pick<NovelOutline, 'outline'>): ChapterEntry[] {
  return outline.flatMap(({ chapters }) => chapters)
}

/** The part of the address of a novel that asks for its search box. */
export const searchHash = 'search'

/** A line of the outline: the heading of a volume, or a chapter. */
export type OutlineRow =
  | { kind: 'volume'; volume: Volume; isOpen: boolean }
  | { kind: 'chapter'; chapter: ChapterEntry }

/** Returns the lines of an outline, without the chapters of volumes that are closed. A novel of one nameless volume has no headings. */
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

/** Returns what names a line from one outline to the next. */
export function rowKey(row: OutlineRow): string {
  return row.kind === 'volume' ? row.volume.id : row.chapter.id
}
