/** The records of the builds of an index: made of a segment, read by a search, chosen for deletion in bounded steps. */
import type { TextSpan } from '../../ai/model.ts'
import { type Change, erase, getOne, type Query, write } from '../../records/records.ts'
import type { IndexSegment } from '../search/postings.ts'
import { shardCount } from '../search/segment.ts'
import { idsOf } from './ids.ts'
import {
  chapters,
  type LibraryParts,
  type SegmentRecord,
  scenes,
  segments,
  shards,
  texts,
  type VectorsRecord,
  vectors,
} from './kinds.ts'
import { passagesPerSegment } from './novel-segment.ts'
import type { IndexWriter, NovelSegment, PassageHit, VectorBatch } from './passage-index.ts'
import { sceneNotFound } from './refusal.ts'

/** The large fields of a segment. */
export const inBytes = ['documents', 'scenes', 'places'] as const

/** Names a record of an index by what it holds: no two builds have records of the same name. */
function rowId({ novelId, generation }: IndexWriter, ...parts: readonly number[]): string {
  return [novelId, generation, ...parts].join(' ')
}

/** Writes a batch of vectors, in place of the one with its number. */
export function vectorRows({ novelId, generation }: IndexWriter, batch: VectorBatch): Change[] {
  const { segment: number, part, first, vectors: values } = batch
  const id = rowId({ novelId, generation }, number, part)
  return write(vectors, [{ id, novelId, generation, number, part, first, vectors: values }])
}

/** Writes a segment in place of the one with its number; of its batches of vectors the first `parts` stay. */
export async function segmentRows(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
  { number, postings, scenes: inSegment, passages }: NovelSegment,
  parts: number,
): Promise<Change[]> {
  const of = { novelId, generation }
  const id = rowId(of, number)
  const later = { equal: { ...of, number }, above: { part: parts - 1 }, order: ['part'] } as const
  const gone = await records.find(vectors, later, ['vectors'])
  const isThere = (await records.get(segments, [id], inBytes)).has(id)
  const sceneNumbers = new Map(inSegment.map(({ sceneId }, place) => [sceneId, place]))
  const { totalLength, documents } = postings
  const record: SegmentRecord = {
    id,
    ...of,
    number,
    passages: postings.passages,
    totalLength,
    documents,
    scenes: inSegment.map(({ sceneId, textVersion }) => [sceneId, textVersion]),
    places: passages.map(({ id: passage, sceneId, start, end }) => {
      return [passage - number * passagesPerSegment, sceneNumbers.get(sceneId) ?? 0, start, end]
    }),
  }
  const written = [...postings.shards].map(([shard, bytes]) => ({
    id: rowId(of, shard, number),
    postings: bytes,
  }))
  const kept = new Set(idsOf(written))
  const former = isThere ? shardIds(record).filter(shard => !kept.has(shard)) : []
  return [
    ...write(segments, [record]),
    ...write(shards, written),
    ...erase(shards, former),
    ...erase(vectors, idsOf(gone)),
  ]
}

/** The ids that the shards of a segment can have. */
function shardIds({ number, ...build }: IndexWriter & { number: number }): string[] {
  return Array.from({ length: shardCount }, (_, shard) => rowId(build, shard, number))
}

/** Records of an index that a step deletes for each scene that it may delete: they are small. */
const rowsPerScene = 20

/** The removal of some records of builds, a step of them: a batch of vectors for each scene, then segments; none when none are left. */
export async function indexStep(
  { records }: LibraryParts,
  builds: Pick<Query<SegmentRecord & VectorsRecord>, 'equal'>,
  limit: number,
): Promise<Change[]> {
  const batches = await records.find(vectors, { ...builds, limit }, ['vectors'])
  if (batches.length > 0) return erase(vectors, idsOf(batches))
  const most = Math.ceil((limit * rowsPerScene) / shardCount)
  const found = await records.find(segments, { ...builds, limit: most }, inBytes)
  return [...erase(segments, idsOf(found)), ...erase(shards, found.flatMap(shardIds))]
}

/** Segments that one reading of the database takes: a few milliseconds of the event loop. */
const segmentsPerRead = 64

