/** Drafts: what an import writes until it is complete, and the write that puts it on the shelf. */
import { type Change, erase, getOne, insert, replace, type Stored, write } from '../../records/records.ts'
import { chapterMissing, type DraftPiece, pieces, volumeMissing } from './draft-pieces.ts'
import {
  type Discarded,
  type DraftState,
  type DraftWriter,
  type DraftWritten,
  discardStep,
  type NewDraft,
  type NovelCounts,
  type NovelDrafts,
  type Published,
} from './drafts.ts'
import { chapterIdOf, volumeIdOf } from './ids.ts'
import {
  type ChapterRecord,
  chapters,
  type LibraryParts,
  type NovelRecord,
  nextNumber,
  novels,
  type SceneRecord,
  scenes,
  texts,
  type VolumeRecord,
  volumes,
} from './kinds.ts'
import { type Listing, pageOf, pageStart } from './page-token.ts'
import type { Page, PageRequest } from './paging.ts'
import { novelNotFound } from './refusal.ts'
import { deletionStep } from './remove-novel.ts'

const unpublished: Listing = { name: 'unpublished novels', filter: [], keys: 1 }

/** The drafts of a library. */
export function novelDrafts(library: LibraryParts): NovelDrafts {
  return {
    create: draft => create(library, draft),
    async find(novelId) {
      const novel = await getOne(library.records, novels, novelId)
      return novel && stateOf(library, novel)
    },
    async write(draft, batch) {
      // A piece at a time, so that one large batch does not hold up the other writers.
      for (const piece of pieces(draft.novelId, batch)) {
        const outcome = await writePiece(library, draft, piece)
        if (outcome !== 'written') return outcome
      }
      return 'written'
    },
    async publish(draft, totals) {
      while (await removeLeftovers(library, draft)) {}
      return publish(library, draft, totals)
    },
    discard: (novelId, options = {}) => discard(library, novelId, options),
    list: page => list(library, page),
  }
}

async function create(library: LibraryParts, draft: NewDraft): Promise<DraftState> {
  const { records } = library
  for (;;) {
    const novel = await getOne(records, novels, draft.novelId)
    if (novel !== undefined && novel.userId !== draft.userId) throw novelNotFound(draft.novelId)
    if (novel !== undefined && novel.status !== 'draft') return stateOf(library, novel)
    const made = await (novel === undefined ? newNovel(library, draft) : takenUp(novel, draft, library.now()))
    const change =
      novel === undefined ? insert(novels, made) : replace(novels, { ...made, revision: novel.revision })
    if ((await records.commit([change])) === 'applied') return stateOf(library, made)
  }
}

async function newNovel(library: LibraryParts, draft: NewDraft): Promise<NovelRecord> {
  const at = library.now()
  return {
    ...{ id: draft.novelId, order: await nextNumber(library, 'novels'), userId: draft.userId },
    ...wordsOf(draft),
    ...{ status: 'draft', pending: 1, generation: 1, createdAt: at, updatedAt: at },
    ...{ volumes: 0, chapters: 0, scenes: 0, words: 0, characters: 0, textVersion: 0 },
  }
}

/** A later attempt of the import says anew what the book is. */
function takenUp(novel: NovelRecord, draft: NewDraft, at: number): NovelRecord {
  const { author: _, language: __, ...rest } = novel
  return { ...rest, ...wordsOf(draft), generation: novel.generation + 1, updatedAt: at }
}

function wordsOf({ importTaskId, title, author, language }: NewDraft) {
  return {
    ...{ importTaskId, title },
    ...(author === undefined ? {} : { author }),
    ...(language === undefined ? {} : { language }),
  }
}

async function list(library: LibraryParts, page: PageRequest): Promise<Page<DraftState>> {
  const { size, after } = pageStart(unpublished, page)
  const found = await library.records.find(novels, {
    equal: { pending: 1 },
    ...{ order: ['order'], after, limit: size + 1 },
  })
  const shown = pageOf(unpublished, found.slice(0, size), found.length > size, ({ order }) => [order])
  const countsOf = await countRows(
    library,
    shown.items.map(({ id }) => id),
  )
  return { ...shown, items: shown.items.map(novel => draftState(novel, countsOf(novel.id))) }
}

async function stateOf(library: LibraryParts, novel: NovelRecord): Promise<DraftState> {
  if (novel.status === 'published') return draftState(novel, novel)
  return draftState(novel, (await countRows(library, [novel.id]))(novel.id))
}

function draftState(novel: NovelRecord, counts: NovelCounts): DraftState {
  const { id: novelId, userId, importTaskId, title, status, generation, createdAt } = novel
  return { novelId, userId, importTaskId, title, status, generation, createdAt, counts: countsOf(counts) }
}

