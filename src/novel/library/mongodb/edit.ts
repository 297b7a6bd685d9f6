/** A person's edit of a scene, and a person's putting back of what was overwritten. */
import { overwrittenSummary, overwrittenText, restoredOrigin, restoredSummary } from '../history.ts'
import { entryNotFound } from '../refusal.ts'
import { decideEdit, decideRestore, type EditChanges } from '../scene-guard.ts'
import type { SceneEdit, SceneRestore, SceneWritten } from '../scenes.ts'
import { apply, type PlannedChange, summaryFields, textFields, titleFields } from './change.ts'
import { type FullScene, findScene } from './full-scene.ts'
import { findEntry } from './history.ts'
import type { LibrarySession } from './session.ts'

/** Writes an edit, unless what it overwrites changed since it was read. Sent again, it finds itself. */
export async function editScene(
  library: LibrarySession,
  userId: string,
  edit: SceneEdit,
): Promise<SceneWritten> {
  for (;;) {
    const scene = await findScene(library, edit.sceneId)
    if (scene?.userId !== userId) return { outcome: 'missing' }
    const decision = decideEdit(scene, edit)
    if (decision.outcome !== 'write') return notWritten(scene, decision.outcome)
    const planned = planEdit(scene, edit, decision.changes, library.now())
    if (await apply(library, scene, planned)) return written(scene, decision.changes.text)
  }
}

/** Puts an entry of the history in place. Throws HISTORY_ENTRY_NOT_FOUND. */
export async function restore(
  library: LibrarySession,
  userId: string,
  wanted: SceneRestore,
): Promise<SceneWritten> {
  for (;;) {
    const scene = await findScene(library, wanted.sceneId)
    if (scene?.userId !== userId) return { outcome: 'missing' }
    const entry = await findEntry(library, scene, wanted.entryId)
    if (entry === undefined) throw entryNotFound(wanted)
    const decision = decideRestore(scene, entry, wanted.expectedVersion)
    if (decision !== 'write') return notWritten(scene, decision)
    const at = library.now()
    const { entryId, expectedVersion } = wanted
    const restoring = { entryId, userId, expectedVersion, at }
    const version = scene.version + 1
    const isText = entry.what === 'text'
    const text = isText
      ? textFields(scene, { content: entry.text, textOrigin: restoredOrigin(entry, restoring), version })
      : undefined
    const summary = isText ? undefined : summaryFields(restoredSummary(entry, restoring, scene), version)
    const overwriting = { by: { userId }, at }
    const planned: PlannedChange = {
      scene: { $set: { version, updatedAt: at, ...text?.$set, ...summary?.$set } },
      novel: { $set: { updatedAt: at }, $inc: text?.novel ?? {} },
      kept: isText ? overwrittenText(scene, overwriting) : overwrittenSummary(scene, overwriting),
    }
    if (await apply(library, scene, planned)) return written(scene, isText)
  }
}

function notWritten({ version, textVersion }: FullScene, decision: 'unchanged' | 'conflict'): SceneWritten {
  return { outcome: decision === 'conflict' ? 'conflict' : 'applied', version, textVersion }
}

function written(scene: FullScene, isText: boolean): SceneWritten {
  const version = scene.version + 1
  return { outcome: 'applied', version, textVersion: isText ? version : scene.textVersion }
}

function planEdit(scene: FullScene, edit: SceneEdit, changes: EditChanges, at: number): PlannedChange {
  const version = scene.version + 1
  const { expectedVersion, content = '' } = edit
  const by = { userId: scene.userId }
  const origin = { method: 'person', writtenBy: by, writtenAt: at, expectedVersion } as const
  const text = changes.text ? textFields(scene, { content, textOrigin: origin, version }) : undefined
  const ofTextVersion = changes.text ? version : scene.textVersion
  const title = changes.title ? titleFields(edit.title ?? '', version) : undefined
  const words = edit.summary ?? ''
  const newSummary = words === '' ? undefined : { ...origin, text: words, ofTextVersion }
  const summary = changes.summary ? summaryFields(newSummary, version) : undefined
  return {
    scene: {
      $set: { version, updatedAt: at, ...title?.$set, ...text?.$set, ...summary?.$set },
      $unset: { ...title?.$unset, ...summary?.$unset },
    },
    novel: { $set: { updatedAt: at }, $inc: text?.novel ?? {} },
    kept: [
      ...(changes.text ? overwrittenText(scene, { by, at }) : []),
      ...(changes.summary ? overwrittenSummary(scene, { by, at }) : []),
    ],
  }
}
