/** Scenes of a range of chapters in reading order. */
import type { Database } from 'better-sqlite3'
import { pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { pageUnits, rangeIsBackwards, rangeListing } from '../range.ts'
import { chapterNotFound } from '../refusal.ts'
import type { ChapterRange, SceneOverview, SceneText } from '../shelf.ts'
import {
  overviewColumns,
  overviewOf,
  type SceneRow,
  type SceneTextRow,
  takeTexts,
  textOf,
} from './scene-rows.ts'
import { statement } from './statement.ts'

/** One page of overviews. */
export function rangeScenes(
  db: Database,
  novel: number,
  range: ChapterRange,
  page: PageRequest,
): Page<SceneOverview> {
  const listing = rangeListing('scenes', range)
  const { size, after } = pageStart(listing, page)
  const rows = statement<SceneRow>(db, `SELECT ${overviewColumns} ${scenesInOrder}`).all(
    bounds(db, novel, range, after, size + 1),
  )
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, keysOf)
  return { ...shown, items: shown.items.map(overviewOf) }
}

/** One page of texts; read row by row, so that a page that ends early has not read the rest. */
export function rangeTexts(
  db: Database,
  novel: number,
  range: ChapterRange,
  page: PageRequest,
): Page<SceneText> {
  const listing = rangeListing('texts', range)
  const { size, after } = pageStart(listing, page)
  const found = statement<SceneTextRow>(
    db,
    `SELECT ${overviewColumns}, t.content, m.summary ${textsInOrder}`,
  ).iterate(bounds(db, novel, range, after, size + 1))
  const { rows, more } = takeTexts(found, { size, units: pageUnits })
  const shown = pageOf(listing, rows, more, keysOf)
  return { ...shown, items: shown.items.map(textOf) }
}

const scenesOfRange = (texts: string) => `
FROM novels n CROSS JOIN chapters c ON c.novel_key = n.key CROSS JOIN scenes s ON s.chapter_key = c.key ${texts}
WHERE n.key = :novel AND c.position BETWEEN max(:first, :chapter) AND :last AND (c.position > :chapter OR s.position > :scene)
ORDER BY c.position, s.position LIMIT :limit`

const scenesInOrder = scenesOfRange('')
const textsInOrder = scenesOfRange(
  'JOIN scene_texts t ON t.scene_key = s.key LEFT JOIN scene_summaries m ON m.scene_key = s.key',
)

function keysOf(row: SceneRow): readonly number[] {
  return [row.chapter_position, row.position]
}

function bounds(
  db: Database,
  novel: number,
  range: ChapterRange,
  after: readonly number[] | undefined,
  limit: number,
): object {
  const first = positionOf(db, novel, range.startChapterId) ?? 0
  const last = positionOf(db, novel, range.endChapterId) ?? Number.MAX_SAFE_INTEGER
  if (first > last) throw rangeIsBackwards()
  const [chapter, scene] = after ?? [-1, -1]
  return { novel, first, last, chapter, scene, limit }
}

function positionOf(db: Database, novel: number, chapterId: string | undefined): number | undefined {
  if (chapterId === undefined) return undefined
  const position = statement<number>(db, 'SELECT position FROM chapters WHERE novel_key = ? AND id = ?')
    .pluck()
    .get(novel, chapterId)
  if (position === undefined) throw chapterNotFound(chapterId)
  return position
}
