import {
  type InfiniteData,
  type QueryKey,
  useInfiniteQuery,
  useQueries,
  useQueryClient,
} from '@tanstack/react-query'
import { useMemo } from 'react'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { pageAt } from '../api/pages.ts'
import type { Task } from '../api/task.ts'
import type { TaskPage } from '../live/apply.ts'
import type { BulkSelection } from '../parts/bulk-dialog.tsx'
import type { TasksSearch } from '../queries/search.ts'
import { readTask, type TaskQuery } from '../queries/task-queries.ts'

/** How a listing is kept. A single page is kept in the same form, so that the live stream changes the rows of both in place. */
type Listing = InfiniteData<TaskPage, string | undefined>

/** Numbers of rows, from 0; both are included. */
export interface RowRange {
  readonly first: number
  readonly last: number
}

/** A list of tasks on the screen. */
export interface TaskList {
  readonly rows: readonly Task[]
  readonly isLoading: boolean
  readonly error: unknown
  /** Tasks that came in since the list was read, and are not in the rows yet. */
  readonly arrived: number
  /** More came in than could be counted. */
  readonly arrivedMore: boolean
  readonly hasMore: boolean
  readonly isLoadingMore: boolean
  readonly loadMore: () => void
  readonly takeInArrived: () => void
  /** Reads the list again from its beginning: what its filters do not fit any more goes. */
  readonly refresh: () => Promise<void>
  /** Asks again after an error. */
  readonly tryAgain: () => void
}

/**
 * The tasks that an address asks for, page after page. The pages that are in view (`inView`) are kept up to date by reading them again; the
 * others are changed by the live stream alone.
 */
export function useTaskList(search: TasksSearch, inView: RowRange): TaskList {
  const queries = useQueryClient()
  const query = useMemo(() => taskQueryOf(search), [search])
  const list = useInfiniteQuery<TaskPage, Error, Listing, QueryKey, string | undefined>({
    queryKey: keys.taskList(query),
    queryFn: ({ pageParam, signal }) => readTasks(query, { pageToken: pageParam }, signal),
    initialPageParam: undefined,
    getNextPageParam: page => page.nextPageToken,
    // Its rows stay where they are; what they say comes from the pages that are read again, and from the live stream.
    staleTime: 'static',
  })
  const pairs = usePagePairs(query, list.data, inView)
  const found = useLost(pairs, query, inView)
  const rows = useMemo(() => rowsOf(pairs, found), [pairs, found])
  const taken = useMemo(() => takeIn(pairs), [pairs])
  const put = (data: Listing) => queries.setQueryData<Listing>(keys.taskList(query), data)

  return {
    rows,
    isLoading: list.isPending,
    error: list.error,
    arrived: taken.count,
    arrivedMore: taken.isCut,
    hasMore: list.hasNextPage,
    isLoadingMore: list.isFetchingNextPage,
    loadMore: () => void list.fetchNextPage(),
    takeInArrived() {
      const [first] = pairs
      if (list.data === undefined || first === undefined) return
      put(taken.isCut ? fromFirst(first.now) : { ...list.data, pages: taken.pages })
    },
    async refresh() {
      const key = pageKey(query, undefined)
      await queries.invalidateQueries({ queryKey: key, exact: true })
      const page = queries.getQueryData<Listing>(key)?.pages[0]
      if (page !== undefined) put(fromFirst(page))
    },
    tryAgain: () => void (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch()),
  }
}

function fromFirst(page: TaskPage): Listing {
  return { pages: [page], pageParams: [undefined] }
}

function pageKey(query: TaskQuery, pageToken: string | undefined) {
  return [...keys.taskList(query), pageToken ?? 'first'] as const
}

