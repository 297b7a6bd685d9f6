import { type TaskStatus, taskStatuses } from '../../task/status.ts'
import type { AttemptRow, LogLine, TaskQueries } from '../store.ts'
import { groupDeadLetters, listChildren, listDeadLetters, listTasks } from './listings.ts'
import { recordOf, type TaskRow } from './rows.ts'
import type { Session } from './session.ts'
import { reportUsage } from './usage.ts'

/** Questions; each reads by an index and a bounded number of rows. */
export function createQueries(session: Session): TaskQueries {
  const { file, sql } = session
  return {
    get: taskIds =>
      file.read(() =>
        taskIds.map(id => {
          const row = sql('SELECT * FROM tasks WHERE id = ?').get(id) as TaskRow | undefined
          return row === undefined ? undefined : recordOf(row, sql)
        }),
      ),
    list: (filter, page) => file.read(() => listTasks(session, filter, page)),
    children: (parentTaskId, filter, page) =>
      file.read(() => listChildren(session, { listing: 'sub-tasks', parentTaskId, ...filter }, page)),
    counts: () => file.read(() => countTasks(session)),
    attempts: taskId => file.read(() => listAttempts(session, taskId)),
    logs: (taskId, after, limit) => file.read(() => listLogs(session, taskId, { after, limit })),
    usageReport: (filter, request) => reportUsage(session, filter, request),
    waitingForBudget: (rootTaskId, limit) => waitingForBudget(session, rootTaskId, limit),
    deadLetters: (filter, page) => file.read(() => listDeadLetters(session, filter, page)),
    deadLetterGroups: filter => file.read(() => groupDeadLetters(session, filter)),
  }
}

function countTasks({ sql }: Session): Record<TaskStatus, number> {
  const rows = sql('SELECT status, tasks FROM counts').all() as { status: TaskStatus; tasks: number }[]
  const zero = Object.fromEntries(taskStatuses.map(status => [status, 0])) as Record<TaskStatus, number>
  return Object.assign(zero, Object.fromEntries(rows.map(({ status, tasks }) => [status, tasks])))
}

function listAttempts({ sql }: Session, taskId: string): AttemptRow[] {
  const rows = sql(`SELECT attempt, node, started_at, ended_at, outcome, code, message FROM attempts
    WHERE task_seq = (SELECT seq FROM tasks WHERE id = ?) ORDER BY attempt`).all(taskId) as {
    attempt: number
    node: string | null
    started_at: number
    ended_at: number
    outcome: string
    code: string | null
    message: string | null
  }[]
  return rows.map(row => ({
    attempt: row.attempt,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    ...(row.node === null ? {} : { executionNodeId: row.node }),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.message === null ? {} : { message: row.message }),
  }))
}

function listLogs({ sql }: Session, taskId: string, { after, limit }: { after: number; limit: number }) {
  const rows = sql(`SELECT sequence, at, attempt, level, message, fields FROM logs
    WHERE task_seq = (SELECT seq FROM tasks WHERE id = ?) AND sequence > ? ORDER BY sequence LIMIT ?`).all(
    taskId,
    after,
    limit,
  ) as (Omit<LogLine, 'fields'> & { sequence: number; fields: string | null })[]
  return rows.map(({ fields, ...line }) => (fields === null ? line : { ...line, fields }))
}

/** A damaged error is that of no task that waits for its budget. */
const waits = `status = 'RETRYING' AND wake_at IS NOT NULL
  AND json_extract(iif(json_valid(error), error, NULL), '$.code') = 'BUDGET_EXHAUSTED'`

/** The root of a tree is found by its id, all others by the tree. */
const inTree = `SELECT * FROM tasks WHERE id = ? AND ${waits}
  UNION ALL SELECT * FROM tasks INDEXED BY tasks_tree_wake WHERE root_id = ? AND ${waits}`

/** The tasks of a tree that wait for its budget. */
function waitingForBudget(
  { file, sql }: Session,
  root: string,
  limit: number,
): ReturnType<TaskQueries['waitingForBudget']> {
  return file.read(() => {
    const total = Number(sql(`SELECT count(*) FROM (${inTree})`).pluck().get(root, root))
    if (total === 0 || limit === 0) return { total, tasks: [] }
    const rows = sql(`${inTree} ORDER BY seq LIMIT ?`).all(root, root, limit) as TaskRow[]
    return { total, tasks: rows.map(row => recordOf(row, sql)) }
  })
}
