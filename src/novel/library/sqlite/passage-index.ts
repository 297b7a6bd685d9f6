/** The search index of a novel: its builds and its state. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { type Discarded, discardStep } from '../drafts.ts'
import {
  areSameKind,
  type IndexBuild,
  type IndexState,
  type IndexWriter,
  type PassageIndex,
  type VectorKind,
} from '../passage-index.ts'
import { novelNotFound } from '../refusal.ts'
import { answerSearch, searchLimit } from '../search-answer.ts'
import { deleteGeneration, oldestGeneration, putSegment, putVectors } from './index-rows.ts'
import { searchSource } from './search-source.ts'
import { statement } from './statement.ts'

/** The search indices of a database. */
export function sqlitePassageIndex(database: SharedDatabase, now: () => number): PassageIndex {
  return {
    state: (userId, novelId) =>
      database.read(db => stateOf(db, indexOf(db, publishedNovel(db, novelId, userId)))),
    begin: (userId, novelId, builder, vectors) =>
      database.write(db => begin(db, indexOf(db, publishedNovel(db, novelId, userId)), { builder, vectors })),
    put: (build, segment, parts = 0) =>
      database.write(db => put(db, build, owner => putSegment(db, owner, segment, parts))),
    putVectors: (build, batch) => database.write(db => put(db, build, owner => putVectors(db, owner, batch))),
    finish: (build, segments) => database.write(db => finish(db, build, segments, now())),
    clean: (novelId, limit = discardStep) => database.write(db => clean(db, novelId, limit)),
    async search(userId, novelId, search) {
      searchLimit(search)
      while (true) {
        const { state, index } = await database.read(db => {
          const found = indexOf(db, publishedNovel(db, novelId, userId))
          return { state: stateOf(db, found), index: found }
        })
        const answer = await answerSearch(searchSource(database, state, index), search)
        // A build that was finished meanwhile may have taken rows away: then the new one answers.
        const still = await database.read(db => indexOf(db, publishedNovel(db, novelId, userId)).generation)
        if (still === index.generation) return answer
      }
    },
  }
}

/** A novel with what is known of its index; the fields of the index are null where there is none. */
export interface IndexRow {
  novel_key: number
  novel_id: string
  novel_text_version: number
  last_generation: number | null
  generation: number | null
  builder: string | null
  text_version: number | null
  built_at: number | null
  building: number | null
  building_builder: string | null
  building_text_version: number | null
  /** JSON of `VectorKind`. */
  vectors: string | null
  building_vectors: string | null
}

/** Throws NOVEL_NOT_FOUND, also for another user's when a user is given. */
function publishedNovel(db: Database, novelId: string, userId?: string): number {
  const key = statement<number>(
    db,
    "SELECT key FROM novels WHERE id = ? AND user_id = coalesce(?, user_id) AND status = 'published'",
  )
    .pluck()
    .get(novelId, userId ?? null)
  if (key === undefined) throw novelNotFound(novelId)
  return key
}

const indexRow = `
SELECT n.key AS novel_key, n.id AS novel_id, n.text_version AS novel_text_version, i.last_generation, i.generation, i.builder,
  i.text_version, i.built_at, i.building, i.building_builder, i.building_text_version, i.vectors,
  i.building_vectors
FROM novels n LEFT JOIN search_indices i ON i.novel_key = n.key`

function indexOf(db: Database, novel: number): IndexRow {
  const row = statement<IndexRow>(db, `${indexRow} WHERE n.key = ?`).get(novel)
  if (row === undefined) throw novelNotFound(`${novel}`)
  return row
}

function findIndex(db: Database, novelId: string): IndexRow | undefined {
  return statement<IndexRow>(db, `${indexRow} WHERE n.id = ? AND n.status = 'published'`).get(novelId)
}

function stateOf(db: Database, row: IndexRow): IndexState {
  const building = row.building !== null
  if (row.generation === null) return { kind: 'none', building, passages: 0, outOfDateScenes: 0 }
  const passages = statement<number>(
    db,
    'SELECT coalesce(sum(passages), 0) FROM search_segments WHERE novel_key = ? AND generation = ?',
  )
    .pluck()
    .get(row.novel_key, row.generation)
  const vectors = vectorsOf(row.vectors)
  return {
    kind: vectors === undefined ? 'lexical' : 'hybrid',
    building,
    builtAt: row.built_at ?? 0,
    passages: passages ?? 0,
    ...(vectors === undefined ? {} : { vectors }),
    outOfDateScenes: row.text_version === row.novel_text_version ? 0 : changedScenes(db, row),
  }
}

