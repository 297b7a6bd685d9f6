/** Deleting a novel in bounded steps: each removes the first scenes in reading order, with what hangs on them. */
import type { Database } from 'better-sqlite3'
import { deleteIndex } from './index-rows.ts'
import { statement } from './statement.ts'

/** Tables of which the rows of a scene go with it. */
const ofScene = ['scene_texts', 'scene_summaries', 'scene_history']

/** Deletes scenes with their texts, summaries and history. */
export function deleteScenes(db: Database, keys: readonly number[]): void {
  if (keys.length === 0) return
  const list = JSON.stringify(keys)
  for (const table of ofScene) {
    statement(db, `DELETE FROM ${table} WHERE scene_key IN (SELECT value FROM json_each(?))`).run(list)
  }
  statement(db, 'DELETE FROM scenes WHERE key IN (SELECT value FROM json_each(?))').run(list)
}

/** One step of at most `limit` scenes. The first makes the novel invisible, the last removes its row. */
export function deletionStep(db: Database, novel: number, limit: number): 'more' | 'done' {
  statement(db, "UPDATE novels SET status = 'deleting' WHERE key = ? AND status <> 'deleting'").run(novel)
  const rows = statement<{ chapter: number; scene: number | null }>(
    db,
    `SELECT c.key AS chapter, s.key AS scene FROM chapters c LEFT JOIN scenes s ON s.chapter_key = c.key
     WHERE c.novel_key = ? ORDER BY c.position LIMIT ?`,
  ).all(novel, limit)
  deleteScenes(
    db,
    rows.flatMap(row => row.scene ?? []),
  )
  const chapters = JSON.stringify([...new Set(rows.map(row => row.chapter))])
  statement(
    db,
    `DELETE FROM chapters WHERE key IN (SELECT value FROM json_each(?))
       AND NOT EXISTS (SELECT 1 FROM scenes s WHERE s.chapter_key = chapters.key)`,
  ).run(chapters)
  if (rows.length === limit || deleteIndex(db, novel, limit)) return 'more'
  statement(db, 'DELETE FROM volumes WHERE novel_key = ?').run(novel)
  statement(db, 'DELETE FROM novels WHERE key = ?').run(novel)
  return 'done'
}
