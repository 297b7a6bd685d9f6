import type { TaskRecord } from '../../task/task.ts'
import { pageKey } from '../pages.ts'
import type { DeadLetterFilter, DeadLetterGroup, Page, PageRequest } from '../store.ts'
import { Conditions } from './conditions.ts'
import { bound, tasksPage } from './listings.ts'
import type { TaskRow } from './rows.ts'
import type { Session } from './session.ts'

/** A column of JSON, or null where it is damaged: one bad row never stops a listing. */
function readable(column: string): string {
  return `iif(json_valid(${column}), ${column}, NULL)`
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

/** Open dead letters, newest first. */
export function listDeadLetters(
  session: Session,
  filter: DeadLetterFilter,
  page: PageRequest,
): Page<TaskRecord> {
  const conditions = deadLetterConditions(filter)
  const token = bound('dead-letters', filter)
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  if (after !== undefined) conditions.add('seq < ?', after)
  const rows = session
    .sql(`SELECT * FROM tasks INDEXED BY tasks_dead${conditions.where()} ORDER BY seq DESC LIMIT ?`)
    .all(...conditions.values, page.pageSize + 1) as TaskRow[]
  return tasksPage(session, rows, page, token)
}

/** The most frequent first. */
export function groupDeadLetters({ sql }: Session, filter: DeadLetterFilter): DeadLetterGroup[] {
  const conditions = deadLetterConditions(filter)
  return sql(`SELECT fingerprint, task_type AS taskType, coalesce(${deadLetterCode}, 'RECORD_UNREADABLE') AS code, count(*) AS count,
      min(completed_at) AS firstAt, max(completed_at) AS lastAt, max(id) AS sampleTaskId
    FROM tasks INDEXED BY tasks_dead${conditions.where()} GROUP BY fingerprint ORDER BY count(*) DESC, fingerprint LIMIT 200`).all(
    ...conditions.values,
  ) as DeadLetterGroup[]
}
