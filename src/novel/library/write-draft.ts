/** Drafts: what an import writes until it is complete, and the write that puts it on the shelf. */
import { erase, getOne, insert, type Records, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { type DraftRow, pieces } from './draft-pieces.ts'
import {
  type DraftState,
  type DraftWriter,
  type DraftWritten,
  discardStep,
  isWhole,
  type NewDraft,
  type NovelCounts,
  type NovelDrafts,
  type Published,
  type PublishedAs,
} from './drafts.ts'
import { idsOf } from './ids.ts'
import {
  chapters,
  type LibraryParts,
  type NovelRecord,
  nextNumber,
  novels,
  scenes,
  texts,
  volumes,
} from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { notTaken, novelNotFound } from './refusal.ts'
import { deletionStep } from './remove-novel.ts'

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
      for (const piece of pieces(draft, batch, library.now())) {
        const outcome = await writePiece(library, draft, piece)
        if (outcome !== 'written') return outcome
      }
      return 'written'
    },
    async publish(draft, totals, as = {}) {
      while (await removeLeftovers(library, draft)) {}
      return publish(library, draft, { totals, as })
    },
    async discard(novelId, { generation, limit = discardStep } = {}) {
      for (;;) {
        const novel = await getOne(library.records, novels, novelId)
        if (novel === undefined) return 'done'
        if (isWhole(novel)) return 'kept'
        if (novel.status === 'deleting') return deletionStep(library, novel, limit)
        if (novel.generation !== (generation ?? novel.generation)) return 'kept'
        await library.records.commit([replace(novels, { ...novel, status: 'deleting' })])
      }
    },
    list(page) {
      const query: Listing<NovelRecord>['query'] = { equal: { pending: 1 }, order: ['order'] }
      const listing = { name: 'unpublished novels', filter: [], query }
      return readPage(library.records, novels, { listing, page }, async found => {
        const countsOf = await countRows(library.records, idsOf(found))
        return found.map(novel => draftState(novel, countsOf(novel.id)))
      })
    },
  }
}

async function create(library: LibraryParts, draft: NewDraft): Promise<DraftState> {
  const { records } = library
  for (;;) {
    const novel = await getOne(records, novels, draft.novelId)
    if (novel !== undefined && novel.userId !== draft.userId) throw novelNotFound(draft.novelId)
    if (novel !== undefined && novel.status !== 'draft') return stateOf(library, novel)
    const made = novel === undefined ? await newNovel(library, draft) : await takenUp(library, novel, draft)
    const change =
      novel === undefined ? insert(novels, made) : replace(novels, { ...made, revision: novel.revision })
    if ((await records.commit([change])) === 'applied') return stateOf(library, made)
  }
}

async function newNovel(library: LibraryParts, draft: NewDraft): Promise<NovelRecord> {
  const at = library.now()
  const counts = { volumes: 0, chapters: 0, scenes: 0, words: 0, characters: 0 }
  const { novelId: id, ...about } = draft
  const order = await nextNumber(library, 'novels')
  const state = { status: 'draft', pending: 1, generation: order, textVersion: 0 } as const
  return { id, order, ...about, ...counts, ...state, createdAt: at, updatedAt: at }
}

/** A later attempt of the import says anew what the book is. Its generation is none that a draft of that id had, even one that was deleted. */
async function takenUp(library: LibraryParts, novel: NovelRecord, draft: NewDraft): Promise<NovelRecord> {
  const { importTaskId, title, author, language } = draft
  const generation = Math.max(novel.generation + 1, await nextNumber(library, 'novels'))
  return defined({ ...novel, importTaskId, title, author, language, generation, updatedAt: library.now() })
}

async function stateOf({ records }: LibraryParts, novel: NovelRecord): Promise<DraftState> {
  if (novel.status !== 'draft') return draftState(novel, countsOf(novel))
  return draftState(novel, (await countRows(records, [novel.id]))(novel.id))
}

function draftState(novel: NovelRecord, counts: NovelCounts): DraftState {
  const { id: novelId, userId, importTaskId, title, status, generation, createdAt } = novel
  return { novelId, userId, ...defined({ importTaskId }), title, status, generation, createdAt, counts }
}

/** The counts of a novel, without the rest of it. */
export function countsOf({ volumes, chapters, scenes, words, characters }: NovelCounts): NovelCounts {
  return { volumes, chapters, scenes, words, characters }
}

