/** Reading published novels. */
import type { Filter } from 'mongodb'
import { discardStep } from '../drafts.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { chapterNotFound, novelNotFound } from '../refusal.ts'
import type { ChapterOverview, NovelOverview, NovelShelf, VolumeOverview } from '../shelf.ts'
import { summariesBefore, textsBefore } from './before.ts'
import { countSummaries, sumChapters, wordsByChapter } from './counts.ts'
import { rangeScenes, rangeTexts } from './range.ts'
import { deletionStep } from './removal.ts'
import type { ChapterDocument, NovelDocument } from './schema.ts'
import { inTurn, type LibrarySession } from './session.ts'

/** The shelf of a database. */
export function mongoShelf(library: LibrarySession): NovelShelf {
  return {
    novels: (userId, page) => listNovels(library, userId, page),
    async novel(userId, novelId) {
      const novel = await ownNovel(library, userId, novelId)
      const summariesOf = await countSummaries(library, [novelId])
      return novelOf(novel, summariesOf(novelId))
    },
    async volumes(userId, novelId) {
      await ownNovel(library, userId, novelId)
      return listVolumes(library, novelId)
    },
    async chapters(userId, filter, page) {
      await ownNovel(library, userId, filter.novelId)
      return listChapters(library, filter, page)
    },
    chapter: (userId, chapterId) => findChapter(library, userId, chapterId),
    async scenes(userId, range, page) {
      await ownNovel(library, userId, range.novelId)
      return rangeScenes(library, range, page)
    },
    async texts(userId, range, page) {
      await ownNovel(library, userId, range.novelId)
      return rangeTexts(library, range, page)
    },
    textsBefore: (userId, sceneId, page) => textsBefore(library, userId, sceneId, page),
    summariesBefore: (userId, sceneId, page) => summariesBefore(library, userId, sceneId, page),
    remove: (userId, novelId, limit = discardStep) => remove(library, userId, novelId, limit),
  }
}

/** The user's published novel. Throws NOVEL_NOT_FOUND. */
async function ownNovel(
  { database, novels }: LibrarySession,
  userId: string,
  novelId: string,
): Promise<NovelDocument> {
  const found = await database.run('find novel', () =>
    novels.findOne({ _id: novelId, userId, status: 'published' }),
  )
  if (found === null) throw novelNotFound(novelId)
  return found
}

function novelOf(novel: NovelDocument, summaries: number): NovelOverview {
  const { userId, title, author, language, volumes, chapters, scenes, words, characters } = novel
  return {
    id: novel._id,
    userId,
    title,
    ...(author === null ? {} : { author }),
    ...(language === null ? {} : { language }),
    volumes,
    chapters,
    scenes,
    words,
    characters,
    summaries,
    textVersion: novel.textVersion,
    createdAt: novel.publishedAt ?? novel.createdAt,
    updatedAt: novel.updatedAt,
  }
}

async function listNovels(
  library: LibrarySession,
  userId: string,
  page: PageRequest,
): Promise<Page<NovelOverview>> {
  const listing: Listing = { name: 'novels', filter: [userId], keys: 2 }
  const { size, after } = pageStart(listing, page)
  const shelf: Filter<NovelDocument> = { userId, status: 'published' }
  const [at = 0, order = 0] = after ?? []
  const ranges: Filter<NovelDocument>[] =
    after === undefined
      ? [shelf]
      : [
          { ...shelf, publishedAt: at, order: { $lt: order } },
          { ...shelf, publishedAt: { $lt: at } },
        ]
  const found = await inTurn(ranges, size + 1, (filter, limit) =>
    library.database.run('list novels', () =>
      library.novels.find(filter).sort({ publishedAt: -1, order: -1 }).limit(limit).toArray(),
    ),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, novel => [
    novel.publishedAt ?? 0,
    novel.order,
  ])
  const summariesOf = await countSummaries(
    library,
    shown.items.map(novel => novel._id),
  )
  return { ...shown, items: shown.items.map(novel => novelOf(novel, summariesOf(novel._id))) }
}

async function listVolumes(library: LibrarySession, novelId: string): Promise<readonly VolumeOverview[]> {
  const { database } = library
  const [volumes, chapters, words] = await Promise.all([
    database.run('list volumes', () => library.volumes.find({ novelId }).sort({ position: 1 }).toArray()),
    database.run('list chapters of volumes', () =>
      library.chapters.find({ novelId }, { projection: { volumeId: 1, position: 1 } }).toArray(),
    ),
    wordsByChapter(library, novelId),
  ])
  const sums = new Map(volumes.map(({ _id }) => [_id, { chapters: 0, words: 0 }]))
  for (const { volumeId, position } of chapters) {
    const sum = sums.get(volumeId)
    if (sum === undefined) continue
    sum.chapters += 1
    sum.words += words.get(position) ?? 0
  }
  return volumes.map(({ _id: id, position, title }) => ({
    id,
    position,
    title,
    ...(sums.get(id) ?? { chapters: 0, words: 0 }),
  }))
}

async function listChapters(
  library: LibrarySession,
  { novelId, volumeId }: { novelId: string; volumeId?: string },
  page: PageRequest,
): Promise<Page<ChapterOverview>> {
  const listing: Listing = { name: 'chapters', filter: [novelId, volumeId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const found = await library.database.run('list chapters', () =>
    library.chapters
      .find({
        novelId,
        position: { $gt: after?.[0] ?? -1 },
        ...(volumeId === undefined ? {} : { volumeId }),
      })
      .sort({ position: 1 })
      .limit(size + 1)
      .toArray(),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, chapter => [chapter.position])
  return { ...shown, items: await withSums(library, novelId, shown.items) }
}

async function findChapter(
  library: LibrarySession,
  userId: string,
  chapterId: string,
): Promise<ChapterOverview> {
  const { database, chapters, novels } = library
  const found = await database.run('find chapter', () => chapters.findOne({ _id: chapterId }))
  if (found === null) throw chapterNotFound(chapterId)
  const novel = await database.run('find novel', () =>
    novels.findOne({ _id: found.novelId, userId, status: 'published' }),
  )
  const [chapter] = novel === null ? [] : await withSums(library, found.novelId, [found])
  if (chapter === undefined) throw chapterNotFound(chapterId)
  return chapter
}

async function withSums(
  library: LibrarySession,
  novelId: string,
  chapters: readonly ChapterDocument[],
): Promise<readonly ChapterOverview[]> {
  const sumsOf = await sumChapters(
    library,
    novelId,
    chapters.map(({ position }) => position),
  )
  return chapters.map(({ _id: id, volumeId, position, title }) => ({
    id,
    novelId,
    volumeId,
    position,
    title,
    ...sumsOf(position),
  }))
}

async function remove(
  library: LibrarySession,
  userId: string,
  novelId: string,
  limit: number,
): Promise<'more' | 'done'> {
  const { matchedCount } = await library.database.run('remove novel', () =>
    library.novels.updateOne(
      { _id: novelId, userId, status: { $in: ['published', 'deleting'] } },
      { $set: { status: 'deleting' } },
    ),
  )
  if (matchedCount === 0) throw novelNotFound(novelId)
  return deletionStep(library, novelId, limit)
}
