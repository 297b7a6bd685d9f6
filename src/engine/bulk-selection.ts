/** Which tasks a bulk action is about: its action and its filter, what they may be, and the listing of the tasks that fit. */
import type { DeadLetterFilter, Page, PageRequest, TaskFilter } from '../store/store.ts'
import { readable } from '../task/codec.ts'
import { hasControls } from '../task/controls.ts'
import { defined } from '../task/defined.ts'
import {
  endedStatuses,
  liveStatuses,
  retryableStatuses,
  type TaskStatus,
  taskStatuses,
} from '../task/status.ts'
import { isCancelRequested, type TaskRecord } from '../task/task.ts'
import { fieldOf } from '../task/thrown.ts'
import { claiming } from '../task/transition.ts'
import type { Core } from './core.ts'
import { hasOtherTags } from './relabel.ts'
import { waitsForTime } from './retry.ts'

/** The type of the task that is a bulk action. */
export const bulkActionType = 'BulkAction'

/** What can be done to many tasks. */
export const bulkActionNames = [
  ...(['cancel', 'retry', 'runNow', 'purge'] as const),
  ...(['addTags', 'removeTags', 'move'] as const),
] as const

/** What a bulk action does to each task: as `tasks.cancel`, `tasks.retry`, `tasks.runNow`, `deadLetters.purge`, `tasks.tag` and `tasks.move`. */
export type BulkActionName = (typeof bulkActionNames)[number]

/** Tags that a bulk action may add, or take away. */
export const mostBulkTags = 20

/** Tasks that a bulk action may name by their ids. */
export const mostTaskIds = 1_000

/** Which tasks. Absent fields do not restrict; times are epoch milliseconds. */
export interface BulkFilter extends TaskFilter, DeadLetterFilter {
  /** These alone, at most 1,000; beside them only `userId`. */
  taskIds?: readonly string[]
}

/** What is to be done to which tasks. */
export interface BulkSelection {
  action: BulkActionName
  /** What the filter is of: the list of tasks, or that of open dead letters. Default `tasks`; of a purge `deadLetters`. */
  among?: 'tasks' | 'deadLetters'
  filter: BulkFilter
  /** Of `addTags` and `removeTags`: which, 1 to 20. */
  tags?: readonly string[]
  /** Of `move`: the lane that the tasks are to wait in. */
  lane?: string
}

/** What an action needs beside the filter. */
const operandOf: { readonly [Action in BulkActionName]?: 'tags' | 'lane' } = {
  addTags: 'tags',
  removeTags: 'tags',
  move: 'lane',
}

/** Actions on tasks that have not ended. */
const ofLiveTasks: readonly BulkActionName[] = ['cancel', 'runNow', 'move']

/** Fields of a filter that both lists have. */
const ofBoth = ['taskType', 'userId']
const ofTasks = ['status', 'lane', 'tag', 'errorCode', 'parentTaskId', 'rootsOnly'].concat([
  'createdAfter',
  'createdBefore',
])
const ofDeadLetters = ['code', 'fingerprint', 'openedAfter', 'openedBefore']
/** Fields of a filter, by what it is of. */
const fieldsOf = { tasks: [...ofBoth, ...ofTasks], deadLetters: [...ofBoth, ...ofDeadLetters] } as const

/** Something that makes no sense in a selection. */
export interface SelectionProblem {
  path: string[]
  message: string
}

/** Returns which list the filter of a selection is of. */
export function listOf({ action, among }: Pick<BulkSelection, 'action' | 'among'>): 'tasks' | 'deadLetters' {
  return among ?? (action === 'purge' ? 'deadLetters' : 'tasks')
}

