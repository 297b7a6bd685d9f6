/**
 * A batch of a draft in pieces of bounded size, with everything computed that can be computed before they are written: ids, words and
 * characters. A piece is what one transaction writes.
 */
import type { QuillworkError } from '../../index.ts'
import { type Measure, measure } from '../words.ts'
import {
  type ChapterDraft,
  type DraftBatch,
  longestScene,
  type SceneDraft,
  type VolumeDraft,
} from './drafts.ts'
import { chapterIdOf, sceneIdOf, volumeIdOf } from './ids.ts'
import { notTaken } from './refusal.ts'
import type { SceneAppend } from './scenes.ts'

/** Code units, and rows, of a piece: a few milliseconds of work. */
const pieceUnits = 300_000
const pieceRows = 500

/** A scene as it is written. */
export type PreparedScene = SceneDraft & Measure & { id: string }

/** What one transaction writes. */
export interface DraftPiece {
  volumes: (VolumeDraft & { id: string })[]
  chapters: (ChapterDraft & { id: string })[]
  scenes: PreparedScene[]
}

/** Cuts a batch into pieces, at least one. Throws OPTION_INVALID for a scene that is too long or a position that is none. */
export function* pieces(novelId: string, batch: DraftBatch): Generator<DraftPiece> {
  let piece: DraftPiece = { volumes: [], chapters: [], scenes: [] }
  let units = 0
  let rows = 0
  for (const row of rowsOf(novelId, batch)) {
    if (rows >= pieceRows || units >= pieceUnits) {
      yield piece
      piece = { volumes: [], chapters: [], scenes: [] }
      units = 0
      rows = 0
    }
    rows++
    if (row.kind === 'volume') piece.volumes.push(row.row)
    else if (row.kind === 'chapter') piece.chapters.push(row.row)
    else {
      piece.scenes.push(row.row)
      units += row.row.content.length
    }
  }
  yield piece
}

type DraftRow =
  | { kind: 'volume'; row: DraftPiece['volumes'][number] }
  | { kind: 'chapter'; row: DraftPiece['chapters'][number] }
  | { kind: 'scene'; row: PreparedScene }

function* rowsOf(
  novelId: string,
  { volumes = [], chapters = [], scenes = [] }: DraftBatch,
): Generator<DraftRow> {
  for (const volume of volumes) {
    yield { kind: 'volume', row: { ...volume, id: volumeIdOf(novelId, checked(volume.position)) } }
  }
  for (const chapter of chapters) {
    yield { kind: 'chapter', row: { ...chapter, id: chapterIdOf(novelId, checked(chapter.position)) } }
  }
  for (const scene of scenes) {
    checkLength(scene.content)
    const id = sceneIdOf(novelId, checked(scene.chapterPosition), checked(scene.position))
    yield { kind: 'scene', row: { ...scene, ...measure(scene.content), id } }
  }
}

function checked(position: number): number {
  if (Number.isSafeInteger(position) && position >= 0) return position
  throw notTaken(`A position is ${position}; positions count from 0.`)
}

/** Throws OPTION_INVALID for a text that no scene may have. */
export function checkLength(content: string): void {
  if (content.length <= longestScene) return
  throw notTaken(
    `The text of a scene has ${content.length} characters; at most ${longestScene} are taken, cut it in two.`,
  )
}

/** Throws OPTION_INVALID for a text that no task may write. */
export function checkWritten(content: string): void {
  checkLength(content)
  if (content.trim() === '')
    throw notTaken('The text that was made has nothing to read; nothing was written.')
}

/** Throws OPTION_INVALID for a scene that cannot be added. */
export function checkAppend({ id, summary }: SceneAppend): void {
  if (!/^[\w-]{1,100}$/.test(id)) throw notTaken(`${JSON.stringify(id)} is not an id.`)
  checkLength(summary?.text ?? '')
}

/** OPTION_INVALID: a chapter whose volume this attempt has not written. */
export function volumeMissing(chapter: Pick<ChapterDraft, 'position' | 'volumePosition'>): QuillworkError {
  return notTaken(
    `Chapter ${chapter.position} is in volume ${chapter.volumePosition}, which was not written before it.`,
  )
}

/** OPTION_INVALID: a scene whose chapter this attempt has not written. */
export function chapterMissing(position: number): QuillworkError {
  return notTaken(`A scene is in chapter ${position}, which was not written before it.`)
}
