/** One scene: reading it, and the guarded writes of its summary and of a person's edits. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { sceneNotFound } from '../refusal.ts'
import type { Scene, SceneStore, SceneWritten, SummaryWrite, Writer } from '../scenes.ts'
import { checkLength } from './draft-rows.ts'
import { editScene } from './edit.ts'
import { type FullSceneRow, findScene, storedSummaryOf } from './full-scene.ts'
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
  const summary = storedSummaryOf(row)
  return {
    ...overviewOf(row),
    userId: row.user_id,
    content: row.content,
    summaryVersion: row.summary_version,
    ...(summary === undefined ? {} : { summary }),
    updatedAt: row.updated_at,
  }
}

function writeSummary(db: Database, write: SummaryWrite, at: number): SceneWritten {
  const row = findScene(db, write.sceneId)
  if (row === undefined) return { outcome: 'missing' }
  const seen = { version: row.version, textVersion: row.text_version }
  if (isRepeated(row, write)) return { outcome: 'applied', ...seen }
  const latest = Math.max(row.text_version, row.summary_version)
  const isStale = write.expectedVersion < latest || write.expectedVersion > row.version
  if (isStale || isEarlierAttempt(row, write.writer)) return { outcome: 'conflict', ...seen }
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

/** The write finds its own earlier self, or the same words made from the text that is there. */
function isRepeated(row: FullSceneRow, write: SummaryWrite): boolean {
  if (row.by_task === write.writer.taskId && row.expected_version === write.expectedVersion) return true
  const isOfThisText = row.summary_of === row.text_version && write.expectedVersion >= row.text_version
  return isOfThisText && row.summary === write.summary && row.method === write.method
}

function isEarlierAttempt(row: FullSceneRow, writer: Extract<Writer, { taskId: string }>): boolean {
  return row.by_task === writer.taskId && writer.attempt < (row.by_attempt ?? 0)
}
