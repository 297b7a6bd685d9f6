/** Reading published novels. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { discardStep, type NovelCounts } from '../drafts.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { chapterNotFound, novelNotFound } from '../refusal.ts'
import type { ChapterOverview, NovelOverview, NovelShelf, VolumeOverview } from '../shelf.ts'
import { summariesBefore, textsBefore } from './before.ts'
import { rangeScenes, rangeTexts } from './range.ts'
import { deletionStep } from './removal.ts'
import { countsOf } from './standing.ts'
import { statement } from './statement.ts'

/** The shelf of a database. */
export function sqliteShelf(database: SharedDatabase): NovelShelf {
  return {
    novels: (userId, page) => database.read(db => listNovels(db, userId, page)),
    novel: (userId, novelId) => database.read(db => novelOf(novelRow(db, userId, novelId))),
    volumes: (userId, novelId) => database.read(db => listVolumes(db, novelRow(db, userId, novelId).key)),
    chapters: (userId, filter, page) =>
      database.read(db => listChapters(db, novelRow(db, userId, filter.novelId).key, filter, page)),
    chapter: (userId, chapterId) => database.read(db => findChapter(db, userId, chapterId)),
    scenes: (userId, range, page) =>
      database.read(db => rangeScenes(db, novelRow(db, userId, range.novelId).key, range, page)),
    texts: (userId, range, page) =>
      database.read(db => rangeTexts(db, novelRow(db, userId, range.novelId).key, range, page)),
    textsBefore: (userId, sceneId, page) => database.read(db => textsBefore(db, userId, sceneId, page)),
    summariesBefore: (userId, sceneId, page) =>
      database.read(db => summariesBefore(db, userId, sceneId, page)),
    remove: (userId, novelId, limit = discardStep) =>
      database.write(db => deletionStep(db, novelRow(db, userId, novelId, 'deleting').key, limit)),
  }
}

interface NovelRow extends NovelCounts {
  key: number
  id: string
  user_id: string
  title: string
  author: string | null
  language: string | null
  summaries: number
  text_version: number
  published_at: number
  updated_at: number
}

const novelColumns = `key, id, user_id, title, author, language, volumes, chapters, scenes, words, characters, summaries,
  text_version, published_at, updated_at`

/** The user's published novel; with `or`, one of that status is found as well. Throws NOVEL_NOT_FOUND. */
function novelRow(
  db: Database,
  userId: string,
  novelId: string,
  or: 'published' | 'deleting' = 'published',
): NovelRow {
  const row = statement<NovelRow>(
    db,
    `SELECT ${novelColumns} FROM novels WHERE id = ? AND user_id = ? AND status IN ('published', ?)`,
  ).get(novelId, userId, or)
  if (row === undefined) throw novelNotFound(novelId)
  return row
}

function novelOf(row: NovelRow): NovelOverview {
  return {
    id: row.id,
    userId: row.user_id,
    title: row.title,
    ...(row.author === null ? {} : { author: row.author }),
    ...(row.language === null ? {} : { language: row.language }),
    ...countsOf(row),
    summaries: row.summaries,
    textVersion: row.text_version,
    createdAt: row.published_at,
    updatedAt: row.updated_at,
  }
}

function listNovels(db: Database, userId: string, page: PageRequest): Page<NovelOverview> {
  const listing: Listing = { name: 'novels', filter: [userId], keys: 2 }
  const { size, after } = pageStart(listing, page)
  const [at, key] = after ?? [Number.MAX_SAFE_INTEGER, 0]
  const rows = statement<NovelRow>(
    db,
    `SELECT ${novelColumns} FROM novels
     WHERE user_id = ? AND status = 'published' AND (published_at, key) < (?, ?)
     ORDER BY published_at DESC, key DESC LIMIT ?`,
  ).all(userId, at, key, size + 1)
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, row => [row.published_at, row.key])
  return { ...shown, items: shown.items.map(novelOf) }
}

function listVolumes(db: Database, novel: number): readonly VolumeOverview[] {
  return statement<VolumeOverview>(
    db,
    `SELECT v.id, v.position, v.title, coalesce(c.chapters, 0) AS chapters, coalesce(c.words, 0) AS words
     FROM volumes v LEFT JOIN
       (SELECT volume_key, count(*) AS chapters, sum(words) AS words FROM chapters WHERE novel_key = :novel GROUP BY volume_key) c
       ON c.volume_key = v.key
     WHERE v.novel_key = :novel ORDER BY v.position`,
  ).all({ novel })
}

interface ChapterRow {
  key: number
  id: string
  novel_id: string
  volume_id: string
  position: number
  title: string
  words: number
  characters: number
  summaries: number
}

const chapterRows = `
SELECT c.key, c.id, n.id AS novel_id, v.id AS volume_id, c.position, c.title, c.words, c.characters, c.summaries
FROM chapters c JOIN novels n ON n.key = c.novel_key JOIN volumes v ON v.key = c.volume_key`

function listChapters(
  db: Database,
  novel: number,
  filter: { novelId: string; volumeId?: string },
  page: PageRequest,
): Page<ChapterOverview> {
  const listing: Listing = { name: 'chapters', filter: [filter.novelId, filter.volumeId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const rows = statement<ChapterRow>(
    db,
    `${chapterRows} WHERE c.novel_key = ? AND c.position > ? AND v.id = coalesce(?, v.id) ORDER BY c.position LIMIT ?`,
  ).all(novel, after?.[0] ?? -1, filter.volumeId ?? null, size + 1)
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, row => [row.position])
  return { ...shown, items: withScenes(db, shown.items) }
}

function findChapter(db: Database, userId: string, chapterId: string): ChapterOverview {
  const row = statement<ChapterRow>(
    db,
    `${chapterRows} WHERE c.id = ? AND n.user_id = ? AND n.status = 'published'`,
  ).get(chapterId, userId)
  const [chapter] = row === undefined ? [] : withScenes(db, [row])
  if (chapter === undefined) throw chapterNotFound(chapterId)
  return chapter
}

function withScenes(db: Database, rows: readonly ChapterRow[]): readonly ChapterOverview[] {
  const scenes = statement<{ chapter: number; id: string }>(
    db,
    `SELECT chapter_key AS chapter, id FROM scenes
     WHERE chapter_key IN (SELECT value FROM json_each(?)) ORDER BY chapter_key, position`,
  ).all(JSON.stringify(rows.map(row => row.key)))
  const ids = new Map<number, string[]>(rows.map(row => [row.key, []]))
  for (const { chapter, id } of scenes) ids.get(chapter)?.push(id)
  return rows.map(({ key, novel_id, volume_id, ...row }) => ({
    ...row,
    novelId: novel_id,
    volumeId: volume_id,
    sceneIds: ids.get(key) ?? [],
  }))
}
