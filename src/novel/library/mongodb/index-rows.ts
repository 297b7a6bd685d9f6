/** The rows of the builds of an index: written by segment, chosen for deletion in bounded steps. */
import type { ClientSession, Collection } from 'mongodb'
import { shardCount } from '../../search/segment.ts'
import type { NovelSegment, VectorBatch } from '../passage-index.ts'
import type {
  IndexedSceneDocument,
  PassageDocument,
  SegmentDocument,
  ShardDocument,
  VectorsDocument,
} from './schema.ts'
import type { LibrarySession } from './session.ts'

/** Rows of the index that a step deletes for each scene that it may delete: an index has small rows. */
const rowsPerScene = 20

/** Collections of an index. The segments, by which a build is found, go last. */
const ofIndex = ['vectors', 'shards', 'passages', 'indexedScenes', 'segments'] as const

/** Rows of one collection of an index. */
export interface RowsOfIndex {
  collection: (typeof ofIndex)[number]
  ids: readonly string[]
}

/** Which builds of whose index; all of them unless told otherwise. */
export interface BuildsOfIndex {
  novelId: string
  generation?: { $lt: number; $nin: readonly number[] }
}

/** The rows that the next step deletes; undefined when none are left. */
export async function indexStep(
  library: LibrarySession,
  builds: BuildsOfIndex,
  limit: number,
): Promise<RowsOfIndex | undefined> {
  for (const collection of ofIndex) {
    const rows = library[collection] as unknown as Collection<{ _id: string } & BuildsOfIndex>
    const found = await library.database.run('find index rows to delete', () =>
      rows
        .find(builds, { projection: { _id: 1 } })
        .limit(limit * rowsPerScene)
        .toArray(),
    )
    if (found.length > 0) return { collection, ids: found.map(({ _id }) => _id) }
  }
  return undefined
}

/** Names a row of an index by what it holds: no two builds have rows of the same name. */
export function indexRowId(
  { novelId, generation }: { novelId: string; generation: number },
  ...parts: readonly (string | number)[]
): string {
  return [novelId, generation, ...parts].join(' ')
}

/** Whose index, and which build of it. */
interface Owner {
  novelId: string
  generation: number
}

/** Writes a batch of vectors, in place of the one with its number. */
export async function putVectors(
  { vectors }: LibrarySession,
  session: ClientSession,
  { novelId, generation }: Owner,
  { segment: number, ...batch }: VectorBatch,
): Promise<void> {
  const _id = indexRowId({ novelId, generation }, number, batch.part)
  const document: VectorsDocument = { _id, novelId, generation, number, ...batch }
  await vectors.replaceOne({ _id }, document, { session, upsert: true })
}

/** A segment, and how many batches of vectors it has. */
export interface SegmentParts {
  segment: NovelSegment
  parts: number
}

/** Writes a segment, in place of the one with its number. */
export async function putSegment(
  library: LibrarySession,
  session: ClientSession,
  owner: Owner,
  { segment, parts }: SegmentParts,
): Promise<void> {
  const { number, postings } = segment
  await library.vectors.deleteMany({ ...owner, number, part: { $gte: parts } }, { session })
  const head: SegmentDocument = {
    _id: indexRowId(owner, number),
    ...owner,
    number,
    passages: postings.passages,
    totalLength: postings.totalLength,
    documents: postings.documents,
  }
  const { matchedCount } = await library.segments.replaceOne({ _id: head._id }, head, {
    session,
    upsert: true,
  })
  if (matchedCount > 0) await removeSegment(library, session, { ...owner, number })
  const { shards, scenes, passages } = rowsOf(owner, segment)
  if (shards.length > 0) await library.shards.insertMany(shards, { session })
  if (scenes.length > 0) await library.indexedScenes.insertMany(scenes, { session })
  if (passages.length > 0) await library.passages.insertMany(passages, { session })
}

/** Removes what hangs on a segment. */
async function removeSegment(
  { shards, indexedScenes, passages }: LibrarySession,
  session: ClientSession,
  segment: Owner & { number: number },
): Promise<void> {
  await shards.deleteMany({ _id: { $in: shardIdsOf(segment) } }, { session })
  await indexedScenes.deleteMany(segment, { session })
  await passages.deleteMany(segment, { session })
}

/** The ids that the shards of a segment can have. */
export function shardIdsOf({ number, ...owner }: Owner & { number: number }): string[] {
  return Array.from({ length: shardCount }, (_, shard) => indexRowId(owner, number, shard))
}

function rowsOf(owner: Owner, segment: NovelSegment) {
  const { number, postings } = segment
  const shards = [...postings.shards].map(
    ([shard, bytes]): ShardDocument => ({
      _id: indexRowId(owner, number, shard),
      ...owner,
      number,
      shard,
      bytes: bytes,
    }),
  )
  const textVersions = new Map(segment.scenes.map(({ sceneId, textVersion }) => [sceneId, textVersion]))
  const scenes = [...textVersions].map(
    ([sceneId, textVersion]): IndexedSceneDocument => ({
      _id: indexRowId(owner, sceneId),
      ...owner,
      number,
      sceneId,
      textVersion,
    }),
  )
  const passages = segment.passages.map(
    ({ id, ...passage }): PassageDocument => ({
      _id: indexRowId(owner, id),
      ...owner,
      number,
      passage: id,
      textVersion: textVersions.get(passage.sceneId) ?? 0,
      ...passage,
    }),
  )
  return { shards, scenes, passages }
}
