/**
 * A batch of a draft in pieces of bounded size, as the records that are written: ids are made of positions, so that writing them again
 * changes nothing. A piece is what one transaction writes.
 */
import { type Change, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { measure } from '../words.ts'
import { type DraftBatch, type DraftWriter, longestImportedScene, longestScene } from './drafts.ts'
import { chapterIdOf, sceneIdOf, volumeIdOf } from './ids.ts'
import { chapters, scenes, texts, volumes } from './kinds.ts'
import { notTaken } from './refusal.ts'
import type { SceneAppend } from './scenes.ts'

/** Code units, and rows, of a piece: a few milliseconds of work. */
const pieceUnits = 300_000
const pieceRows = 500

/** A volume, a chapter or a scene of a draft. */
export interface DraftRow {
  id: string
  changes: readonly Change[]
  /** Code units of its text. */
  units: number
  /** What it is in, which is written before it or with it. */
  parent?: { kind: typeof volumes | typeof chapters; id: string; missing: string }
}

/** Cuts a batch into pieces, at least one. Throws OPTION_INVALID for a scene that is too long or a position that is none. */
export function* pieces(draft: DraftWriter, batch: DraftBatch, at: number): Generator<DraftRow[]> {
  let piece: DraftRow[] = []
  let units = 0
  for (const row of rowsOf(draft, batch, at)) {
    if (piece.length >= pieceRows || units >= pieceUnits) {
      yield piece
      piece = []
      units = 0
    }
    piece.push(row)
    units += row.units
  }
  yield piece
}

/** The versions of a scene that nobody changed. */
export const firstVersions = { version: 1, textVersion: 1, titleVersion: 1, summaryVersion: 0 }

function* rowsOf({ novelId, generation }: DraftWriter, batch: DraftBatch, at: number): Generator<DraftRow> {
  for (const { position, title } of batch.volumes ?? []) {
    const id = volumeIdOf(novelId, checked(position))
    yield { id, changes: write(volumes, [{ id, novelId, generation, position, title }]), units: 0 }
  }
  for (const { position, volumePosition, title } of batch.chapters ?? []) {
    const id = chapterIdOf(novelId, checked(position))
    const volumeId = volumeIdOf(novelId, volumePosition)
    const missing = `Chapter ${position} is in volume ${volumePosition}, which was not written before it.`
    const changes = write(chapters, [{ id, novelId, generation, volumeId, position, title }])
    yield { id, changes, units: 0, parent: { kind: volumes, id: volumeId, missing } }
  }
  for (const { chapterPosition: chapter, position, title, content } of batch.scenes ?? []) {
    checkAtMost(longestImportedScene, content)
    const id = sceneIdOf(novelId, checked(chapter), checked(position))
    const chapterId = chapterIdOf(novelId, chapter)
    const missing = `A scene is in chapter ${chapter}, which was not written before it.`
    const { words, characters } = measure(content)
    const size = { words, characters, ...firstVersions, updatedAt: at }
    const scene = { id, novelId, generation, chapterId, chapter, position, ...defined({ title }), ...size }
    const changes = [...write(scenes, [scene]), ...write(texts, [{ id, content }])]
    yield { id, changes, units: content.length, parent: { kind: chapters, id: chapterId, missing } }
  }
}

function checked(position: number): number {
  if (Number.isSafeInteger(position) && position >= 0) return position
  throw notTaken(`A position is ${position}; positions count from 0.`)
}

/** Throws OPTION_INVALID for a text that is longer than a scene may be, and than the text that it replaces. */
export function checkLength(content: string, replaced = ''): void {
  checkAtMost(Math.max(longestScene, replaced.length), content)
}

function checkAtMost(most: number, content: string): void {
  if (content.length <= most) return
  throw notTaken(
    `The text of a scene has ${content.length} characters; at most ${most} are taken, cut it in two.`,
  )
}

/** Throws OPTION_INVALID for a text that no task may write. One of any length is taken: it is paid. */
export function checkWritten(content: string): void {
  if (content.trim() === '')
    throw notTaken('The text that was made has nothing to read; nothing was written.')
}

/** Throws OPTION_INVALID for a scene that cannot be added. */
export function checkAppend({ id, summary }: SceneAppend): void {
  checkId(id)
  checkLength(summary?.text ?? '')
}

/** Throws OPTION_INVALID for an id that a caller may not choose. */
export function checkId(id: string): void {
  if (!/^[\w-]{1,100}$/.test(id)) throw notTaken(`${JSON.stringify(id)} is not an id.`)
}
