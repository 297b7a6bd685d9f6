import type { Filter } from 'mongodb'
import { liveStatuses, type TaskStatus, taskStatuses, unsuccessfulStatuses } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import { pageKey, pageToken } from '../pages.ts'
import type { Page, PageRequest, TaskFilter, TaskListRequest } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { type Listing, type Place, pageOfTasks, readBeyond, taskPage } from './keyset.ts'
import type { Session } from './session.ts'

/** Values of a filter stand behind an operator: whatever they are, they are compared and never read as a query. */
export function listTasks(
  session: Session,
  filter: TaskFilter,
  page: TaskListRequest,
): Promise<Page<TaskRecord>> {
  const newestFirst = page.order !== 'oldest'
  const listing = {
    operation: 'list',
    index: indexFor(filter),
    filter: conditionsOf(filter),
    newestFirst,
  }
  return pageOfTasks(
    session,
    listing,
    { listing: newestFirst ? 'tasks' : 'tasks, oldest first', ...filter },
    page,
  )
}

const live: readonly TaskStatus[] = liveStatuses

/**
 * The most telling field that has an index. Several statuses are several ranges of it, which the server merges in order. Live tasks are
 * few beside those that ended, so that their status tells more than their user does.
 */
function indexFor({ parentTaskId, userId, status }: TaskFilter): string {
  if (parentTaskId !== undefined) return 'tasks_parent'
  const isLive = status?.every(each => live.includes(each)) === true
  if (userId !== undefined && !isLive) return 'tasks_user'
  return status === undefined ? 'tasks_newest' : 'tasks_status'
}

function conditionsOf(filter: TaskFilter): Filter<TaskDocument> {
  const { status, taskType, userId, lane, tag, parentTaskId, rootsOnly, createdAfter, createdBefore } = filter
  const createdAt = {
    ...(createdAfter === undefined ? {} : { $gt: new Date(createdAfter) }),
    ...(createdBefore === undefined ? {} : { $lt: new Date(createdBefore) }),
  }
  return {
    ...(status === undefined ? {} : { status: { $in: [...status] } }),
    ...among('taskType', taskType),
    ...(userId === undefined ? {} : { userId: { $eq: userId } }),
    ...(lane === undefined ? {} : { lane: { $eq: lane } }),
    ...(tag === undefined ? {} : { tags: { $eq: tag } }),
    ...(parentTaskId === undefined ? {} : { parentTaskId: { $eq: parentTaskId } }),
    ...(rootsOnly === true ? { depth: { $eq: 0 } } : {}),
    ...(Object.keys(createdAt).length === 0 ? {} : { createdAt }),
  }
}

/** No list does not restrict; an empty one matches nothing. */
function among(field: 'taskType' | 'status', values: readonly string[] | undefined): Filter<TaskDocument> {
  return values === undefined ? {} : { [field]: { $in: values.map(String) } }
}

interface ChildrenFilter {
  parentTaskId: string
  status?: readonly TaskStatus[]
  taskType?: string
  failedFirst?: boolean
}

/** In the order of submission. */
export function listChildren(
  session: Session,
  filter: ChildrenFilter,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  const bound = { listing: 'sub-tasks', ...filter }
  return filter.failedFirst === true
    ? failedFirst(session, filter, bound, page)
    : pageOfTasks(session, childrenOf(filter, filter.status), bound, page)
}

function childrenOf(
  { parentTaskId, taskType }: ChildrenFilter,
  statuses: readonly TaskStatus[] | undefined,
): Listing {
  return {
    operation: 'children',
    index: 'tasks_parent',
    filter: {
      parentTaskId: { $eq: parentTaskId },
      ...among('status', statuses),
      ...(taskType === undefined ? {} : { taskType: { $eq: taskType } }),
    },
    newestFirst: false,
  }
}

const unsuccessful: readonly TaskStatus[] = unsuccessfulStatuses

/** A listing of the unsuccessful ones, then one of the others. */
async function failedFirst(
  session: Session,
  filter: ChildrenFilter,
  bound: object,
  { pageSize, pageToken: token }: PageRequest,
): Promise<Page<TaskRecord>> {
  const [part, ...place] = pageKey(bound, token, ['number', 'number', 'string']) ?? [0]
  const documents: TaskDocument[] = []
  for (const current of [0, 1]) {
    if (current < part || documents.length > pageSize) continue
    const statuses = (filter.status ?? taskStatuses).filter(
      status => unsuccessful.includes(status) === (current === 0),
    )
    if (statuses.length === 0) continue
    const from: Place | undefined = current === part && place.length === 2 ? place : undefined
    const room = pageSize + 1 - documents.length
    documents.push(...(await readBeyond(session, childrenOf(filter, statuses), from, room)))
  }
  return taskPage(session, documents, pageSize, ({ status, order, _id }) =>
    pageToken(bound, [unsuccessful.includes(status) ? 0 : 1, order, _id]),
  )
}
