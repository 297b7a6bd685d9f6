import type { InfiniteData, Query, QueryClient } from '@tanstack/react-query'
import { defined } from '../../../src/task/defined.ts'
import { isPaid, keys } from '../api/keys.ts'
import { isEnd, type Task } from '../api/task.ts'

/** The names of the events of the stream that report a task. */
const taskEventNames = [
  'task.created',
  'task.updated',
  'task.progress',
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.dead-lettered',
] as const

/** What became of a task: never its parameters or result, which are one request away. */
export interface TaskEvent {
  name: (typeof taskEventNames)[number]
  /** What happened, finer than the name: `started`, `retrying`. */
  event?: string
  taskId: string
  taskType: string
  userId: string
  lane: string
  rootTaskId: string
  parentTaskId?: string
  status: Task['status']
  /** RFC 3339. */
  at: string
  attempt?: number
  progress?: unknown
  nextAttemptTimestamp?: string
  errorInfo?: Task['errorInfo']
  /** Milliseconds. */
  waitedMs?: number
  ranMs?: number
}

/** A message of the stream: a change of a task, or that something may have been missed. */
export type LiveMessage = { kind: 'task'; id: string; event: TaskEvent } | { kind: 'reset'; id: string }

/** Reads an event of the stream; undefined for a kind that is not known here, such as one of a newer server. */
export function messageOf(name: string, id: string, data: string): LiveMessage | undefined {
  if (name === 'reset') return { kind: 'reset', id }
  const known = taskEventNames.find(each => each === name)
  if (known === undefined) return undefined
  return { kind: 'task', id, event: { ...(JSON.parse(data) as Omit<TaskEvent, 'name'>), name: known } }
}

/** A page of a listing of tasks. */
export interface TaskPage {
  items: Task[]
  nextPageToken?: string
}

/** Milliseconds between two readings of the same kind of answer, however much happens. */
const readAgainAfter = 1_000
/** Of the lists of dead letters, for each of which the server goes through all of them. */
const readLettersAgainAfter = 5_000
/** Of answers that may cost a call of a model. */
const readPaidAgainAfter = 60_000

/**
 * Brings the cached answers of the API up to date with the stream: rows that are there are changed in place at once; what an event does
 * not carry (results, counts, new rows) is read again, at most once a second, and only where it is shown; lists of dead letters and what is paid less often.
 */
export class LiveCache {
  readonly #queries: QueryClient
  readonly #changed = new Set<string>()
  #isPlanned = false
  #all = false
  /** A tree has ended: what tasks make, novels, scenes and uploads, may have changed. */
  #hasTreeEnded = false
  /** A task began or ended, which may have opened or closed a dead letter. Progress does neither. */
  #haveLettersChanged = false
  #lettersReadAt = Number.NEGATIVE_INFINITY
  /** Answers that are out of date and could not be read again the last time. */
  #deferred: ReadonlySet<Query> = new Set()

  constructor(queries: QueryClient) {
    this.#queries = queries
  }

  /** Takes the messages of the stream since the last time. */
  take(messages: readonly LiveMessage[]): void {
    const newest = new Map<string, TaskEvent>()
    for (const message of messages) {
      if (message.kind === 'reset') this.#all = true
      else newest.set(message.event.taskId, message.event)
      this.#haveLettersChanged ||= message.kind === 'task' && message.event.name !== 'task.progress'
    }
    if (newest.size > 0) this.#patch(newest)
    for (const { taskId, parentTaskId, rootTaskId, status } of newest.values()) {
      this.#hasTreeEnded ||= taskId === rootTaskId && isEnd(status)
      for (const id of [taskId, parentTaskId, rootTaskId]) if (id !== undefined) this.#changed.add(id)
    }
    this.#plan()
  }

  /** Something may have been missed: everything that is shown is read again. */
  missed(): void {
    this.#all = true
    this.#plan()
  }

