/** Rows of the table `tasks`, and the records they are. */
import type { Steps } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import type { TaskRecord } from '../../task/task.ts'
import { priorities } from '../store.ts'
import type { Statements } from './database.ts'
import type { Known } from './in-flight.ts'

/** A value of a column. */
export type Value = string | number | null

/** The column of each field of a record. `root_id` is null when the task is the root itself, `tags` when there are none. */
export const columnOf = {
  id: 'id',
  taskType: 'task_type',
  userId: 'user_id',
  lane: 'lane',
  priority: 'priority',
  tags: 'tags',
  status: 'status',
  phase: 'phase',
  version: 'version',
  parameters: 'parameters',
  parametersVersion: 'parameters_version',
  progress: 'progress',
  result: 'result',
  errorInfo: 'error',
  attempt: 'attempt',
  retryCount: 'retry_count',
  crashCount: 'crash_count',
  checkpointAttempt: 'checkpoint_attempt',
  checkpointScope: 'checkpoint_scope',
  round: 'round',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  startedAt: 'started_at',
  completedAt: 'completed_at',
  lastAttemptTimestamp: 'last_attempt_at',
  nextAttemptTimestamp: 'next_attempt_at',
  deadline: 'deadline',
  executionNodeId: 'node',
  claimToken: 'claim_token',
  leaseUntil: 'lease_until',
  parentTaskId: 'parent_id',
  rootTaskId: 'root_id',
  subTaskKey: 'sub_task_key',
  depth: 'depth',
  after: 'follows',
  predecessor: 'predecessor',
  retry: 'retry',
  subTaskStatusSummary: 'sub_tasks',
  reduces: 'reduces',
  failedSubTasks: 'failed_sub_tasks',
  waits: 'waits',
  signals: 'signals',
  signalCount: 'signal_count',
  cancelRequestedAt: 'cancel_requested_at',
  idempotencyKey: 'idempotency_key',
  submissionHash: 'submission_hash',
  rerunOf: 'rerun_of',
  traceparent: 'traceparent',
  budget: 'budget',
  deadLetter: 'dead_letter',
  deadLetterHistory: 'dead_letter_history',
} as const satisfies Record<keyof TaskRecord, string>

/** The condition that nobody asked to cancel the task. */
export const noCancelRequested = `${columnOf.cancelRequestedAt} IS NULL`

/**
 * Bytes that a row keeps free, as a fill factor does: its claim gives some of them back for what it writes, and the completion of an attempt that had
 * no failure before the rest. Rows of one moment fill their page to the brim; one that grew would split it, which costs as much as to write the row.
 */
export const padding = { waiting: 'zeroblob(64)', running: 'zeroblob(32)' } as const

const larges = ['parameters', 'progress', 'result'] as const
type Large = (typeof larges)[number]

/** Reads what a column does not hold as the record has it. */
type Reader = (value: never, seq: number, sql: Statements) => unknown

/** JSON that this adapter wrote; a damaged text reads as absent, so that one bad row never stops a listing. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An empty text stands for a large one, which is fetched. */
const large =
  (kind: Large): Reader =>
  (inline: string, seq, sql) => {
    if (inline !== '') return inline
    return sql('SELECT content FROM payloads WHERE task_seq = ? AND kind = ?').pluck().get(seq, kind) ?? ''
  }

const readers: { readonly [F in keyof TaskRecord]?: Reader } = {
  priority: (index: number) => priorities[index] ?? 'normal',
  parameters: large('parameters'),
  progress: large('progress'),
  result: large('result'),
  reduces: (flag: number) => flag === 1,
  tags: json,
  errorInfo: json,
  checkpointScope: json,
  after: json,
  retry: json,
  subTaskStatusSummary: json,
  failedSubTasks: json,
  waits: json,
  signals: json,
  budget: json,
  deadLetter: json,
  deadLetterHistory: json,
}

const fields = (Object.keys(columnOf) as (keyof TaskRecord)[]).map(field => ({ field, read: readers[field] }))
const read = `SELECT ${['seq', 'rank', ...Object.values(columnOf)].map(column => `tasks.${column}`).join(', ')} FROM`

