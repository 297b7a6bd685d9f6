/** Sums over the rows of novels. Those over scenes read an index alone, never a text. */
import type { ClientSession, Document } from 'mongodb'
import type { NovelCounts } from '../drafts.ts'
import type { LibrarySession } from './session.ts'

/** What there is of a novel, and whether positions are missing. */
export interface Tally {
  counts: NovelCounts
  /** Positions of volumes, chapters and scenes start at 0 and have no gap. */
  gapless: boolean
}

/** Counts what is there of a novel. */
export async function tallyNovel(
  session: LibrarySession,
  novelId: string,
  transaction: ClientSession,
): Promise<Tally> {
  const volumes = await positionsOf(session.volumes)
  const chapters = await positionsOf(session.chapters)
  const scenes = await session.scenes
    .aggregate<Positions & { words: number; characters: number }>(
      [
        { $match: { novelId } },
        { $group: { _id: '$chapter', ...positions, words: { $sum: '$words' }, ...characters } },
      ],
      { session: transaction },
    )
    .toArray()
  const counts = {
    volumes: volumes.count,
    chapters: chapters.count,
    scenes: scenes.reduce((sum, chapter) => sum + chapter.count, 0),
    words: scenes.reduce((sum, chapter) => sum + chapter.words, 0),
    characters: scenes.reduce((sum, chapter) => sum + chapter.characters, 0),
  }
  return { counts, gapless: [volumes, chapters, ...scenes].every(({ count, last }) => count === last + 1) }

  async function positionsOf(collection: LibrarySession['volumes' | 'chapters']): Promise<Positions> {
    const pipeline = [{ $match: { novelId } }, { $group: { _id: null, ...positions } }]
    const [found] = await collection.aggregate<Positions>(pipeline, { session: transaction }).toArray()
    return found ?? { count: 0, last: -1 }
  }
}

interface Positions {
  count: number
  last: number
}

const positions = { count: { $sum: 1 }, last: { $max: '$position' } }
const characters = { characters: { $sum: '$characters' } }

/** Counts of novels of which rows are being written or removed, by id. */
export async function countRows(
  { database, volumes, chapters, scenes }: LibrarySession,
  novelIds: readonly string[],
): Promise<(novelId: string) => NovelCounts> {
  if (novelIds.length === 0) return () => noCounts
  const counted = perNovel(novelIds)
  const summed = perNovel(novelIds, { words: { $sum: '$words' }, ...characters })
  const [volumesOf, chaptersOf, scenesOf] = await Promise.all([
    database.run('count volumes', () => volumes.aggregate<OfNovel>(counted).toArray()),
    database.run('count chapters', () => chapters.aggregate<OfNovel>(counted).toArray()),
    database.run('count scenes', () => scenes.aggregate<OfNovel & SceneSums>(summed).toArray()),
  ])
  return novelId => {
    const found = scenesOf.find(({ _id }) => _id === novelId)
    return {
      volumes: volumesOf.find(({ _id }) => _id === novelId)?.count ?? 0,
      chapters: chaptersOf.find(({ _id }) => _id === novelId)?.count ?? 0,
      scenes: found?.count ?? 0,
      words: found?.words ?? 0,
      characters: found?.characters ?? 0,
    }
  }
}

/** Counts the rows of each novel, and adds up what `sums` names. */
function perNovel(novelIds: readonly string[], sums: Document = {}): Document[] {
  return [
    { $match: { novelId: { $in: [...novelIds] } } },
    { $group: { _id: '$novelId', count: { $sum: 1 }, ...sums } },
  ]
}

interface OfNovel {
  _id: string
  count: number
}

interface SceneSums {
  words: number
  characters: number
}

/** Nothing is there. */
export const noCounts: NovelCounts = { volumes: 0, chapters: 0, scenes: 0, words: 0, characters: 0 }

/** How many scenes of each novel have a summary. */
export async function countSummaries(
  { database, scenes }: LibrarySession,
  novelIds: readonly string[],
): Promise<(novelId: string) => number> {
  if (novelIds.length === 0) return () => 0
  const found = await database.run('count summaries', () =>
    scenes
      .aggregate<OfNovel>([
        { $match: { novelId: { $in: [...novelIds] }, summaryOf: { $gt: 0 } } },
        { $group: { _id: '$novelId', count: { $sum: 1 } } },
      ])
      .toArray(),
  )
  return novelId => found.find(({ _id }) => _id === novelId)?.count ?? 0
}

/** What the scenes of a chapter add up to. */
export interface ChapterSums {
  sceneIds: readonly string[]
  words: number
  characters: number
  summaries: number
}

/** Sums of chapters of a novel, by the position of the chapter. */
export async function sumChapters(
  { database, scenes }: LibrarySession,
  novelId: string,
  chapters: readonly number[],
): Promise<(chapter: number) => ChapterSums> {
  const found = await database.run('sum chapters', () =>
    scenes
      .aggregate<ChapterSums & { _id: number }>([
        { $match: { novelId, chapter: { $in: [...chapters] } } },
        { $sort: { chapter: 1, position: 1 } },
        {
          $group: {
            _id: '$chapter',
            sceneIds: { $push: '$_id' },
            words: { $sum: '$words' },
            ...characters,
            summaries: { $sum: { $cond: [{ $gt: ['$summaryOf', 0] }, 1, 0] } },
          },
        },
      ])
      .toArray(),
  )
  const byChapter = new Map(found.map(({ _id, ...sums }) => [_id, sums]))
  return chapter => byChapter.get(chapter) ?? { sceneIds: [], words: 0, characters: 0, summaries: 0 }
}

/** Words by the position of the chapter, over the whole novel. */
export async function wordsByChapter(
  { database, scenes }: LibrarySession,
  novelId: string,
): Promise<ReadonlyMap<number, number>> {
  const found = await database.run('sum words', () =>
    scenes
      .aggregate<{ _id: number; words: number }>([
        { $match: { novelId } },
        { $group: { _id: '$chapter', words: { $sum: '$words' } } },
      ])
      .toArray(),
  )
  return new Map(found.map(({ _id, words }) => [_id, words]))
}
