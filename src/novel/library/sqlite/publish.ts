/** The write that puts a draft on the shelf, and what must be true before it. */
import type { Database } from 'better-sqlite3'
import { type DraftWriter, discardStep, type NovelCounts, type Published } from '../drafts.ts'
import { countChapter } from './draft-rows.ts'
import { deleteScenes } from './removal.ts'
import { countsOf, standing } from './standing.ts'
import { statement } from './statement.ts'

/** Removes one step of the rows that only an earlier attempt wrote. Returns whether there may be more. */
export function removeLeftovers(db: Database, draft: DraftWriter): boolean {
  const held = standing(db, draft)
  if (held.outcome !== 'written' || draft.generation === 1) return false
  const scenes = statement<{ key: number; chapter: number }>(
    db,
    `SELECT s.key, c.key AS chapter FROM chapters c CROSS JOIN scenes s ON s.chapter_key = c.key
     WHERE c.novel_key = ? AND s.generation < ? LIMIT ?`,
  ).all(held.key, draft.generation, discardStep)
  deleteScenes(
    db,
    scenes.map(scene => scene.key),
  )
  for (const chapter of new Set(scenes.map(scene => scene.chapter))) countChapter(db, chapter)
  if (scenes.length === discardStep) return true
  for (const table of ['chapters', 'volumes']) {
    statement(db, `DELETE FROM ${table} WHERE novel_key = ? AND generation < ?`).run(
      held.key,
      draft.generation,
    )
  }
  return false
}

type Totals = Pick<NovelCounts, 'volumes' | 'chapters' | 'scenes'>

/** Publishes a draft of which all positions below the totals are there. */
export function publishDraft(db: Database, draft: DraftWriter, totals: Totals, at: number): Published {
  const held = standing(db, draft)
  if (held.outcome === 'stale') return { outcome: 'stale' }
  if (held.outcome === 'published')
    return { outcome: 'published', counts: publishedCounts(db, draft.novelId) }
  const counts = countDraft(db, held.key)
  if (!isComplete(db, held.key, counts, totals)) return { outcome: 'incomplete', counts }
  statement(
    db,
    `UPDATE novels SET status = 'published', published_at = :at, updated_at = :at, text_version = 1, summaries = 0,
       volumes = :volumes, chapters = :chapters, scenes = :scenes, words = :words, characters = :characters
     WHERE key = :key`,
  ).run({ ...counts, key: held.key, at })
  return { outcome: 'published', counts }
}

function publishedCounts(db: Database, novelId: string): NovelCounts {
  const row = statement<NovelCounts>(
    db,
    'SELECT volumes, chapters, scenes, words, characters FROM novels WHERE id = ?',
  ).get(novelId)
  return countsOf(row ?? { volumes: 0, chapters: 0, scenes: 0, words: 0, characters: 0 })
}

function countDraft(db: Database, novel: number): NovelCounts {
  const row = statement<NovelCounts>(
    db,
    `SELECT (SELECT count(*) FROM volumes WHERE novel_key = :novel) AS volumes, count(*) AS chapters,
       coalesce(sum(scenes), 0) AS scenes, coalesce(sum(words), 0) AS words, coalesce(sum(characters), 0) AS characters
     FROM chapters WHERE novel_key = :novel`,
  ).get({ novel })
  return countsOf(row ?? { volumes: 0, chapters: 0, scenes: 0, words: 0, characters: 0 })
}

/** As many rows as promised, and no gap in their positions. */
function isComplete(db: Database, novel: number, counts: NovelCounts, totals: Totals): boolean {
  const asMany =
    counts.volumes === totals.volumes &&
    counts.chapters === totals.chapters &&
    counts.scenes === totals.scenes
  if (!asMany) return false
  const gaps = statement<number>(
    db,
    `SELECT (SELECT coalesce(max(position), -1) + 1 FROM volumes WHERE novel_key = :novel) <> :volumes
       OR (SELECT coalesce(max(position), -1) + 1 FROM chapters WHERE novel_key = :novel) <> :chapters
       OR EXISTS (SELECT 1 FROM chapters c WHERE c.novel_key = :novel AND c.scenes <>
         (SELECT coalesce(max(s.position), -1) + 1 FROM scenes s WHERE s.chapter_key = c.key))`,
  )
    .pluck()
    .get({ novel, volumes: totals.volumes, chapters: totals.chapters })
  return gaps === 0
}
