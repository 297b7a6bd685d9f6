/** What comes before a scene, backwards in reading order. */
import type { Database } from 'better-sqlite3'
import { beforeListing, unitsOf } from '../before.ts'
import { pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { sceneNotFound } from '../refusal.ts'
import type { SceneSummary, SceneText, TextPageRequest } from '../shelf.ts'
import { overviewColumns, type SceneRow, type SceneTextRow, takeTexts, textOf } from './scene-rows.ts'
import { statement } from './statement.ts'

/** One page of texts; read row by row, so that a page that ends early has not read the rest. */
export function textsBefore(
  db: Database,
  userId: string,
  sceneId: string,
  page: TextPageRequest,
): Page<SceneText> {
  const listing = beforeListing('texts before', sceneId)
  const { size, after } = pageStart(listing, page)
  // Before the query is open: a refusal must not leave it so.
  const units = unitsOf(page)
  const found = statement<SceneTextRow>(
    db,
    `SELECT ${overviewColumns}, t.content, m.summary ${backwards}
     JOIN scene_texts t ON t.scene_key = s.key LEFT JOIN scene_summaries m ON m.scene_key = s.key ${nearestFirst}`,
  ).iterate({ ...placeOf(db, userId, sceneId, after), limit: size + 1 })
  const { rows, more } = takeTexts(found, { size, units })
  const shown = pageOf(listing, rows, more, keysOf)
  return { ...shown, items: shown.items.map(textOf) }
}

interface SummaryRow extends SceneRow {
  chapter_title: string
  summary: string
}

/** One page of summaries. */
export function summariesBefore(
  db: Database,
  userId: string,
  sceneId: string,
  page: PageRequest,
): Page<SceneSummary> {
  const listing = beforeListing('summaries before', sceneId)
  const { size, after } = pageStart(listing, page)
  const rows = statement<SummaryRow>(
    db,
    `SELECT ${overviewColumns}, c.title AS chapter_title, m.summary ${backwards}
     JOIN scene_summaries m ON m.scene_key = s.key ${nearestFirst}`,
  ).all({ ...placeOf(db, userId, sceneId, after), limit: size + 1 })
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, keysOf)
  return { ...shown, items: shown.items.map(summaryOf) }
}

const backwards =
  'FROM novels n CROSS JOIN chapters c ON c.novel_key = n.key CROSS JOIN scenes s ON s.chapter_key = c.key'

const nearestFirst = `
WHERE n.key = :novel AND c.position <= :chapter AND (c.position < :chapter OR s.position < :scene)
ORDER BY c.position DESC, s.position DESC LIMIT :limit`

function keysOf(row: SceneRow): readonly number[] {
  return [row.chapter_position, row.position]
}

function summaryOf(row: SummaryRow): SceneSummary {
  return {
    sceneId: row.id,
    chapterId: row.chapter_id,
    chapterPosition: row.chapter_position,
    chapterTitle: row.chapter_title,
    position: row.position,
    ...(row.title === null ? {} : { title: row.title }),
    summary: row.summary,
    outOfDate: (row.summary_of ?? 0) < row.text_version,
  }
}

/** Where a page begins: before the scene, or before the last one of the page before. Throws SCENE_NOT_FOUND. */
function placeOf(
  db: Database,
  userId: string,
  sceneId: string,
  after: readonly number[] | undefined,
): object {
  const row = statement<{ novel: number; chapter: number; scene: number }>(
    db,
    `SELECT n.key AS novel, c.position AS chapter, s.position AS scene
     FROM scenes s JOIN chapters c ON c.key = s.chapter_key JOIN novels n ON n.key = c.novel_key
     WHERE s.id = ? AND n.user_id = ? AND n.status = 'published'`,
  ).get(sceneId, userId)
  if (row === undefined) throw sceneNotFound(sceneId)
  const [chapter = row.chapter, scene = row.scene] = after ?? []
  return { novel: row.novel, chapter, scene }
}