  #patch(newest: ReadonlyMap<string, TaskEvent>): void {
    this.#queries.setQueriesData<InfiniteData<TaskPage>>({ queryKey: keys.taskLists }, data =>
      patchPages(data, newest),
    )
    this.#queries.setQueriesData<InfiniteData<TaskPage>>({ queryKey: ['tasks', 'children'] }, data =>
      patchPages(data, newest),
    )
    for (const [taskId, event] of newest)
      this.#queries.setQueryData<Task>(keys.task(taskId), task => task && patched(task, event))
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setTimeout(() => {
      this.#isPlanned = false
      this.#readAgain()
    }, readAgainAfter)
  }

  #readAgain(): void {
    const all = this.#all
    const isOld = this.#takeChanges()
    const isLate = (query: Query) => !all && isOld(query) && !isDue(query)
    const deferred = new Set(this.#queries.getQueryCache().findAll({ predicate: isLate }))
    void this.#queries.invalidateQueries({
      predicate: query => all || (isOld(query) && !deferred.has(query)),
    })
    this.#deferred = deferred
    if (deferred.size > 0) this.#plan()
  }

  /** Returns what tells the answers that are out of date, by what happened since the last time. */
  #takeChanges(): (query: Query) => boolean {
    const deferred = this.#deferred
    const changed = new Set(this.#changed)
    const made = this.#hasTreeEnded ? ofEndedTrees : none
    const letters = this.#takeLettersChanged()
    this.#changed.clear()
    this.#all = false
    this.#hasTreeEnded = false
    return query =>
      deferred.has(query) ||
      made.has(query.queryKey[0]) ||
      (letters && isLetterList(query.queryKey)) ||
      isTouched(query.queryKey, changed, query.state.data)
  }

  /** Returns whether the lists of dead letters are to be read now; where it is too early, they are later. */
  #takeLettersChanged(): boolean {
    if (!this.#haveLettersChanged) return false
    const now = performance.now()
    if (now - this.#lettersReadAt < readLettersAgainAfter) {
      this.#plan()
      return false
    }
    this.#lettersReadAt = now
    this.#haveLettersChanged = false
    return true
  }
}

/** Returns whether an answer can be read again now. A reading that is under way is not replaced: one that takes longer than a second would never end. */
function isDue({ queryKey, state }: Query): boolean {
  if (state.fetchStatus === 'fetching') return false
  return !isPaid(queryKey) || Date.now() - state.dataUpdatedAt >= readPaidAgainAfter
}

/** Answers that the end of a tree may change. A tree can end before its tasks were ever read, so the list of them does not show it. */
const ofEndedTrees: ReadonlySet<unknown> = new Set(['novels', 'scenes', 'uploads'])
const none: ReadonlySet<unknown> = new Set()

/** Kinds of answers that any event of a task may change. */
const ofAnyTask = new Set<unknown>(['list', 'counts'])

/** Pages of a list of sub-tasks beyond which it is not read again as a whole: that would take a request per page, once a second. */
const mostPagesReadAgain = 2

/** Returns whether the list has too many pages to be read again as a whole: only its rows are kept up to date. */
export function isLongList(data: unknown): boolean {
  if (typeof data !== 'object' || data === null || !('pages' in data)) return false
  return Array.isArray(data.pages) && data.pages.length > mostPagesReadAgain
}

function isTouched(
  [resource, kind, id]: readonly unknown[],
  changed: ReadonlySet<string>,
  data: unknown,
): boolean {
  if (changed.size === 0) return false
  if (kind === 'children' && isLongList(data)) return false
  if (resource === 'tasks' && ofAnyTask.has(kind)) return true
  return (resource === 'tasks' || resource === 'dead-letters') && typeof id === 'string' && changed.has(id)
}

function isLetterList([resource, kind]: readonly unknown[]): boolean {
  return resource === 'dead-letters' && kind !== 'one'
}

function patchPages(
  data: InfiniteData<TaskPage> | undefined,
  newest: ReadonlyMap<string, TaskEvent>,
): InfiniteData<TaskPage> | undefined {
  if (data === undefined) return undefined
  let isSame = true
  const pages = data.pages.map(page => {
    if (!page.items.some(({ id }) => newest.has(id))) return page
    isSame = false
    const items = page.items.map(task => {
      const event = newest.get(task.id)
      return event === undefined ? task : patched(task, event)
    })
    return { ...page, items }
  })
  return isSame ? data : { ...data, pages }
}

/** Returns the task with the change of an event; an event that is older than the answer changes nothing. */
function patched(task: Task, event: TaskEvent): Task {
  if (event.at < task.timestamps.updatedAt || (event.attempt ?? task.attempt) < task.attempt) return task
  const { nextAttemptTimestamp: _, ...before } = task
  const { nextAttemptTimestamp, attempt, progress, errorInfo } = event
  return {
    ...before,
    status: event.status,
    done: isEnd(event.status),
    timestamps: timestampsAfter(task, event),
    ...defined({ nextAttemptTimestamp, attempt, progress, errorInfo }),
  }
}

function timestampsAfter({ timestamps }: Task, { status, at }: TaskEvent): Task['timestamps'] {
  const { completedAt: _, ...before } = timestamps
  if (isEnd(status)) return { ...timestamps, updatedAt: at, completedAt: timestamps.completedAt ?? at }
  return { ...before, updatedAt: at }
}
