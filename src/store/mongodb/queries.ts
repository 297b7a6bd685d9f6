import type { Document, Filter } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { liveStatuses, type TaskStatus, taskStatuses } from '../../task/status.ts'
import { deepest } from '../../task/subtasks.ts'
import type { TaskRecord } from '../../task/task.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  type AttemptRow,
  type ChildrenFilter,
  countsOf,
  countsOfUser,
  failedFirst,
  type Page,
  type PageRequest,
  rangeOf,
  type TaskFilter,
  type TaskListRequest,
} from '../store.ts'
import { ordersPerMs, type TaskDocument } from './documents.ts'
import { recordsOf } from './payloads.ts'
import { aggregateTasks, countUpTo, findTasks, readFields, type Session } from './session.ts'

/** Returns records by id, one for one; undefined for one that is not there, or has none of the statuses where some are given. */
export async function getTasks(session: Session, taskIds: readonly string[], status?: readonly TaskStatus[]) {
  // One more than can come: all come at once, and no second round trip finds out that there are no more.
  const options = defined({ batchSize: taskIds.length + 1, hint: status && '_id_' })
  const filter = defined({ _id: { $in: [...new Set(taskIds)] }, status: among(status) })
  const documents = await findTasks(session, 'get', filter, options)
  const records = new Map((await recordsOf(session, documents)).map(record => [record.id, record]))
  return taskIds.map(id => records.get(id))
}

/** Returns tasks whose id begins with a text, by their ids. */
export async function tasksWithIdPrefix(session: Session, prefix: string, limit: number, userId?: string) {
  const [$gte, $lt] = rangeOf(prefix)
  const options = { hint: '_id_', sort: { _id: 1 }, limit } as const
  const filter = defined({ _id: { $gte, $lt }, userId })
  return recordsOf(session, await findTasks(session, 'ids', filter, options))
}

/** Tasks of one status, or that wait in one lane, that are counted at most: a read of so many keys takes some ten milliseconds. */
export const countsUpTo = 100_000

/** Counts tasks by status, each as far as `countsUpTo`, and by itself: a task that moves meanwhile may be in two counts, or in none. */
export async function countTasks(session: Session): Promise<Record<TaskStatus, number>> {
  const along = { hint: 'tasks_by_status', limit: countsUpTo }
  const counted = taskStatuses.map(
    async status => [status, await countUpTo(session, 'counts', { status }, along)] as const,
  )
  return countsOf(await Promise.all(counted))
}

/** Counts the newest tasks of a user by status. */
export async function countTasksOf(session: Session, userId: string): Promise<Record<TaskStatus, number>> {
  const newest = [{ $sort: { order: -1, _id: -1 } }, { $limit: countsOfUser }]
  const byStatus = { $group: { _id: '$status', count: { $sum: 1 } } }
  const pipeline = [{ $match: { userId: equalTo(userId) } }, ...newest, byStatus]
  type Group = { _id: TaskStatus; count: number }
  const groups = await aggregateTasks<Group>(session, 'counts of a user', 'tasks_user', pipeline)
  return countsOf(groups.map(({ _id, count }) => [_id, count] as const))
}

/** Returns the attempts that the record keeps, oldest first; the last fifty. */
export async function listAttempts(session: Session, taskId: string): Promise<AttemptRow[]> {
  const fields = ['pastAttempts', 'attemptStacks'] as const
  const [found] = await readFields(session, 'attempts', { _id: { $eq: taskId } }, fields)
  return found === undefined ? [] : attemptsOf(found)
}

/** Returns the rows of the attempts that a document keeps. */
export function attemptsOf({
  pastAttempts = [],
  attemptStacks = [],
}: Pick<TaskDocument, 'pastAttempts' | 'attemptStacks'>): AttemptRow[] {
  const stacks = new Map(attemptStacks.map(({ attempt, stack }) => [attempt, stack]))
  return pastAttempts.map(({ startedAt, endedAt, ...row }) => ({
    ...{ ...row, startedAt: startedAt.getTime(), endedAt: endedAt.getTime() },
    ...defined({ stack: stacks.get(row.attempt) }),
  }))
}

/** Returns tasks, newest first unless asked otherwise. */
export async function listTasks(session: Session, filter: TaskFilter, page: TaskListRequest) {
  const newestFirst = page.order !== 'oldest'
  const bound = { listing: newestFirst ? 'tasks' : 'tasks, oldest first', ...filter }
  const index = indexFor(filter)
  const conditions = { ...conditionsOf(filter), ...(await leadingOf(session, index, filter)) }
  return pageOfTasks(session, page, { operation: 'list', index, filter: conditions, newestFirst, bound })
}

const live: readonly TaskStatus[] = liveStatuses

/**
 * The most telling field that has an index. Live tasks are few beside those that ended, so that their status narrows more than their user
 * does; those that did not complete are few beside those of a type or a lane. Two conditions that are each of many tasks and together of
 * few have no index: such a read ends with QUERY_TIMED_OUT where there are too many.
 */
