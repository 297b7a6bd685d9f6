/** What a task made and must not write: it is kept in the history. */
import type { Database } from 'better-sqlite3'
import { entryIdOf, type KeptEntry, wasApplied } from '../history.ts'
import type { TaskWriter } from '../provenance.ts'
import type { SceneWritten } from '../scenes.ts'
import type { FullSceneRow } from './full-scene.ts'
import { keep, notes } from './history.ts'

/** Keeps it, once. A write that was applied before, and overwritten since, is applied still. */
export function keepRefused(
  db: Database,
  scene: FullSceneRow,
  write: { writer: TaskWriter; expectedVersion: number },
  entry: KeptEntry,
): SceneWritten {
  const seen = { version: scene.version, textVersion: scene.text_version }
  const there = notes(db, scene.key)
  if (wasApplied(there, entry.what, write)) return { outcome: 'applied', ...seen }
  const alternativeId = entryIdOf(scene.id, entry)
  if (!there.some(note => entryIdOf(scene.id, note) === alternativeId)) keep(db, scene.key, [entry])
  return { outcome: 'conflict', ...seen, alternativeId }
}
