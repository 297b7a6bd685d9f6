/** One scene: reading it, its history, and the guarded writes. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { checkAppend, checkLength, checkWritten } from '../draft-pieces.ts'
import { historyEntryOf } from '../history.ts'
import { entryNotFound, sceneNotFound } from '../refusal.ts'
import { originOf, storedSummaryOf } from '../scene-guard.ts'
import type { Scene, SceneStore } from '../scenes.ts'
import { appendScene } from './append.ts'
import { editScene, restore } from './edit.ts'
import { type FullSceneRow, findScene, guardedOf } from './full-scene.ts'
import { findEntry, listHistory } from './history.ts'
import { overviewOf } from './scene-rows.ts'
import { writeSummary } from './summary.ts'
import { writeText } from './text.ts'

/** The scenes of a database. */
export function sqliteScenes(database: SharedDatabase, now: () => number): SceneStore {
  return {
    scene: (userId, sceneId) => database.read(db => sceneOf(ownScene(db, userId, sceneId))),
    writeSummary: write => database.write(db => writeSummary(db, write, now())),
    async writeText(write) {
      checkWritten(write.content)
      return database.write(db => writeText(db, write, now()))
    },
    async editScene(userId, edit) {
      checkLength(edit.content ?? '')
      checkLength(edit.summary ?? '')
      return database.write(db => editScene(db, userId, edit, now()))
    },
    restore: (userId, wanted) => database.write(db => restore(db, userId, wanted, now())),
    async appendScene(append) {
      checkAppend(append)
      return database.write(db => {
        appendScene(db, append, now())
        return sceneOf(ownScene(db, append.userId, append.id))
      })
    },
    history: (userId, sceneId, page) =>
      database.read(db => listHistory(db, ownScene(db, userId, sceneId).key, sceneId, page)),
    historyEntry: (userId, wanted) =>
      database.read(db => {
        const entry = findEntry(db, ownScene(db, userId, wanted.sceneId).key, wanted)
        if (entry === undefined) throw entryNotFound(wanted)
        return historyEntryOf(wanted.sceneId, entry)
      }),
  }
}

function ownScene(db: Database, userId: string, sceneId: string): FullSceneRow {
  const row = findScene(db, sceneId)
  if (row?.user_id !== userId) throw sceneNotFound(sceneId)
  return row
}

function sceneOf(row: FullSceneRow): Scene {
  const { textOrigin, summary } = guardedOf(row)
  return {
    ...overviewOf(row),
    userId: row.user_id,
    content: row.content,
    ...(textOrigin === undefined ? {} : { textOrigin: originOf(textOrigin) }),
    summaryVersion: row.summary_version,
    ...(summary === undefined ? {} : { summary: storedSummaryOf(summary) }),
    updatedAt: row.updated_at,
  }
}
