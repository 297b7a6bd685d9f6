/** One scene: reading it, and the guarded writes of its summary and of a person's edits. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { checkLength } from '../draft-pieces.ts'
import { sceneNotFound } from '../refusal.ts'
import { decideSummary, storedSummaryOf } from '../scene-guard.ts'
import type { Scene, SceneStore, SceneWritten, SummaryWrite } from '../scenes.ts'
import { editScene } from './edit.ts'
import { type FullSceneRow, findScene, guardedOf, keptSummaryOf } from './full-scene.ts'
import { listHistory } from './history.ts'
import { overviewOf } from './scene-rows.ts'
import { putSummary } from './summary.ts'

/** The scenes of a database. */
export function sqliteScenes(database: SharedDatabase, now: () => number): SceneStore {
  return {
    scene: (userId, sceneId) => database.read(db => sceneOf(ownScene(db, userId, sceneId))),
    writeSummary: write => database.write(db => writeSummary(db, write, now())),
    async editScene(userId, edit) {
      checkLength(edit.content ?? '')
      checkLength(edit.summary ?? '')
      return database.write(db => editScene(db, userId, edit, now()))
    },
    history: (userId, sceneId, page) =>
      database.read(db => listHistory(db, ownScene(db, userId, sceneId).key, sceneId, page)),
  }
}

function ownScene(db: Database, userId: string, sceneId: string): FullSceneRow {
  const row = findScene(db, sceneId)
  if (row?.user_id !== userId) throw sceneNotFound(sceneId)
  return row
}

function sceneOf(row: FullSceneRow): Scene {
  const kept = keptSummaryOf(row)
  return {
    ...overviewOf(row),
    userId: row.user_id,
    content: row.content,
    summaryVersion: row.summary_version,
    ...(kept === undefined ? {} : { summary: storedSummaryOf(kept) }),
    updatedAt: row.updated_at,
  }
}

function writeSummary(db: Database, write: SummaryWrite, at: number): SceneWritten {
  const row = findScene(db, write.sceneId)
  if (row === undefined) return { outcome: 'missing' }
  const seen = { version: row.version, textVersion: row.text_version }
  const decision = decideSummary(guardedOf(row), write)
  if (decision !== 'write') return { outcome: decision === 'repeated' ? 'applied' : 'conflict', ...seen }
  const version = row.version + 1
  putSummary(db, row, {
    ...write,
    text: write.summary,
    ofTextVersion: row.text_version,
    by: write.writer,
    version,
    at,
  })
  return { outcome: 'applied', version, textVersion: row.text_version }
}
