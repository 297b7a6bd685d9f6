/** The guarded write of a summary that a task made. */
import type { UpdateFilter } from 'mongodb'
import { decideSummary, type KeptSummary } from '../scene-guard.ts'
import type { Overwritten, SceneWritten, SummaryWrite, Writer } from '../scenes.ts'
import { type FullScene, findSceneWithoutText } from './full-scene.ts'
import { keep } from './history.ts'
import type { SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

type SceneRead = Omit<FullScene, 'content'>

/** Writes a summary if the scene is what it was when that was decided; otherwise decides again. Sent again, it finds itself. */
export async function writeSummary(library: LibrarySession, write: SummaryWrite): Promise<SceneWritten> {
  for (;;) {
    const scene = await findSceneWithoutText(library, write.sceneId)
    if (scene === undefined) return { outcome: 'missing' }
    const { textVersion } = scene
    const decision = decideSummary(scene, write)
    if (decision !== 'write') {
      const outcome = decision === 'repeated' ? 'applied' : 'conflict'
      return { outcome, version: scene.version, textVersion }
    }
    const version = scene.version + 1
    if (await putSummary(library, scene, write, version)) return { outcome: 'applied', version, textVersion }
  }
}

/** The first summary of a scene is one write; one that overwrites goes with what is kept of the one before. */
async function putSummary(
  library: LibrarySession,
  scene: SceneRead,
  write: SummaryWrite,
  version: number,
): Promise<boolean> {
  const { database, scenes, now } = library
  const at = now()
  const isUnchanged = { _id: scene._id, version: scene.version }
  const summary = summaryOf(write, { textVersion: scene.textVersion, at })
  const update: UpdateFilter<SceneDocument> = {
    $set: { version, updatedAt: at, summary, summaryVersion: version, summaryOf: scene.textVersion },
  }
  const overwritten = overwrittenSummary(scene, write.writer, at)
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

function summaryOf(
  { summary: text, method, model, language, sentences, expectedVersion, writer }: SummaryWrite,
  { textVersion, at }: { textVersion: number; at: number },
): KeptSummary {
  return {
    text,
    method,
    ...(model === undefined ? {} : { model }),
    ...(language === undefined ? {} : { language }),
    ...(sentences === undefined ? {} : { sentences }),
    ofTextVersion: textVersion,
    expectedVersion,
    writtenBy: writer,
    writtenAt: at,
  }
}

/** What of a summary is to be kept when somebody overwrites it; an empty one is nothing to keep. */
export function overwrittenSummary(
  { summary, summaryVersion }: Pick<SceneDocument, 'summary' | 'summaryVersion'>,
  by: Writer,
  at: number,
): Overwritten[] {
  if (summary === undefined || summary.text === '') return []
  return [
    { what: 'summary', text: summary.text, version: summaryVersion, overwrittenAt: at, overwrittenBy: by },
  ]
}