function indexFor({ parentTaskId, tag, userId, status, lane, taskType, errorCode }: TaskFilter) {
  if (parentTaskId !== undefined) return 'tasks_parent'
  if (tag !== undefined) return 'tasks_tag'
  // Those that need a person are few beside all others.
  if (errorCode !== undefined) return 'tasks_dead_letters'
  const isLive = status?.every(each => live.includes(each)) === true
  if (userId !== undefined && !isLive) return 'tasks_user'
  const isOfFew = status?.includes('COMPLETED') === false
  return (lane !== undefined || taskType !== undefined) && !isOfFew ? 'tasks_lane' : 'tasks_by_status'
}

/** Every depth that a task can have. */
export const everyDepth = { $in: Array.from({ length: deepest + 1 }, (_, depth) => depth) }

/**
 * Returns the conditions on the fields that stand before the order in an index: each one value, or some. Each is a range of the index that
 * is in order, and the server merges them; without one of these conditions it would read and sort all.
 */
async function leadingOf(
  session: Session,
  index: string,
  { status, rootsOnly, lane, taskType }: TaskFilter,
): Promise<Filter<TaskDocument>> {
  if (index === 'tasks_by_status')
    return defined({
      status: among(status ?? taskStatuses),
      depth: rootsOnly === true ? { $eq: 0 } : everyDepth,
    })
  if (index !== 'tasks_lane') return {}
  const ofLane = defined({ lane: equalTo(lane) })
  return defined({
    lane: lane === undefined ? among(await knownLanes(session)) : equalTo(lane),
    taskType: among(taskType ?? (await valuesOf(session, 'taskType', ofLane))),
  })
}

/** The listing of every task. */
export const everyTask = {
  index: 'tasks_by_status',
  filter: { status: { $in: [...taskStatuses] }, depth: everyDepth },
}

/** Returns the lanes of all tasks there are. */
export function knownLanes(session: Session): Promise<string[]> {
  return valuesOf(session, 'lane', {})
}

/** Returns the values of a field, within a lane those of the type, with one seek along the index for each: they are few. */
async function valuesOf(session: Session, field: 'lane' | 'taskType', within: Filter<TaskDocument>) {
  const options = { hint: 'tasks_lane', sort: { lane: 1, taskType: 1 }, limit: 1 } as const
  const values: string[] = []
  for (;;) {
    const beyond = { ...within, [field]: { $gt: values.at(-1) ?? '' } }
    const [next] = await readFields(session, 'which there are', beyond, [field], options)
    if (next === undefined) return values
    values.push(String(next[field]))
  }
}

/** The most that a clock may have been ahead when it numbered a task, and was set back since; milliseconds. */
const mostAheadMs = 3_600_000

function conditionsOf(filter: TaskFilter): Filter<TaskDocument> {
  const { status, taskType, userId, lane, tag, parentTaskId, rootsOnly, createdAfter, createdBefore } = filter
  const { errorCode } = filter
  const dateOf = (time: number | undefined) => (time === undefined ? undefined : new Date(time))
  const numberOf = (time: number | undefined) => (time === undefined ? undefined : time * ordersPerMs)
  return defined({
    // The number of a task is that of its time, or higher: tasks of other times are passed by.
    order: between(
      numberOf(createdAfter),
      numberOf(createdBefore === undefined ? undefined : createdBefore + mostAheadMs),
    ),
    status: among(status),
    taskType: among(taskType),
    userId: equalTo(userId),
    lane: equalTo(lane),
    tags: equalTo(tag),
    parentTaskId: equalTo(parentTaskId),
    depth: rootsOnly === true ? { $eq: 0 } : undefined,
    createdAt: between(dateOf(createdAfter), dateOf(createdBefore)),
    deadLetter: errorCode === undefined ? undefined : { $exists: true },
    'deadLetter.error.code': equalTo(errorCode),
  })
}

/** Values of a filter stand behind an operator: whatever they are, they are compared and never read as a query. */
export function equalTo(value: unknown): Document | undefined {
  return value === undefined ? undefined : { $eq: value }
}

/** No list does not restrict; an empty one matches nothing. */
export function among(values: readonly string[] | undefined): Document | undefined {
  return values === undefined ? undefined : { $in: values.map(String) }
}

/** Returns the condition that excludes both ends; each may be left out. */
export function between<T>(above: T | undefined, below: T | undefined): Document | undefined {
  if (above === undefined && below === undefined) return undefined
  return defined({ $gt: above, $lt: below })
}

type Children = ChildrenFilter & { parentTaskId: string }

/** Returns sub-tasks in the order of submission, or those that failed first. */
export function listChildren(
  session: Session,
  filter: Children,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  return filter.failedFirst === true
    ? listFailedFirst(session, filter, page)
    : pageOfTasks(session, page, childrenOf(filter))
}

