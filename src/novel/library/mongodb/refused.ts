/** What a task made and must not write: it is kept in the history. */
import { entryIdOf, type KeptEntry, wasApplied } from '../history.ts'
import type { TaskWriter } from '../provenance.ts'
import type { SceneWritten } from '../scenes.ts'
import type { FullScene } from './full-scene.ts'
import { keep, notes } from './history.ts'
import type { LibrarySession } from './session.ts'

/**
 * Keeps it, once. A write that was applied before, and overwritten since, is applied still. Undefined: the scene is no longer what it
 * was when that was decided.
 */
export function keepRefused(
  library: LibrarySession,
  scene: Omit<FullScene, 'content'>,
  write: { writer: TaskWriter; expectedVersion: number },
  entry: KeptEntry,
): Promise<SceneWritten | undefined> {
  const { _id, version, textVersion } = scene
  const seen = { version, textVersion }
  return library.database.transaction('keep conflict', async session => {
    const held = await library.scenes.updateOne({ _id, version }, { $inc: { locks: 1 } }, { session })
    if (held.matchedCount === 0) return undefined
    const there = await notes(library, scene, session)
    if (wasApplied(there, entry.what, write)) return { outcome: 'applied', ...seen }
    const alternativeId = entryIdOf(_id, entry)
    const isThere = there.some(note => entryIdOf(_id, note) === alternativeId)
    if (!isThere) await keep(library, session, scene, [entry])
    return { outcome: 'conflict', ...seen, alternativeId }
  })
}
