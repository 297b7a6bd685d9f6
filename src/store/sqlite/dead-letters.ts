import type { TaskRecord } from '../../task/task.ts'
import { pageKey } from '../pages.ts'
import type { DeadLetterFilter, DeadLetterGroup, Page, PageRequest } from '../store.ts'
import { Conditions } from './conditions.ts'
import { bound, tasksPage } from './listings.ts'
import type { TaskRow } from './rows.ts'
import type { Session } from './session.ts'

/** As the index `tasks_letters` has it, so that no letter is parsed to group it. Null where the letter is damaged. */
const codeOf = "json_extract(iif(json_valid(dead_letter), dead_letter, NULL), '$.error.code')"

function conditionsOf(filter: DeadLetterFilter): Conditions {
  const conditions = new Conditions()
    .among('task_type', filter.taskType)
    .equal('user_id', filter.userId)
    .equal('fingerprint', filter.fingerprint)
    .equal(codeOf, filter.code)
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
  const token = bound('dead-letters', filter)
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  const index = filter.fingerprint === undefined ? 'tasks_dead' : 'tasks_letters'
  const conditions = conditionsOf(filter).add('dead_letter IS NOT NULL')
  if (after !== undefined) conditions.add('seq < ?', after)
  const rows = session
    .sql(`SELECT * FROM tasks INDEXED BY ${index}${conditions.where()} ORDER BY seq DESC LIMIT ?`)
    .all(...conditions.values, page.pageSize + 1) as TaskRow[]
  return tasksPage(session, rows, page, token)
}

/** Groups of equal failures that are told at most. */
const mostGroups = 200

/** The most frequent first. */
export function groupDeadLetters({ sql }: Session, filter: DeadLetterFilter): DeadLetterGroup[] {
  const conditions = conditionsOf(filter).add('fingerprint IS NOT NULL')
  return sql(`SELECT fingerprint, max(task_type) AS taskType, coalesce(max(${codeOf}), 'RECORD_UNREADABLE') AS code,
      count(*) AS count, min(completed_at) AS firstAt, max(completed_at) AS lastAt, max(id) AS sampleTaskId
    FROM tasks INDEXED BY tasks_letters${conditions.where()}
    GROUP BY fingerprint ORDER BY count(*) DESC, fingerprint LIMIT ?`).all(
    ...conditions.values,
    mostGroups,
  ) as DeadLetterGroup[]
}
