/** Putting a summary in place of another, with the counters that follow. */
import type { Database } from 'better-sqlite3'
import { overwrittenSummary, refusedSummary } from '../history.ts'
import { provenanceOf, type Writer } from '../provenance.ts'
import { decideSummary, type KeptSummary } from '../scene-guard.ts'
import type { SceneWritten, SummaryWrite } from '../scenes.ts'
import { type FullSceneRow, findScene, guardedOf } from './full-scene.ts'
import { keep } from './history.ts'
import { keepRefused } from './refused.ts'
import { statement } from './statement.ts'
import { writerColumns } from './writers.ts'

/** Writes a summary that a task made, unless text or summary changed since it was read. */
export function writeSummary(db: Database, write: SummaryWrite, at: number): SceneWritten {
  const scene = findScene(db, write.sceneId)
  if (scene === undefined) return { outcome: 'missing' }
  const { text_version: textVersion } = scene
  const decision = decideSummary(guardedOf(scene), write)
  if (decision === 'repeated') return { outcome: 'applied', version: scene.version, textVersion }
  if (decision === 'conflict') return keepRefused(db, scene, write, refusedSummary(write, at))
  const version = scene.version + 1
  const { sceneId: _, summary: text, writer, ...note } = write
  const summary = { ...note, text, ofTextVersion: textVersion, writtenBy: writer, writtenAt: at }
  putSummary(db, scene, summary, version)
  return { outcome: 'applied', version, textVersion }
}

/** Writes a summary; the one before goes into the history. `version`: of the scene from now on. */
export function putSummary(db: Database, scene: FullSceneRow, summary: KeptSummary, version: number): void {
  const { writtenBy: by, writtenAt: at, ofTextVersion } = summary
  keepSummary(db, scene, { by, at })
  insertSummary(db, scene.key, summary)
  mark(db, scene, { version, at, summaryOf: ofTextVersion })
}

/** Writes the row of a summary, in place of the one that is there. */
export function insertSummary(db: Database, scene: number, summary: KeptSummary): void {
  const { method, model, ...provenance } = provenanceOf(summary)
  statement(
    db,
    `INSERT OR REPLACE INTO scene_summaries
       (scene_key, summary, method, model, language, sentences, provenance, expected_version, by_user, by_task, by_attempt,
        written_at)
     VALUES (:scene, :text, :method, :model, :language, :sentences, :provenance, :expected, :by_user, :by_task, :by_attempt,
       :at)`,
  ).run({
    scene,
    text: summary.text,
    method,
    model: model ?? null,
    language: summary.language ?? null,
    sentences: summary.sentences === undefined ? null : JSON.stringify(summary.sentences),
    provenance: JSON.stringify(provenance),
    expected: summary.expectedVersion,
    at: summary.writtenAt,
    ...writerColumns(summary.writtenBy),
  })
}

interface SummaryChange {
  by: Writer
  version: number
  at: number
}

/** Removes a summary; it goes into the history. */
export function dropSummary(db: Database, scene: FullSceneRow, { by, version, at }: SummaryChange): void {
  keepSummary(db, scene, { by, at })
  statement(db, 'DELETE FROM scene_summaries WHERE scene_key = ?').run(scene.key)
  mark(db, scene, { version, at, summaryOf: null })
}

function keepSummary(db: Database, scene: FullSceneRow, overwriting: { by: Writer; at: number }): void {
  keep(db, scene.key, overwrittenSummary(guardedOf(scene), overwriting))
}

function mark(
  db: Database,
  scene: FullSceneRow,
  change: { version: number; at: number; summaryOf: number | null },
): void {
  statement(
    db,
    'UPDATE scenes SET version = :version, summary_version = :version, summary_of = :summaryOf, updated_at = :at WHERE key = :key',
  ).run({ ...change, key: scene.key })
  const more = Number(change.summaryOf !== null) - Number(scene.summary_of !== null)
  if (more === 0) return
  statement(db, 'UPDATE chapters SET summaries = summaries + ? WHERE key = ?').run(more, scene.chapter_key)
  statement(db, 'UPDATE novels SET summaries = summaries + ? WHERE key = ?').run(more, scene.novel_key)
}
