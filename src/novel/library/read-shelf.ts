/** Reading published novels. */
import { getOne, insert, replace } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { NovelNarration } from '../narration.ts'
import { discardStep } from './drafts.ts'
import { idsOf } from './ids.ts'
import { namedReferences } from './keep-references.ts'
import {
  type ChapterRecord,
  chapters,
  type LibraryParts,
  type NarrationRecord,
  type NovelRecord,
  narrations,
  novels,
  ownNovel,
  scenes,
  shelvedNovel,
  volumes,
} from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { before, ofRange, overviewOf, summariesBefore, textPage } from './read-scenes.ts'
import { chapterNotFound, novelNotFound } from './refusal.ts'
import { removeNovel } from './remove-novel.ts'
import type {
  ChapterOverview,
  NovelAbout,
  NovelOverview,
  NovelShelf,
  SceneOverview,
  VolumeOverview,
} from './shelf.ts'
import { countsOf } from './write-draft.ts'

/** The shelf of a library. */
export function novelShelf(library: LibraryParts): NovelShelf {
  const { records } = library
  return {
    novels(userId, page) {
      const query: Listing<NovelRecord>['query'] = {
        equal: { userId },
        above: { shelvedAt: -1 },
        order: ['shelvedAt', 'order'],
        reverse: true,
      }
      const listing = { name: 'novels', filter: [userId], query }
      return readPage(records, novels, { listing, page }, found => overviewsOf(library, found))
    },
    async novel(userId, novelId) {
      const novel = await ownNovel(library, userId, novelId)
      const [overview] = await overviewsOf(library, [novel])
      if (overview === undefined) throw novelNotFound(novelId)
      return overview
    },
    about: async (userId, novelId) => aboutOf(await ownNovel(library, userId, novelId)),
    async references(userId, novelId) {
      const novel = await ownNovel(library, userId, novelId)
      return (await namedReferences(library, [novel])).get(novelId) ?? []
    },
    stretches: async (userId, novelId, count) =>
      stretchesOf(library, await ownNovel(library, userId, novelId), count),
    async narration(userId, novelId) {
      await ownNovel(library, userId, novelId)
      return narrationOf(await getOne(records, narrations, novelId))
    },
    setNarration: (userId, novelId, given) => setNarration(library, { userId, novelId }, given),
    async volumes(userId, novelId) {
      await ownNovel(library, userId, novelId)
      return listVolumes(library, novelId)
    },
    async chapters(userId, { novelId, volumeId }, page) {
      await ownNovel(library, userId, novelId)
      const query: Listing<ChapterRecord>['query'] = {
        equal: defined({ novelId, volumeId }),
        order: ['position'],
      }
      const listing = { name: 'chapters', filter: [novelId, volumeId], query }
      return readPage(records, chapters, { listing, page }, found => withScenes(library, found))
    },
    async chapter(userId, chapterId) {
      const found = await getOne(records, chapters, chapterId)
      const novel = found && (await shelvedNovel(records, userId, found.novelId))
      const [chapter] = await withScenes(library, found && novel ? [found] : [])
      if (chapter === undefined) throw chapterNotFound(chapterId)
      return chapter
    },
    async scenes(userId, range, page) {
      await ownNovel(library, userId, range.novelId)
      const listing = await ofRange(library, 'scenes', range)
      return readPage(records, scenes, { listing, page, without: ['summary'] }, found =>
        found.map(overviewOf),
      )
    },
    async texts(userId, range, page) {
      await ownNovel(library, userId, range.novelId)
      return textPage(library, await ofRange(library, 'texts', range), page)
    },
    async textsBefore(userId, place, page) {
      return textPage(library, await before(library, 'texts before', { userId, place }), page)
    },
    summariesBefore: (userId, place, page) => summariesBefore(library, userId, place, page),
    remove: (userId, novelId, limit = discardStep) => removeNovel(library, { userId, novelId }, limit),
  }
}

function narrationOf(held: NarrationRecord | undefined): NovelNarration & { version: number } {
  if (held === undefined) return { styleSheet: '', voiceSample: '', version: 0 }
  const { pov, povCharacter, tense, styleSheet, voiceSample, version } = held
  return { ...defined({ pov, povCharacter, tense }), styleSheet, voiceSample, version }
}

