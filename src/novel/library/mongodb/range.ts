/** Scenes of a range of chapters in reading order. */
import type { Filter } from 'mongodb'
import { type PageStart, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { pageUnits, rangeIsBackwards, rangeListing } from '../range.ts'
import { chapterNotFound } from '../refusal.ts'
import type { ChapterRange, SceneOverview, SceneText } from '../shelf.ts'
import { overviewOf, type SceneRow, textOf, withoutTexts } from './scene-rows.ts'
import type { SceneDocument } from './schema.ts'
import { inTurn, type LibrarySession } from './session.ts'

/** Scenes with their texts that one answer of the server holds. */
const textsPerAnswer = 32

const readingOrder = { chapter: 1, position: 1 } as const

/** One page of overviews. */
export async function rangeScenes(
  library: LibrarySession,
  range: ChapterRange,
  page: PageRequest,
): Promise<Page<SceneOverview>> {
  const listing = rangeListing('scenes', range)
  const start = pageStart(listing, page)
  const { size } = start
  const ranges = await rangesOf(library, range, start)
  const found = await inTurn(ranges, size + 1, (filter, limit) =>
    library.database.run('list scenes', () =>
      library.scenes
        .find<SceneRow>(filter, { projection: withoutTexts })
        .sort(readingOrder)
        .limit(limit)
        .toArray(),
    ),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, keysOf)
  return { ...shown, items: shown.items.map(overviewOf) }
}

/** One page of texts; read in small answers, so that a page that ends early has not read the rest. */
export async function rangeTexts(
  library: LibrarySession,
  range: ChapterRange,
  page: PageRequest,
): Promise<Page<SceneText>> {
  const listing = rangeListing('texts', range)
  const start = pageStart(listing, page)
  const ranges = await rangesOf(library, range, start)
  const most = { size: start.size, units: pageUnits }
  let found: TextsRead = { scenes: [], more: false }
  for (const filter of ranges) {
    const before = found
    if (before.more) break
    found = await library.database.run('read texts', () =>
      readTexts(library, { filter, sort: readingOrder }, most, before),
    )
  }
  const shown = pageOf(listing, found.scenes, found.more, keysOf)
  return { ...shown, items: shown.items.map(textOf) }
}

/** What has been read of a page of texts. */
export interface TextsRead {
  scenes: readonly SceneDocument[]
  /** The page is full, and there is another scene. */
  more: boolean
}

/** Goes on with a page until it is full: of scenes, or of code units. */
export async function readTexts(
  { scenes }: LibrarySession,
  { filter, sort }: { filter: Filter<SceneDocument>; sort: Record<'chapter' | 'position', 1 | -1> },
  most: { size: number; units: number },
  before: TextsRead,
): Promise<TextsRead> {
  const found = [...before.scenes]
  let units = found.reduce((sum, { content }) => sum + content.length, 0)
  const cursor = scenes
    .find(filter)
    .sort(sort)
    .limit(most.size + 1 - found.length)
    .batchSize(textsPerAnswer)
  for await (const scene of cursor) {
    if (found.length === most.size || units >= most.units) return { scenes: found, more: true }
    found.push(scene)
    units += scene.content.length
  }
  return { scenes: found, more: false }
}

/** Sort keys of a scene in reading order. */
export function keysOf({ chapter, position }: SceneRow): readonly number[] {
  return [chapter, position]
}

/** Where a page is, in reading order: first the rest of the chapter in which the one before ended. */
async function rangesOf(
  library: LibrarySession,
  { novelId, startChapterId, endChapterId }: ChapterRange,
  { after }: PageStart,
): Promise<Filter<SceneDocument>[]> {
  const first = (await positionOf(library, novelId, startChapterId)) ?? 0
  const last = await positionOf(library, novelId, endChapterId)
  if (last !== undefined && first > last) throw rangeIsBackwards()
  const end = last === undefined ? {} : { $lt: last + 1 }
  const [chapter, scene] = after ?? []
  if (chapter === undefined || scene === undefined || chapter < first) {
    return [{ novelId, chapter: { $gte: first, ...end } }]
  }
  return [
    { novelId, chapter, position: { $gt: scene } },
    { novelId, chapter: { $gt: chapter, ...end } },
  ]
}

async function positionOf(
  { database, chapters }: LibrarySession,
  novelId: string,
  chapterId: string | undefined,
): Promise<number | undefined> {
  if (chapterId === undefined) return undefined
  const found = await database.run('find chapter', () => chapters.findOne({ _id: chapterId, novelId }))
  if (found === null) throw chapterNotFound(chapterId)
  return found.position
}
