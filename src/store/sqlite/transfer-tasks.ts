/** The tasks of a file as rows that can be moved to another store. */
import { unranked } from '../../task/fairness.ts'
import { liveOf } from '../../task/subtasks.ts'
import type { TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { type AttemptRow, type LogLine, priorities } from '../store.ts'
import { mostAttempts, type RowsTransfer, type TransferredTask } from '../transfer.ts'
import type { Statements } from './database.ts'
import { deleteTags, insertTags, recordOf, storeText, type TaskRow } from './rows.ts'
import { queueOf, type Session } from './session.ts'

/** Rows of a page: what one transaction writes. */
const pageRows = 200

/** Pages of a query that takes the last number seen and a limit. */
export async function* pagesBy<Row>(
  session: Session,
  query: string,
  numberOf: (row: Row) => number,
): AsyncGenerator<Row[]> {
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const rows = await session.file.read(() => session.sql(query).all(after, pageRows) as Row[])
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = numberOf(last)
  }
}

/** Reads and writes the tasks, each with all that hangs on it. */
export function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
  const { file, sql } = session
  return {
    async *read() {
      const query = 'SELECT * FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?'
      for await (const rows of pagesBy<TaskRow>(session, query, ({ seq }) => seq))
        yield await file.read(() => rows.map(row => readTask(sql, row)))
    },
    write: tasks =>
      file.write(() => {
        for (const task of tasks) writeTask(session, task)
      }),
  }
}

function readTask(sql: Statements, row: TaskRow): TransferredTask {
  const attempts = sql(`SELECT attempt, node, started_at, ended_at, outcome, code, message FROM attempts
    WHERE task_seq = ? ORDER BY attempt DESC LIMIT ?`).all(row.seq, mostAttempts) as AttemptColumns[]
  const checkpoints = sql('SELECT key, value FROM checkpoints WHERE task_seq = ? ORDER BY key').all(
    row.seq,
  ) as { key: string; value: string }[]
  const logs = sql(
    'SELECT sequence, at, attempt, level, message, fields FROM logs WHERE task_seq = ? ORDER BY sequence',
  ).all(row.seq) as (Omit<LogLine, 'fields'> & { sequence: number; fields: string | null })[]
  return {
    record: recordOf(row, sql),
    rank: row.rank,
    attempts: attempts.reverse().map(attemptOf),
    checkpoints: new Map(checkpoints.map(({ key, value }) => [key, value])),
    logs: logs.map(({ fields, ...line }) => (fields === null ? line : { ...line, fields })),
  }
}

interface AttemptColumns {
  attempt: number
  node: string | null
  started_at: number
  ended_at: number
  outcome: string
  code: string | null
  message: string | null
}

function attemptOf(row: AttemptColumns): AttemptRow {
  return {
    attempt: row.attempt,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    ...(row.node === null ? {} : { executionNodeId: row.node }),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.message === null ? {} : { message: row.message }),
  }
}

