import type { Steps } from '../../runtime/cooperate.ts'
import type { TaskStatus } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  type ChildrenFilter,
  countsOf,
  countsOfUser,
  type DeadLetterFilter,
  type DeadLetterGroup,
  failedFirst,
  mostGroups,
  type Page,
  type PageRequest,
  type TaskFilter,
  type TaskListRequest,
} from '../store.ts'
import type { Known } from './in-flight.ts'
import { readTasksInSteps, type Value } from './rows.ts'
import type { Session } from './session.ts'

/** Conditions and the values they bind. */
export class Conditions {
  readonly texts: string[] = []
  readonly values: Value[] = []

  add(text: string, ...values: Value[]): this {
    this.texts.push(text)
    this.values.push(...values)
    return this
  }

  /** No list does not restrict; an empty one matches nothing. */
  among(column: string, values: readonly string[] | undefined): this {
    if (values === undefined) return this
    // `IN ()` is false before any index is chosen, which an index that is prescribed does not survive.
    const places = values.length === 0 ? 'NULL' : values.map(() => '?').join(', ')
    return this.add(`${column} IN (${places})`, ...values)
  }

  equal(column: string, value: Value | undefined): this {
    return value === undefined ? this : this.add(`${column} = ?`, value)
  }

  /** A text that holds for one of several bindings of it, of which there is one at least. */
  any(text: string, bindings: readonly (readonly Value[])[]): this {
    return this.add(`(${bindings.map(() => text).join(' OR ')})`, ...bindings.flat())
  }

  /** These and those of another. */
  with({ texts, values }: Conditions): this {
    this.texts.push(...texts)
    this.values.push(...values)
    return this
  }

  where(): string {
    return this.texts.length === 0 ? '' : ` WHERE ${this.texts.join(' AND ')}`
  }
}

function tasksPage(found: readonly Known[], { pageSize }: PageRequest, filter: unknown): Page<TaskRecord> {
  return pageOf(found, pageSize, {
    item: ({ record }) => record,
    token: ({ seq }) => pageToken(filter, [seq]),
  })
}

/** Where a listing finds the tasks of a value, in the order of their submission. */
interface Source {
  /** The index, and the tasks that its entries name. */
  from: string
  /** The index alone. */
  entries: string
  /** The number of a task in the index. */
  seq: string
  /** Picks the entries of a value. */
  is: string
  /** Asks the same of a task that was found elsewhere; default `is`. */
  has?: string
  /** It leaves out the newest tasks. */
  isListing?: true
}

const all: Source = { from: 'tasks', entries: 'tasks', seq: 'seq', is: '1 = 1' }
const indexed = (index: string, is: string): Source => {
  const entries = `listing INDEXED BY listing_${index}`
  return {
    from: `${entries} CROSS JOIN tasks USING (seq)`,
    entries,
    seq: 'listing.seq',
    is: `listing.${is}`,
    has: `tasks.${is}`,
    isListing: true,
  }
}
const byParent: Source = {
  from: 'tasks INDEXED BY tasks_parent',
  entries: 'tasks INDEXED BY tasks_parent',
  seq: 'seq',
  is: 'parent_id = ?',
}
const byStatus = indexed('status', 'status = ?')
const byType = indexed('type', 'task_type = ?')
const byUser = indexed('user', 'user_id = ?')
const byLane = indexed('lane', 'lane = ?')
const byLetter: Source = {
  from: 'tasks INDEXED BY tasks_dead',
  entries: 'tasks INDEXED BY tasks_dead',
  seq: 'seq',
  is: 'dead_letter IS NOT NULL',
}
const roots: Source = { ...indexed('roots', 'is_root = 1'), has: 'parent_id IS NULL' }
const byTag: Source = {
  from: 'task_tags CROSS JOIN tasks ON seq = task_seq',
  entries: 'task_tags',
  seq: 'task_seq',
  is: 'tag = ?',
  has: "EXISTS (SELECT 1 FROM json_each(iif(json_valid(tags), tags, '[]')) WHERE value = ?)",
  isListing: true,
}

/** A field of a filter, with what is bound for each of its values. */
interface Criterion {
  source: Source
  values: readonly (readonly Value[])[]
}

/** The fields of a filter that have an index, the most telling first. */
function criteriaOf(filter: TaskFilter): Criterion[] {
  const { parentTaskId, tag, status, taskType, userId, lane, rootsOnly, errorCode } = filter
  const asked: [Source, string | readonly string[] | undefined][] = [
    [byParent, parentTaskId],
    [byTag, tag],
    [byStatus, status],
    [byType, taskType],
    [byUser, userId],
    [byLane, lane],
  ]
  const criteria = asked.flatMap(([source, values]) =>
    values === undefined ? [] : { source, values: [...new Set([values].flat())].map(value => [value]) },
  )
  if (errorCode !== undefined) criteria.push({ source: byLetter, values: [[]] })
  if (rootsOnly === true) criteria.push({ source: roots, values: [[]] })
  return criteria
}

/** Entries of an index that are counted at most: more would cost more than the better choice saves. */
const mostCounted = 10_000

/** The condition that the fewest tasks meet: a query that reads by it reads no more rows than those. */
function rarest(session: Session, criteria: readonly Criterion[]): Criterion {
  let found: Criterion = criteria[0] ?? { source: all, values: [[]] }
  if (criteria.length < 2) return found
  let fewest = mostCounted
  for (const criterion of criteria) {
    const tasks = countUpTo(session, criterion, fewest)
    if (tasks === fewest) continue
    fewest = tasks
    found = criterion
  }
  return found
}