/** Reads tasks. `from` is what comes after FROM. */
export function readTasks(sql: Statements, from: string, ...values: readonly Value[]): Known[] {
  // As arrays: an object with as many properties takes twice as long.
  const rows = sql(`${read} ${from}`)
    .raw()
    .all(...values) as Value[][]
  return rows.map(row => knownOf(sql, row))
}

/** Rows that are made records between two interruptions, and UTF-16 code units of their large texts, about. */
const rowsPerStep = 10
const textPerStep = 65_536

/** As `readTasks`; may be interrupted where there are many rows, or large texts. */
export function* readTasksInSteps(
  sql: Statements,
  from: string,
  ...values: readonly Value[]
): Steps<Known[]> {
  const rows = sql(`${read} ${from}`)
    .raw()
    .all(...values) as Value[][]
  const known: Known[] = []
  let text = 0
  for (const row of rows) {
    const task = knownOf(sql, row)
    known.push(task)
    text += largeTextOf(task.record)
    if (text < textPerStep && known.length % rowsPerStep !== 0) continue
    text = 0
    yield
  }
  return known
}

function largeTextOf({ parameters, progress, result }: TaskRecord): number {
  return (parameters?.length ?? 0) + (progress?.length ?? 0) + (result?.length ?? 0)
}

/** Reads the task with an id. */
export function readTask(sql: Statements, id: string): Known | undefined {
  return readTasks(sql, 'tasks WHERE id = ?', id)[0]
}

function knownOf(sql: Statements, [seq, rank, ...row]: readonly Value[]): Known {
  const record: Record<string, unknown> = {}
  for (const [at, { field, read: reader }] of fields.entries()) {
    const value = row[at]
    const held = reader === undefined || value === null ? value : reader(value as never, Number(seq), sql)
    if (held !== null && held !== undefined) record[field] = held
  }
  record['tags'] ??= []
  record['rootTaskId'] ??= record['id']
  return { seq: Number(seq), rank: Number(rank), record: record as unknown as TaskRecord }
}

/** Returns what goes into the column of a field; of a large text what stands for it, see `storeLarge`. */
export function columnValue(field: keyof TaskRecord, value: unknown): Value {
  if (value === undefined || value === null) return null
  if (field === 'parameters' || field === 'progress' || field === 'result') return inlineText(value as string)
  if (field === 'priority') return priorities.indexOf(value as TaskRecord['priority'])
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'object' ? JSON.stringify(value) : (value as Value)
}

/** A text longer than this lives in `payloads`. */
const longestInline = 4_096

/** Returns what goes into the column of a text. */
export function inlineText(text: string): string {
  return text.length <= longestInline ? text : ''
}

/** Stores the large texts of a row that was written: not before it is known that it was, for a refused write must leave them as they are. */
export function storeLarge(
  sql: Statements,
  seq: number,
  texts: { readonly [K in Large]?: string | null },
): void {
  for (const kind of larges) {
    const text = texts[kind] ?? ''
    if (text.length > longestInline)
      sql('INSERT OR REPLACE INTO payloads (task_seq, kind, content) VALUES (?, ?, ?)').run(seq, kind, text)
  }
}

/** Deletes the tags of a row before these, or the row, are deleted or replaced. Its column says which they are; where that is damaged, a walk finds them. */
export function deleteTags(sql: Statements, seq: number): void {
  const column = sql('SELECT tags FROM tasks WHERE seq = ?').pluck().get(seq)
  if (typeof column !== 'string') return
  const tags = json(column)
  if (!Array.isArray(tags)) sql('DELETE FROM task_tags WHERE task_seq = ?').run(seq)
  else for (const tag of tags) sql('DELETE FROM task_tags WHERE tag = ? AND task_seq = ?').run(tag, seq)
}

/** What hangs on a row and goes with it. */
const belongings = ['payloads', 'attempts', 'checkpoints', 'logs', 'output']

/** Deletes what hangs on a row. */
export function deleteBelongings(sql: Statements, seq: number): void {
  for (const table of belongings) sql(`DELETE FROM ${table} WHERE task_seq = ?`).run(seq)
  deleteTags(sql, seq)
}

/** What is null in a row, the record does not have. */
export function withoutNulls<Row extends object>(row: Row): Row {
  const fields = Object.entries(row).map(([field, value]) => [field, value ?? undefined])
  return defined(Object.fromEntries(fields)) as Row
}