/** The guard of the novel keeps the record from outliving it. */
async function setNarration(
  library: LibraryParts,
  { userId, novelId }: { userId: string; novelId: string },
  { narration, expectedVersion }: { narration: NovelNarration; expectedVersion: number },
): Promise<{ outcome: 'applied' | 'conflict'; version: number }> {
  const { records, now } = library
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const held = await getOne(records, narrations, novelId)
    const { version, ...before } = narrationOf(held)
    // Sent again, because its answer was lost, a change finds itself.
    const isThere = Object.entries({ ...noNarration, ...narration }).every(
      ([field, value]) => Reflect.get(before, field) === value,
    )
    if (isThere) return { outcome: 'applied', version }
    if (version !== expectedVersion) return { outcome: 'conflict', version }
    const next = { ...defined(narration), id: novelId, version: version + 1 } as NarrationRecord
    const put =
      held === undefined
        ? insert(narrations, next)
        : replace(narrations, { ...next, revision: held.revision })
    if ((await records.commit([replace(novels, { ...novel, updatedAt: now() }), put])) === 'applied')
      return { outcome: 'applied', version: next.version }
  }
}

const noNarration = { pov: undefined, povCharacter: undefined, tense: undefined }

/** Scenes that are read of all stretches together. */
const scenesOfStretches = 48

/** The first scenes of stretches of a novel. */
async function stretchesOf(
  { records }: LibraryParts,
  { id: novelId, chapters: inNovel }: NovelRecord,
  count: number,
): Promise<readonly (readonly SceneOverview[])[]> {
  const stretches = Math.max(1, Math.min(count, inNovel))
  const limit = Math.ceil(scenesOfStretches / stretches)
  const startOf = (stretch: number) => Math.floor((stretch * inNovel) / stretches)
  return Promise.all(
    Array.from({ length: stretches }, async (_, stretch) => {
      const within = { above: { chapter: startOf(stretch) - 1 }, most: { chapter: startOf(stretch + 1) - 1 } }
      const order = ['chapter', 'position'] as const
      const found = await records.find(scenes, { equal: { novelId }, ...within, order, limit }, ['summary'])
      return found.map(overviewOf)
    }),
  )
}

/** Novels with how many of their scenes have a summary, and the references that they name. */
async function overviewsOf(library: LibraryParts, found: readonly NovelRecord[]): Promise<NovelOverview[]> {
  const ofNovels = { equal: { novelId: idsOf(found) }, by: 'novelId', of: ['summarised'] } as const
  const [sums, named] = await Promise.all([
    library.records.sum(scenes, ofNovels),
    namedReferences(library, found),
  ])
  return found.map(novel => {
    const references = named.get(novel.id) ?? []
    const summaries = sums.get(novel.id)?.summarised ?? 0
    return { ...aboutOf(novel), ...(references.length > 0 && { references }), summaries }
  })
}

function aboutOf(novel: NovelRecord): NovelAbout {
  const { id, userId, title, author, language, targetWords, reference } = novel
  const { textVersion, version = 1, createdAt, publishedAt, updatedAt } = novel
  return {
    id,
    userId,
    title,
    ...defined({ author, language, targetWords, reference }),
    ...countsOf(novel),
    textVersion,
    version,
    createdAt: publishedAt ?? createdAt,
    updatedAt,
  }
}

async function listVolumes({ records }: LibraryParts, novelId: string): Promise<readonly VolumeOverview[]> {
  const ofNovel = { equal: { novelId } }
  const [found, inVolumes, ofChapters] = await Promise.all([
    records.find(volumes, { ...ofNovel, order: ['position'] }),
    records.find(chapters, ofNovel),
    records.sum(scenes, { ...ofNovel, by: 'chapter', of: ['words'] }),
  ])
  const overviews = found.map(({ id, position, title, version = 1 }) => ({
    ...{ id, position, title, version, chapters: 0, words: 0 },
  }))
  const byId = new Map(overviews.map(overview => [overview.id, overview]))
  for (const { volumeId, position } of inVolumes) {
    const overview = byId.get(volumeId)
    if (overview === undefined) continue
    overview.chapters += 1
    overview.words += ofChapters.get(position)?.words ?? 0
  }
  return overviews
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
  const overviews = found.map(({ id, novelId, volumeId, position, title, targetWords, version = 1 }) => {
    const sceneIds: string[] = []
    const counts = { words: 0, characters: 0, summaries: 0 }
    const own = { id, novelId, volumeId, position, title, version }
    return { ...own, ...defined({ targetWords }), ...counts, sceneIds }
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
