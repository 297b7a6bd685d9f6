import { liveStatuses, type TaskStatus, taskStatuses, unsuccessfulStatuses } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import type {
  AttemptRow,
  DeadLetterFilter,
  DeadLetterGroup,
  LogLine,
  Page,
  PageRequest,
  TaskFilter,
  TaskListRequest,
  TaskQueries,
} from '../store.ts'
import { Conditions } from './conditions.ts'
import { recordOf, type TaskRow } from './rows.ts'
import type { Session } from './session.ts'
import { reportUsage } from './usage.ts'
import { waitingForBudget } from './waiting.ts'

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

/** A column of JSON, or null where it is damaged: one bad row never stops a listing. */
function readable(column: string): string {
  return `iif(json_valid(${column}), ${column}, NULL)`
}

function tasksPage(
  { sql }: Session,
  rows: readonly TaskRow[],
  request: PageRequest,
  filter: unknown,
): Page<TaskRecord> {
  return pageOf(rows, request.pageSize, {
    item: row => recordOf(row, sql),
    token: row => pageToken(filter, [row.seq]),
  })
}

/** What binds a token to its listing. */
function bound(listing: string, filter: object): object {
  return { listing, ...filter }
}

function listTasks(session: Session, filter: TaskFilter, page: TaskListRequest): Page<TaskRecord> {
  const conditions = new Conditions()
    .among('task_type', filter.taskType)
    .equal('user_id', filter.userId)
    .equal('lane', filter.lane)
    .equal('parent_id', filter.parentTaskId)
  if (filter.tag !== undefined)
    conditions.add(`EXISTS (SELECT 1 FROM json_each(${readable('tags')}) WHERE value = ?)`, filter.tag)
  if (filter.rootsOnly === true) conditions.add('parent_id IS NULL')
  if (filter.createdAfter !== undefined) conditions.add('created_at > ?', filter.createdAfter)
  if (filter.createdBefore !== undefined) conditions.add('created_at < ?', filter.createdBefore)
  const oldestFirst = page.order === 'oldest'
  const token = bound(oldestFirst ? 'tasks, oldest first' : 'tasks', filter)
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  if (after !== undefined) conditions.add(oldestFirst ? 'seq > ?' : 'seq < ?', after)
  const statuses = filter.status === undefined ? [undefined] : [...new Set(filter.status)]
  const limit = page.pageSize + 1
  const rows = statuses.flatMap(status => walk(session, conditions, { status, oldestFirst, limit }))
  if (statuses.length > 1) rows.sort((a, b) => (oldestFirst ? a.seq - b.seq : b.seq - a.seq))
  return tasksPage(session, rows.slice(0, limit), page, token)
}

const live: readonly TaskStatus[] = liveStatuses

/**
 * Several statuses are read one after the other and merged: each is then one walk along its index. Live tasks are few beside those that
 * ended, so that their status is the index to take, whatever else is asked.
 */
function walk(
  { sql }: Session,
  conditions: Conditions,
  wanted: { status: TaskStatus | undefined; oldestFirst: boolean; limit: number },
): TaskRow[] {
  const { status, oldestFirst, limit } = wanted
  const all = new Conditions().add('1 = 1')
  all.texts.push(...conditions.texts)
  all.values.push(...conditions.values)
  all.equal('status', status)
  const index = status !== undefined && live.includes(status) ? ' INDEXED BY tasks_status' : ''
  const direction = oldestFirst ? 'ASC' : 'DESC'
  return sql(`SELECT * FROM tasks${index}${all.where()} ORDER BY seq ${direction} LIMIT ?`).all(
    ...all.values,
    limit,
  ) as TaskRow[]
}

interface ChildrenFilter {
  /** Binds a token to this listing. */
  listing: 'sub-tasks'
  parentTaskId: string
  status?: readonly TaskStatus[]
  taskType?: string
  failedFirst?: boolean
}