/** Returns the pages of a list, each with what it is now. Those in view are read again whenever something of a task changed. */
function usePagePairs(query: TaskQuery, data: Listing | undefined, inView: RowRange): PagePair[] {
  const pages = data?.pages ?? noPages
  const isInView = pagesInView(pages, inView)
  const now = useQueries({
    queries: pages.map((shown, index) => {
      const pageToken = data?.pageParams[index]
      return {
        queryKey: pageKey(query, pageToken),
        queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Listing> => ({
          pages: [await readBelow(shown, pageSize => readTasks(query, { pageToken, pageSize }, signal))],
          pageParams: [pageToken],
        }),
        initialData: (): Listing => ({ pages: [shown], pageParams: [pageToken] }),
        enabled: isInView(index),
      }
    }),
    combine: firstPages,
  })
  return useMemo(() => pages.map((shown, index) => ({ shown, now: now[index] ?? shown })), [pages, now])
}

/** Reads a page as it is now, down to its last shown row: what came in since pushes as many rows beyond the size that it was shown with. */
async function readBelow(
  { items }: TaskPage,
  read: (pageSize: number) => Promise<TaskPage>,
): Promise<TaskPage> {
  const pageSize = Math.max(tasksPerPage, items.length)
  const page = await read(Math.min(mostPerPage, pageSize))
  const last = items.at(-1)
  if (last === undefined || page.nextPageToken === undefined || page.items.some(({ id }) => id === last.id))
    return page
  const known = new Set(items.map(({ id }) => id))
  const arrived = page.items.filter(({ id }) => !known.has(id)).length
  return arrived === 0 ? page : read(Math.min(mostPerPage, pageSize + arrived))
}

const noPages: TaskPage[] = []

function firstPages(results: readonly { data: Listing | undefined }[]): (TaskPage | undefined)[] {
  return results.map(({ data }) => data?.pages[0])
}

/** Returns whether a page holds rows of a range. */
function pagesInView(pages: readonly TaskPage[], { first, last }: RowRange): (index: number) => boolean {
  let from = 0
  const seen = pages.map(({ items }) => {
    const isSeen = from <= last && from + items.length > first
    from += items.length
    // A page without rows, which only a list without any has, may get some.
    return isSeen || items.length === 0
  })
  return index => seen[index] ?? false
}

/**
 * A list on the screen does not follow the server row by row: what changes its status would vanish under the pointer, and what comes in
 * would push the rest away. So the pages that are shown keep their rows; the same pages as they are now are laid over them.
 */

/** A page of the list: as it is shown, and as it is now. */
interface PagePair {
  readonly shown: TaskPage
  readonly now: TaskPage
}

/**
 * Returns rows in view that the list does not have any more although they fit its filters, as they are now: each is read by its id. What the
 * stream reported of a row shows in it; this is for what it did not report.
 */
function useLost(pairs: readonly PagePair[], { status }: TaskQuery, inView: RowRange): readonly Task[] {
  const rows = useMemo(() => rowsOf(pairs, []), [pairs])
  const current = useMemo(() => new Set(pairs.flatMap(({ now }) => now.items.map(({ id }) => id))), [pairs])
  const lost = rows
    .slice(inView.first, inView.last + 1)
    .filter(task => !current.has(task.id) && (status === undefined || status.includes(task.status)))
  return useQueries({
    queries: lost.map(({ id }) => ({ queryKey: keys.task(id), queryFn: () => readTask(id) })),
    combine: foundTasks,
  })
}

function foundTasks(results: readonly { data: Task | undefined }[]): Task[] {
  return results.flatMap(({ data }) => (data === undefined ? [] : [data]))
}

/** Returns the rows of the list, each as it is known now, none twice. `found`: rows that are in none of its pages now. */
function rowsOf(pairs: readonly PagePair[], found: readonly Task[]): Task[] {
  const now = [...pairs.flatMap(page => page.now.items), ...found]
  const current = new Map(now.map(task => [task.id, task]))
  const rows = new Map<string, Task>()
  for (const { shown } of pairs)
    for (const task of shown.items) if (!rows.has(task.id)) rows.set(task.id, current.get(task.id) ?? task)
  return [...rows.values()]
}

