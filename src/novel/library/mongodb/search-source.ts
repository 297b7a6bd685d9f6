/** What a search reads of a novel's index. */
import type { IndexSegment } from '../../search/postings.ts'
import type { IndexState, VectorBatch } from '../passage-index.ts'
import type { PassagePlace, SearchSource } from '../search-answer.ts'
import { indexRowId } from './index-rows.ts'
import { bytesOf, type SceneDocument, type SegmentDocument, vectorBatchOf } from './schema.ts'
import { inTurn, type LibrarySession } from './session.ts'

/** The build that a search reads; none where no index answers. */
export interface AnsweringBuild {
  novelId: string
  generation: number | undefined
}

/** Segments that one reading of the database takes. */
const segmentsPerRead = 64
/** Batches of vectors that the driver fetches at a time. */
const batchesPerRead = 16

/** Reads one build of an index. */
export function searchSource(
  library: LibrarySession,
  state: IndexState,
  { novelId, generation = 0 }: AnsweringBuild,
): SearchSource {
  const build = { novelId, generation }
  return {
    state,
    postings: {
      async *read(shards) {
        let after = -1
        while (true) {
          const found = await readSegments(library, build, shards, after)
          yield* found.map(({ segment }) => segment)
          if (found.length < segmentsPerRead) return
          after = found.at(-1)?.number ?? after
        }
      },
    },
    async *vectors() {
      let after: Pick<VectorBatch, 'segment' | 'part'> = { segment: -1, part: -1 }
      while (true) {
        const found = await readVectors(library, build, after)
        yield* found
        if (found.length < batchesPerRead) return
        after = found.at(-1) ?? after
      }
    },
    places: passageIds => readPlaces(library, build, passageIds),
  }
}

async function readSegments(
  { database, segments, shards }: LibrarySession,
  build: { novelId: string; generation: number },
  wanted: readonly number[],
  after: number,
): Promise<{ number: number; segment: IndexSegment }[]> {
  const found = await database.run('read segments', () =>
    segments
      .find({ ...build, number: { $gt: after } })
      .sort({ number: 1 })
      .limit(segmentsPerRead)
      .toArray(),
  )
  const end = (found.at(-1)?.number ?? after) + 1
  const postings = await database.run('read postings', () =>
    shards.find({ ...build, shard: { $in: [...wanted] }, number: { $gt: after, $lt: end } }).toArray(),
  )
  const parts = new Map(found.map(({ number }) => [number, new Map<number, Uint8Array>()]))
  for (const { number, shard, bytes } of postings) parts.get(number)?.set(shard, bytesOf(bytes))
  return found.map(segment => ({
    number: segment.number,
    segment: segmentOf(segment, parts.get(segment.number) ?? new Map()),
  }))
}

function segmentOf(
  { passages, totalLength, documents }: SegmentDocument,
  shards: IndexSegment['shards'],
): IndexSegment {
  return { passages, totalLength, documents: bytesOf(documents), shards }
}

/** The rest of a segment comes before the next one: a page without `$or`. */
async function readVectors(
  { database, vectors }: LibrarySession,
  build: { novelId: string; generation: number },
  { segment, part }: Pick<VectorBatch, 'segment' | 'part'>,
): Promise<VectorBatch[]> {
  const ranges = [{ number: segment, part: { $gt: part } }, { number: { $gt: segment } }]
  const found = await inTurn(ranges, batchesPerRead, (range, limit) =>
    database.run('read vectors', () =>
      vectors
        .find({ ...build, ...range })
        .sort({ number: 1, part: 1 })
        .limit(limit)
        .toArray(),
    ),
  )
  return found.map(vectorBatchOf)
}

async function readPlaces(
  library: LibrarySession,
  build: { novelId: string; generation: number },
  passageIds: readonly number[],
): Promise<readonly PassagePlace[]> {
  const ids = passageIds.map(id => indexRowId(build, id))
  const found = await library.database.run('find passages', () =>
    library.passages.find({ _id: { $in: ids } }).toArray(),
  )
  const sceneOf = await readScenes(library, new Set(found.map(({ sceneId }) => sceneId)))
  const chapterIds = new Set([...sceneOf.values()].map(({ chapterId }) => chapterId))
  const titleOf = await readTitles(library, chapterIds)
  return found.flatMap(({ passage, sceneId, textVersion, start, end }) => {
    const scene = sceneOf.get(sceneId)
    const chapterTitle = scene && titleOf.get(scene.chapterId)
    if (scene === undefined || chapterTitle === undefined) return []
    const { chapterId, content } = scene
    const outOfDate = scene.textVersion !== textVersion
    return [{ passageId: passage, sceneId, chapterId, chapterTitle, content, start, end, outOfDate }]
  })
}

async function readScenes(
  { database, scenes }: LibrarySession,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Pick<SceneDocument, 'content' | 'textVersion' | 'chapterId'>>> {
  const projection = { content: 1, textVersion: 1, chapterId: 1 }
  const found = await database.run('find scenes of passages', () =>
    scenes.find({ _id: { $in: [...ids] } }, { projection }).toArray(),
  )
  return new Map(found.map(scene => [scene._id, scene]))
}

/** Titles of chapters by id. */
async function readTitles(
  { database, chapters }: LibrarySession,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = await database.run('find chapters of passages', () =>
    chapters.find({ _id: { $in: [...ids] } }, { projection: { title: 1 } }).toArray(),
  )
  return new Map(found.map(({ _id, title }) => [_id, title]))
}