/** Returns what makes no sense together in a selection whose fields are each valid. */
export function problemsOf(selection: BulkSelection): SelectionProblem[] {
  const { action, filter } = selection
  const among = listOf(selection)
  const problems: SelectionProblem[] = []
  for (const name of ['tags', 'lane'] as const) {
    const isGiven = selection[name] !== undefined
    if (operandOf[action] === name && !isGiven)
      problems.push({ path: [name], message: `The action ${action} needs this.` })
    if (operandOf[action] !== name && isGiven)
      problems.push({ path: [name], message: `The action ${action} has no such field.` })
  }
  // Those that an earlier version let in can be removed.
  if (action === 'addTags' && selection.tags?.some(hasControls) === true)
    problems.push({ path: ['tags'], message: 'A tag has no line ends and other control characters.' })
  if (among === 'deadLetters' && ofLiveTasks.includes(action))
    problems.push({ path: ['among'], message: `Dead letters have ended: ${action} is for tasks.` })
  if (among === 'tasks' && action === 'purge')
    problems.push({ path: ['among'], message: 'Only dead letters are purged.' })
  const given = Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  for (const name of given.filter(each => each !== 'taskIds')) {
    const path = ['filter', name]
    if (filter.taskIds !== undefined && name !== 'userId')
      problems.push({ path, message: 'Give taskIds or other fields, not both.' })
    else if (!fieldsOf[among].includes(name))
      problems.push({ path, message: `The filter of ${among} has no field ${name}.` })
  }
  return problems
}

/** Returns which tags an action adds, or takes away. */
export function tagChangeOf({ action, tags = [] }: Pick<BulkSelection, 'action' | 'tags'>) {
  return action === 'addTags' ? { add: tags } : { remove: tags }
}

/** What a selection is looked for in. */
export interface SelectionScope {
  /** Tasks that were submitted, ended, or became dead letters later than this are left out; epoch milliseconds. */
  until: number
  /** The tree of the bulk action itself, which it leaves out. */
  rootTaskId?: string
  /** Only tasks that wait, and no sub-tasks: see `hasWaitingFirst`. */
  isWaitingOnly?: boolean
}

/** The statuses that an action may leave. */
const statusesOf: Record<BulkActionName, readonly TaskStatus[]> = {
  cancel: liveStatuses,
  retry: retryableStatuses,
  runNow: claiming.from,
  purge: endedStatuses,
  addTags: taskStatuses,
  removeTags: taskStatuses,
  move: claiming.from,
}

/**
 * Returns whether an action goes over the waiting tasks alone, before it goes over all: a cancelled task that ran makes room, in which the next one
 * would start only to be cancelled. Sub-tasks come after their parents, which would else go on without them.
 */
export function hasWaitingFirst({ action, filter: { taskIds } }: BulkSelection): boolean {
  return action === 'cancel' && taskIds === undefined
}

/**
 * Returns a page of the tasks that an action fits: tasks in the order of their submission, so that a parent comes before its sub-tasks; dead
 * letters as they are listed, the most recently submitted task first. Other bulk actions are left out unless the filter names their type.
 */
export async function selectedPage(
  { store }: Pick<Core, 'store'>,
  selection: BulkSelection,
  scope: SelectionScope,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  const { items, ...next } = await listed({ store }, selection, scope, page)
  const now = store.tasks.now()
  return { items: items.filter(record => fits(record, selection, scope, now)), ...next }
}

function listed(
  { store: { queries } }: Pick<Core, 'store'>,
  selection: BulkSelection,
  { until, isWaitingOnly = false }: SelectionScope,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  const { action, filter } = selection
  if (filter.taskIds !== undefined) return named(queries, filter.taskIds, page)
  if (listOf(selection) === 'deadLetters') {
    const { taskType, userId, code, fingerprint, openedAfter } = filter
    const openedBefore = Math.min(filter.openedBefore ?? Number.POSITIVE_INFINITY, until + 1)
    return queries.deadLetters(
      defined({ taskType, userId, code, fingerprint, openedAfter, openedBefore }),
      page,
    )
  }
  const { taskType, userId, lane, tag, errorCode, parentTaskId, createdAfter } = filter
  const asked = filter.status
  const leaves = statusesOf[isWaitingOnly ? 'runNow' : action]
  const status = leaves.filter(each => asked === undefined || asked.includes(each))
  const rootsOnly = isWaitingOnly && parentTaskId === undefined ? true : filter.rootsOnly
  const createdBefore = Math.min(filter.createdBefore ?? Number.POSITIVE_INFINITY, until + 1)
  const fields = { taskType, userId, lane, tag, errorCode, parentTaskId, rootsOnly, createdAfter }
  return queries.list({ ...defined(fields), status, createdBefore }, { ...page, order: 'oldest' })
}