function childrenOf(filter: Children): Listing {
  const conditions = defined({
    parentTaskId: equalTo(filter.parentTaskId),
    status: among(filter.status),
    taskType: equalTo(filter.taskType),
    predecessor: equalTo(filter.predecessor),
  })
  const bound = { listing: 'sub-tasks', ...filter }
  const index = filter.predecessor === undefined ? 'tasks_parent' : 'tasks_predecessor'
  return { operation: 'children', index, filter: conditions, newestFirst: false, bound }
}

async function listFailedFirst(session: Session, filter: Children, page: PageRequest) {
  const { pageSize, pageToken: token } = page
  const { bound } = childrenOf(filter)
  const [part, ...place] = pageKey(bound, token, ['number', 'number', 'string']) ?? [0]
  const parts = failedFirst(filter.status)
  const documents: TaskDocument[] = []
  for (const [current, status] of parts.entries()) {
    if (current < part || documents.length > pageSize || status.length === 0) continue
    const from: Place | undefined = current === part && place.length === 2 ? place : undefined
    const missing = pageSize + 1 - documents.length
    documents.push(...(await readBeyond(session, childrenOf({ ...filter, status }), from, missing)))
  }
  return taskPage(session, documents, pageSize, ({ status, order, _id }) =>
    pageToken(bound, [parts.findIndex(statuses => statuses.includes(status)), order, _id]),
  )
}

/** A place in a listing: the order of submission, and the id where two processes gave the same. */
export type Place = readonly [order: number, id: string]

/** A listing: which tasks, along which index, newest or oldest first. */
export interface Listing {
  /** The name that faults and errors give it. */
  operation: string
  /** The index that ends with (order, id): the read is one walk along it, and stops with the page. */
  index: string
  filter: Filter<TaskDocument>
  newestFirst: boolean
  /** What its page tokens are bound to. */
  bound: object
}

/** Returns at most `limit` tasks of a listing beyond a place. */
export function readBeyond(
  session: Session,
  { operation, index, filter, newestFirst }: Omit<Listing, 'bound'>,
  place: Place | undefined,
  limit: number,
): Promise<TaskDocument[]> {
  const direction = newestFirst ? -1 : 1
  const options = { hint: index, sort: { order: direction, _id: direction }, limit } as const
  const { order, ...others } = beyond(place, newestFirst)
  const conditions = { ...filter, ...others, ...defined({ order: merged(filter.order, order) }) }
  return findTasks(session, operation, conditions, options)
}

function merged(one: unknown, other: object | undefined): Document | undefined {
  return one === undefined && other === undefined ? undefined : Object.assign({}, one, other)
}

/** Returns the condition of what follows a place: one range of the index, less those of the same order that were shown. */
function beyond(place: Place | undefined, newestFirst: boolean): { order?: object; $nor?: Document[] } {
  if (place === undefined) return {}
  const [order, id] = place
  return newestFirst
    ? { order: { $lte: order }, $nor: [{ order: { $eq: order }, _id: { $gte: id } }] }
    : { order: { $gte: order }, $nor: [{ order: { $eq: order }, _id: { $lte: id } }] }
}

/** Returns a page of a listing. */
export async function pageOfTasks(session: Session, request: PageRequest, listing: Listing) {
  const { bound } = listing
  const place = pageKey(bound, request.pageToken, ['number', 'string'])
  const documents = await readBeyond(session, listing, place, request.pageSize + 1)
  return taskPage(session, documents, request.pageSize, ({ order, _id }) => pageToken(bound, [order, _id]))
}

/** Returns the page of documents of which one more than asked for was read. */
async function taskPage(
  session: Session,
  documents: readonly TaskDocument[],
  pageSize: number,
  token: (last: TaskDocument) => string,
): Promise<Page<TaskRecord>> {
  const { items, ...rest } = pageOf(documents, pageSize, { item: document => document, token })
  return { items: await recordsOf(session, items), ...rest }
}

/** Returns the tasks of a tree that wait for its budget, the first submitted first. */
export async function waitingForBudget(session: Session, rootTaskId: string, limit: number) {
  const waits = {
    wakeAt: { $gte: new Date(0) },
    status: 'RETRYING',
    'errorInfo.code': 'BUDGET_EXHAUSTED',
  } as const
  const below = { rootTaskId: { $eq: rootTaskId }, parentTaskId: { $exists: true }, ...waits }
  const hint = 'tasks_below'
  const operation = 'waiting for budget'
  const [root, count] = await Promise.all([
    findTasks(session, operation, { _id: { $eq: rootTaskId }, ...waits }),
    countUpTo(session, 'count waiting for budget', below, { hint, limit: countsUpTo }),
  ])
  const total = root.length + count
  if (total === 0 || limit === 0) return { total, tasks: [] }
  const options = { hint, sort: { order: 1, _id: 1 }, limit } as const
  const found = [...root, ...(await findTasks(session, operation, below, options))].slice(0, limit)
  return { total, tasks: await recordsOf(session, found) }
}
