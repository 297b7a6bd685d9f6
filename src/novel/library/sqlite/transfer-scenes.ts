/** Scenes as rows that can be moved, with what was overwritten of them. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { notTaken } from '../refusal.ts'
import type { RowTransfer, SceneRow } from '../transfer.ts'
import { countChapter } from './draft-rows.ts'
import { type FullSceneRow, fullScenes, guardedOf } from './full-scene.ts'
import { keep, wholeHistory } from './history.ts'
import { pagesByKey } from './pages.ts'
import { statement } from './statement.ts'
import { insertSummary } from './summary.ts'

/** Scenes of a page: with all that was ever overwritten a scene can have megabytes. */
const pageScenes = 20

/** The scenes of a library. */
export function scenesTransfer(database: SharedDatabase): RowTransfer<SceneRow> {
  return {
    async *read() {
      for await (const page of pagesByKey(database, readPage)) yield page.map(({ key: _, ...row }) => row)
    },
    write: rows => database.write(db => writePage(db, rows)),
  }
}

function readPage(db: Database, after: number): (SceneRow & { key: number })[] {
  return statement<FullSceneRow>(db, `${fullScenes} WHERE s.key > ? ORDER BY s.key LIMIT ?`)
    .all(after, pageScenes)
    .map(row => ({ key: row.key, ...rowOf(db, row) }))
}

function rowOf(db: Database, row: FullSceneRow): SceneRow {
  return {
    id: row.id,
    novelId: row.novel_id,
    chapterId: row.chapter_id,
    chapterPosition: row.chapter_position,
    position: row.position,
    generation: row.generation,
    ...guardedOf(row),
    words: row.words,
    characters: row.characters,
    updatedAt: row.updated_at,
    history: wholeHistory(db, row.key),
  }
}

function writePage(db: Database, rows: readonly SceneRow[]): void {
  for (const row of rows) writeScene(db, row)
  for (const id of new Set(rows.map(row => row.chapterId))) countScenes(db, id)
  for (const id of new Set(rows.map(row => row.novelId))) countSummaries(db, id)
}

function writeScene(db: Database, row: SceneRow): void {
  const scene = insertScene(db, row)
  if (scene === undefined)
    throw notTaken(`Scene ${row.id} is in chapter ${row.chapterId}, which was not written before it.`)
  statement(db, 'INSERT OR REPLACE INTO scene_texts (scene_key, content, origin) VALUES (?, ?, ?)').run(
    scene,
    row.content,
    row.textOrigin === undefined ? null : JSON.stringify(row.textOrigin),
  )
  if (row.summary === undefined) statement(db, 'DELETE FROM scene_summaries WHERE scene_key = ?').run(scene)
  else insertSummary(db, scene, row.summary)
  statement(db, 'DELETE FROM scene_history WHERE scene_key = ?').run(scene)
  keep(db, scene, row.history)
}

/** Returns the key of the scene; undefined where its chapter is not there. */
function insertScene(db: Database, row: SceneRow): number | undefined {
  return statement<number>(
    db,
    `INSERT INTO scenes (id, chapter_key, position, generation, title, words, characters, version, text_version, title_version,
       summary_version, summary_of, updated_at)
     SELECT :id, key, :position, :generation, :title, :words, :characters, :version, :textVersion, :titleVersion,
       :summaryVersion, :summaryOf, :updatedAt FROM chapters WHERE id = :chapterId
     ON CONFLICT (id) DO UPDATE SET generation = :generation, title = :title, words = :words, characters = :characters,
       version = :version, text_version = :textVersion, title_version = :titleVersion, summary_version = :summaryVersion,
       summary_of = :summaryOf, updated_at = :updatedAt
     RETURNING key`,
  )
    .pluck()
    .get({
      id: row.id,
      chapterId: row.chapterId,
      position: row.position,
      generation: row.generation,
      title: row.title ?? null,
      words: row.words,
      characters: row.characters,
      version: row.version,
      textVersion: row.textVersion,
      titleVersion: row.titleVersion,
      summaryVersion: row.summaryVersion,
      summaryOf: row.summary?.ofTextVersion ?? null,
      updatedAt: row.updatedAt,
    })
}

function countScenes(db: Database, chapterId: string): void {
  const key = statement<number>(db, 'SELECT key FROM chapters WHERE id = ?').pluck().get(chapterId)
  if (key === undefined) return
  countChapter(db, key)
  statement(
    db,
    `UPDATE chapters SET summaries = (SELECT count(*) FROM scenes WHERE chapter_key = :key AND summary_of IS NOT NULL)
     WHERE key = :key`,
  ).run({ key })
}

function countSummaries(db: Database, novelId: string): void {
  statement(
    db,
    `UPDATE novels SET summaries = (SELECT coalesce(sum(c.summaries), 0) FROM chapters c WHERE c.novel_key = novels.key)
     WHERE id = ?`,
  ).run(novelId)
}
