/** A whole file as rows that can be moved to another store. */
import { QuillworkError } from '../../task/errors.ts'
import { coldKinds } from '../cold-records.ts'
import { priorities } from '../store.ts'
import type { RowsTransfer, StoreTransfer, TransferredPiece, TransferredUsage } from '../transfer.ts'
import { withoutNulls } from './attempts.ts'
import type { Session } from './session.ts'
import { pages, tasksTransfer } from './transfer-tasks.ts'
import { insertUsage } from './usage.ts'

/** Reads and writes the rows of a file. */
export function createTransfer(session: Session): StoreTransfer {
  return {
    tasks: tasksTransfer(session),
    output: outputTransfer(session),
    usage: usageTransfer(session),
    begin: () => session.file.read(() => requireEmpty(session)),
    finish: () => session.file.write(() => deriveAll(session)),
  }
}

/** Pieces of a page: at most some megabytes. */
const pagePieces = 100

type NumberedPiece = TransferredPiece & { seq: number }

/** Reads and writes the pieces of all tasks. */
function outputTransfer(session: Session): RowsTransfer<TransferredPiece> {
  const { file, sql } = session
  const query = `SELECT task_seq AS seq, tasks.id AS taskId, output.attempt, sequence, text
    FROM output JOIN tasks ON tasks.seq = task_seq
    WHERE (task_seq, output.attempt, sequence) > (?, ?, ?) ORDER BY task_seq, output.attempt, sequence LIMIT ?`
  const read = (after: readonly number[], limit: number) => sql(query).all(...after, limit) as NumberedPiece[]
  const options = {
    start: [0, 0, 0],
    placeOf: ({ seq, attempt, sequence }: NumberedPiece) => [seq, attempt, sequence],
    limit: pagePieces,
  }
  return {
    async *read() {
      for await (const rows of pages(session, read, options)) yield rows.map(({ seq: _, ...piece }) => piece)
    },
    write: pieces =>
      file.write(() => {
        for (const { taskId, attempt, sequence, text } of pieces)
          sql(`INSERT OR REPLACE INTO output (task_seq, attempt, sequence, text)
            SELECT seq, ?, ?, ? FROM tasks WHERE id = ?`).run(attempt, sequence, text, taskId)
      }),
  }
}

function usageTransfer(session: Session): RowsTransfer<TransferredUsage> {
  const { file, sql } = session
  const query = `SELECT rowid AS row, task_id AS taskId, root_id AS rootTaskId, user_id AS userId, at, attempt, model,
    input_tokens AS inputTokens, output_tokens AS outputTokens, cost, subject FROM usage WHERE rowid > ? ORDER BY rowid LIMIT ?`
  type Numbered = TransferredUsage & { row: number }
  const read = (after: number, limit: number) => sql(query).all(after, limit) as Numbered[]
  return {
    async *read() {
      for await (const rows of pages(session, read, { start: 0, placeOf: ({ row }) => row }))
        yield rows.map(({ row: _, ...usage }) => withoutNulls(usage))
    },
    write: rows =>
      file.write(() => {
        for (const row of rows) insertUsage(sql, row)
      }),
  }
}

/** A file of its own is filled, and gets its name when it is full: one that was cut off is never opened again. */
function requireEmpty({ sql }: Session): void {
  for (const table of ['tasks', 'usage', ...coldKinds.map(({ name }) => name)]) {
    if (sql(`SELECT 1 FROM ${table} LIMIT 1`).get() === undefined) continue
    throw new QuillworkError('STORE_NOT_EMPTY', `The file has rows in its table ${table}; name another one.`)
  }
}

const waits = '(queue IS NOT NULL OR wake_at IS NOT NULL)'

/** The counters and the fair order, from the rows; what this process has in memory of them is dropped. */
function deriveAll({ sql, aggregate, order }: Session): void {
  sql('DELETE FROM counts').run()
  sql('INSERT INTO counts (status, tasks) SELECT status, count(*) FROM tasks GROUP BY status').run()
  sql('DELETE FROM flows').run()
  sql(`INSERT INTO flows (user_id, lane, priority, waiting, roots, last_rank)
    SELECT user_id, lane, priority, count(*), sum(parent_id IS NULL), max(rank)
    FROM tasks WHERE ${waits} GROUP BY user_id, lane, priority`).run()
  const virtualTimes = priorities.map((_, priority) => virtualTimeOf(priority))
  sql(`INSERT INTO lanes (lane, paused, waiting, roots, virtual_times)
    SELECT lane, 0, sum(${waits}), sum(${waits} AND parent_id IS NULL), json_array(${virtualTimes.join(', ')})
    FROM tasks WHERE true GROUP BY lane
    ON CONFLICT (lane) DO UPDATE
    SET waiting = excluded.waiting, roots = excluded.roots, virtual_times = excluded.virtual_times`).run()
  aggregate.reset()
  order.reset()
}

/** What the next of that priority in line has just not passed; without one, what all have. */
function virtualTimeOf(priority: number): string {
  const ranks = (condition: string) => `CASE WHEN priority = ${priority} AND ${condition} THEN rank END`
  return `coalesce(min(${ranks('queue IS NOT NULL')}) - 1, max(${ranks('true')}), 0)`
}
