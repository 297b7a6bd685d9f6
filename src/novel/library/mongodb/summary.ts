/** The guarded write of a summary that a task made. */
import type { UpdateFilter } from 'mongodb'
import { overwrittenSummary, refusedSummary } from '../history.ts'
import { provenanceOf } from '../provenance.ts'
import { decideSummary, type KeptSummary } from '../scene-guard.ts'
import type { SceneWritten, SummaryWrite } from '../scenes.ts'
import { summaryFields } from './change.ts'
import { type FullScene, findSceneWithoutText } from './full-scene.ts'
import { keep } from './history.ts'
import { keepRefused } from './refused.ts'
import type { SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

type SceneRead = Omit<FullScene, 'content'>

/**
 * Writes a summary if the scene is what it was when that was decided; otherwise decides again. What must not be written is kept. Sent
 * again, it finds itself.
 */
export async function writeSummary(library: LibrarySession, write: SummaryWrite): Promise<SceneWritten> {
  for (;;) {
    const scene = await findSceneWithoutText(library, write.sceneId)
    if (scene === undefined) return { outcome: 'missing' }
    const { version, textVersion } = scene
    const decision = decideSummary(scene, write)
    if (decision === 'repeated') return { outcome: 'applied', version, textVersion }
    const at = library.now()
    if (decision === 'conflict') {
      const kept = await keepRefused(library, scene, write, refusedSummary(write, at))
      if (kept !== undefined) return kept
    } else if (await putSummary(library, scene, summaryOf(scene, write, at))) {
      return { outcome: 'applied', version: version + 1, textVersion }
    }
  }
}

/** The first summary of a scene is one write; one that overwrites goes with what is kept of the one before. */
async function putSummary(library: LibrarySession, scene: SceneRead, summary: KeptSummary): Promise<boolean> {
  const { database, scenes } = library
  const { writtenBy: by, writtenAt: at } = summary
  const version = scene.version + 1
  const isUnchanged = { _id: scene._id, version: scene.version }
  const update: UpdateFilter<SceneDocument> = {
    $set: { version, updatedAt: at, ...summaryFields(summary, version).$set },
  }
  const overwritten = overwrittenSummary(scene, { by, at })
  if (overwritten.length === 0) {
    const { matchedCount } = await database.run('write summary', () => scenes.updateOne(isUnchanged, update))
    return matchedCount > 0
  }
  return database.transaction('replace summary', async session => {
    const { matchedCount } = await scenes.updateOne(isUnchanged, update, { session })
    if (matchedCount === 0) return false
    await keep(library, session, scene, overwritten)
    return true
  })
}

function summaryOf({ textVersion }: SceneRead, write: SummaryWrite, at: number): KeptSummary {
  const { summary: text, language, sentences, expectedVersion, writer } = write
  return {
    ...provenanceOf(write),
    text,
    ...(language === undefined ? {} : { language }),
    ...(sentences === undefined ? {} : { sentences }),
    ofTextVersion: textVersion,
    expectedVersion,
    writtenBy: writer,
    writtenAt: at,
  }
}
