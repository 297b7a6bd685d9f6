import type { Database } from 'better-sqlite3'
import type { DraftWriter, NovelCounts, NovelStatus } from '../drafts.ts'
import { statement } from './statement.ts'

/** Whether an attempt may still write its draft, and if so the draft's key. */
export type Standing = { outcome: 'written'; key: number } | { outcome: 'published' } | { outcome: 'stale' }

/** The fence of an import's writes: the draft must be one still, and of the attempt's generation. */
export function standing(db: Database, draft: DraftWriter): Standing {
  const row = statement<{ key: number; status: NovelStatus; generation: number }>(
    db,
    'SELECT key, status, generation FROM novels WHERE id = ?',
  ).get(draft.novelId)
  if (row?.status === 'published') return { outcome: 'published' }
  if (row?.status !== 'draft' || row.generation !== draft.generation) return { outcome: 'stale' }
  return { outcome: 'written', key: row.key }
}

/** The counts of a row, without the rest of it. */
export function countsOf(row: NovelCounts): NovelCounts {
  const { volumes, chapters, scenes, words, characters } = row
  return { volumes, chapters, scenes, words, characters }
}
