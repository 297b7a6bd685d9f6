/** What comes before a scene, backwards in reading order. */
import type { Filter } from 'mongodb'
import { beforeListing, unitsOf } from '../before.ts'
import { pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { sceneNotFound } from '../refusal.ts'
import type { SceneSummary, SceneText, TextPageRequest } from '../shelf.ts'
import { findSceneWithoutText } from './full-scene.ts'
import { keysOf, readTexts, type TextsRead } from './range.ts'
import { textOf } from './scene-rows.ts'
import type { ChapterDocument, SceneDocument } from './schema.ts'
import { inTurn, type LibrarySession } from './session.ts'

const nearestFirst = { chapter: -1, position: -1 } as const

/** One page of texts; read in small answers, so that a page that ends early has not read the rest. */
export async function textsBefore(
  library: LibrarySession,
  userId: string,
  sceneId: string,
  page: TextPageRequest,
): Promise<Page<SceneText>> {
  const listing = beforeListing('texts before', sceneId)
  const { size, after } = pageStart(listing, page)
  const most = { size, units: unitsOf(page) }
  let found: TextsRead = { scenes: [], more: false }
  for (const filter of await rangesOf(library, userId, sceneId, after)) {
    const before = found
    if (before.more) break
    found = await library.database.run('read texts', () =>
      readTexts(library, { filter, sort: nearestFirst }, most, before),
    )
  }
  const shown = pageOf(listing, found.scenes, found.more, keysOf)
  return { ...shown, items: shown.items.map(textOf) }
}

/** One page of summaries. */
export async function summariesBefore(
  library: LibrarySession,
  userId: string,
  sceneId: string,
  page: PageRequest,
): Promise<Page<SceneSummary>> {
  const listing = beforeListing('summaries before', sceneId)
  const { size, after } = pageStart(listing, page)
  const ranges = await rangesOf(library, userId, sceneId, after)
  const found = await inTurn(ranges, size + 1, (filter, limit) =>
    library.database.run('list summaries', () =>
      library.scenes
        .find({ ...filter, summaryOf: { $gt: 0 } }, { projection: { content: 0 } })
        .sort(nearestFirst)
        .limit(limit)
        .toArray(),
    ),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, keysOf)
  const titleOf = await readTitles(library, shown.items)
  return { ...shown, items: shown.items.map(scene => summaryOf(scene, titleOf.get(scene.chapterId) ?? '')) }
}

function summaryOf(scene: SceneDocument, chapterTitle: string): SceneSummary {
  const { _id: sceneId, chapterId, chapter: chapterPosition, position, title, summary } = scene
  return {
    ...{ sceneId, chapterId, chapterPosition, chapterTitle, position },
    ...(title === undefined ? {} : { title }),
    summary: summary?.text ?? '',
    outOfDate: (scene.summaryOf ?? 0) < scene.textVersion,
  }
}

async function readTitles(
  { database, chapters }: LibrarySession,
  scenes: readonly SceneDocument[],
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(scenes.map(({ chapterId }) => chapterId))]
  const found = await database.run('find chapters of scenes', () =>
    chapters.find<Pick<ChapterDocument, '_id' | 'title'>>({ _id: { $in: ids } }).toArray(),
  )
  return new Map(found.map(({ _id, title }) => [_id, title]))
}

/** Where a page is: first the rest of the chapter that it begins in. Throws SCENE_NOT_FOUND. */
async function rangesOf(
  library: LibrarySession,
  userId: string,
  sceneId: string,
  after: readonly number[] | undefined,
): Promise<Filter<SceneDocument>[]> {
  const found = await findSceneWithoutText(library, sceneId)
  if (found?.userId !== userId) throw sceneNotFound(sceneId)
  const { novelId } = found
  const [chapter = found.chapter, position = found.position] = after ?? []
  return [
    { novelId, chapter, position: { $lt: position } },
    { novelId, chapter: { $lt: chapter } },
  ]
}