function vectorsOf(column: string | null): VectorKind | undefined {
  return column === null ? undefined : (JSON.parse(column) as VectorKind)
}

/** Scenes of which another text was indexed, and scenes with a text that came since. */
function changedScenes(db: Database, row: IndexRow): number {
  const { novel_key: novel, generation } = row
  return (
    statement<number>(
      db,
      `SELECT count(*) FROM chapters c CROSS JOIN scenes s ON s.chapter_key = c.key
       LEFT JOIN search_scenes i ON i.novel_key = c.novel_key AND i.generation = :generation AND i.scene_key = s.key
       WHERE c.novel_key = :novel
         AND CASE WHEN i.scene_key IS NULL THEN s.characters > 0 ELSE i.text_version <> s.text_version END`,
    )
      .pluck()
      .get({ novel, generation }) ?? 0
  )
}

/** Who builds, and what. */
interface Builder {
  builder: string
  vectors: VectorKind | undefined
}

function begin(db: Database, row: IndexRow, { builder, vectors }: Builder): IndexBuild {
  const build = { novelId: row.novel_id, finished: false }
  const isSame = row.building_builder === builder && areSameKind(vectorsOf(row.building_vectors), vectors)
  if (row.building !== null && isSame) {
    const segments = writtenSegments(db, row.novel_key, row.building)
    return { ...build, generation: row.building, textVersion: row.building_text_version ?? 0, segments }
  }
  if (row.generation !== null && row.builder === builder) {
    const segments = writtenSegments(db, row.novel_key, row.generation)
    return {
      ...build,
      generation: row.generation,
      textVersion: row.text_version ?? 0,
      segments,
      finished: true,
    }
  }
  const generation = beginNew(db, row, { builder, vectors })
  return { ...build, generation, textVersion: row.novel_text_version, segments: 0 }
}

/** Begins a build from nothing, in place of one that was not finished. Returns its generation. */
function beginNew(db: Database, row: IndexRow, { builder, vectors }: Builder): number {
  const generation = (row.last_generation ?? 0) + 1
  statement(
    db,
    `INSERT INTO search_indices (novel_key, last_generation, building, building_builder, building_text_version,
       building_vectors)
     VALUES (:novel, :generation, :generation, :builder, :text, :vectors)
     ON CONFLICT (novel_key) DO UPDATE SET last_generation = :generation, building = :generation,
       building_builder = :builder, building_text_version = :text, building_vectors = :vectors`,
  ).run({
    novel: row.novel_key,
    generation,
    builder,
    text: row.novel_text_version,
    vectors: vectors === undefined ? null : JSON.stringify(vectors),
  })
  return generation
}

/** Numbers are written in order, so that the first gap is the end. */
function writtenSegments(db: Database, novel: number, generation: number): number {
  const numbers = statement<number>(
    db,
    'SELECT number FROM search_segments WHERE novel_key = ? AND generation = ? ORDER BY number',
  )
    .pluck()
    .all(novel, generation)
  const gap = numbers.findIndex((number, place) => number !== place)
  return gap === -1 ? numbers.length : gap
}

function put(
  db: Database,
  build: IndexWriter,
  write: (owner: { novel: number; generation: number }) => void,
): 'written' | 'stale' {
  const row = findIndex(db, build.novelId)
  if (row?.building !== build.generation) return 'stale'
  write({ novel: row.novel_key, generation: build.generation })
  return 'written'
}

function finish(
  db: Database,
  build: IndexWriter,
  segments: number,
  at: number,
): 'finished' | 'incomplete' | 'stale' {
  const row = findIndex(db, build.novelId)
  if (row === undefined) return 'stale'
  if (row.generation === build.generation) return 'finished'
  if (row.building !== build.generation) return 'stale'
  if (writtenSegments(db, row.novel_key, build.generation) !== segments) return 'incomplete'
  statement(
    db,
    `UPDATE search_indices SET generation = building, builder = building_builder, text_version = building_text_version,
       vectors = building_vectors, built_at = ?, building = NULL, building_builder = NULL, building_text_version = NULL,
       building_vectors = NULL WHERE novel_key = ?`,
  ).run(at, row.novel_key)
  return 'finished'
}

function clean(db: Database, novelId: string, limit: number): Discarded {
  const row = findIndex(db, novelId)
  if (row === undefined) return 'kept'
  const generation = oldestGeneration(db, row.novel_key, [row.generation, row.building])
  if (generation === undefined) return 'done'
  deleteGeneration(db, row.novel_key, generation, limit)
  return 'more'
}
