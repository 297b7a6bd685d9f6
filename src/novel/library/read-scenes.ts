/** Scenes in reading order: of a range of chapters, and backwards from a scene. */
import { getOne, type Query } from '../../records/records.ts'
import { chapters, type LibraryParts, novels, type SceneRecord, scenes, texts } from './kinds.ts'
import { type Listing, pageOf, pageStart } from './page-token.ts'
import type { Page, PageRequest } from './paging.ts'
import { chapterNotFound, notTaken, sceneNotFound } from './refusal.ts'
import type { ChapterRange, SceneOverview, SceneSummary, SceneText, TextPageRequest } from './shelf.ts'

/** Code units after which a page of texts ends: it is what one reading holds in memory. */
const pageUnits = 400_000
/** Texts that one reading of the database takes: a page that ends early has not read the rest. */
const textsPerRead = 32

/** One page of the overviews of a range. */
export async function listScenes(
  library: LibraryParts,
  range: ChapterRange,
  page: PageRequest,
): Promise<Page<SceneOverview>> {
  const listing = rangeListing('scenes', range)
  const { size, after } = pageStart(listing, page)
  const query = { ...(await rangeQuery(library, range)), after, limit: size + 1 }
  const found = await library.records.find(scenes, query, ['summary'])
  const shown = pageOf(listing, found.slice(0, size), found.length > size, keysOf)
  return { ...shown, items: shown.items.map(overviewOf) }
}

/** One page of the texts of a range. */
export async function listTexts(
  library: LibraryParts,
  range: ChapterRange,
  page: PageRequest,
): Promise<Page<SceneText>> {
  const listing = rangeListing('texts', range)
  const { size, after } = pageStart(listing, page)
  const query = { ...(await rangeQuery(library, range)), after }
  return textPage(library, listing, query, { size, units: pageUnits })
}

function rangeListing(name: 'scenes' | 'texts', range: ChapterRange): Listing {
  return { name, filter: [range.novelId, range.startChapterId, range.endChapterId], keys: 2 }
}

async function rangeQuery(
  library: LibraryParts,
  { novelId, startChapterId, endChapterId }: ChapterRange,
): Promise<Query<SceneRecord>> {
  const [first, last] = await Promise.all([
    positionOf(library, novelId, startChapterId),
    positionOf(library, novelId, endChapterId),
  ])
  if (last !== undefined && (first ?? 0) > last)
    throw notTaken('The range ends before it starts: its last chapter is read before its first.')
  return {
    equal: { novelId },
    ...(first === undefined ? {} : { above: { chapter: first - 1 } }),
    ...(last === undefined ? {} : { most: { chapter: last } }),
    order: ['chapter', 'position'],
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

/** One page of the texts before a scene. */
export async function textsBefore(
  library: LibraryParts,
  userId: string,
  sceneId: string,
  page: TextPageRequest,
): Promise<Page<SceneText>> {
  const listing = beforeListing('texts before', sceneId)
  const { size, after } = pageStart(listing, page)
  const units = unitsOf(page)
  const query = await beforeQuery(library, userId, sceneId, after)
  return textPage(library, listing, query, { size, units })
}

/** One page of the summaries before a scene. */
export async function summariesBefore(
  library: LibraryParts,
  userId: string,
  sceneId: string,
  page: PageRequest,
): Promise<Page<SceneSummary>> {
  const { records } = library
  const listing = beforeListing('summaries before', sceneId)
  const { size, after } = pageStart(listing, page)
  const { equal, ...query } = await beforeQuery(library, userId, sceneId, after)
  const found = await records.find(scenes, { ...query, equal: { ...equal, summarised: 1 }, limit: size + 1 })
  const shown = pageOf(listing, found.slice(0, size), found.length > size, keysOf)
  const chapterOf = await records.get(chapters, [...new Set(shown.items.map(scene => scene.chapterId))])
  return {
    ...shown,
    items: shown.items.map(scene => summaryOf(scene, chapterOf.get(scene.chapterId)?.title ?? '')),
  }
}

function summaryOf(scene: SceneRecord, chapterTitle: string): SceneSummary {
  const { id: sceneId, chapterId, chapter: chapterPosition, position, title, summary } = scene
  return {
    ...{ sceneId, chapterId, chapterPosition, chapterTitle, position },
    ...(title === undefined ? {} : { title }),
    summary: summary?.text ?? '',
    outOfDate: (scene.summaryOf ?? 0) < scene.textVersion,
  }
}

function beforeListing(name: 'texts before' | 'summaries before', sceneId: string): Listing {
  return { name, filter: [sceneId], keys: 2 }
}

/** Code units after which a page of texts ends. Throws OPTION_INVALID. */
function unitsOf({ units = pageUnits }: TextPageRequest): number {
  if (Number.isInteger(units) && units >= 1) return Math.min(units, pageUnits)
  throw notTaken(`units is ${units}; give a whole number of at least 1.`)
}

/** Backwards from a scene, or from the last one of the page before. Throws SCENE_NOT_FOUND. */
async function beforeQuery(
  { records }: LibraryParts,
  userId: string,
  sceneId: string,
  after: readonly number[] | undefined,
): Promise<Query<SceneRecord>> {
  const scene = await getOne(records, scenes, sceneId, ['summary'])
  const novel = scene && (await getOne(records, novels, scene.novelId))
  if (scene === undefined || novel?.userId !== userId || novel.status !== 'published')
    throw sceneNotFound(sceneId)
  return {
    equal: { novelId: scene.novelId },
    ...{ order: ['chapter', 'position'], reverse: true, after: after ?? keysOf(scene) },
  }
}

/** Reads scenes with their texts until the page is full: of scenes, or of code units. */
async function textPage(
  { records }: LibraryParts,
  listing: Listing,
  query: Query<SceneRecord>,
  most: { size: number; units: number },
): Promise<Page<SceneText>> {
  const found: SceneRecord[] = []
  const items: SceneText[] = []
  let { after } = query
  for (let units = 0; ; ) {
    const limit = Math.min(textsPerRead, most.size + 1 - items.length)
    const read = await records.find(scenes, { ...query, after, limit })
    const textOf = await records.get(
      texts,
      read.map(({ id }) => id),
    )
    for (const scene of read) {
      if (items.length === most.size || units >= most.units) return page(true)
      const content = textOf.get(scene.id)?.content ?? ''
      found.push(scene)
      items.push(sceneTextOf(scene, content))
      units += content.length
    }
    if (read.length < limit) return page(false)
    const last = read.at(-1)
    after = last && keysOf(last)
  }

  function page(more: boolean): Page<SceneText> {
    return { ...pageOf(listing, found, more, keysOf), items }
  }
}

/** Sort keys of a scene in reading order. */
function keysOf({ chapter, position }: Pick<SceneRecord, 'chapter' | 'position'>): readonly number[] {
  return [chapter, position]
}

/** The overview of a scene. */
export function overviewOf(scene: Omit<SceneRecord, 'summary'>): SceneOverview {
  const { id, novelId, chapterId, position, title, words, characters, version, textVersion, summaryOf } =
    scene
  return {
    ...{ id, novelId, chapterId, position },
    ...(title === undefined ? {} : { title }),
    ...{ words, characters, empty: characters === 0 },
    hasSummary: summaryOf !== undefined,
    summaryOutOfDate: summaryOf !== undefined && summaryOf < textVersion,
    ...{ version, textVersion },
  }
}

function sceneTextOf(scene: SceneRecord, content: string): SceneText {
  return {
    ...overviewOf(scene),
    content,
    ...(scene.summary === undefined ? {} : { summary: scene.summary.text }),
  }
}