/** The pages with what came in since, and how many that are. `isCut`: more came in than a page holds, so that there is a gap. */
interface TakenIn {
  readonly pages: TaskPage[]
  readonly count: number
  readonly isCut: boolean
}

/**
 * Puts what came in where it belongs. On each page that is each row before one that is shown; at the end of the list, what follows it.
 * A page whose rows are all new has a gap before the next: then the list has to start again.
 */
function takeIn(pairs: readonly PagePair[]): TakenIn {
  const known = new Set(pairs.flatMap(({ shown }) => shown.items.map(({ id }) => id)))
  let count = 0
  let isCut = false
  const pages = pairs.map(({ shown, now }, index) => {
    const isEnd = index === pairs.length - 1 && shown.nextPageToken === undefined
    const groups = groupsOfNew(now.items, known)
    if (groups.isAllNew && now.items.length > 0 && !(isEnd && shown.items.length === 0)) isCut = true
    const items = shown.items.flatMap(task => [...(groups.before.get(task.id) ?? []), task])
    const tail = isEnd ? groups.tail : []
    const all = [...items, ...tail]
    count += all.length - shown.items.length
    if (all.length > mostPerPage) isCut = true
    if (all.length === shown.items.length) return shown
    return withToken(all, isEnd ? now.nextPageToken : shown.nextPageToken)
  })
  return { pages, count: isCut ? Math.max(count, pairs[0]?.now.items.length ?? 0) : count, isCut }
}

function withToken(items: Task[], nextPageToken: string | undefined): TaskPage {
  return nextPageToken === undefined ? { items } : { items, nextPageToken }
}

/** Returns the new rows of a page, by the shown row that they stand before; `tail`: those after the last one that is shown. */
function groupsOfNew(items: readonly Task[], known: ReadonlySet<string>) {
  const before = new Map<string, Task[]>()
  let waiting: Task[] = []
  for (const task of items) {
    if (!known.has(task.id)) {
      waiting.push(task)
      continue
    }
    if (waiting.length > 0) before.set(task.id, waiting)
    waiting = []
  }
  return { before, tail: waiting, isAllNew: waiting.length === items.length }
}

/** Tasks of a page, where nothing else is wanted. */
const tasksPerPage = 50
/** The most that the API gives at once. */
const mostPerPage = 200

/** Returns the listing that an address stands for. */
export function taskQueryOf(search: TasksSearch): TaskQuery {
  const { status, type, user, lane, tag, novel, code, after, before, all, order } = search
  return defined({
    status,
    taskType: type,
    userId: user,
    lane,
    tag,
    'parameters.novelId': novel,
    errorCode: code,
    createdAfter: after,
    createdBefore: before,
    rootsOnly: all === true ? undefined : ('true' as const),
    order,
  })
}

/** Returns the filter of a bulk action on all tasks of the listing that an address stands for. */
export function bulkFilterOf(search: TasksSearch): BulkSelection['filter'] {
  const { rootsOnly, order: _, 'parameters.novelId': novel, ...filter } = taskQueryOf(search)
  // A novel is found by the tag that its tasks have; a listing of both shows nothing to act on.
  const tag = novel === undefined ? filter.tag : `novel:${novel}`
  return defined({ ...filter, tag, rootsOnly: rootsOnly === undefined ? undefined : true })
}

/** Reads a page of a listing. `pageToken`: where the page before ended; undefined for the first. */
function readTasks(
  query: TaskQuery,
  { pageToken, pageSize = tasksPerPage }: { pageToken?: string | undefined; pageSize?: number },
  signal: AbortSignal,
): Promise<TaskPage> {
  const paging = { pageSize, ...pageAt(pageToken) }
  return dataOf(api.GET('/v1/tasks', { params: { query: { ...query, ...paging } }, signal }))
}
