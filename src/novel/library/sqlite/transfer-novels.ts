/** Novels, with what is known of their indexes, as rows that can be moved. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import type { NovelStatus } from '../drafts.ts'
import type { VectorKind } from '../passage-index.ts'
import type { IndexRow, NovelRow, RowTransfer } from '../transfer.ts'
import { pagesByKey } from './pages.ts'
import { countsOf } from './standing.ts'
import { statement } from './statement.ts'

const pageNovels = 100

/** The novels of a library. */
export function novelsTransfer(database: SharedDatabase): RowTransfer<NovelRow> {
  return {
    async *read() {
      for await (const page of pagesByKey(database, (db, after) =>
        statement<NovelColumns>(db, novels).all(after, pageNovels),
      )) {
        yield page.map(rowOf)
      }
    },
    write: rows =>
      database.write(db => {
        for (const row of rows) insertIndex(db, insertNovel(db, row), row.index)
      }),
  }
}

interface NovelColumns {
  key: number
  id: string
  user_id: string
  import_task_id: string
  title: string
  author: string | null
  language: string | null
  status: NovelStatus
  generation: number
  created_at: number
  published_at: number | null
  updated_at: number
  text_version: number
  volumes: number
  chapters: number
  scenes: number
  words: number
  characters: number
  last_index: number | null
  index_generation: number | null
  builder: string | null
  index_text_version: number | null
  built_at: number | null
  passages: number
  vectors: string | null
}

const novels = `
SELECT n.key, n.id, n.user_id, n.import_task_id, n.title, n.author, n.language, n.status, n.generation, n.created_at,
  n.published_at, n.updated_at, n.text_version, n.volumes, n.chapters, n.scenes, n.words, n.characters,
  i.last_generation AS last_index, i.generation AS index_generation, i.builder, i.text_version AS index_text_version, i.built_at, i.vectors,
  (SELECT coalesce(sum(g.passages), 0) FROM search_segments g WHERE g.novel_key = n.key AND g.generation = i.generation) AS passages
FROM novels n LEFT JOIN search_indices i ON i.novel_key = n.key
WHERE n.key > ? ORDER BY n.key LIMIT ?`

function rowOf(row: NovelColumns): NovelRow {
  return {
    id: row.id,
    userId: row.user_id,
    importTaskId: row.import_task_id,
    title: row.title,
    ...(row.author === null ? {} : { author: row.author }),
    ...(row.language === null ? {} : { language: row.language }),
    status: row.status,
    generation: row.generation,
    createdAt: row.created_at,
    ...(row.published_at === null ? {} : { publishedAt: row.published_at }),
    updatedAt: row.updated_at,
    textVersion: row.text_version,
    ...countsOf(row),
    index: indexOf(row),
  }
}

function indexOf(row: NovelColumns): IndexRow {
  const lastGeneration = row.last_index ?? 0
  if (row.index_generation === null) return { lastGeneration }
  const answering = {
    generation: row.index_generation,
    builder: row.builder ?? '',
    textVersion: row.index_text_version ?? 0,
    builtAt: row.built_at ?? 0,
    passages: row.passages,
    ...(row.vectors === null ? {} : { vectors: JSON.parse(row.vectors) as VectorKind }),
  }
  return { lastGeneration, answering }
}

/** Returns the key of the novel. How many summaries it has is counted when its scenes are written. */
function insertNovel(db: Database, { index: _, ...row }: NovelRow): number {
  const key = statement<number>(
    db,
    `INSERT INTO novels (id, user_id, import_task_id, title, author, language, status, generation, created_at, published_at,
       updated_at, text_version, volumes, chapters, scenes, words, characters)
     VALUES (:id, :userId, :importTaskId, :title, :author, :language, :status, :generation, :createdAt, :publishedAt,
       :updatedAt, :textVersion, :volumes, :chapters, :scenes, :words, :characters)
     ON CONFLICT (id) DO UPDATE SET user_id = :userId, import_task_id = :importTaskId, title = :title, author = :author,
       language = :language, status = :status, generation = :generation, created_at = :createdAt, published_at = :publishedAt,
       updated_at = :updatedAt, text_version = :textVersion, volumes = :volumes, chapters = :chapters, scenes = :scenes,
       words = :words, characters = :characters
     RETURNING key`,
  )
    .pluck()
    .get({
      ...row,
      author: row.author ?? null,
      language: row.language ?? null,
      publishedAt: row.publishedAt ?? null,
    })
  return key ?? 0
}

function insertIndex(db: Database, novel: number, { lastGeneration, answering }: IndexRow): void {
  if (lastGeneration === 0) return
  statement(
    db,
    `INSERT OR REPLACE INTO search_indices (novel_key, last_generation, generation, builder, text_version, built_at, vectors)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    novel,
    lastGeneration,
    answering?.generation ?? null,
    answering?.builder ?? null,
    answering?.textVersion ?? null,
    answering?.builtAt ?? null,
    answering?.vectors === undefined ? null : JSON.stringify(answering.vectors),
  )
}
