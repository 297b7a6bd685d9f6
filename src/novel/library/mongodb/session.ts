/** What the parts of this adapter share. */
import type { ClientSession, Collection, Filter } from 'mongodb'
import type { SharedDatabase } from '../../../store/mongodb/database.ts'
import { isDuplicateKey } from '../../../store/mongodb/indexes.ts'
import {
  type ChapterDocument,
  type CounterDocument,
  collections,
  type HistoryDocument,
  type IndexedSceneDocument,
  type NovelDocument,
  type PassageDocument,
  type SceneDocument,
  type SegmentDocument,
  type ShardDocument,
  type UploadDocument,
  type VectorsDocument,
  type VolumeDocument,
} from './schema.ts'

/** The database, its collections and the clock. */
export interface LibrarySession {
  database: SharedDatabase
  novels: Collection<NovelDocument>
  volumes: Collection<VolumeDocument>
  chapters: Collection<ChapterDocument>
  scenes: Collection<SceneDocument>
  history: Collection<HistoryDocument>
  uploads: Collection<UploadDocument>
  counters: Collection<CounterDocument>
  segments: Collection<SegmentDocument>
  shards: Collection<ShardDocument>
  indexedScenes: Collection<IndexedSceneDocument>
  passages: Collection<PassageDocument>
  vectors: Collection<VectorsDocument>
  /** Epoch milliseconds. */
  now(): number
}

/** The library's view of a database. */
export function librarySession(database: SharedDatabase, now: () => number): LibrarySession {
  return {
    database,
    novels: database.collection(collections.novels),
    volumes: database.collection(collections.volumes),
    chapters: database.collection(collections.chapters),
    scenes: database.collection(collections.scenes),
    history: database.collection(collections.history),
    uploads: database.collection(collections.uploads),
    counters: database.collection(collections.counters),
    segments: database.collection(collections.segments),
    shards: database.collection(collections.shards),
    indexedScenes: database.collection(collections.indexedScenes),
    passages: database.collection(collections.passages),
    vectors: database.collection(collections.vectors),
    now,
  }
}

/**
 * Locks the novel for the rest of the transaction, if it is as the filter says: of two transactions that lock it, one starts again when
 * the other has committed. So what the filter says holds until the commit.
 */
export function lockNovel(
  { novels }: LibrarySession,
  session: ClientSession,
  filter: Filter<NovelDocument>,
): Promise<NovelDocument | null> {
  return novels.findOneAndUpdate(filter, { $inc: { locks: 1 } }, { session, returnDocument: 'after' })
}

/** The next number of a sequence: what was made later has the higher one. Some numbers may go unused. */
export async function nextNumber(session: LibrarySession, sequence: CounterDocument['_id']): Promise<number> {
  const { database, counters } = session
  const taken = await database.run('take number', () =>
    counters.findOneAndUpdate({ _id: sequence }, { $inc: { last: 1 } }, { returnDocument: 'after' }),
  )
  if (taken !== null) return taken.last
  await database.run('begin counter', () => insertNew(counters, { _id: sequence, last: 0 }))
  return nextNumber(session, sequence)
}

/** Inserts a document; one that is there already is left as it is. */
export async function insertNew<T extends { _id: string }>(
  collection: Collection<T>,
  document: T,
): Promise<void> {
  try {
    await collection.insertOne(document as Parameters<Collection<T>['insertOne']>[0])
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
}

/** The documents of several ranges of one index, range after range, until there are `limit`: a page without `$or`. */
export async function inTurn<Range, T>(
  ranges: readonly Range[],
  limit: number,
  read: (range: Range, limit: number) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = []
  for (const range of ranges) {
    if (found.length < limit) found.push(...(await read(range, limit - found.length)))
  }
  return found
}
