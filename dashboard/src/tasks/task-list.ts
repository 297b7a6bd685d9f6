import {
  type InfiniteData,
  type QueryKey,
  useInfiniteQuery,
  useQueries,
  useQueryClient,
} from '@tanstack/react-query'
import { useMemo } from 'react'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import type { TaskPage } from '../live/apply.ts'
import type { TasksSearch } from '../queries/search.ts'
import { type PagePair, rowsOf, takeIn } from './merge-rows.ts'
import { mostPerPage, readTasks, type TaskQuery, taskQueryOf, tasksPerPage } from './task-query.ts'

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
  /** Reads the list anew from its beginning: what its filters do not fit any more goes. */
  readonly refresh: () => Promise<void>
  /** Asks again after an error. */
  readonly tryAgain: () => void
}

/**
 * The tasks that an address asks for, page after page. The pages that are looked at (`inView`) are kept in date by reading them again; the
 * others are changed by what the live stream tells alone.
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
  const rows = useMemo(() => rowsOf(pairs), [pairs])
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

/** The pages of a list, each with what it is now. Those in view are read again whenever something of a task changed. */
function usePagePairs(query: TaskQuery, data: Listing | undefined, inView: RowRange): PagePair[] {
  const pages = data?.pages ?? noPages
  const isInView = pagesInView(pages, inView)
  const now = useQueries({
    queries: pages.map((shown, index) => {
      const pageToken = data?.pageParams[index]
      const pageSize = Math.min(mostPerPage, Math.max(tasksPerPage, shown.items.length))
      return {
        queryKey: pageKey(query, pageToken),
        queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Listing> => ({
          pages: [await readTasks(query, { pageToken, pageSize }, signal)],
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

const noPages: TaskPage[] = []

function firstPages(results: readonly { data: Listing | undefined }[]): (TaskPage | undefined)[] {
  return results.map(({ data }) => data?.pages[0])
}

/** Tells which pages hold rows of a range. */
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
