/** The table `task_tags`: which tasks have a tag, in the order of listings. A record is read from the column `tags` alone. */
import { json } from './rows.ts'
import type { Statements } from './statements.ts'

/** Notes the tags of a row that was written; one that it has twice counts once. */
export function noteTags(sql: Statements, seq: number, tags: readonly string[]): void {
  for (const tag of tags)
    sql('INSERT INTO task_tags (tag, task_seq) VALUES (?, ?) ON CONFLICT DO NOTHING').run(tag, seq)
}

/** Forgets the tags of a row before it is deleted or replaced. Its column says which they are; where that is damaged, a walk finds them. */
export function forgetTags(sql: Statements, seq: number): void {
  const column = sql('SELECT tags FROM tasks WHERE seq = ?').pluck().get(seq)
  if (typeof column !== 'string') return
  const tags = json<string[]>(column)
  if (!Array.isArray(tags)) sql('DELETE FROM task_tags WHERE task_seq = ?').run(seq)
  else for (const tag of tags) sql('DELETE FROM task_tags WHERE tag = ? AND task_seq = ?').run(tag, seq)
}