/** The segments of a build, each with no other shards than the named ones. */
export async function* readSegments(
  { records }: LibraryParts,
  build: IndexWriter,
  wanted: readonly number[],
): AsyncGenerator<IndexSegment> {
  const { novelId, generation } = build
  for (let after = -1; ; ) {
    const found = await records.find(
      segments,
      { equal: { novelId, generation }, order: ['number'], after: [after], limit: segmentsPerRead },
      ['scenes', 'places'],
    )
    const ids = found.flatMap(({ number }) => wanted.map(shard => rowId(build, shard, number)))
    const postings = ids.length === 0 ? new Map() : await records.get(shards, ids)
    for (const { number, passages, totalLength, documents } of found) {
      const read = wanted.flatMap(shard => {
        const bytes: Uint8Array | undefined = postings.get(rowId(build, shard, number))?.postings
        return bytes === undefined ? [] : [[shard, bytes] as const]
      })
      yield { passages, totalLength, documents, shards: new Map(read) }
    }
    if (found.length < segmentsPerRead) return
    after = found.at(-1)?.number ?? after
  }
}

/** The passages of a build that are in scenes of the novel, before a scene in reading order where one is named. Throws SCENE_NOT_FOUND. */
export async function passagesBefore(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
  sceneId: string | undefined,
): Promise<ReadonlySet<number>> {
  const scene = sceneId === undefined ? undefined : await getOne(records, scenes, sceneId, ['summary'])
  if (sceneId !== undefined && scene?.novelId !== novelId) throw sceneNotFound(sceneId)
  const before = {
    order: ['chapter', 'position'],
    reverse: true,
    after: scene && [scene.chapter, scene.position],
  } as const
  const [there, held] = await Promise.all([
    records.find(scenes, { equal: { novelId }, ...before }, ['summary']),
    records.find(segments, { equal: { novelId, generation }, order: ['number'] }, ['documents']),
  ])
  const isThere = new Set(idsOf(there))
  return new Set(
    held.flatMap(({ number, places, scenes: inSegment }) =>
      places.flatMap(([passage, at]) =>
        isThere.has(inSegment[at]?.[0] ?? '') ? [number * passagesPerSegment + passage] : [],
      ),
    ),
  )
}

/** Batches of vectors that one reading takes. */
const batchesPerRead = 16

/** All vectors of a build. */
export async function* readVectors(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
): AsyncGenerator<VectorBatch> {
  for (let after = [-1, 0]; ; ) {
    const ofBuild = { equal: { novelId, generation }, order: ['number', 'part'] } as const
    const found = await records.find(vectors, { ...ofBuild, after, limit: batchesPerRead })
    for (const { number: segment, part, first, vectors: values } of found)
      yield { segment, part, first, vectors: values }
    const last = found.at(-1)
    if (last === undefined || found.length < batchesPerRead) return
    after = [last.number, last.part]
  }
}

/** Where a passage is, with the text of its scene as it is now. */
export interface PassagePlace
  extends TextSpan,
    Pick<PassageHit, 'sceneId' | 'chapterId' | 'chapterTitle' | 'outOfDate'> {
  passageId: number
  content: string
}

/** Where passages are, in any order; those of which the scene is gone are left out. */
export async function readPlaces(
  { records }: LibraryParts,
  build: IndexWriter,
  passageIds: readonly number[],
): Promise<readonly PassagePlace[]> {
  const numberOf = (passageId: number) => Math.floor(passageId / passagesPerSegment)
  const segmentIds = new Set(passageIds.map(passageId => rowId(build, numberOf(passageId))))
  const held = await records.get(segments, [...segmentIds], ['documents'])
  const indexed = passageIds.flatMap(passageId => {
    const segment = held.get(rowId(build, numberOf(passageId)))
    const place = segment?.places.find(([passage]) => passage === passageId % passagesPerSegment)
    const [, number = 0, start = 0, end = 0] = place ?? []
    const [sceneId, textVersion] = (place && segment?.scenes[number]) ?? []
    return sceneId === undefined ? [] : [{ passageId, sceneId, textVersion, start, end }]
  })
  const sceneIds = [...new Set(indexed.map(({ sceneId }) => sceneId))]
  const [sceneOf, textOf] = await Promise.all([
    records.get(scenes, sceneIds, ['summary']),
    records.get(texts, sceneIds),
  ])
  const chapterIds = new Set([...sceneOf.values()].map(scene => scene.chapterId))
  const chapterOf = await records.get(chapters, [...chapterIds])
  return indexed.flatMap(({ passageId, sceneId, textVersion, start, end }) => {
    const scene = sceneOf.get(sceneId)
    const content = textOf.get(sceneId)?.content
    const chapterTitle = scene && chapterOf.get(scene.chapterId)?.title
    // What is in the bin is of no novel.
    if (scene?.novelId !== build.novelId || content === undefined || chapterTitle === undefined) return []
    const outOfDate = scene.textVersion !== textVersion
    const of = { sceneId, chapterId: scene.chapterId, chapterTitle }
    return [{ passageId, ...of, content, start, end, outOfDate }]
  })
}
