/** Reading published novels. */
import { getOne, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { discardStep } from './drafts.ts'
import {
  type ChapterRecord,
  chapters,
  idsOf,
  type LibraryParts,
  type NovelRecord,
  novels,
  scenes,
  shelvedNovel,
  volumes,
} from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { listScenes, listTexts, summariesBefore, textsBefore } from './read-scenes.ts'
import { chapterNotFound, novelNotFound } from './refusal.ts'
import { removeNovel } from './remove-novel.ts'
import type { ChapterOverview, NovelOverview, NovelShelf, VolumeOverview } from './shelf.ts'
import { countsOf } from './write-draft.ts'

/** The shelf of a library. */
export function novelShelf(library: LibraryParts): NovelShelf {
  return {
    novels: (userId, page) => listNovels(library, userId, page),
    async novel(userId, novelId) {
      const novel = await ownNovel(library, userId, novelId)
      const [overview] = await overviewsOf(library, [novel])
      if (overview === undefined) throw novelNotFound(novelId)
      return overview
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
      return listScenes(library, range, page)
    },
    async texts(userId, range, page) {
      await ownNovel(library, userId, range.novelId)
      return listTexts(library, range, page)
    },
    textsBefore: (userId, sceneId, page) => textsBefore(library, userId, sceneId, page),
    summariesBefore: (userId, sceneId, page) => summariesBefore(library, userId, sceneId, page),
    remove: (userId, novelId, limit = discardStep) => removeNovel(library, { userId, novelId }, limit),
  }
}

/** The user's published novel. Throws NOVEL_NOT_FOUND. */
async function ownNovel(
  { records }: LibraryParts,
  userId: string,
  novelId: string,
): Promise<Stored<NovelRecord>> {
  const novel = await shelvedNovel(records, userId, novelId)
  if (novel === undefined) throw novelNotFound(novelId)
  return novel
}

function listNovels(library: LibraryParts, userId: string, page: PageRequest): Promise<Page<NovelOverview>> {
  const query: Listing<NovelRecord>['query'] = {
    equal: { userId },
    above: { shelvedAt: -1 },
    order: ['shelvedAt', 'order'],
    reverse: true,
  }
  const listing = { name: 'novels', filter: [userId], query }
  return readPage(library.records, novels, { listing, page }, found => overviewsOf(library, found))
}

/** Novels with how many of their scenes have a summary. */
async function overviewsOf(
  { records }: LibraryParts,
  found: readonly NovelRecord[],
): Promise<NovelOverview[]> {
  const ofNovels = { equal: { novelId: idsOf(found) }, by: 'novelId', of: ['summarised'] } as const
  const sums = await records.sum(scenes, ofNovels)
  return found.map(novel => {
    const { id, userId, title, author, language, textVersion, createdAt, publishedAt, updatedAt } = novel
    return {
      id,
      userId,
      title,
      ...defined({ author, language }),
      ...countsOf(novel),
      summaries: sums.get(id)?.summarised ?? 0,
      textVersion,
      createdAt: publishedAt ?? createdAt,
      updatedAt,
    }
  })
}

async function listVolumes({ records }: LibraryParts, novelId: string): Promise<readonly VolumeOverview[]> {
  const ofNovel = { equal: { novelId } }
  const [found, inVolumes, ofChapters] = await Promise.all([
    records.find(volumes, { ...ofNovel, order: ['position'] }),
    records.find(chapters, ofNovel),
    records.sum(scenes, { ...ofNovel, by: 'chapter', of: ['words'] }),
  ])
  const overviews = found.map(({ id, position, title }) => ({ id, position, title, chapters: 0, words: 0 }))
  const byId = new Map(overviews.map(overview => [overview.id, overview]))
  for (const { volumeId, position } of inVolumes) {
    const overview = byId.get(volumeId)
    if (overview === undefined) continue
    overview.chapters += 1
    overview.words += ofChapters.get(position)?.words ?? 0
  }
  return overviews
}

function listChapters(
  library: LibraryParts,
  filter: { novelId: string; volumeId?: string },
  page: PageRequest,
): Promise<Page<ChapterOverview>> {
  const { novelId, volumeId } = filter
  const query: Listing<ChapterRecord>['query'] = {
    equal: defined({ novelId, volumeId }),
    order: ['position'],
  }
  const listing = { name: 'chapters', filter: [novelId, volumeId], query }
  return readPage(library.records, chapters, { listing, page }, found => withScenes(library, found))
}

async function findChapter(
  library: LibraryParts,
  userId: string,
  chapterId: string,
): Promise<ChapterOverview> {
  const { records } = library
  const found = await getOne(records, chapters, chapterId)
  const novel = found && (await shelvedNovel(records, userId, found.novelId))
  const [chapter] = await withScenes(library, found && novel ? [found] : [])
  if (chapter === undefined) throw chapterNotFound(chapterId)
  return chapter
}

/** Chapters of a novel that follow each other, with what their scenes add up to. */
async function withScenes(
  { records }: LibraryParts,
  found: readonly ChapterRecord[],
): Promise<ChapterOverview[]> {
  const [first, last] = [found[0], found.at(-1)]
  if (first === undefined || last === undefined) return []
  const inChapters = await records.find(
    scenes,
    {
      equal: { novelId: first.novelId },
      above: { chapter: first.position - 1 },
      most: { chapter: last.position },
      order: ['chapter', 'position'],
    },
    ['summary'],
  )
  const overviews = found.map(({ id, novelId, volumeId, position, title }) => {
    const sceneIds: string[] = []
    return { id, novelId, volumeId, position, title, words: 0, characters: 0, summaries: 0, sceneIds }
  })
  const byPosition = new Map(overviews.map(overview => [overview.position, overview]))
  for (const { id, chapter, words, characters, summarised = 0 } of inChapters) {
    const overview = byPosition.get(chapter)
    if (overview === undefined) continue
    overview.words += words
    overview.characters += characters
    overview.summaries += summarised
    overview.sceneIds.push(id)
  }
  return overviews
}
