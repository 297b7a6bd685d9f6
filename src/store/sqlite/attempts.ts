import { weightOf } from '../../runtime/gather.ts'
import type { Applied } from '../../task/transition.ts'
import { type AttemptRow, type AttemptStore, type Fenced, type LogLine, mostStacks } from '../store.ts'
import type { Statements } from './database.ts'
import { inlineText, storeLarge, withoutNulls } from './rows.ts'
import type { Session } from './session.ts'
import { addUsage } from './usage.ts'

/** Log lines kept per task; the newest win. */
const mostLogLines = 1_000

/** What attempts leave behind. */
export function createAttempts(session: Session): AttemptStore {
  const { file, sql, now } = session
  return {
    progress: writes =>
      file.write(() =>
        writes.map(write =>
          fenced(session, write, seq => {
            const update =
              'UPDATE tasks SET progress = ?, updated_at = ?, version = version + 1 WHERE seq = ?'
            sql(update).run(inlineText(write.progress), now(), seq)
            storeLarge(sql, seq, { progress: write.progress })
          }),
        ),
      ),
    checkpoint: writes =>
      file.write(
        () =>
          writes.map(write =>
            fenced(session, write, seq => {
              insertCheckpoint(sql, seq, write.key, write.value)
              const progressed = 'UPDATE tasks SET checkpoint_attempt = ? WHERE seq = ?'
              if (write.isMark !== true) sql(progressed).run(write.attempt, seq)
            }),
          ),
        undefined,
        writes.reduce((size, { value }) => size + weightOf(value.length), 0),
      ),
    checkpoints: taskId => file.read(() => readCheckpoints(sql, taskId)),
    forget: writes =>
      file.write(() => writes.map(write => fenced(session, write, seq => forget(sql, seq, write.keys)))),
    log: (taskId, lines) => file.write(() => addLines(session, taskId, lines)),
    usage: (taskId, rows) => file.write(() => addUsage(session, taskId, rows)),
  }
}

/** Runs `write` if the attempt still holds the task. */
export function fenced({ sql }: Session, { taskId, attempt }: Fenced, write: (seq: number) => void): Applied {
  const row = sql('SELECT seq, attempt, lease_until IS NOT NULL AS held FROM tasks WHERE id = ?').get(
    taskId,
  ) as { seq: number; attempt: number; held: number } | undefined
  if (row === undefined) return 'missing'
  if (row.attempt !== attempt || row.held === 0) return 'stale'
  write(row.seq)
  return 'applied'
}

/** The number of the row with an id. */
const ofTask = '(SELECT seq FROM tasks WHERE id = ?)'

/** Inserts the value of a finished step; one that is there stays. */
export function insertCheckpoint(sql: Statements, seq: number, key: string, value: string): void {
  const insert = 'INSERT INTO checkpoints (task_seq, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
  sql(insert).run(seq, key, value)
}

function forget(sql: Statements, seq: number, keys: readonly string[]): void {
  const remove = sql('DELETE FROM checkpoints WHERE task_seq = ? AND key = ?')
  for (const key of keys) remove.run(seq, key)
}

/** Reads the values of finished steps, by key. */
export function readCheckpoints(sql: Statements, taskId: string): ReadonlyMap<string, string> {
  const rows = sql(`SELECT key, value FROM checkpoints WHERE task_seq = ${ofTask} ORDER BY key`)
    .raw()
    .all(taskId) as [key: string, value: string][]
  return new Map(rows)
}

function addLines({ sql }: Session, taskId: string, lines: readonly LogLine[]): void {
  const seq = sql('SELECT seq FROM tasks WHERE id = ?').pluck().get(taskId)
  if (typeof seq !== 'number') return
  const last = sql('SELECT coalesce(max(sequence), 0) FROM logs WHERE task_seq = ?').pluck().get(seq)
  let sequence = Number(last)
  for (const line of lines) {
    sequence += 1
    insertLine(sql, seq, { ...line, sequence })
  }
  sql('DELETE FROM logs WHERE task_seq = ? AND sequence <= ?').run(seq, sequence - mostLogLines)
}

type NumberedLine = LogLine & { sequence: number }

/** Inserts a line of a log. */
export function insertLine(sql: Statements, seq: number, line: NumberedLine): void {
  const { sequence, at, attempt, level, message, fields } = line
  sql(
    'INSERT INTO logs (task_seq, sequence, at, attempt, level, message, fields) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).run(seq, sequence, at, attempt, level, message, fields ?? null)
}

/** Reads the lines of a log after a number. */
export function readLog(sql: Statements, taskId: string, { after, limit }: { after: number; limit: number }) {
  const rows = sql(`SELECT sequence, at, attempt, level, message, fields FROM logs
    WHERE task_seq = ${ofTask} AND sequence > ? ORDER BY sequence LIMIT ?`).all(taskId, after, limit)
  return (rows as NumberedLine[]).map(withoutNulls)
}

/** Inserts an attempt that ended. */
export function insertAttempt(
  sql: Statements,
  seq: number,
  row: { readonly [F in keyof AttemptRow]: AttemptRow[F] | null | undefined },
): void {
  const {
    attempt,
    executionNodeId: node = null,
    startedAt,
    endedAt,
    outcome,
    code = null,
    message = null,
    stack = null,
  } = row
  sql(`INSERT OR REPLACE INTO attempts (task_seq, attempt, node, started_at, ended_at, outcome, code, message, stack)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    seq,
    attempt,
    node,
    startedAt,
    endedAt,
    outcome,
    code,
    message,
    stack,
  )
  if (stack === null) return
  const newest = `SELECT attempt FROM attempts WHERE task_seq = ? AND stack IS NOT NULL ORDER BY attempt DESC LIMIT ${mostStacks}`
  const older = `task_seq = ? AND stack IS NOT NULL AND attempt NOT IN (${newest})`
  sql(`UPDATE attempts SET stack = NULL WHERE ${older}`).run(seq, seq)
}

/** Reads the attempts that ended, the oldest first. */
export function readAttempts(sql: Statements, taskId: string): AttemptRow[] {
  const rows =
    sql(`SELECT attempt, node AS executionNodeId, started_at AS startedAt, ended_at AS endedAt, outcome, code, message, stack
    FROM attempts WHERE task_seq = ${ofTask} ORDER BY attempt`).all(taskId)
  return (rows as AttemptRow[]).map(withoutNulls)
}

/** Reads the stored keys of finished steps. */
export function readSteps(sql: Statements, taskId: string, limit: number): string[] {
  const keys = sql(`SELECT key FROM checkpoints WHERE task_seq = ${ofTask} LIMIT ?`)
    .pluck()
    .all(taskId, limit)
  return keys as string[]
}
