/** Scenes in reading order: of a range of chapters, and backwards from a scene. */
import { getOne } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { idsOf } from './ids.ts'
import {
  chapters,
  type LibraryParts,
  ownNovel,
  type SceneRecord,
  scenes,
  shelvedNovel,
  texts,
} from './kinds.ts'
import { keysOf, type Listing, pageStart, readPage, tokenAfter } from './page-token.ts'
import { chapterNotFound, notTaken, sceneNotFound } from './refusal.ts'
import type {
  ChapterRange,
  PlacedText,
  SceneOverview,
  ScenePlace,
  SceneSummary,
  StoryPlace,
  TextPageRequest,
} from './shelf.ts'

type SceneListing = Listing<SceneRecord>

/** One page of the summaries before a place. */
export async function summariesBefore(
  library: LibraryParts,
  userId: string,
  place: StoryPlace,
  page: PageRequest,
): Promise<Page<SceneSummary>> {
  const { query, ...scenesBefore } = await before(library, 'summaries before', { userId, place })
  const listing = { ...scenesBefore, query: { ...query, equal: { ...query.equal, summarised: 1 } } }
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

/** Backwards from a place. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
export async function before(
  library: LibraryParts,
  name: string,
  { userId, place }: { userId: string; place: StoryPlace },
): Promise<SceneListing> {
  const { novelId, at, scene } = await findPlace(library, userId, place)
  const equal = { novelId }
  const query = { equal, order: ['chapter', 'position'], reverse: true, after: at } as const
  return { name, filter: [scene?.id ?? novelId], query }
}

/** A place in its novel. */
export interface FoundPlace {
  novelId: string
  at: ScenePlace
  /** The scene that it is right before; absent at the end. */
  scene?: Omit<SceneRecord, 'summary'>
}

/** Behind every scene. */
const endOfNovel: ScenePlace = [Number.MAX_SAFE_INTEGER, 0]

/** Finds a place. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
export async function findPlace(
  library: LibraryParts,
  userId: string,
  place: StoryPlace,
): Promise<FoundPlace> {
  const { records } = library
  if (typeof place !== 'string') {
    const { endOf: novelId } = place
    await ownNovel(library, userId, novelId)
    return { novelId, at: endOfNovel }
  }
  const scene = await getOne(records, scenes, place, ['summary'])
  if (scene === undefined || (await shelvedNovel(records, userId, scene.novelId)) === undefined)
    throw sceneNotFound(place)
  const { novelId, chapter, position } = scene
  return { novelId, at: [chapter, position], scene }
}

/** Returns the places of scenes of a novel; one that is gone, or of another novel, has none. Empty ids name none. */
export async function placesOf(
  { records }: LibraryParts,
  novelId: string,
  sceneIds: Iterable<string>,
): Promise<ReadonlyMap<string, ScenePlace>> {
  const named = new Set(sceneIds)
  named.delete('')
  if (named.size === 0) return new Map()
  const found = await records.get(scenes, [...named], ['summary'])
  const own = [...found.values()].filter(scene => scene.novelId === novelId)
  return new Map(own.map(({ id, chapter, position }) => [id, [chapter, position]]))
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
): Promise<Page<PlacedText>> {
  const { units: most = pageUnits } = page
  if (!Number.isInteger(most) || most < 1)
    throw notTaken(`units is ${most}; give a whole number of at least 1.`)
  const { size, after: start } = pageStart(listing, page)
  const items: PlacedText[] = []
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
      const summary = scene.summary?.text
      items.push({ ...overviewOf(scene), chapterPosition: scene.chapter, content, ...defined({ summary }) })
      units += content.length
    }
    if (read.length < limit) return { items }
  }
}

/** The overview of a scene. A listing makes thousands: one literal takes a hundredth of the time of several that are spread. */
export function overviewOf(scene: Omit<SceneRecord, 'summary'>): SceneOverview {
  const { id, novelId, chapterId, position, title, narration, codex, words, characters } = scene
  const { version, textVersion, summaryOf } = scene
  const hasSummary = summaryOf !== undefined
  return {
    id,
    novelId,
    chapterId,
    position,
    ...defined({ title, narration, codex, openCandidates: scene.openCandidates }),
    words,
    characters,
    empty: characters === 0,
    hasSummary,
    summaryOutOfDate: hasSummary && summaryOf < textVersion,
    version,
    textVersion,
  }
}