function countUpTo({ sql }: Session, { source, values }: Criterion, most: number): number {
  const count = sql(`SELECT count(*) FROM (SELECT 1 FROM ${source.entries} WHERE ${source.is} LIMIT ?)`)
  let tasks = 0
  for (const value of values) tasks += Number(count.pluck().get(...value, most - tasks))
  return tasks
}

/** Tasks by the index of the rarest of what is asked. Several values of it are read one after the other and merged. */
export function* listTasks(
  session: Session,
  filter: TaskFilter,
  page: TaskListRequest,
): Steps<Page<TaskRecord>> {
  const oldestFirst = page.order === 'oldest'
  const token = { listing: oldestFirst ? 'tasks, oldest first' : 'tasks', ...filter }
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  const criteria = criteriaOf(filter)
  if (criteria.some(({ values }) => values.length === 0)) return tasksPage([], page, token)
  const lead = rarest(session, criteria)
  const leavesOut = lead.source.isListing === true && !session.listing.isComplete
  const others = new Conditions()
  for (const { source, values } of criteria.filter(criterion => criterion !== lead))
    others.any(source.has ?? source.is, values)
  others.equal(codeOf, filter.errorCode)
  if (filter.createdAfter !== undefined) others.add('created_at > ?', filter.createdAfter)
  if (filter.createdBefore !== undefined) others.add('created_at < ?', filter.createdBefore)
  const limit = page.pageSize + 1
  function* read({ from, seq }: Pick<Source, 'from' | 'seq'>, conditions: Conditions): Steps<Known[]> {
    const place = new Conditions().with(conditions).with(others)
    if (after !== undefined) place.add(oldestFirst ? `${seq} > ?` : `${seq} < ?`, after)
    const order = `ORDER BY ${seq} ${oldestFirst ? 'ASC' : 'DESC'} LIMIT ?`
    return yield* readTasksInSteps(session.sql, `${from}${place.where()} ${order}`, ...place.values, limit)
  }
  const rows: Known[] = []
  for (const value of lead.values)
    rows.push(...(yield* read(lead.source, new Conditions().add(lead.source.is, ...value))))
  if (leavesOut) {
    const leftOut = new Conditions().add('seq > ?', session.listing.last)
    rows.push(...(yield* read(all, leftOut.any(lead.source.has ?? lead.source.is, lead.values))))
  }
  if (leavesOut || lead.values.length > 1) rows.sort((a, b) => (oldestFirst ? a.seq - b.seq : b.seq - a.seq))
  return tasksPage(rows.slice(0, limit), page, token)
}

/** Counts the newest tasks of a user by status: those that the listing leaves out, then as many of it as may be counted. */
export function countOfUser({ sql, listing }: Session, userId: string): Record<TaskStatus, number> {
  const newest = 'SELECT status FROM tasks WHERE seq > ? AND user_id = ?'
  const listed =
    'SELECT status FROM listing INDEXED BY listing_user WHERE user_id = ? AND seq <= ? ORDER BY seq DESC LIMIT ?'
  const found = sql(`SELECT status, count(*) FROM (
      SELECT * FROM (${newest}) UNION ALL SELECT * FROM (${listed}) LIMIT ?
    ) GROUP BY status`)
  const { last } = listing
  const counts = found.raw().all(last, userId, userId, last, countsOfUser, countsOfUser)
  return countsOf(counts as [TaskStatus, number][])
}

/** Sub-tasks of a parent. `listing` binds a token to this one. */
export function* listChildren(
  { sql }: Session,
  filter: ChildrenFilter & { listing: 'sub-tasks'; parentTaskId: string },
  { pageSize, pageToken: token }: PageRequest,
): Steps<Page<TaskRecord>> {
  const parts = filter.failedFirst === true ? failedFirst(filter.status) : [filter.status]
  const [part, after] = pageKey(filter, token, ['number', 'number']) ?? [0, 0]
  const found: (Known & { part: number })[] = []
  for (const [at, statuses] of parts.entries()) {
    if (at < part || found.length > pageSize) continue
    const conditions = new Conditions()
      .add('parent_id = ?', filter.parentTaskId)
      .add('seq > ?', at === part ? after : 0)
      .among('status', statuses)
      .equal('task_type', filter.taskType)
      .equal('predecessor', filter.predecessor)
    const index = filter.predecessor === undefined ? 'tasks_parent' : 'tasks_predecessor'
    const from = `tasks INDEXED BY ${index}${conditions.where()} ORDER BY seq LIMIT ?`
    const limit = pageSize + 1 - found.length
    const children = yield* readTasksInSteps(sql, from, ...conditions.values, limit)
    found.push(...children.map(child => ({ ...child, part: at })))
  }
  return pageOf(found, pageSize, {
    item: ({ record }) => record,
    token: last => pageToken(filter, [last.part, last.seq]),
  })
}

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

/** Open dead letters, the most recently submitted task first. */
export function* listDeadLetters(
  session: Session,
  filter: DeadLetterFilter,
  page: PageRequest,
): Steps<Page<TaskRecord>> {
  const token = { listing: 'dead-letters', ...filter }
  const after = pageKey(token, page.pageToken, ['number'])?.[0]
  const index = filter.fingerprint === undefined ? 'tasks_dead' : 'tasks_letters'
  const conditions = conditionsOf(filter).add('dead_letter IS NOT NULL')
  if (after !== undefined) conditions.add('seq < ?', after)
  const from = `tasks INDEXED BY ${index}${conditions.where()} ORDER BY seq DESC LIMIT ?`
  const found = yield* readTasksInSteps(session.sql, from, ...conditions.values, page.pageSize + 1)
  return tasksPage(found, page, token)
}

/** Groups open dead letters of equal failures, the most frequent first. */
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
