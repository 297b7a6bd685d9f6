/** Putting a summary in place of another, with the counters that follow. */
import type { Database } from 'better-sqlite3'
import type { KeptSummary } from '../scene-guard.ts'
import type { SummaryNote, Writer } from '../scenes.ts'
import type { FullSceneRow } from './full-scene.ts'
import { keep } from './history.ts'
import { statement } from './statement.ts'
import { writerColumns } from './writers.ts'

/** A summary with everything that its rows need. */
export interface NewSummary extends SummaryNote {
  text: string
  ofTextVersion: number
  expectedVersion: number
  by: Writer
  /** Version of the scene from now on. */
  version: number
  at: number
}

/** Writes a summary; the one before goes into the history. */
export function putSummary(db: Database, scene: FullSceneRow, summary: NewSummary): void {
  keepSummary(db, scene, summary)
  insertSummary(db, scene.key, { ...summary, writtenBy: summary.by, writtenAt: summary.at })
  mark(db, scene, summary, summary.ofTextVersion)
}

/** Writes the row of a summary, in place of the one that is there. */
export function insertSummary(db: Database, scene: number, summary: KeptSummary): void {
  statement(
    db,
    `INSERT OR REPLACE INTO scene_summaries
       (scene_key, summary, method, model, language, sentences, expected_version, by_user, by_task, by_attempt, written_at)
     VALUES (:scene, :text, :method, :model, :language, :sentences, :expected, :by_user, :by_task, :by_attempt, :at)`,
  ).run({
    scene,
    text: summary.text,
    method: summary.method,
    model: summary.model ?? null,
    language: summary.language ?? null,
    sentences: summary.sentences === undefined ? null : JSON.stringify(summary.sentences),
    expected: summary.expectedVersion,
    at: summary.writtenAt,
    ...writerColumns(summary.writtenBy),
  })
}

/** Removes a summary; it goes into the history. */
export function dropSummary(
  db: Database,
  scene: FullSceneRow,
  change: Pick<NewSummary, 'by' | 'version' | 'at'>,
): void {
  keepSummary(db, scene, change)
  statement(db, 'DELETE FROM scene_summaries WHERE scene_key = ?').run(scene.key)
  mark(db, scene, change, null)
}

function keepSummary(db: Database, scene: FullSceneRow, { by, at }: Pick<NewSummary, 'by' | 'at'>): void {
  keep(db, {
    scene: scene.key,
    what: 'summary',
    text: scene.summary ?? '',
    version: scene.summary_version,
    by,
    at,
  })
}

function mark(
  db: Database,
  scene: FullSceneRow,
  { version, at }: Pick<NewSummary, 'version' | 'at'>,
  summaryOf: number | null,
): void {
  statement(
    db,
    'UPDATE scenes SET version = :version, summary_version = :version, summary_of = :summaryOf, updated_at = :at WHERE key = :key',
  ).run({ version, at, summaryOf, key: scene.key })
  const more = Number(summaryOf !== null) - Number(scene.summary_of !== null)
  if (more === 0) return
  statement(db, 'UPDATE chapters SET summaries = summaries + ? WHERE key = ?').run(more, scene.chapter_key)
  statement(db, 'UPDATE novels SET summaries = summaries + ? WHERE key = ?').run(more, scene.novel_key)
}