/** The counts of a novel, without the rest of it. */
export function countsOf({ volumes, chapters, scenes, words, characters }: NovelCounts): NovelCounts {
  return { volumes, chapters, scenes, words, characters }
}

/** Counts of novels of which records are being written or removed, by id. */
async function countRows(
  { records }: LibraryParts,
  novelIds: readonly string[],
): Promise<(novelId: string) => NovelCounts> {
  const ofNovels = { equal: { novelId: novelIds }, by: 'novelId' } as const
  const [volumesOf, chaptersOf, scenesOf] = await Promise.all([
    records.sum(volumes, ofNovels),
    records.sum(chapters, ofNovels),
    records.sum(scenes, { ...ofNovels, of: ['words', 'characters'] }),
  ])
  return novelId => ({
    volumes: volumesOf.get(novelId)?.count ?? 0,
    chapters: chaptersOf.get(novelId)?.count ?? 0,
    scenes: scenesOf.get(novelId)?.count ?? 0,
    words: scenesOf.get(novelId)?.words ?? 0,
    characters: scenesOf.get(novelId)?.characters ?? 0,
  })
}

/** The novel, if it is a draft still, and of the attempt's generation; its next write is guarded by what was read. */
async function heldDraft(
  { records }: LibraryParts,
  { novelId, generation }: DraftWriter,
): Promise<Stored<NovelRecord> | Exclude<DraftWritten, 'written'>> {
  const novel = await getOne(records, novels, novelId)
  if (novel?.status === 'published') return 'published'
  return novel?.status === 'draft' && novel.generation === generation ? novel : 'stale'
}

/** Writes one piece, if the attempt still holds the draft. The novel is written with it, so that nobody takes it up meanwhile. */
async function writePiece(
  library: LibraryParts,
  draft: DraftWriter,
  piece: DraftPiece,
): Promise<DraftWritten> {
  for (;;) {
    const novel = await heldDraft(library, draft)
    if (typeof novel === 'string') return novel
    await Promise.all([requireVolumes(library, draft, piece), requireChapters(library, draft, piece)])
    const changes = [replace(novels, novel), ...rowsOf(draft, piece, library.now())]
    if ((await library.records.commit(changes)) === 'applied') return 'written'
  }
}

/** A volume that only an earlier attempt wrote does not count: it goes when the draft is published. */
async function requireVolumes(
  { records }: LibraryParts,
  { novelId, generation }: DraftWriter,
  piece: DraftPiece,
): Promise<void> {
  const here = new Set(piece.volumes.map(({ position }) => position))
  const wanted = piece.chapters.filter(({ volumePosition }) => !here.has(volumePosition))
  if (wanted.length === 0) return
  const idOf = (position: number) => volumeIdOf(novelId, position)
  const there = await records.get(volumes, [...new Set(wanted.map(each => idOf(each.volumePosition)))])
  const orphan = wanted.find(each => there.get(idOf(each.volumePosition))?.generation !== generation)
  if (orphan !== undefined) throw volumeMissing(orphan)
}

async function requireChapters(
  { records }: LibraryParts,
  { novelId, generation }: DraftWriter,
  piece: DraftPiece,
): Promise<void> {
  const here = new Set(piece.chapters.map(({ position }) => position))
  const wanted = new Set(
    piece.scenes.map(({ chapterPosition }) => chapterPosition).filter(position => !here.has(position)),
  )
  if (wanted.size === 0) return
  const idOf = (position: number) => chapterIdOf(novelId, position)
  const there = await records.get(chapters, [...wanted].map(idOf))
  const orphan = [...wanted].find(position => there.get(idOf(position))?.generation !== generation)
  if (orphan !== undefined) throw chapterMissing(orphan)
}

/** The records of a piece; their ids are made of their positions, so that writing them again changes nothing. */
function rowsOf({ novelId, generation }: DraftWriter, piece: DraftPiece, at: number): Change[] {
  const of = { novelId, generation }
  const volumeRows = piece.volumes.map(
    ({ id, position, title }): VolumeRecord => ({ id, ...of, position, title }),
  )
  const chapterRows = piece.chapters.map(({ id, position, volumePosition, title }): ChapterRecord => {
    return { id, ...of, volumeId: volumeIdOf(novelId, volumePosition), position, title }
  })
  const sceneRows = piece.scenes.map(
    ({ id, chapterPosition, position, title, words, characters }): SceneRecord => {
      const place = { chapterId: chapterIdOf(novelId, chapterPosition), chapter: chapterPosition, position }
      const titled = title === undefined ? {} : { title }
      return { id, ...of, ...place, ...titled, words, characters, ...firstVersions, updatedAt: at }
    },
  )
  const textRows = piece.scenes.map(({ id, content }) => ({ id, content }))
  return [
    ...write(volumes, volumeRows),
    ...write(chapters, chapterRows),
    ...write(scenes, sceneRows),
    ...write(texts, textRows),
  ]
}

