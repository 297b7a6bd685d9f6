/** Drafts: what an import writes until it is complete. */
import { randomUUID } from 'node:crypto'
import { pieces } from '../draft-pieces.ts'
import type { Discarded, DraftState, NewDraft, NovelCounts, NovelDrafts } from '../drafts.ts'
import { discardStep } from '../drafts.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { novelNotFound } from '../refusal.ts'
import { countRows, noCounts } from './counts.ts'
import { writePiece } from './draft-rows.ts'
import { publishDraft, removeLeftovers } from './publish.ts'
import { deletionStep } from './removal.ts'
import type { NovelDocument } from './schema.ts'
import { insertNew, type LibrarySession, nextNumber } from './session.ts'

const unpublished: Listing = { name: 'unpublished novels', filter: [], keys: 1 }

/** The drafts of a database. */
export function mongoDrafts(library: LibrarySession): NovelDrafts {
  return {
    create: draft => create(library, draft),
    async find(novelId) {
      const novel = await findNovel(library, novelId)
      return novel === null ? undefined : stateOf(library, novel)
    },
    async write(draft, batch) {
      for (const piece of pieces(draft.novelId, batch)) {
        const outcome = await writePiece(library, draft, piece)
        if (outcome !== 'written') return outcome
      }
      return 'written'
    },
    async publish(draft, totals) {
      while (await removeLeftovers(library, draft)) {}
      return publishDraft(library, draft, totals)
    },
    discard: (novelId, options = {}) => discard(library, novelId, options),
    list: page => list(library, page),
  }
}

/** Makes a draft or takes it up, once, however often its writes are sent. */
async function create(library: LibrarySession, draft: NewDraft): Promise<DraftState> {
  const call = randomUUID()
  for (;;) {
    const taken = await takeUp(library, draft, call)
    const novel = taken ?? (await findNovel(library, draft.novelId))
    if (novel === null) {
      await insertDraft(library, draft, call)
      continue
    }
    if (novel.userId !== draft.userId) throw novelNotFound(draft.novelId)
    // Otherwise another call has made or taken up the draft since.
    if (novel.status !== 'draft' || novel.takenUpBy === call) return stateOf(library, novel)
  }
}

function takeUp({ database, novels, now }: LibrarySession, draft: NewDraft, call: string) {
  const { novelId, userId } = draft
  return database.run('take up draft', () =>
    novels.findOneAndUpdate(
      { _id: novelId, userId, status: 'draft', takenUpBy: { $ne: call } },
      { $inc: { generation: 1 }, $set: { ...wordsOf(draft), takenUpBy: call, updatedAt: now() } },
      { returnDocument: 'after' },
    ),
  )
}

async function insertDraft(library: LibrarySession, draft: NewDraft, call: string): Promise<void> {
  const at = library.now()
  const document: NovelDocument = {
    _id: draft.novelId,
    order: await nextNumber(library, 'novels'),
    userId: draft.userId,
    ...wordsOf(draft),
    status: 'draft',
    generation: 1,
    takenUpBy: call,
    createdAt: at,
    updatedAt: at,
    ...noCounts,
    textVersion: 0,
    index: { lastGeneration: 0 },
    locks: 0,
  }
  await library.database.run('create draft', () => insertNew(library.novels, document))
}

function wordsOf({ importTaskId, title, author, language }: NewDraft) {
  return { importTaskId, title, author: author ?? null, language: language ?? null }
}

function findNovel({ database, novels }: LibrarySession, novelId: string): Promise<NovelDocument | null> {
  return database.run('find novel', () => novels.findOne({ _id: novelId }))
}

async function list(library: LibrarySession, page: PageRequest): Promise<Page<DraftState>> {
  const { size, after } = pageStart(unpublished, page)
  const found = await library.database.run('list drafts', () =>
    library.novels
      .find({ status: { $in: ['draft', 'deleting'] }, order: { $gt: after?.[0] ?? 0 } })
      .sort({ order: 1 })
      .limit(size + 1)
      .toArray(),
  )
  const shown = pageOf(unpublished, found.slice(0, size), found.length > size, novel => [novel.order])
  const countsOf = await countRows(
    library,
    shown.items.map(novel => novel._id),
  )
  return { ...shown, items: shown.items.map(novel => draftState(novel, countsOf(novel._id))) }
}

async function stateOf(library: LibrarySession, novel: NovelDocument): Promise<DraftState> {
  if (novel.status === 'published') return draftState(novel, novel)
  const countsOf = await countRows(library, [novel._id])
  return draftState(novel, countsOf(novel._id))
}

function draftState(novel: NovelDocument, counts: NovelCounts): DraftState {
  const { _id: novelId, userId, importTaskId, title, status, generation, createdAt } = novel
  const { volumes, chapters, scenes, words, characters } = counts
  return {
    novelId,
    userId,
    importTaskId,
    title,
    status,
    generation,
    createdAt,
    counts: { volumes, chapters, scenes, words, characters },
  }
}

async function discard(
  library: LibrarySession,
  novelId: string,
  { generation, limit = discardStep }: { generation?: number; limit?: number },
): Promise<Discarded> {
  const { database, novels } = library
  const meant = {
    _id: novelId,
    status: 'draft',
    ...(generation === undefined ? {} : { generation }),
  } as const
  await database.run('discard draft', () => novels.updateOne(meant, { $set: { status: 'deleting' } }))
  const novel = await findNovel(library, novelId)
  if (novel === null) return 'done'
  return novel.status === 'deleting' ? deletionStep(library, novelId, limit) : 'kept'
}
