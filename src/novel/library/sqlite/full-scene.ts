/** A scene of a published novel with all that is known of it. */
import type { Database } from 'better-sqlite3'
import type { Provenance } from '../provenance.ts'
import type { GuardedScene, KeptOrigin, KeptSummary } from '../scene-guard.ts'
import type { SummaryOrigin } from '../scenes.ts'
import { overviewColumns, type SceneTextRow } from './scene-rows.ts'
import { statement } from './statement.ts'
import { type WriterColumns, writerOf } from './writers.ts'

/** A scene's row joined with its texts, its chapter and its novel. */
export interface FullSceneRow extends SceneTextRow, WriterColumns {
  key: number
  chapter_key: number
  novel_key: number
  user_id: string
  title_version: number
  summary_version: number
  updated_at: number
  generation: number
  origin: string | null
  provenance: string | null
  method: SummaryOrigin | null
  model: string | null
  language: string | null
  sentences: string | null
  expected_version: number | null
  written_at: number | null
}

/** Reads such rows, of any novel. */
export const fullScenes = `
SELECT ${overviewColumns}, s.key, s.chapter_key, n.key AS novel_key, n.user_id, s.title_version, s.summary_version, s.updated_at,
  s.generation, t.content, t.origin, m.summary, m.method, m.model, m.language, m.sentences, m.provenance, m.expected_version,
  m.by_user, m.by_task, m.by_attempt, m.written_at
FROM scenes s JOIN chapters c ON c.key = s.chapter_key JOIN novels n ON n.key = c.novel_key
JOIN scene_texts t ON t.scene_key = s.key LEFT JOIN scene_summaries m ON m.scene_key = s.key`

/** The row, or undefined when there is no such scene in a published novel. */
export function findScene(db: Database, sceneId: string): FullSceneRow | undefined {
  return statement<FullSceneRow>(db, `${fullScenes} WHERE s.id = ? AND n.status = 'published'`).get(sceneId)
}

/** The summary of a row, if it has one. */
function keptSummaryOf(row: FullSceneRow): KeptSummary | undefined {
  if (row.summary === null) return undefined
  return {
    ...(JSON.parse(row.provenance ?? '{}') as Partial<Provenance>),
    text: row.summary,
    method: row.method ?? 'person',
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.language === null ? {} : { language: row.language }),
    ...(row.sentences === null
      ? {}
      : { sentences: JSON.parse(row.sentences) as KeptSummary['sentences'] & object }),
    ofTextVersion: row.summary_of ?? 0,
    expectedVersion: row.expected_version ?? 0,
    writtenBy: writerOf(row),
    writtenAt: row.written_at ?? 0,
  }
}

/** What of a row decides whether it may be overwritten. */
export function guardedOf(row: FullSceneRow): GuardedScene {
  const summary = keptSummaryOf(row)
  return {
    version: row.version,
    textVersion: row.text_version,
    titleVersion: row.title_version,
    summaryVersion: row.summary_version,
    ...(row.title === null ? {} : { title: row.title }),
    content: row.content,
    ...(row.origin === null ? {} : { textOrigin: JSON.parse(row.origin) as KeptOrigin }),
    ...(summary === undefined ? {} : { summary }),
  }
}