/** What was written of the task before is replaced; its number, which is its place among all, stays. */
function writeTask({ sql, now }: Session, task: TransferredTask): void {
  const { record } = task
  const known = sql('SELECT seq FROM tasks WHERE id = ?').pluck().get(record.id)
  const seq = typeof known === 'number' ? known : nextSeq(sql)
  for (const table of ['payloads', 'attempts', 'checkpoints', 'logs', 'output'])
    sql(`DELETE FROM ${table} WHERE task_seq = ?`).run(seq)
  deleteTags(sql, seq)
  const columns = columnsOf(sql, seq, task, now())
  const names = Object.keys(columns)
  sql(
    `INSERT OR REPLACE INTO tasks (${names.join(', ')}) VALUES (${names.map(name => `:${name}`).join(', ')})`,
  ).run(columns)
  insertTags(sql, seq, record.tags)
  for (const { attempt, executionNodeId, startedAt, endedAt, outcome, code, message } of task.attempts)
    sql(`INSERT INTO attempts (task_seq, attempt, node, started_at, ended_at, outcome, code, message)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
      seq,
      attempt,
      executionNodeId ?? null,
      startedAt,
      endedAt,
      outcome,
      code ?? null,
      message ?? null,
    )
  for (const [key, value] of task.checkpoints)
    sql('INSERT INTO checkpoints (task_seq, key, value) VALUES (?, ?, ?)').run(seq, key, value)
  for (const { sequence, at, attempt, level, message, fields } of task.logs)
    sql(
      'INSERT INTO logs (task_seq, sequence, at, attempt, level, message, fields) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(seq, sequence, at, attempt, level, message, fields ?? null)
}

function nextSeq(sql: Statements): number {
  return Number(sql('SELECT coalesce(max(seq), 0) + 1 FROM tasks').pluck().get())
}

function columnsOf(sql: Statements, seq: number, { record, rank }: TransferredTask, now: number) {
  return {
    seq,
    id: record.id,
    task_type: record.taskType,
    user_id: record.userId,
    lane: record.lane,
    priority: priorities.indexOf(record.priority),
    rank,
    status: record.status,
    phase: record.phase,
    version: record.version,
    attempt: record.attempt,
    retry_count: record.retryCount,
    crash_count: record.crashCount,
    round: record.round,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    root_id: record.parentTaskId === undefined ? null : record.rootTaskId,
    depth: record.depth,
    parameters: storeText(sql, seq, 'parameters', record.parameters),
    parameters_version: record.parametersVersion,
    progress: textOf(sql, seq, 'progress', record.progress),
    result: textOf(sql, seq, 'result', record.result),
    idempotency_key: record.idempotencyKey ?? null,
    tags: record.tags.length === 0 ? null : JSON.stringify(record.tags),
    traceparent: record.traceparent ?? null,
    budget: jsonOf(record.budget),
    ...placeOf(record, rank, now),
    ...timesOf(record),
    ...familyOf(record),
    error: jsonOf(record.errorInfo),
    dead_letter: jsonOf(record.deadLetter),
    dead_letter_history: jsonOf(record.deadLetterHistory),
    fingerprint: record.deadLetter?.fingerprint ?? null,
  }
}

/** Where a waiting task waits, and the lease of a running one, which is void: whoever held it does not know this file. */
function placeOf(record: TaskRecord, rank: number, now: number) {
  const waits = claiming.from.some(status => status === record.status)
  const time = record.nextAttemptTimestamp ?? 0
  const wakeAt = waits && (time > now || rank === unranked) ? time : undefined
  return {
    queue: waits && wakeAt === undefined ? queueOf(record.lane, record.crashCount > 0) : null,
    wake_at: wakeAt ?? null,
    lease_until: record.leaseUntil === undefined ? null : 0,
    claim_token: record.claimToken ?? null,
    node: record.executionNodeId ?? null,
  }
}

function timesOf(record: TaskRecord) {
  return {
    started_at: record.startedAt ?? null,
    last_attempt_at: record.lastAttemptTimestamp ?? null,
    next_attempt_at: record.nextAttemptTimestamp ?? null,
    completed_at: record.completedAt ?? null,
    deadline: record.deadline ?? null,
    checkpoint_attempt: record.checkpointAttempt ?? null,
    cancel_requested_at: record.cancelRequestedAt ?? null,
  }
}

function familyOf({ parentTaskId, subTaskKey, subTaskStatusSummary, reduces, failedSubTasks }: TaskRecord) {
  return {
    parent_id: parentTaskId ?? null,
    sub_task_key: subTaskKey ?? null,
    sub_tasks: jsonOf(subTaskStatusSummary),
    live_sub_tasks: subTaskStatusSummary === undefined ? null : liveOf(subTaskStatusSummary),
    reduces: reduces === undefined ? null : Number(reduces),
    failed_sub_tasks: jsonOf(failedSubTasks),
  }
}

function textOf(
  sql: Statements,
  seq: number,
  kind: 'progress' | 'result',
  text: string | undefined,
): string | null {
  return text === undefined ? null : storeText(sql, seq, kind, text)
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
