/** Scenes in reading order: of a range of chapters, and backwards from a scene. */
import { getOne } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { chapters, idsOf, type LibraryParts, type SceneRecord, scenes, shelvedNovel, texts } from './kinds.ts'
import { keysOf, type Listing, pageStart, readPage, tokenAfter } from './page-token.ts'
import { chapterNotFound, notTaken, sceneNotFound } from './refusal.ts'
import type { ChapterRange, SceneOverview, SceneSummary, SceneText, TextPageRequest } from './shelf.ts'

type SceneListing = Listing<SceneRecord>

/** One page of the summaries before a scene. */
export async function summariesBefore(
  library: LibraryParts,
  userId: string,
  sceneId: string,
  page: PageRequest,
): Promise<Page<SceneSummary>> {
  const { query, ...before } = await beforeScene(library, 'summaries before', { userId, sceneId })
  const listing = { ...before, query: { ...query, equal: { ...query.equal, summarised: 1 } } }
  return readPage(library.records, scenes, { listing, page }, async found => {
    const chapterIds = new Set(found.map(scene => scene.chapterId))
    const chapterOf = await library.records.get(chapters, [...chapterIds])
    return found.map(scene => summaryOf(scene, chapterOf.get(scene.chapterId)?.title ?? ''))
  })
}

function summaryOf(scene: SceneRecord, chapterTitle: string): SceneSummary {
  const { id, chapterId, chapter, position, title, summary, summaryOf = 0, textVersion } = scene
  return {
    sceneId: id,
    chapterId,
    chapterPosition: chapter,
    chapterTitle,
    position,
    ...defined({ title }),
    summary: summary?.text ?? '',
    outOfDate: summaryOf < textVersion,
  }
}

/** The scenes of a range. Throws CHAPTER_NOT_FOUND, and OPTION_INVALID for a range that ends before it starts. */
export async function ofRange(
  library: LibraryParts,
  name: string,
  range: ChapterRange,
): Promise<SceneListing> {
  const { novelId, startChapterId, endChapterId } = range
  const [first, last] = await Promise.all([
    positionOf(library, novelId, startChapterId),
    positionOf(library, novelId, endChapterId),
  ])
  if (last !== undefined && (first ?? 0) > last)
    throw notTaken('The range ends before it starts: its last chapter is read before its first.')
  return {
    name,
    filter: [novelId, startChapterId, endChapterId],
    query: {
      equal: { novelId },
      ...(first !== undefined && { above: { chapter: first - 1 } }),
      ...(last !== undefined && { most: { chapter: last } }),
      order: ['chapter', 'position'],
    },
  }
}

async function positionOf(
  { records }: LibraryParts,
  novelId: string,
  chapterId: string | undefined,
): Promise<number | undefined> {
  if (chapterId === undefined) return undefined
  const chapter = await getOne(records, chapters, chapterId)
  if (chapter?.novelId !== novelId) throw chapterNotFound(chapterId)
  return chapter.position
}

/** Backwards from a scene. Throws SCENE_NOT_FOUND. */
export async function beforeScene(
  { records }: LibraryParts,
  name: string,
  { userId, sceneId }: { userId: string; sceneId: string },
): Promise<SceneListing> {
  const scene = await getOne(records, scenes, sceneId, ['summary'])
  if (scene === undefined || (await shelvedNovel(records, userId, scene.novelId)) === undefined)
    throw sceneNotFound(sceneId)
  const { novelId, chapter, position } = scene
  return {
    name,
    filter: [sceneId],
    query: {
      equal: { novelId },
      order: ['chapter', 'position'],
      reverse: true,
      after: [chapter, position],
    },
  }
}

/** Code units after which a page of texts ends: it is what one reading holds in memory. */
const pageUnits = 400_000
/** Texts that one reading of the database takes: a page that ends early has not read the rest. */
const textsPerRead = 32

/** Reads scenes with their texts until the page is full: of scenes, or of code units. Throws OPTION_INVALID for wrong units. */
export async function textPage(
  { records }: LibraryParts,
  listing: SceneListing,
  page: TextPageRequest,
): Promise<Page<SceneText>> {
  const { units: most = pageUnits } = page
  if (!Number.isInteger(most) || most < 1)
    throw notTaken(`units is ${most}; give a whole number of at least 1.`)
  const { size, after: start } = pageStart(listing, page)
  const items: SceneText[] = []
  let units = 0
  let last: SceneRecord | undefined
  for (;;) {
    const after = last === undefined ? start : keysOf(listing, last)
    const limit = Math.min(textsPerRead, size + 1 - items.length)
    const read = await records.find(scenes, { ...listing.query, after, limit })
    const textOf = await records.get(texts, idsOf(read))
    for (const scene of read) {
      if (last !== undefined && (items.length === size || units >= Math.min(most, pageUnits)))
        return { items, nextPageToken: tokenAfter(listing, last) }
      last = scene
      const content = textOf.get(scene.id)?.content ?? ''
      items.push({ ...overviewOf(scene), content, ...defined({ summary: scene.summary?.text }) })
      units += content.length
    }
    if (read.length < limit) return { items }
  }
}

/** The overview of a scene. A listing makes thousands: one literal takes a hundredth of the time of several that are spread. */
export function overviewOf(scene: Omit<SceneRecord, 'summary'>): SceneOverview {
  const { id, novelId, chapterId, position, title, words, characters, version, textVersion, summaryOf } =
    scene
  const hasSummary = summaryOf !== undefined
  return {
    id,
    novelId,
    chapterId,
    position,
    ...defined({ title }),
    words,
    characters,
    empty: characters === 0,
    hasSummary,
    summaryOutOfDate: hasSummary && summaryOf < textVersion,
    version,
    textVersion,
  }
}