/** The versions of a scene that nobody changed. */
export const firstVersions = { version: 1, textVersion: 1, titleVersion: 1, summaryVersion: 0 }

/** Scenes that one commit removes. */
const leftoverStep = 500

/** Removes one step of the records that only an earlier attempt wrote. Returns whether there may be more. */
async function removeLeftovers(library: LibraryParts, draft: DraftWriter): Promise<boolean> {
  const { records } = library
  const novel = await heldDraft(library, draft)
  if (typeof novel === 'string' || draft.generation === 1) return false
  const older = { equal: { novelId: draft.novelId }, most: { generation: draft.generation - 1 } }
  const inOrder = { order: ['chapter', 'position'], limit: leftoverStep } as const
  const found = await records.find(scenes, { ...older, ...inOrder }, ['summary'])
  const ids = found.map(({ id }) => id)
  const isLast = ids.length < leftoverStep
  const [chapterRows, volumeRows] = isLast
    ? await Promise.all([records.find(chapters, older), records.find(volumes, older)])
    : [[], []]
  const committed = await records.commit([
    replace(novels, novel),
    ...erase(scenes, ids),
    ...erase(texts, ids),
    ...erase(
      chapters,
      chapterRows.map(({ id }) => id),
    ),
    ...erase(
      volumes,
      volumeRows.map(({ id }) => id),
    ),
  ])
  return committed === 'stale' || !isLast
}

type Totals = Pick<NovelCounts, 'volumes' | 'chapters' | 'scenes'>

/** Publishes a draft of which all positions below the totals are there. */
async function publish(library: LibraryParts, draft: DraftWriter, totals: Totals): Promise<Published> {
  const { records, now } = library
  for (;;) {
    const novel = await heldDraft(library, draft)
    if (novel === 'stale') return { outcome: 'stale' }
    if (novel === 'published') {
      const published = await getOne(records, novels, draft.novelId)
      return published === undefined
        ? { outcome: 'stale' }
        : { outcome: 'published', counts: countsOf(published) }
    }
    const { counts, isGapless } = await tally(library, draft.novelId)
    const isAsMany = (['volumes', 'chapters', 'scenes'] as const).every(kind => counts[kind] === totals[kind])
    if (!isGapless || !isAsMany) return { outcome: 'incomplete', counts }
    const at = now()
    const { pending: _, ...rest } = novel
    const status = 'published' as const
    const published = {
      ...rest,
      ...counts,
      status,
      publishedAt: at,
      shelvedAt: at,
      updatedAt: at,
      textVersion: 1,
    }
    if ((await records.commit([replace(novels, published)])) === 'applied')
      return { outcome: 'published', counts }
  }
}

/** Counts what is there of a novel, and tells whether all positions from 0 are there. */
async function tally(
  { records }: LibraryParts,
  novelId: string,
): Promise<{ counts: NovelCounts; isGapless: boolean }> {
  const ofNovel = { equal: { novelId }, by: 'novelId', of: ['position'] } as const
  const [ofVolumes, ofChapters, ofScenes] = await Promise.all([
    records.sum(volumes, ofNovel),
    records.sum(chapters, ofNovel),
    records.sum(scenes, { equal: { novelId }, by: 'chapter', of: ['position', 'words', 'characters'] }),
  ])
  const byChapter = [...ofScenes.values()]
  const total = (field: 'count' | 'words' | 'characters') =>
    byChapter.reduce((sum, chapter) => sum + chapter[field], 0)
  return {
    counts: {
      volumes: ofVolumes.get(novelId)?.count ?? 0,
      chapters: ofChapters.get(novelId)?.count ?? 0,
      scenes: total('count'),
      words: total('words'),
      characters: total('characters'),
    },
    // Different numbers from 0 add up to the least that so many can only where none is left out.
    isGapless: [...ofVolumes.values(), ...ofChapters.values(), ...byChapter].every(
      ({ count, position }) => position === (count * (count - 1)) / 2,
    ),
  }
}

async function discard(
  library: LibraryParts,
  novelId: string,
  { generation, limit = discardStep }: { generation?: number; limit?: number },
): Promise<Discarded> {
  for (;;) {
    const novel = await getOne(library.records, novels, novelId)
    if (novel === undefined) return 'done'
    if (novel.status === 'published') return 'kept'
    if (novel.status === 'deleting') return deletionStep(library, novel, limit)
    if (novel.generation !== (generation ?? novel.generation)) return 'kept'
    await library.records.commit([replace(novels, { ...novel, status: 'deleting' })])
  }
}
