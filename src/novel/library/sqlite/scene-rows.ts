/** How rows of scenes are read: always through chapter and novel, which know whose they are. */
import type { SceneOverview, SceneText } from '../shelf.ts'

/** Columns of an overview, from `novels n`, `chapters c` and `scenes s`. */
export const overviewColumns = `s.id, n.id AS novel_id, c.id AS chapter_id, c.position AS chapter_position, s.position, s.title,
  s.words, s.characters, s.version, s.text_version, s.summary_of`

/** A row of these columns. */
export interface SceneRow {
  id: string
  novel_id: string
  chapter_id: string
  chapter_position: number
  position: number
  title: string | null
  words: number
  characters: number
  version: number
  text_version: number
  summary_of: number | null
}

/** A row with the texts. */
export interface SceneTextRow extends SceneRow {
  content: string
  summary: string | null
}

/** The overview of a row. */
export function overviewOf(row: SceneRow): SceneOverview {
  return {
    id: row.id,
    novelId: row.novel_id,
    chapterId: row.chapter_id,
    position: row.position,
    ...(row.title === null ? {} : { title: row.title }),
    words: row.words,
    characters: row.characters,
    empty: row.characters === 0,
    hasSummary: row.summary_of !== null,
    summaryOutOfDate: row.summary_of !== null && row.summary_of < row.text_version,
    version: row.version,
    textVersion: row.text_version,
  }
}

/** The scene of a row with its texts. */
export function textOf(row: SceneTextRow): SceneText {
  return {
    ...overviewOf(row),
    content: row.content,
    ...(row.summary === null ? {} : { summary: row.summary }),
  }
}

/** The rows of one page: it ends after `size` of them, or early once they hold `units` code units. The rest is not read. */
export function takeTexts(
  found: Iterable<SceneTextRow>,
  { size, units: most }: { size: number; units: number },
): { rows: SceneTextRow[]; more: boolean } {
  const rows: SceneTextRow[] = []
  let units = 0
  for (const row of found) {
    if (rows.length === size || units >= most) return { rows, more: true }
    rows.push(row)
    units += row.content.length
  }
  return { rows, more: false }
}
