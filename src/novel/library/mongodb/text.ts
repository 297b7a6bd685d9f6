/** The guarded write of a text that a task made. */
import { overwrittenText, refusedText } from '../history.ts'
import { provenanceOf } from '../provenance.ts'
import { decideText } from '../scene-guard.ts'
import type { SceneWritten, TextWrite } from '../scenes.ts'
import { apply, type PlannedChange, textFields } from './change.ts'
import { type FullScene, findScene } from './full-scene.ts'
import { keepRefused } from './refused.ts'
import type { LibrarySession } from './session.ts'

/** Writes a text if the one that is there is what was read; otherwise keeps it. Sent again, it finds itself. */
export async function writeText(library: LibrarySession, write: TextWrite): Promise<SceneWritten> {
  for (;;) {
    const scene = await findScene(library, write.sceneId)
    if (scene === undefined) return { outcome: 'missing' }
    const decision = decideText(scene, write)
    const { version, textVersion } = scene
    if (decision === 'repeated') return { outcome: 'applied', version, textVersion }
    const at = library.now()
    if (decision === 'conflict') {
      const kept = await keepRefused(library, scene, write, refusedText(write, at))
      if (kept !== undefined) return kept
    } else if (await apply(library, scene, planText(scene, write, at))) {
      return { outcome: 'applied', version: version + 1, textVersion: version + 1 }
    }
  }
}

function planText(scene: FullScene, write: TextWrite, at: number): PlannedChange {
  const { content, provenance, writer, expectedVersion, fromSummary = false } = write
  const version = scene.version + 1
  const origin = { ...provenanceOf(provenance), writtenBy: writer, writtenAt: at, expectedVersion }
  const text = textFields(scene, { content, textOrigin: origin, version })
  const isOfThatSummary =
    fromSummary && scene.summary !== undefined && scene.summaryVersion <= expectedVersion
  const summary = isOfThatSummary ? { 'summary.ofTextVersion': version, summaryOf: version } : {}
  return {
    scene: { $set: { version, updatedAt: at, ...text.$set, ...summary } },
    novel: { $set: { updatedAt: at }, $inc: text.novel },
    kept: overwrittenText(scene, { by: writer, at }),
  }
}
