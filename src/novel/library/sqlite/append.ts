/** Adding a scene to a chapter. */
import type { Database } from 'better-sqlite3'
import { chapterFull, chapterNotFound, idOfOtherChapter } from '../refusal.ts'
import { type SceneAppend, scenesPerChapter } from '../scenes.ts'
import { statement } from './statement.ts'
import { insertSummary } from './summary.ts'

interface ChapterPlace {
  key: number
  novel_key: number
  generation: number
  scenes: number
  next: number
}

/** Adds an empty scene at the end of a chapter, unless the id is there. */
export function appendScene(db: Database, append: SceneAppend, at: number): void {
  const { userId, chapterId, id, summary } = append
  const chapter = statement<ChapterPlace>(
    db,
    `SELECT c.key, c.novel_key, c.generation, c.scenes,
       (SELECT coalesce(max(s.position), -1) + 1 FROM scenes s WHERE s.chapter_key = c.key) AS next
     FROM chapters c JOIN novels n ON n.key = c.novel_key
     WHERE c.id = ? AND n.user_id = ? AND n.status = 'published'`,
  ).get(chapterId, userId)
  if (chapter === undefined) throw chapterNotFound(chapterId)
  const there = statement<number>(db, 'SELECT chapter_key FROM scenes WHERE id = ?').pluck().get(id)
  if (there === chapter.key) return
  if (there !== undefined) throw idOfOtherChapter(id)
  if (chapter.scenes >= scenesPerChapter) throw chapterFull(chapterId, scenesPerChapter)
  const scene = insertScene(db, chapter, append, at)
  if (summary !== undefined) {
    const kept = { ...summary, writtenBy: append.writer, writtenAt: at, ofTextVersion: 1, expectedVersion: 1 }
    insertSummary(db, scene, kept)
  }
  const counts = { more: summary === undefined ? 0 : 1, at }
  statement(
    db,
    'UPDATE chapters SET scenes = scenes + 1, summaries = summaries + :more WHERE key = :chapter',
  ).run({ more: counts.more, chapter: chapter.key })
  statement(
    db,
    'UPDATE novels SET scenes = scenes + 1, summaries = summaries + :more, updated_at = :at WHERE key = :novel',
  ).run({ ...counts, novel: chapter.novel_key })
}

function insertScene(
  db: Database,
  { key: chapter, generation, next: position }: ChapterPlace,
  { id, title, summary }: SceneAppend,
  at: number,
): number {
  const version = summary === undefined ? null : 1
  const { lastInsertRowid } = statement(
    db,
    `INSERT INTO scenes (id, chapter_key, position, generation, title, words, characters, summary_version, summary_of, updated_at)
     VALUES (:id, :chapter, :position, :generation, :title, 0, 0, :summaryVersion, :summaryOf, :at)`,
  ).run({
    ...{ id, chapter, position, generation, at },
    title: title ?? null,
    summaryVersion: version ?? 0,
    summaryOf: version,
  })
  const scene = Number(lastInsertRowid)
  statement(db, "INSERT INTO scene_texts (scene_key, content) VALUES (?, '')").run(scene)
  return scene
}
