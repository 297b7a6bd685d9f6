/** What a search reads of a novel's index. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import type { IndexSegment } from '../../search/postings.ts'
import type { IndexState, VectorBatch } from '../passage-index.ts'
import type { PassagePlace, SearchSource } from '../search-answer.ts'
import { statement } from './statement.ts'

/** The index that a search reads: one generation of one novel's. */
export interface IndexGeneration {
  novel_key: number
  generation: number | null
}

/** Segments that one reading of the database takes: a few milliseconds of the event loop. */
const segmentsPerRead = 64
/** Batches of vectors that one reading takes. */
const batchesPerRead = 16

/** Reads one generation of an index. */
export function searchSource(
  database: SharedDatabase,
  state: IndexState,
  index: IndexGeneration,
): SearchSource {
  return {
    state,
    postings: {
      async *read(shards) {
        let after = -1
        while (true) {
          const found = await database.read(db => readSegments(db, index, shards, after))
          yield* found.map(({ segment }) => segment)
          if (found.length < segmentsPerRead) return
          after = found.at(-1)?.number ?? after
        }
      },
    },
    async *vectors() {
      let after = { segment: -1, part: 0 }
      while (true) {
        const found = await database.read(db => readVectors(db, index, after))
        yield* found
        if (found.length < batchesPerRead) return
        after = found.at(-1) ?? after
      }
    },
    places: passageIds => database.read(db => readPlaces(db, index, passageIds)),
  }
}

interface SegmentRow {
  number: number
  passages: number
  total_length: number
  documents: Uint8Array
}

function readSegments(
  db: Database,
  { novel_key, generation }: IndexGeneration,
  shards: readonly number[],
  after: number,
): { number: number; segment: IndexSegment }[] {
  const rows = statement<SegmentRow>(
    db,
    `SELECT number, passages, total_length, documents FROM search_segments
     WHERE novel_key = ? AND generation = ? AND number > ? ORDER BY number LIMIT ?`,
  ).all(novel_key, generation, after, segmentsPerRead)
  const parts = new Map(rows.map(({ number }) => [number, new Map<number, Uint8Array>()]))
  const postings = statement<{ number: number; postings: Uint8Array }>(
    db,
    `SELECT number, postings FROM search_shards
     WHERE novel_key = ? AND generation = ? AND shard = ? AND number BETWEEN ? AND ?`,
  )
  for (const shard of shards) {
    const found = postings.all(novel_key, generation, shard, after + 1, rows.at(-1)?.number ?? after)
    for (const row of found) parts.get(row.number)?.set(shard, row.postings)
  }
  return rows.map(row => ({
    number: row.number,
    segment: {
      passages: row.passages,
      totalLength: row.total_length,
      documents: row.documents,
      shards: parts.get(row.number) ?? new Map<number, Uint8Array>(),
    },
  }))
}

function readVectors(
  db: Database,
  { novel_key: novel, generation }: IndexGeneration,
  { segment, part }: Pick<VectorBatch, 'segment' | 'part'>,
): VectorBatch[] {
  return statement<VectorBatch>(
    db,
    `SELECT number AS segment, part, first, vectors FROM search_vectors
     WHERE novel_key = :novel AND generation = :generation AND (number, part) > (:segment, :part)
     ORDER BY number, part LIMIT :limit`,
  ).all({ novel, generation, segment, part, limit: batchesPerRead })
}

interface PlaceRow {
  passage: number
  start_at: number
  end_at: number
  scene_id: string
  chapter_id: string
  chapter_title: string
  content: string
  changed: number
}

function readPlaces(
  db: Database,
  { novel_key, generation }: IndexGeneration,
  passageIds: readonly number[],
): readonly PassagePlace[] {
  return statement<PlaceRow>(
    db,
    `SELECT p.passage, p.start_at, p.end_at, s.id AS scene_id, c.id AS chapter_id, c.title AS chapter_title, t.content,
       i.text_version <> s.text_version AS changed
     FROM search_passages p
     JOIN search_scenes i ON i.novel_key = p.novel_key AND i.generation = p.generation AND i.scene_key = p.scene_key
     JOIN scenes s ON s.key = p.scene_key JOIN chapters c ON c.key = s.chapter_key JOIN scene_texts t ON t.scene_key = s.key
     WHERE p.novel_key = ? AND p.generation = ? AND p.passage IN (SELECT value FROM json_each(?))`,
  )
    .all(novel_key, generation, JSON.stringify(passageIds))
    .map(placeOf)
}

function placeOf(row: PlaceRow): PassagePlace {
  return {
    passageId: row.passage,
    start: row.start_at,
    end: row.end_at,
    sceneId: row.scene_id,
    chapterId: row.chapter_id,
    chapterTitle: row.chapter_title,
    content: row.content,
    outOfDate: row.changed === 1,
  }
}
