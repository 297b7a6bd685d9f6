/** Putting a text in place of another, with the counters that follow. */
import type { Database } from 'better-sqlite3'
import { measure } from '../../words.ts'
import { overwrittenText, refusedText } from '../history.ts'
import { provenanceOf } from '../provenance.ts'
import { decideText, type KeptOrigin } from '../scene-guard.ts'
import type { SceneWritten, TextWrite } from '../scenes.ts'
import { type FullSceneRow, findScene, guardedOf } from './full-scene.ts'
import { keep } from './history.ts'
import { keepRefused } from './refused.ts'
import { statement } from './statement.ts'

/** Writes a text that a task made, unless the one that is there changed since it was read. */
export function writeText(db: Database, write: TextWrite, at: number): SceneWritten {
  const scene = findScene(db, write.sceneId)
  if (scene === undefined) return { outcome: 'missing' }
  const decision = decideText(guardedOf(scene), write)
  if (decision === 'repeated')
    return { outcome: 'applied', version: scene.version, textVersion: scene.text_version }
  if (decision === 'conflict') return keepRefused(db, scene, write, refusedText(write, at))
  const version = scene.version + 1
  const { content, provenance, writer, expectedVersion } = write
  const origin = { ...provenanceOf(provenance), writtenBy: writer, writtenAt: at, expectedVersion }
  putText(db, scene, { content, origin, version })
  const isOfThatSummary = write.fromSummary === true && scene.summary_version <= expectedVersion
  if (isOfThatSummary && scene.summary_of !== null) {
    statement(db, 'UPDATE scenes SET summary_of = ? WHERE key = ?').run(version, scene.key)
  }
  return { outcome: 'applied', version, textVersion: version }
}

/** A text with everything that its rows need. */
export interface NewText {
  content: string
  origin: KeptOrigin
  /** Version of the scene from now on. */
  version: number
}

/** Writes a text; the one before goes into the history. */
export function putText(db: Database, scene: FullSceneRow, { content, origin, version }: NewText): void {
  const { writtenBy: by, writtenAt: at } = origin
  keep(db, scene.key, overwrittenText(guardedOf(scene), { by, at }))
  const { words, characters } = measure(content)
  statement(db, 'UPDATE scene_texts SET content = ?, origin = ? WHERE scene_key = ?').run(
    content,
    JSON.stringify(origin),
    scene.key,
  )
  statement(
    db,
    `UPDATE scenes SET version = :version, text_version = :version, words = :words, characters = :characters, updated_at = :at
     WHERE key = :key`,
  ).run({ version, words, characters, at, key: scene.key })
  const more = { words: words - scene.words, characters: characters - scene.characters }
  statement(
    db,
    'UPDATE chapters SET words = words + :words, characters = characters + :characters WHERE key = :key',
  ).run({ ...more, key: scene.chapter_key })
  statement(
    db,
    `UPDATE novels SET words = words + :words, characters = characters + :characters, text_version = text_version + 1,
       updated_at = :at
     WHERE key = :key`,
  ).run({ ...more, at, key: scene.novel_key })
}
