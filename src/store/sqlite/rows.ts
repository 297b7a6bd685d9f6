import type { ErrorInfo } from '../../task/errors.ts'
import type { Phase, TaskStatus } from '../../task/status.ts'
import type { Budget, DeadLetter, FailedSubTask, SubTaskSummary, TaskRecord } from '../../task/task.ts'
import { priorities } from '../store.ts'
import type { Statements } from './database.ts'

/** Rows of the table `tasks` and the records they are. */

/** A text longer than this lives in `payloads`. */
export const longestInline = 4_096

/** A row as SQLite returns it. */
export interface TaskRow {
  seq: number
  id: string
  task_type: string
  user_id: string
  lane: string
  priority: number
  rank: number
  queue: string | null
  status: TaskStatus
  phase: Phase
  version: number
  attempt: number
  retry_count: number
  crash_count: number
  created_at: number
  updated_at: number
  root_id: string | null
  depth: number
  parameters: string
  parameters_version: number
  wake_at: number | null
  lease_until: number | null
  claim_token: string | null
  node: string | null
  started_at: number | null
  last_attempt_at: number | null
  next_attempt_at: number | null
  completed_at: number | null
  result: string | null
  deadline: number | null
  checkpoint_attempt: number | null
  round: number
  progress: string | null
  error: string | null
  parent_id: string | null
  sub_task_key: string | null
  sub_tasks: string | null
  live_sub_tasks: number | null
  reduces: number | null
  failed_sub_tasks: string | null
  cancel_requested_at: number | null
  idempotency_key: string | null
  tags: string | null
  traceparent: string | null
  budget: string | null
  dead_letter: string | null
  dead_letter_history: string | null
}

/** JSON that this adapter wrote; a damaged text reads as absent, so that one bad row never stops a listing. */
function json<T>(text: string | null): T | undefined {
  if (text === null) return undefined
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

/** The record of a row. Texts that live in `payloads` are fetched. */
export function recordOf(row: TaskRow, sql: Statements): TaskRecord {
  const record: TaskRecord = {
    id: row.id,
    taskType: row.task_type,
    userId: row.user_id,
    lane: row.lane,
    priority: priorities[row.priority] ?? 'normal',
    tags: json<string[]>(row.tags) ?? [],
    status: row.status,
    phase: row.phase,
    version: row.version,
    parameters: inlineOrLarge(row, 'parameters', sql) ?? '',
    parametersVersion: row.parameters_version,
    attempt: row.attempt,
    retryCount: row.retry_count,
    crashCount: row.crash_count,
    round: row.round,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    rootTaskId: row.root_id ?? row.id,
    depth: row.depth,
  }
  addTimes(record, row)
  addTexts(record, row, sql)
  if (row.parent_id !== null || row.sub_tasks !== null || row.reduces !== null) addFamily(record, row)
  if (row.dead_letter !== null || row.dead_letter_history !== null) addDeadLetters(record, row)
  return record
}

function addTimes(record: TaskRecord, row: TaskRow): void {
  if (row.started_at !== null) record.startedAt = row.started_at
  if (row.completed_at !== null) record.completedAt = row.completed_at
  if (row.last_attempt_at !== null) record.lastAttemptTimestamp = row.last_attempt_at
  if (row.next_attempt_at !== null) record.nextAttemptTimestamp = row.next_attempt_at
  if (row.deadline !== null) record.deadline = row.deadline
  if (row.lease_until !== null) record.leaseUntil = row.lease_until
  if (row.cancel_requested_at !== null) record.cancelRequestedAt = row.cancel_requested_at
  if (row.checkpoint_attempt !== null) record.checkpointAttempt = row.checkpoint_attempt
}

function addTexts(record: TaskRecord, row: TaskRow, sql: Statements): void {
  const progress = inlineOrLarge(row, 'progress', sql)
  if (progress !== undefined) record.progress = progress
  const result = inlineOrLarge(row, 'result', sql)
  if (result !== undefined) record.result = result
  const error = json<ErrorInfo>(row.error)
  if (error !== undefined) record.errorInfo = error
  if (row.node !== null) record.executionNodeId = row.node
  if (row.claim_token !== null) record.claimToken = row.claim_token
  if (row.idempotency_key !== null) record.idempotencyKey = row.idempotency_key
  if (row.traceparent !== null) record.traceparent = row.traceparent
  const budget = json<Budget>(row.budget)
  if (budget !== undefined) record.budget = budget
}

function addFamily(record: TaskRecord, row: TaskRow): void {
  if (row.parent_id !== null) record.parentTaskId = row.parent_id
  if (row.sub_task_key !== null) record.subTaskKey = row.sub_task_key
  const summary = json<SubTaskSummary>(row.sub_tasks)
  if (summary !== undefined) record.subTaskStatusSummary = summary
  if (row.reduces !== null) record.reduces = row.reduces === 1
  const failed = json<FailedSubTask[]>(row.failed_sub_tasks)
  if (failed !== undefined) record.failedSubTasks = failed
}

function addDeadLetters(record: TaskRecord, row: TaskRow): void {
  const open = json<DeadLetter>(row.dead_letter)
  if (open !== undefined) record.deadLetter = open
  const history = json<DeadLetter[]>(row.dead_letter_history)
  if (history !== undefined) record.deadLetterHistory = history
}

function inlineOrLarge(
  row: TaskRow,
  kind: 'parameters' | 'progress' | 'result',
  sql: Statements,
): string | undefined {
  const inline = row[kind]
  if (inline === null) return undefined
  if (inline !== '') return inline
  const large = sql('SELECT content FROM payloads WHERE task_seq = ? AND kind = ?').pluck().get(row.seq, kind)
  return typeof large === 'string' ? large : ''
}

/** What goes into the column of a text, after a large one was put into `payloads`. */
export function storeText(
  sql: Statements,
  seq: number,
  kind: 'parameters' | 'progress' | 'result',
  text: string,
): string {
  if (text.length <= longestInline) return text
  sql('INSERT OR REPLACE INTO payloads (task_seq, kind, content) VALUES (?, ?, ?)').run(seq, kind, text)
  return ''
}

/** The table `task_tags`: which tasks have a tag, in the order of listings. A record is read from the column `tags` alone. */

/** Inserts the tags of a row that was written; one that it has twice counts once. */
export function insertTags(sql: Statements, seq: number, tags: readonly string[]): void {
  for (const tag of tags)
    sql('INSERT INTO task_tags (tag, task_seq) VALUES (?, ?) ON CONFLICT DO NOTHING').run(tag, seq)
}

/** Deletes the tags of a row before it is deleted or replaced. Its column says which they are; where that is damaged, a walk finds them. */
export function deleteTags(sql: Statements, seq: number): void {
  const column = sql('SELECT tags FROM tasks WHERE seq = ?').pluck().get(seq)
  if (typeof column !== 'string') return
  const tags = json<string[]>(column)
  if (!Array.isArray(tags)) sql('DELETE FROM task_tags WHERE task_seq = ?').run(seq)
  else for (const tag of tags) sql('DELETE FROM task_tags WHERE tag = ? AND task_seq = ?').run(tag, seq)
}
