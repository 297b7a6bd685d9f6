/** The tasks of a file as rows that can be moved to another store. */
import { unranked } from '../../task/fairness.ts'
import { liveOf } from '../../task/subtasks.ts'
import type { TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import type { RowsTransfer, TransferredTask } from '../transfer.ts'
import {
  insertAttempt,
  insertCheckpoint,
  insertLine,
  readAttempts,
  readCheckpoints,
  readLog,
} from './attempts.ts'
import { columnOf, columnValue, deleteBelongings, insertTags, readTasks, type Value } from './rows.ts'
import { queueOf, type Session } from './session.ts'

/** Rows of a page: what one transaction writes. */
const pageRows = 200

/** Reads page after page: `read` takes the place after which one begins and how many rows it has; `placeOf` says where a row stands. */
export async function* pages<Row, Place>(
  { file }: Session,
  read: (after: Place, limit: number) => readonly Row[],
  { start, placeOf, limit = pageRows }: { start: Place; placeOf(row: Row): Place; limit?: number },
): AsyncGenerator<readonly Row[]> {
  for (let after = start; ; ) {
    const from = after
    const rows = await file.read(() => read(from, limit))
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = placeOf(last)
  }
}

/** Reads and writes the tasks, each with all that hangs on it. */
export function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
  const { file, sql } = session
  const from = 'tasks WHERE seq > ? ORDER BY seq LIMIT ?'
  const read = (after: number, limit: number) =>
    readTasks(sql, from, after, limit).map(({ seq, rank, record }) => ({
      seq,
      task: {
        record,
        rank,
        attempts: readAttempts(sql, record.id),
        checkpoints: readCheckpoints(sql, record.id),
        logs: readLog(sql, record.id, { after: 0, limit: -1 }),
      },
    }))
  return {
    async *read() {
      for await (const rows of pages(session, read, { start: 0, placeOf: ({ seq }) => seq }))
        yield rows.map(({ task }) => task)
    },
    write: tasks =>
      file.write(() => {
        for (const task of tasks) writeTask(session, task)
      }),
  }
}

/** What was written of the task before is replaced; its number, which is its place among all, stays. */
function writeTask({ sql, now }: Session, task: TransferredTask): void {
  const { record } = task
  const known = sql(`SELECT coalesce(
    (SELECT seq FROM tasks WHERE id = ?), (SELECT max(seq) + 1 FROM tasks), 1)`)
  const seq = Number(known.pluck().get(record.id))
  deleteBelongings(sql, seq)
  const columns: Record<string, Value> = { seq, rank: task.rank }
  for (const [field, column] of Object.entries(columnOf) as [keyof TaskRecord, string][])
    columns[column] = columnValue(sql, seq, field, record[field])
  if (record.tags.length === 0) columns['tags'] = null
  if (record.parentTaskId === undefined) columns['root_id'] = null
  Object.assign(columns, derivedOf(task, now()))
  const names = Object.keys(columns)
  const places = names.map(name => `:${name}`)
  sql(`INSERT OR REPLACE INTO tasks (${names.join(', ')}) VALUES (${places.join(', ')})`).run(columns)
  insertTags(sql, seq, record.tags)
  for (const row of task.attempts) insertAttempt(sql, seq, row)
  for (const [key, value] of task.checkpoints) insertCheckpoint(sql, seq, key, value)
  for (const line of task.logs) insertLine(sql, seq, line)
}

/** Where a waiting task waits, and the lease of a running one, which is void: whoever held it does not know this file. */
function derivedOf({ record, rank }: TransferredTask, now: number): Record<string, Value> {
  const { subTaskStatusSummary: summary, leaseUntil, nextAttemptTimestamp: time = 0 } = record
  const waits = claiming.from.some(status => status === record.status)
  const waitsForTime = time > now || rank === unranked
  return {
    queue: waits && !waitsForTime ? queueOf(record.lane, record.crashCount > 0) : null,
    wake_at: waits && waitsForTime ? time : null,
    lease_until: leaseUntil === undefined ? null : 0,
    live_sub_tasks: summary === undefined ? null : liveOf(summary),
    fingerprint: record.deadLetter?.fingerprint ?? null,
  }
}