/** Returns the tasks of a list of ids that are there, page by page: a token is the number of ids before the page. */
async function named(
  queries: Core['store']['queries'],
  ids: readonly string[],
  { pageSize, pageToken }: PageRequest,
): Promise<Page<TaskRecord>> {
  const from = Number(pageToken ?? 0)
  const to = from + pageSize
  const found = await queries.get(ids.slice(from, to))
  const items = found.filter(record => record !== undefined)
  return { items, ...(to < ids.length && { nextPageToken: String(to) }) }
}

/** Returns whether an action does anything to a task that was listed. One that was named by its id says by itself why it cannot be. */
function fits(record: TaskRecord, selection: BulkSelection, scope: SelectionScope, now: number): boolean {
  const { action, filter } = selection
  const { until, rootTaskId } = scope
  if (record.rootTaskId === rootTaskId) return false
  if (action === 'retry' && isWider(record, filter)) return false
  if (filter.taskIds !== undefined) return filter.userId === undefined || record.userId === filter.userId
  if (record.taskType === bulkActionType && filter.taskType?.includes(bulkActionType) !== true) return false
  // Of the same millisecond are those of which the root was submitted first.
  if (record.createdAt === until && rootTaskId !== undefined && record.rootTaskId > rootTaskId) return false
  if (action === 'cancel') return !isCancelRequested(record)
  if (action === 'move') return record.lane !== selection.lane
  if (action === 'addTags' || action === 'removeTags') return hasOtherTags(record, tagChangeOf(selection))
  if (action === 'runNow') return waitsForTime(record) && (record.nextAttemptTimestamp ?? 0) > now
  return (record.completedAt ?? 0) <= until
}

/**
 * Returns whether a task is a bulk action on more users than a filter names. Who acts on the tasks of one user does not run it again: somebody with more
 * rights may have submitted it for that user.
 */
export function isWider(
  { taskType, parameters }: Pick<TaskRecord, 'taskType' | 'parameters'>,
  { userId }: { readonly userId?: string },
): boolean {
  if (userId === undefined || taskType !== bulkActionType) return false
  return fieldOf(fieldOf(readable(parameters), 'filter'), 'userId') !== userId
}

/** What a selection finds. */
export interface BulkPreview {
  count: number
  /** There are more than were counted, or may be: not all were read. */
  isMore: boolean
  /** The first of them, at most ten. */
  sample: readonly TaskRecord[]
}

/** Tasks of a sample. */
const sampled = 10
/** Records read at a time. */
const perRead = 100

/** Counts what a selection finds, at most `most`, and reads at most `mostRead` records for it, default any number. */
export async function countSelected(
  core: Pick<Core, 'store'>,
  selection: BulkSelection,
  scope: SelectionScope,
  { most, mostRead = Number.POSITIVE_INFINITY }: { most: number; mostRead?: number },
): Promise<BulkPreview> {
  const sample: TaskRecord[] = []
  let count = 0
  let read = 0
  for (let page: PageRequest = { pageSize: perRead }; ; ) {
    const { items, nextPageToken } = await selectedPage(core, selection, scope, page)
    count += items.length
    read += perRead
    sample.push(...items.slice(0, sampled - sample.length))
    if (count > most || (count === most && nextPageToken !== undefined))
      return { count: most, isMore: true, sample }
    if (nextPageToken !== undefined && read >= mostRead) return { count, isMore: true, sample }
    if (nextPageToken === undefined) return { count, isMore: false, sample }
    page = { pageSize: perRead, pageToken: nextPageToken }
  }
}
