/** Segments of indexes as rows that can be moved. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { shardCount } from '../../search/segment.ts'
import { passagesPerSegment } from '../novel-segment.ts'
import type { NovelSegment, VectorBatch } from '../passage-index.ts'
import { notTaken } from '../refusal.ts'
import type { RowTransfer, SegmentRow } from '../transfer.ts'
import { putSegment, putVectors } from './index-rows.ts'
import { pagesByKey } from './pages.ts'
import { statement } from './statement.ts'

/** As JSON: the postings are kept by shard. */
const everyShard = JSON.stringify(Array.from({ length: shardCount }, (_, shard) => shard))

/** The segments of the indexes that answer. */
export function segmentsTransfer(database: SharedDatabase): RowTransfer<SegmentRow> {
  return {
    async *read() {
      for await (const [novel] of pagesByKey(database, readNovel)) {
        if (novel !== undefined) yield* readSegments(database, novel)
      }
    },
    write: rows =>
      database.write(db => {
        for (const row of rows) writeSegment(db, row)
      }),
  }
}

interface IndexedNovel {
  key: number
  id: string
  generation: number
}

function readNovel(db: Database, after: number): IndexedNovel[] {
  return statement<IndexedNovel>(
    db,
    `SELECT n.key, n.id, i.generation FROM search_indices i JOIN novels n ON n.key = i.novel_key
     WHERE n.key > ? AND i.generation IS NOT NULL ORDER BY n.key LIMIT 1`,
  ).all(after)
}

/** One at a time: a segment has hundreds of rows. */
async function* readSegments(
  database: SharedDatabase,
  novel: IndexedNovel,
): AsyncGenerator<readonly SegmentRow[]> {
  for (let number = 0; ; number++) {
    const segment = await database.read(db => readSegment(db, novel, number))
    if (segment === undefined) return
    const vectors = await database.read(db => readVectors(db, novel, number))
    yield [{ novelId: novel.id, generation: novel.generation, segment, vectors }]
  }
}

interface SegmentColumns {
  passages: number
  total_length: number
  documents: Uint8Array
}

function readSegment(
  db: Database,
  { key, generation }: IndexedNovel,
  number: number,
): NovelSegment | undefined {
  const head = statement<SegmentColumns>(
    db,
    `SELECT passages, total_length, documents FROM search_segments
     WHERE novel_key = ? AND generation = ? AND number = ?`,
  ).get(key, generation, number)
  if (head === undefined) return undefined
  const shards = statement<{ shard: number; postings: Uint8Array }>(
    db,
    `SELECT s.shard, s.postings FROM json_each(?) wanted CROSS JOIN search_shards s
     WHERE s.novel_key = ? AND s.generation = ? AND s.shard = wanted.value AND s.number = ?`,
  ).all(everyShard, key, generation, number)
  return {
    number,
    scenes: readScenes(db, { key, generation }, number),
    passages: statement<NovelSegment['passages'][number]>(
      db,
      `SELECT p.passage AS id, s.id AS sceneId, p.start_at AS start, p.end_at AS end
       FROM search_passages p JOIN scenes s ON s.key = p.scene_key
       WHERE p.novel_key = ? AND p.generation = ? AND p.passage BETWEEN ? AND ? ORDER BY p.passage`,
    ).all(key, generation, ...passagesOf(number)),
    postings: {
      passages: head.passages,
      totalLength: head.total_length,
      documents: head.documents,
      shards: new Map(shards.map(({ shard, postings }) => [shard, postings])),
    },
  }
}

function readVectors(db: Database, { key, generation }: IndexedNovel, number: number): VectorBatch[] {
  return statement<VectorBatch>(
    db,
    `SELECT number AS segment, part, first, vectors FROM search_vectors
     WHERE novel_key = ? AND generation = ? AND number = ? ORDER BY part`,
  ).all(key, generation, number)
}

/** Scenes are known by their passages; those without any go with the first segment. */
function readScenes(
  db: Database,
  { key, generation }: Omit<IndexedNovel, 'id'>,
  number: number,
): NovelSegment['scenes'] {
  const [first, last] = passagesOf(number)
  return statement<NovelSegment['scenes'][number]>(
    db,
    `SELECT s.id AS sceneId, i.text_version AS textVersion FROM search_scenes i JOIN scenes s ON s.key = i.scene_key
     WHERE i.novel_key = :key AND i.generation = :generation AND (
       i.scene_key IN (SELECT scene_key FROM search_passages
         WHERE novel_key = :key AND generation = :generation AND passage BETWEEN :first AND :last)
       OR :number = 0 AND i.scene_key NOT IN (SELECT scene_key FROM search_passages
         WHERE novel_key = :key AND generation = :generation))`,
  ).all({ key, generation, number, first, last })
}

/** The first and the last id that passages of a segment can have. */
function passagesOf(number: number): [first: number, last: number] {
  return [number * passagesPerSegment, (number + 1) * passagesPerSegment - 1]
}

function writeSegment(db: Database, { novelId, generation, segment, vectors }: SegmentRow): void {
  const novel = statement<number>(db, 'SELECT key FROM novels WHERE id = ?').pluck().get(novelId)
  if (novel === undefined) throw notTaken(`The index of novel ${novelId} was written before the novel.`)
  putSegment(db, { novel, generation }, segment, vectors.length)
  for (const batch of vectors) putVectors(db, { novel, generation }, batch)
}
