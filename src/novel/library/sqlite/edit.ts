/** A person's edit of a scene. */
import type { Database } from 'better-sqlite3'
import { measure } from '../../words.ts'
import { decideEdit } from '../scene-guard.ts'
import type { SceneEdit, SceneWritten } from '../scenes.ts'
import { type FullSceneRow, findScene, guardedOf } from './full-scene.ts'
import { keep } from './history.ts'
import { statement } from './statement.ts'
import { dropSummary, putSummary } from './summary.ts'

/** Writes an edit, unless what it overwrites changed since it was read. */
export function editScene(db: Database, userId: string, edit: SceneEdit, at: number): SceneWritten {
  const scene = findScene(db, edit.sceneId)
  if (scene?.user_id !== userId) return { outcome: 'missing' }
  const seen = { version: scene.version, textVersion: scene.text_version }
  const decision = decideEdit(guardedOf(scene), edit)
  if (decision.outcome !== 'write')
    return { outcome: decision.outcome === 'conflict' ? 'conflict' : 'applied', ...seen }
  const { changes } = decision
  const version = scene.version + 1
  const by = { userId }
  statement(db, 'UPDATE scenes SET version = ?, updated_at = ? WHERE key = ?').run(version, at, scene.key)
  statement(db, 'UPDATE novels SET updated_at = ? WHERE key = ?').run(at, scene.novel_key)
  if (changes.title) writeTitle(db, scene, edit.title ?? '', version)
  if (changes.text) {
    keep(db, { scene: scene.key, what: 'text', text: scene.content, version: scene.text_version, by, at })
    writeText(db, scene, edit.content ?? '', version)
  }
  const textVersion = changes.text ? version : scene.text_version
  const summary = { text: edit.summary ?? '', method: 'person', by, version, at } as const
  if (changes.summary && summary.text === '') dropSummary(db, scene, summary)
  else if (changes.summary) {
    putSummary(db, scene, { ...summary, ofTextVersion: textVersion, expectedVersion: edit.expectedVersion })
  }
  return { outcome: 'applied', version, textVersion }
}

function writeTitle(db: Database, scene: FullSceneRow, title: string, version: number): void {
  statement(db, 'UPDATE scenes SET title = ?, title_version = ? WHERE key = ?').run(
    title === '' ? null : title,
    version,
    scene.key,
  )
}

function writeText(db: Database, scene: FullSceneRow, content: string, version: number): void {
  const { words, characters } = measure(content)
  statement(db, 'UPDATE scene_texts SET content = ? WHERE scene_key = ?').run(content, scene.key)
  statement(db, 'UPDATE scenes SET text_version = ?, words = ?, characters = ? WHERE key = ?').run(
    version,
    words,
    characters,
    scene.key,
  )
  const more = { words: words - scene.words, characters: characters - scene.characters }
  statement(
    db,
    'UPDATE chapters SET words = words + :words, characters = characters + :characters WHERE key = :key',
  ).run({ ...more, key: scene.chapter_key })
  statement(
    db,
    `UPDATE novels SET words = words + :words, characters = characters + :characters, text_version = text_version + 1
     WHERE key = :key`,
  ).run({ ...more, key: scene.novel_key })
}