/** Counts of novels of which records are being written or removed, by id. */
async function countRows(
  records: Records,
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

/** Whether no position from 0 is left out: as many different numbers from 0 add up to the least that they can. */
async function isGapless(records: Records, novelId: string): Promise<boolean> {
  const ofNovel = { equal: { novelId }, of: ['position'] } as const
  const sums = await Promise.all([
    records.sum(volumes, { ...ofNovel, by: 'novelId' }),
    records.sum(chapters, { ...ofNovel, by: 'novelId' }),
    records.sum(scenes, { ...ofNovel, by: 'chapter' }),
  ])
  return sums.every(groups =>
    [...groups.values()].every(({ count, position }) => position === (count * (count - 1)) / 2),
  )
}

/** The novel, if it is a draft still, and of the attempt's generation; its next write is guarded by what was read. */
async function heldDraft(
  { records }: LibraryParts,
  { novelId, generation }: DraftWriter,
): Promise<Stored<NovelRecord> | Exclude<DraftWritten, 'written'>> {
  const novel = await getOne(records, novels, novelId)
  if (novel !== undefined && isWhole(novel)) return 'published'
  return novel?.status === 'draft' && novel.generation === generation ? novel : 'stale'
}

/** Writes one piece, if the attempt still holds the draft. The novel is written with it, so that nobody takes it up meanwhile. */
export async function writePiece(
  library: LibraryParts,
  draft: DraftWriter,
  piece: readonly DraftRow[],
): Promise<DraftWritten> {
  for (;;) {
    const novel = await heldDraft(library, draft)
    if (typeof novel === 'string') return novel
    await requireParents(library, draft, piece)
    const changes = [replace(novels, novel), ...piece.flatMap(row => row.changes)]
    if ((await library.records.commit(changes)) === 'applied') return 'written'
  }
}

/** What only an earlier attempt wrote does not count: it goes when the draft is published. Throws OPTION_INVALID. */
async function requireParents(
  { records }: LibraryParts,
  { generation }: DraftWriter,
  piece: readonly DraftRow[],
): Promise<void> {
  const here = new Set(idsOf(piece))
  const wanted = piece.flatMap(({ parent }) => (parent && !here.has(parent.id) ? parent : []))
  for (const kind of [volumes, chapters]) {
    const parents = wanted.filter(parent => parent.kind === kind)
    if (parents.length === 0) continue
    const there = await records.get(kind, [...new Set(idsOf(parents))])
    const orphan = parents.find(({ id }) => there.get(id)?.generation !== generation)
    if (orphan !== undefined) throw notTaken(orphan.missing)
  }
}

/** Scenes that one commit removes. */
const leftoverStep = 500

/** Removes one step of the records that only an earlier attempt wrote. Returns whether there may be more. */
async function removeLeftovers(library: LibraryParts, draft: DraftWriter): Promise<boolean> {
  const { records } = library
  const novel = await heldDraft(library, draft)
  if (typeof novel === 'string' || draft.generation === novel.order) return false
  const older = { equal: { novelId: draft.novelId }, most: { generation: draft.generation - 1 } }
  const inOrder = { order: ['chapter', 'position'], limit: leftoverStep } as const
  const ids = idsOf(await records.find(scenes, { ...older, ...inOrder }, ['summary']))
  const isLast = ids.length < leftoverStep
  const [chapterRows, volumeRows] = isLast
    ? await Promise.all([records.find(chapters, older), records.find(volumes, older)])
    : [[], []]
  const committed = await records.commit([
    replace(novels, novel),
    ...erase(scenes, ids),
    ...erase(texts, ids),
    ...erase(chapters, idsOf(chapterRows)),
    ...erase(volumes, idsOf(volumeRows)),
  ])
  return committed === 'stale' || !isLast
}

/** Publishes a draft of which all positions below the totals are there. */
async function publish(
  library: LibraryParts,
  draft: DraftWriter,
  { totals, as }: { totals: Pick<NovelCounts, 'volumes' | 'chapters' | 'scenes'>; as: PublishedAs },
): Promise<Published> {
  const { records, now } = library
  const { novelId } = draft
  for (;;) {
    const held = await heldDraft(library, draft)
    if (held === 'published') {
      const published = await getOne(records, novels, novelId)
      if (published !== undefined) return { outcome: 'published', counts: countsOf(published) }
    }
    if (typeof held === 'string') return { outcome: 'stale' }
    const [countsOfNovel, gapless] = await Promise.all([
      countRows(records, [novelId]),
      isGapless(records, novelId),
    ])
    const counts = countsOfNovel(novelId)
    const isAsMany = (['volumes', 'chapters', 'scenes'] as const).every(kind => counts[kind] === totals[kind])
    if (!gapless || !isAsMany) return { outcome: 'incomplete', counts }
    const at = now()
    const { pending: _, ...rest } = held
    const shelved = {
      status: 'published',
      publishedAt: at,
      shelvedAt: at,
      updatedAt: at,
      ...as,
    } as const
    const published = { ...rest, ...counts, ...shelved, textVersion: 1 }
    if ((await records.commit([replace(novels, published)])) === 'applied')
      return { outcome: 'published', counts }
  }
}
