/** One scene: reading it, and the guarded writes of its summary and of a person's edits. */
import { checkLength } from '../draft-pieces.ts'
import { sceneNotFound } from '../refusal.ts'
import { storedSummaryOf } from '../scene-guard.ts'
import type { Scene, SceneStore } from '../scenes.ts'
import { editScene } from './edit.ts'
import { type FullScene, findScene } from './full-scene.ts'
import { listHistory } from './history.ts'
import { overviewOf } from './scene-rows.ts'
import type { LibrarySession } from './session.ts'
import { writeSummary } from './summary.ts'

/** The scenes of a database. */
export function mongoScenes(library: LibrarySession): SceneStore {
  return {
    scene: async (userId, sceneId) => sceneOf(await ownScene(library, userId, sceneId)),
    writeSummary: write => writeSummary(library, write),
    async editScene(userId, edit) {
      checkLength(edit.content ?? '')
      checkLength(edit.summary ?? '')
      return editScene(library, userId, edit)
    },
    history: async (userId, sceneId, page) =>
      listHistory(library, await ownScene(library, userId, sceneId), page),
  }
}

/** Throws SCENE_NOT_FOUND. */
async function ownScene(library: LibrarySession, userId: string, sceneId: string): Promise<FullScene> {
  const scene = await findScene(library, sceneId)
  if (scene?.userId !== userId) throw sceneNotFound(sceneId)
  return scene
}

function sceneOf(scene: FullScene): Scene {
  const { userId, content, summaryVersion, summary, updatedAt } = scene
  return {
    ...overviewOf(scene),
    userId,
    content,
    summaryVersion,
    ...(summary === undefined ? {} : { summary: storedSummaryOf(summary) }),
    updatedAt,
  }
}
