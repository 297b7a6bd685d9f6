/** One scene: reading it, its history, and the guarded writes. */
import { checkAppend, checkLength, checkWritten } from '../draft-pieces.ts'
import { historyEntryOf } from '../history.ts'
import { entryNotFound, sceneNotFound } from '../refusal.ts'
import { originOf, storedSummaryOf } from '../scene-guard.ts'
import type { Scene, SceneStore } from '../scenes.ts'
import { appendScene } from './append.ts'
import { editScene, restore } from './edit.ts'
import { type FullScene, findScene } from './full-scene.ts'
import { findEntry, listHistory } from './history.ts'
import { overviewOf } from './scene-rows.ts'
import type { LibrarySession } from './session.ts'
import { writeSummary } from './summary.ts'
import { writeText } from './text.ts'

/** The scenes of a database. */
export function mongoScenes(library: LibrarySession): SceneStore {
  return {
    scene: async (userId, sceneId) => sceneOf(await ownScene(library, userId, sceneId)),
    writeSummary: write => writeSummary(library, write),
    async writeText(write) {
      checkWritten(write.content)
      return writeText(library, write)
    },
    async editScene(userId, edit) {
      checkLength(edit.content ?? '')
      checkLength(edit.summary ?? '')
      return editScene(library, userId, edit)
    },
    restore: (userId, wanted) => restore(library, userId, wanted),
    async appendScene(append) {
      checkAppend(append)
      await appendScene(library, append)
      return sceneOf(await ownScene(library, append.userId, append.id))
    },
    history: async (userId, sceneId, page) =>
      listHistory(library, await ownScene(library, userId, sceneId), page),
    async historyEntry(userId, wanted) {
      const { sceneId, entryId } = wanted
      const entry = await findEntry(library, await ownScene(library, userId, sceneId), entryId)
      if (entry === undefined) throw entryNotFound(wanted)
      return historyEntryOf(sceneId, entry)
    },
  }
}

/** Throws SCENE_NOT_FOUND. */
async function ownScene(library: LibrarySession, userId: string, sceneId: string): Promise<FullScene> {
  const scene = await findScene(library, sceneId)
  if (scene?.userId !== userId) throw sceneNotFound(sceneId)
  return scene
}

function sceneOf(scene: FullScene): Scene {
  const { userId, content, textOrigin, summaryVersion, summary, updatedAt } = scene
  return {
    ...overviewOf(scene),
    userId,
    content,
    ...(textOrigin === undefined ? {} : { textOrigin: originOf(textOrigin) }),
    summaryVersion,
    ...(summary === undefined ? {} : { summary: storedSummaryOf(summary) }),
    updatedAt,
  }
}
