/** What was overwritten of a scene. */
import type { Database } from 'better-sqlite3'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { historyLength, type Overwritten, type Writer } from '../scenes.ts'
import { statement } from './statement.ts'
import { type WriterColumns, writerColumns, writerOf } from './writers.ts'

/** What is about to be overwritten. */
export interface Keepsake {
  scene: number
  what: Overwritten['what']
  text: string
  /** Version of the scene that the text came with. */
  version: number
  by: Writer
  at: number
}

/** Keeps a text that is about to be overwritten, and forgets the oldest beyond `historyLength`. An empty one is nothing to keep. */
export function keep(db: Database, { scene, what, text, version, by, at }: Keepsake): void {
  if (text === '') return
  statement(
    db,
    `INSERT INTO scene_history (scene_key, what, version, overwritten_at, by_user, by_task, by_attempt, content)
     VALUES (:scene, :what, :version, :at, :by_user, :by_task, :by_attempt, :text)`,
  ).run({ scene, what, version, at, text, ...writerColumns(by) })
  statement(
    db,
    `DELETE FROM scene_history WHERE scene_key = :scene AND what = :what AND version <=
       (SELECT version FROM scene_history WHERE scene_key = :scene AND what = :what
        ORDER BY version DESC LIMIT 1 OFFSET :kept)`,
  ).run({ scene, what, kept: historyLength })
}

/** A row of the history. */
export interface HistoryRow extends WriterColumns {
  key: number
  what: Overwritten['what']
  version: number
  overwritten_at: number
  content: string
}

/** One page of what was overwritten, newest first. */
export function listHistory(
  db: Database,
  scene: number,
  sceneId: string,
  page: PageRequest,
): Page<Overwritten> {
  const listing: Listing = { name: 'history', filter: [sceneId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const rows = statement<HistoryRow>(
    db,
    `SELECT key, what, version, overwritten_at, by_user, by_task, by_attempt, content FROM scene_history
     WHERE scene_key = ? AND key < ? ORDER BY key DESC LIMIT ?`,
  ).all(scene, after?.[0] ?? Number.MAX_SAFE_INTEGER, size + 1)
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, row => [row.key])
  return { ...shown, items: shown.items.map(overwrittenOf) }
}

/** The entry as readers see it. */
export function overwrittenOf(row: HistoryRow): Overwritten {
  return {
    what: row.what,
    text: row.content,
    version: row.version,
    overwrittenAt: row.overwritten_at,
    overwrittenBy: writerOf(row),
  }
}