const unsuccessful: readonly TaskStatus[] = unsuccessfulStatuses

/** Failed first: a listing of the unsuccessful ones, then one of the others. */
function listChildren(session: Session, filter: ChildrenFilter, page: PageRequest): Page<TaskRecord> {
  if (filter.failedFirst !== true) return childrenPage(session, filter, page)
  const [part, after] = pageKey(filter, page.pageToken, ['number', 'number']) ?? [0, 0]
  const rows: { row: TaskRow; part: number }[] = []
  for (const current of [0, 1]) {
    if (current < part || rows.length > page.pageSize) continue
    const conditions = childConditions(filter, current === part ? after : 0).among(
      'status',
      taskStatuses.filter(status => unsuccessful.includes(status) === (current === 0)),
    )
    for (const row of childRows(session, conditions, page.pageSize + 1 - rows.length))
      rows.push({ row, part: current })
  }
  return pageOf(rows, page.pageSize, {
    item: ({ row }) => recordOf(row, session.sql),
    token: last => pageToken(filter, [last.part, last.row.seq]),
  })
}

function childrenPage(session: Session, filter: ChildrenFilter, page: PageRequest): Page<TaskRecord> {
  const after = pageKey(filter, page.pageToken, ['number'])?.[0] ?? 0
  return tasksPage(
    session,
    childRows(session, childConditions(filter, after), page.pageSize + 1),
    page,
    filter,
  )
}

function childConditions(filter: ChildrenFilter, after: number): Conditions {
  return new Conditions()
    .add('parent_id = ?', filter.parentTaskId)
    .add('seq > ?', after)
    .among('status', filter.status)
    .equal('task_type', filter.taskType)
}

function childRows({ sql }: Session, conditions: Conditions, limit: number): TaskRow[] {
  return sql(`SELECT * FROM tasks INDEXED BY tasks_parent${conditions.where()} ORDER BY seq LIMIT ?`).all(
    ...conditions.values,
    limit,
  ) as TaskRow[]
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

const deadLetterCode = `json_extract(${readable('dead_letter')}, '$.error.code')`

function deadLetterConditions(filter: DeadLetterFilter): Conditions {
  const conditions = new Conditions()
    .add('dead_letter IS NOT NULL')
    .among('task_type', filter.taskType)
    .equal('user_id', filter.userId)
    .equal('fingerprint', filter.fingerprint)
  if (filter.code !== undefined) conditions.add(`${deadLetterCode} = ?`, filter.code)
  if (filter.openedBefore !== undefined) conditions.add('completed_at < ?', filter.openedBefore)
  if (filter.openedAfter !== undefined) conditions.add('completed_at > ?', filter.openedAfter)
  return conditions
}

function listDeadLetters(session: Session, filter: DeadLetterFilter, page: PageRequest): Page<TaskRecord> {
  const conditions = deadLetterConditions(filter)
  const token = bound('dead-letters', filter)
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  if (after !== undefined) conditions.add('seq < ?', after)
  const rows = session
    .sql(`SELECT * FROM tasks INDEXED BY tasks_dead${conditions.where()} ORDER BY seq DESC LIMIT ?`)
    .all(...conditions.values, page.pageSize + 1) as TaskRow[]
  return tasksPage(session, rows, page, token)
}

function groupDeadLetters({ sql }: Session, filter: DeadLetterFilter): DeadLetterGroup[] {
  const conditions = deadLetterConditions(filter)
  return sql(`SELECT fingerprint, task_type AS taskType, coalesce(${deadLetterCode}, 'RECORD_UNREADABLE') AS code, count(*) AS count,
      min(completed_at) AS firstAt, max(completed_at) AS lastAt, max(id) AS sampleTaskId
    FROM tasks INDEXED BY tasks_dead${conditions.where()} GROUP BY fingerprint ORDER BY count(*) DESC, fingerprint LIMIT 200`).all(
    ...conditions.values,
  ) as DeadLetterGroup[]
}
