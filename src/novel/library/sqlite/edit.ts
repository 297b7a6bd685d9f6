/** A person's edit of a scene, and a person's putting back of what was overwritten. */
import type { Database } from 'better-sqlite3'
import { restoredOrigin, restoredSummary } from '../history.ts'
import { entryNotFound } from '../refusal.ts'
import { decideEdit, decideRestore } from '../scene-guard.ts'
import type { SceneEdit, SceneRestore, SceneWritten } from '../scenes.ts'
import { type FullSceneRow, findScene, guardedOf } from './full-scene.ts'
import { findEntry } from './history.ts'
import { statement } from './statement.ts'
import { dropSummary, putSummary } from './summary.ts'
import { putText } from './text.ts'

/** Writes an edit, unless what it overwrites changed since it was read. */
export function editScene(db: Database, userId: string, edit: SceneEdit, at: number): SceneWritten {
  const scene = findScene(db, edit.sceneId)
  if (scene?.user_id !== userId) return { outcome: 'missing' }
  const decision = decideEdit(guardedOf(scene), edit)
  if (decision.outcome !== 'write') return notWritten(scene, decision.outcome)
  const { changes } = decision
  const { expectedVersion } = edit
  const version = scene.version + 1
  const origin = { method: 'person', writtenBy: { userId }, writtenAt: at, expectedVersion } as const
  if (changes.title) writeTitle(db, scene, edit.title ?? '', { version, at })
  if (changes.text) putText(db, scene, { content: edit.content ?? '', origin, version })
  const textVersion = changes.text ? version : scene.text_version
  const text = edit.summary ?? ''
  if (changes.summary && text === '') dropSummary(db, scene, { by: { userId }, version, at })
  else if (changes.summary) putSummary(db, scene, { ...origin, text, ofTextVersion: textVersion }, version)
  touchNovel(db, scene, at)
  return { outcome: 'applied', version, textVersion }
}

/** Puts an entry of the history in place. Throws HISTORY_ENTRY_NOT_FOUND. */
export function restore(db: Database, userId: string, wanted: SceneRestore, at: number): SceneWritten {
  const { sceneId, entryId, expectedVersion } = wanted
  const scene = findScene(db, sceneId)
  if (scene?.user_id !== userId) return { outcome: 'missing' }
  const entry = findEntry(db, scene.key, wanted)
  if (entry === undefined) throw entryNotFound(wanted)
  const guarded = guardedOf(scene)
  const decision = decideRestore(guarded, entry, expectedVersion)
  if (decision !== 'write') return notWritten(scene, decision)
  const version = scene.version + 1
  const restoring = { entryId, userId, expectedVersion, at }
  if (entry.what === 'text') {
    putText(db, scene, { content: entry.text, origin: restoredOrigin(entry, restoring), version })
    return { outcome: 'applied', version, textVersion: version }
  }
  putSummary(db, scene, restoredSummary(entry, restoring, guarded), version)
  touchNovel(db, scene, at)
  return { outcome: 'applied', version, textVersion: scene.text_version }
}

function notWritten(
  { version, text_version: textVersion }: FullSceneRow,
  decision: 'unchanged' | 'conflict',
): SceneWritten {
  return { outcome: decision === 'conflict' ? 'conflict' : 'applied', version, textVersion }
}

function writeTitle(
  db: Database,
  scene: FullSceneRow,
  title: string,
  { version, at }: { version: number; at: number },
): void {
  statement(
    db,
    'UPDATE scenes SET title = :title, version = :version, title_version = :version, updated_at = :at WHERE key = :key',
  ).run({ title: title === '' ? null : title, version, at, key: scene.key })
}

function touchNovel(db: Database, scene: FullSceneRow, at: number): void {
  statement(db, 'UPDATE novels SET updated_at = ? WHERE key = ?').run(at, scene.novel_key)
}
