/** The rows of the generations of an index: written by segment, deleted in bounded steps. */
import type { Database } from 'better-sqlite3'
import type { NovelSegment, VectorBatch } from '../passage-index.ts'
import { statement } from './statement.ts'

/** Rows of the index that a step deletes for each scene that it may delete: an index has small rows. */
const rowsPerScene = 20

const ofGeneration = ['search_vectors', 'search_shards', 'search_passages', 'search_scenes']

/** Deletes one step of a generation; its segments, by which it is found, go last. Returns whether there is more. */
export function deleteGeneration(db: Database, novel: number, generation: number, limit: number): boolean {
  const rows = limit * rowsPerScene
  for (const table of ofGeneration) {
    const { changes } = statement(
      db,
      `DELETE FROM ${table} WHERE novel_key = ? AND generation = ? LIMIT ?`,
    ).run(novel, generation, rows)
    if (changes === rows) return true
  }
  const { changes } = statement(
    db,
    'DELETE FROM search_segments WHERE novel_key = ? AND generation = ? LIMIT ?',
  ).run(novel, generation, limit)
  return changes === limit
}

/** Deletes one step of all that a novel's index has. Returns whether there is more. */
export function deleteIndex(db: Database, novel: number, limit: number): boolean {
  const generation = oldestGeneration(db, novel, [])
  if (generation !== undefined) {
    deleteGeneration(db, novel, generation, limit)
    return true
  }
  statement(db, 'DELETE FROM search_indices WHERE novel_key = ?').run(novel)
  return false
}

/** The oldest generation of which there are rows, except the ones named. A build can have vectors before it has a segment. */
export function oldestGeneration(
  db: Database,
  novel: number,
  except: readonly (number | null)[],
): number | undefined {
  const oldest = statement<number | null>(
    db,
    `SELECT min(generation) FROM (
       SELECT min(generation) AS generation FROM search_segments
         WHERE novel_key = :novel AND generation NOT IN (SELECT value FROM json_each(:except))
       UNION ALL SELECT min(generation) FROM search_vectors
         WHERE novel_key = :novel AND generation NOT IN (SELECT value FROM json_each(:except)))`,
  )
    .pluck()
    .get({ novel, except: JSON.stringify(except.filter(generation => generation !== null)) })
  return oldest ?? undefined
}

/** Whose index, and which generation of it. */
interface Owner {
  novel: number
  generation: number
}

/** Writes a batch of vectors, in place of the one with its number. */
export function putVectors(db: Database, owner: Owner, { segment: number, ...batch }: VectorBatch): void {
  statement(
    db,
    `INSERT OR REPLACE INTO search_vectors (novel_key, generation, number, part, first, vectors)
     VALUES (:novel, :generation, :number, :part, :first, :vectors)`,
  ).run({ ...owner, number, ...batch })
}

/** Writes a segment with so many batches of vectors, in place of the one with its number. */
export function putSegment(db: Database, owner: Owner, segment: NovelSegment, parts: number): void {
  putPostings(db, owner, segment)
  statement(
    db,
    'DELETE FROM search_vectors WHERE novel_key = :novel AND generation = :generation AND number = :number AND part >= :parts',
  ).run({ ...owner, number: segment.number, parts })
  const scenes = into(db, 'search_scenes', ':scene, :textVersion')
  const keys = new Map<string, number>()
  for (const { sceneId, textVersion } of segment.scenes) {
    const scene = statement<number>(db, 'SELECT key FROM scenes WHERE id = ?').pluck().get(sceneId)
    if (scene === undefined) continue
    keys.set(sceneId, scene)
    scenes.run({ ...owner, scene, textVersion })
  }
  const passages = into(db, 'search_passages', ':id, :scene, :start, :end')
  for (const { id, sceneId, start, end } of segment.passages) {
    const scene = keys.get(sceneId)
    if (scene !== undefined) passages.run({ ...owner, id, scene, start, end })
  }
}

function putPostings(db: Database, owner: Owner, { number, postings }: NovelSegment): void {
  const at = { ...owner, number }
  const own = 'WHERE novel_key = :novel AND generation = :generation AND number = :number'
  // The shards of a segment lie far apart: they are looked for only when it was written before.
  const { changes } = statement(db, `DELETE FROM search_segments ${own}`).run(at)
  if (changes > 0) statement(db, `DELETE FROM search_shards ${own}`).run(at)
  into(db, 'search_segments', ':number, :passages, :length, :documents').run({
    ...owner,
    number,
    passages: postings.passages,
    length: postings.totalLength,
    documents: postings.documents,
  })
  const shards = into(db, 'search_shards', ':shard, :number, :bytes')
  for (const [shard, bytes] of postings.shards) shards.run({ ...owner, number, shard, bytes })
}

function into(db: Database, table: string, values: string) {
  return statement(db, `INSERT OR REPLACE INTO ${table} VALUES (:novel, :generation, ${values})`)
}
