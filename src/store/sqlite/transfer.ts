/** A whole file as rows that can be moved to another store. */
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { liveOf } from '../../task/subtasks.ts'
import { isQuarantined, type TaskRecord, waitsUntil } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { coldKinds } from '../cold-records.ts'
import { priorities, queueOf } from '../store.ts'
import {
  type RowsTransfer,
  readPages,
  type StoreTransfer,
  type TransferredPiece,
  type TransferredTask,
  type TransferredUsage,
} from '../transfer.ts'
import {
  insertAttempt,
  insertCheckpoint,
  insertLine,
  readAttempts,
  readCheckpoints,
  readLog,
} from './attempts.ts'
import { columnOf, columnValue, deleteBelongings, readTasks, storeLarge, type Value } from './rows.ts'
import type { Session } from './session.ts'
import { callOf, insertUsage, type StoredCall } from './usage.ts'

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

/** Rows of a page: what one transaction writes. */
const pageRows = 200
/** Pieces of a page: at most some megabytes. */
const pagePieces = 100

function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
  const { file, sql } = session
  const from = 'tasks WHERE seq > ? ORDER BY seq LIMIT ?'
  const read = (after: number) =>
    readTasks(sql, from, after, pageRows).map(({ seq, rank, record }) => ({
      seq,
      record,
      rank,
      attempts: readAttempts(sql, record.id),
      checkpoints: readCheckpoints(sql, record.id),
      logs: readLog(sql, record.id, { after: 0, limit: -1 }),
    }))
  return {
    read: () =>
      readPages({
        start: 0,
        read: after => file.read(() => read(after)),
        placeOf: ({ seq }) => seq,
        make: rows => rows.map(({ seq: _, ...task }) => task),
      }),
    write: tasks => writeEach(session, tasks, task => writeTask(session, task)),
  }
}

function writeEach<Row>({ file }: Session, rows: readonly Row[], write: (row: Row) => void) {
  return file.write(() => {
    for (const row of rows) write(row)
  })
}

/** What was written of the task before is replaced; its number, which is its place among all, stays. */
function writeTask({ sql, now, listing, keys }: Session, task: TransferredTask): void {
  const { record } = task
  const known = sql(`SELECT coalesce(
    (SELECT seq FROM tasks WHERE id = ?), (SELECT max(seq) + 1 FROM tasks), 1)`)
  const seq = Number(known.pluck().get(record.id))
  deleteBelongings(sql, seq)
  keys.deleted(seq)
  const columns: Record<string, Value> = { seq, rank: task.rank }
  for (const [field, column] of Object.entries(columnOf) as [keyof TaskRecord, string][])
    columns[column] = columnValue(field, record[field])
  if (record.tags.length === 0) columns['tags'] = null
  if (record.parentTaskId === undefined) columns['root_id'] = null
  Object.assign(columns, derivedOf(task, now()))
  const names = Object.keys(columns)
  const places = names.map(name => `:${name}`)
  sql(`INSERT OR REPLACE INTO tasks (${names.join(', ')}) VALUES (${places.join(', ')})`).run(columns)
  listing.wrote(seq)
  keys.wrote(record, seq)
  storeLarge(sql, seq, record)
  for (const row of task.attempts) insertAttempt(sql, seq, row)
  for (const [key, value] of task.checkpoints) insertCheckpoint(sql, seq, key, value)
  for (const line of task.logs) insertLine(sql, seq, line)
}

/** Where a waiting task waits, and the lease of a running one, which is void: its holder does not know this file. */
function derivedOf({ record, rank }: TransferredTask, now: number): Record<string, Value> {
  const { subTaskStatusSummary: summary, leaseUntil } = record
  const time = waitsUntil(record) ?? 0
  const waits = claiming.from.some(status => status === record.status)
  const waitsForTime = time > now || rank === unranked
  return {
    queue: waits && !waitsForTime ? queueOf(record.lane, isQuarantined(record.crashCount)) : null,
    wake_at: waits && waitsForTime ? time : null,
    lease_until: leaseUntil === undefined ? null : 0,
    live_sub_tasks: summary === undefined ? null : liveOf(summary),
    fingerprint: record.deadLetter?.fingerprint ?? null,
  }
}

function outputTransfer(session: Session): RowsTransfer<TransferredPiece> {
  const { file, sql } = session
  const query = `SELECT task_seq AS seq, tasks.id AS taskId, output.attempt, sequence, text
    FROM output JOIN tasks ON tasks.seq = task_seq
    WHERE (task_seq, output.attempt, sequence) > (?, ?, ?) ORDER BY task_seq, output.attempt, sequence LIMIT ?`
  type Numbered = TransferredPiece & { seq: number }
  return {
    read: () =>
      readPages({
        start: [0, 0, 0],
        read: after => file.read(() => sql(query).all(...after, pagePieces) as Numbered[]),
        placeOf: ({ seq, attempt, sequence }) => [seq, attempt, sequence],
        make: rows => rows.map(({ seq: _, ...piece }) => piece),
      }),
    write: pieces =>
      writeEach(session, pieces, ({ taskId, attempt, sequence, text }) =>
        sql(`INSERT OR REPLACE INTO output (task_seq, attempt, sequence, text)
          SELECT seq, ?, ?, ? FROM tasks WHERE id = ?`).run(attempt, sequence, text, taskId),
      ),
  }
}

function usageTransfer(session: Session): RowsTransfer<TransferredUsage> {
  const { file, sql } = session
  const query = `SELECT rowid AS row, task_id AS taskId, root_id AS rootTaskId, user_id AS userId, at, attempt, model,
    input_tokens AS inputTokens, cached_input_tokens AS cachedInputTokens, output_tokens AS outputTokens, cost, subject, call,
    is_estimated AS isEstimated FROM usage WHERE rowid > ? ORDER BY rowid LIMIT ?`
  type Numbered = StoredCall & { row: number }
  return {
    read: () =>
      readPages({
        start: 0,
        read: after => file.read(() => sql(query).all(after, pageRows) as Numbered[]),
        placeOf: ({ row }) => row,
        make: rows => rows.map(({ row: _, ...call }) => callOf(call)),
      }),
    write: rows => writeEach(session, rows, row => insertUsage(sql, row)),
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
  // The aggregator looks once at each sub-task that waits for a sibling.
  sql('UPDATE tasks SET predecessor_ended = 1 WHERE predecessor IS NOT NULL AND completed_at IS NULL').run()
  sql(`UPDATE tasks SET has_successors = 1
    WHERE id IN (SELECT parent_id FROM tasks WHERE predecessor IS NOT NULL)`).run()
  aggregate.reset()
  order.reset()
}

/** What the next of that priority in line has just not passed; without one, what all have. */
function virtualTimeOf(priority: number): string {
  const ranks = (condition: string) => `CASE WHEN priority = ${priority} AND ${condition} THEN rank END`
  return `coalesce(min(${ranks('queue IS NOT NULL')}) - 1, max(${ranks('true')}), 0)`
}
