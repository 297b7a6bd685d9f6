/** A change of a scene with what follows from it: the fields of its parts, and the transaction that writes them. */
import type { UpdateFilter } from 'mongodb'
import { measure } from '../../words.ts'
import type { KeptEntry } from '../history.ts'
import type { KeptOrigin, KeptSummary } from '../scene-guard.ts'
import type { FullScene } from './full-scene.ts'
import { keep } from './history.ts'
import type { NovelDocument, SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** What a change writes. */
export interface PlannedChange {
  scene: UpdateFilter<SceneDocument>
  novel: UpdateFilter<NovelDocument>
  /** What is overwritten, oldest first. */
  kept: readonly KeptEntry[]
}

/** Writes all of it, if the scene is what it was when that was decided. */
export function apply(library: LibrarySession, read: FullScene, planned: PlannedChange): Promise<boolean> {
  const { database, scenes, novels } = library
  return database.transaction('change scene', async session => {
    const isUnchanged = { _id: read._id, version: read.version }
    const { matchedCount } = await scenes.updateOne(isUnchanged, planned.scene, { session })
    if (matchedCount === 0) return false
    await novels.updateOne({ _id: read.novelId }, planned.novel, { session })
    await keep(library, session, read, planned.kept)
    return true
  })
}

/** Fields that a change sets, and that it removes. */
export interface Fields {
  $set: Partial<SceneDocument>
  $unset: { title?: 1; summary?: 1; summaryOf?: 1 }
}

/** A new text, with what it adds to the novel. */
export function textFields(
  scene: FullScene,
  { content, textOrigin, version }: { content: string; textOrigin: KeptOrigin; version: number },
) {
  const { words, characters } = measure(content)
  return {
    $set: { content, textOrigin, textVersion: version, words, characters },
    novel: { words: words - scene.words, characters: characters - scene.characters, textVersion: 1 },
  }
}

/** A new summary; undefined removes the one that is there. */
export function summaryFields(summary: KeptSummary | undefined, version: number): Fields {
  if (summary === undefined)
    return { $set: { summaryVersion: version }, $unset: { summary: 1, summaryOf: 1 } }
  return { $set: { summary, summaryVersion: version, summaryOf: summary.ofTextVersion }, $unset: {} }
}

/** A new title; an empty one removes the one that is there. */
export function titleFields(title: string, version: number): Fields {
  return title === ''
    ? { $set: { titleVersion: version }, $unset: { title: 1 } }
    : { $set: { titleVersion: version, title }, $unset: {} }
}
