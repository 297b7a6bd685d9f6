/** Reading published novels. */
import { getOne, type Stored } from '../../records/records.ts'
import { discardStep } from './drafts.ts'
import {
  type ChapterRecord,
  chapters,
  type LibraryParts,
  type NovelRecord,
  novels,
  scenes,
  volumes,
} from './kinds.ts'
import { type Listing, pageOf, pageStart } from './page-token.ts'
import type { Page, PageRequest } from './paging.ts'
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
      const [novel, summariesOf] = await Promise.all([
        ownNovel(library, userId, novelId),
        countSummaries(library, [novelId]),
      ])
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
  const novel = await getOne(records, novels, novelId)
  if (novel?.userId !== userId || novel.status !== 'published') throw novelNotFound(novelId)
  return novel
}

function novelOf(novel: NovelRecord, summaries: number): NovelOverview {
  const { id, userId, title, author, language, textVersion, createdAt, publishedAt, updatedAt } = novel
  return {
    ...{ id, userId, title },
    ...(author === undefined ? {} : { author }),
    ...(language === undefined ? {} : { language }),
    ...countsOf(novel),
    ...{ summaries, textVersion, createdAt: publishedAt ?? createdAt, updatedAt },
  }
}

/** How many scenes of each novel have a summary. */
async function countSummaries(
  { records }: LibraryParts,
  novelIds: readonly string[],
): Promise<(novelId: string) => number> {
  const sums = await records.sum(scenes, { equal: { novelId: novelIds }, by: 'novelId', of: ['summarised'] })
  return novelId => sums.get(novelId)?.summarised ?? 0
}

async function listNovels(
  library: LibraryParts,
  userId: string,
  page: PageRequest,
): Promise<Page<NovelOverview>> {
  const listing: Listing = { name: 'novels', filter: [userId], keys: 2 }
  const { size, after } = pageStart(listing, page)
  const found = await library.records.find(novels, {
    ...{ equal: { userId }, above: { shelvedAt: -1 } },
    ...{ order: ['shelvedAt', 'order'], reverse: true, after, limit: size + 1 },
  })
  const keysOf = ({ shelvedAt = 0, order }: NovelRecord) => [shelvedAt, order]
  const shown = pageOf(listing, found.slice(0, size), found.length > size, keysOf)
  const summariesOf = await countSummaries(
    library,
    shown.items.map(({ id }) => id),
  )
  return { ...shown, items: shown.items.map(novel => novelOf(novel, summariesOf(novel.id))) }
}

async function listVolumes({ records }: LibraryParts, novelId: string): Promise<readonly VolumeOverview[]> {
  const ofNovel = { equal: { novelId } }
  const [found, ofVolumes, words] = await Promise.all([
    records.find(volumes, { ...ofNovel, order: ['position'] }),
    records.find(chapters, ofNovel),
    records.sum(scenes, { ...ofNovel, by: 'chapter', of: ['words'] }),
  ])
  const sums = new Map(found.map(({ id }) => [id, { chapters: 0, words: 0 }]))
  for (const { volumeId, position } of ofVolumes) {
    const sum = sums.get(volumeId)
    if (sum === undefined) continue
    sum.chapters += 1
    sum.words += words.get(position)?.words ?? 0
  }
  return found.map(({ id, position, title }) => ({
    ...{ id, position, title },
    ...(sums.get(id) ?? { chapters: 0, words: 0 }),
  }))
}

async function listChapters(
  library: LibraryParts,
  { novelId, volumeId }: { novelId: string; volumeId?: string },
  page: PageRequest,
): Promise<Page<ChapterOverview>> {
  const listing: Listing = { name: 'chapters', filter: [novelId, volumeId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const found = await library.records.find(chapters, {
    equal: { novelId, ...(volumeId === undefined ? {} : { volumeId }) },
    ...{ order: ['position'], after, limit: size + 1 },
  })
  const shown = pageOf(listing, found.slice(0, size), found.length > size, ({ position }) => [position])
  return { ...shown, items: await withScenes(library, novelId, shown.items) }
}

async function findChapter(
  library: LibraryParts,
  userId: string,
  chapterId: string,
): Promise<ChapterOverview> {
  const { records } = library
  const found = await getOne(records, chapters, chapterId)
  const novel = found && (await getOne(records, novels, found.novelId))
  if (found === undefined || novel?.userId !== userId || novel.status !== 'published')
    throw chapterNotFound(chapterId)
  const [chapter] = await withScenes(library, found.novelId, [found])
  if (chapter === undefined) throw chapterNotFound(chapterId)
  return chapter
}

/** Chapters that follow each other, with what their scenes add up to. */
async function withScenes(
  { records }: LibraryParts,
  novelId: string,
  found: readonly ChapterRecord[],
): Promise<readonly ChapterOverview[]> {
  const [first] = found
  const last = found.at(-1)
  if (first === undefined || last === undefined) return []
  const inChapters = await records.find(
    scenes,
    {
      equal: { novelId },
      ...{ above: { chapter: first.position - 1 }, most: { chapter: last.position } },
      order: ['chapter', 'position'],
    },
    ['summary'],
  )
  const byPosition = new Map<number, (typeof inChapters)[number][]>(
    found.map(({ position }) => [position, []]),
  )
  for (const scene of inChapters) byPosition.get(scene.chapter)?.push(scene)
  return found.map(({ id, volumeId, position, title }) => {
    const here = byPosition.get(position) ?? []
    const sum = (field: 'words' | 'characters' | 'summarised') =>
      here.reduce((total, scene) => total + (scene[field] ?? 0), 0)
    return {
      ...{ id, novelId, volumeId, position, title },
      ...{ words: sum('words'), characters: sum('characters'), summaries: sum('summarised') },
      sceneIds: here.map(scene => scene.id),
    }
  })
}
