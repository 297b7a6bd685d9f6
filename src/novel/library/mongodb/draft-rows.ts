/** The rows of a draft: their ids are made of their positions, so that writing them again changes nothing. */
import type { ClientSession } from 'mongodb'
import { chapterMissing, type DraftPiece, volumeMissing } from '../draft-pieces.ts'
import type { DraftWriter, DraftWritten } from '../drafts.ts'
import { chapterIdOf, volumeIdOf } from '../ids.ts'
import type { ChapterDocument, SceneDocument, VolumeDocument } from './schema.ts'
import { type LibrarySession, lockNovel } from './session.ts'

/** Writes one piece in one transaction, if the attempt still holds the draft. */
export function writePiece(
  library: LibrarySession,
  draft: DraftWriter,
  piece: DraftPiece,
): Promise<DraftWritten> {
  return library.database.transaction('write draft', async session => {
    const held = await lockDraft(library, session, draft)
    if (held !== 'written') return held
    await requireVolumes(library, session, draft, piece)
    await requireChapters(library, session, draft, piece)
    await writeRows(library, session, draft, piece)
    return 'written'
  })
}

/** The fence of an import's writes: the novel must be a draft still, and of the attempt's generation, until the commit. */
export async function lockDraft(
  library: LibrarySession,
  session: ClientSession,
  { novelId, generation }: DraftWriter,
): Promise<DraftWritten> {
  const held = await lockNovel(library, session, { _id: novelId, status: 'draft', generation })
  if (held !== null) return 'written'
  const novel = await library.novels.findOne({ _id: novelId }, { session, projection: { status: 1 } })
  return novel?.status === 'published' ? 'published' : 'stale'
}

/** A volume that only an earlier attempt wrote does not count: it goes when the draft is published. */
async function requireVolumes(
  { volumes }: LibrarySession,
  session: ClientSession,
  { novelId, generation }: DraftWriter,
  piece: DraftPiece,
): Promise<void> {
  const here = new Set(piece.volumes.map(({ position }) => position))
  const wanted = piece.chapters.filter(({ volumePosition }) => !here.has(volumePosition))
  if (wanted.length === 0) return
  const ids = new Set(wanted.map(({ volumePosition }) => volumeIdOf(novelId, volumePosition)))
  const there = await volumes.find({ _id: { $in: [...ids] }, generation }, { session }).toArray()
  const positions = new Set(there.map(({ position }) => position))
  const orphan = wanted.find(({ volumePosition }) => !positions.has(volumePosition))
  if (orphan !== undefined) throw volumeMissing(orphan)
}

async function requireChapters(
  { chapters }: LibrarySession,
  session: ClientSession,
  { novelId, generation }: DraftWriter,
  piece: DraftPiece,
): Promise<void> {
  const here = new Set(piece.chapters.map(({ position }) => position))
  const wanted = new Set(
    piece.scenes.map(({ chapterPosition }) => chapterPosition).filter(position => !here.has(position)),
  )
  if (wanted.size === 0) return
  const ids = [...wanted].map(position => chapterIdOf(novelId, position))
  const there = await chapters.find({ _id: { $in: ids }, generation }, { session }).toArray()
  for (const { position } of there) wanted.delete(position)
  const [orphan] = wanted
  if (orphan !== undefined) throw chapterMissing(orphan)
}

async function writeRows(
  { volumes, chapters, scenes, now }: LibrarySession,
  session: ClientSession,
  { novelId, generation }: DraftWriter,
  piece: DraftPiece,
): Promise<void> {
  const at = now()
  const volumeRows = piece.volumes.map(
    ({ id, ...volume }): VolumeDocument => ({ _id: id, novelId, generation, ...volume }),
  )
  const chapterRows = piece.chapters.map(
    ({ id, position, volumePosition, title }): ChapterDocument => ({
      _id: id,
      novelId,
      volumeId: volumeIdOf(novelId, volumePosition),
      position,
      generation,
      title,
    }),
  )
  const sceneRows = piece.scenes.map(
    ({ id, chapterPosition, ...scene }): SceneDocument => ({
      _id: id,
      novelId,
      chapterId: chapterIdOf(novelId, chapterPosition),
      chapter: chapterPosition,
      generation,
      ...scene,
      ...firstVersions,
      updatedAt: at,
    }),
  )
  if (volumeRows.length > 0) await volumes.bulkWrite(volumeRows.map(replacement), { session })
  if (chapterRows.length > 0) await chapters.bulkWrite(chapterRows.map(replacement), { session })
  if (sceneRows.length > 0) await scenes.bulkWrite(sceneRows.map(replacement), { session })
}

/** The versions of a scene that nobody changed. */
export const firstVersions = { version: 1, textVersion: 1, titleVersion: 1, summaryVersion: 0 }

/** Writes a document, in place of the one with its id. */
export function replacement<T extends { _id: string }>(document: T) {
  return { replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true } }
}
