import {
  type InfiniteData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { type NavigateOptions, useNavigate } from '@tanstack/react-router'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { itemsOf, pageAt, pageByPage } from '../api/pages.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components, paths } from '../api/schema.ts'
import { liveStatuses, type Task } from '../api/task.ts'
import { isLongList, type TaskPage } from '../live/apply.ts'

/** One attempt that ended without completing its task. */
export type Attempt = Awaited<ReturnType<typeof readAttempts>>[number]

/** What the calls of one model used. */
export type ModelUse = Awaited<ReturnType<typeof readUsage>>['items'][number]

/** What a tree may spend, and has spent. */
export type BudgetUse = components['schemas']['BudgetUse']

/** Sub-tasks that one request reads. */
const perPage = 100

/** Reads a task as it is now. */
export function readTask(taskId: string, signal?: AbortSignal): Promise<Task> {
  return dataOf(api.GET('/v1/tasks/{taskId}', { params: { path: { taskId } }, ...defined({ signal }) }))
}

/** Milliseconds: the stream of events has none of a lane. */
const lanesAgainMs = 5_000

/** Returns the lanes, read again every few seconds. */
export function useLanes() {
  return useQuery({
    queryKey: keys.lanes,
    queryFn: () => dataOf(api.GET('/v1/lanes')),
    staleTime: lanesAgainMs,
    refetchInterval: lanesAgainMs,
  })
}

/** Returns whether somebody paused a lane; false until that is known. */
export function useIsPaused(lane: string): boolean {
  return useLanes().data?.items.some(each => each.lane === lane && each.paused) ?? false
}

/** Returns a task, kept up to date. `isWanted`: false asks for nothing. */
export function useTask(taskId: string, isWanted = true) {
  return useQuery({ queryKey: keys.task(taskId), queryFn: () => readTask(taskId), enabled: isWanted })
}

/** Which sub-tasks are listed. */
interface ChildFilter {
  status?: readonly Task['status'][]
  type?: string
}

/** Which tasks are listed; as the API takes it. */
export type TaskQuery = Omit<NonNullable<paths['/v1/tasks']['get']['parameters']['query']>, 'pageToken'>

/** Reads the first page of a list of tasks. It is kept in the form of a list of pages, which the live stream keeps up to date. */
export function useTasks(
  query: TaskQuery,
  options: { queryKey?: readonly unknown[]; refetchOnMount?: 'always' } = {},
) {
  const { data, ...answer } = useInfiniteQuery({
    queryKey: keys.taskList(query),
    queryFn: ({ signal }): Promise<TaskPage> => dataOf(api.GET('/v1/tasks', { params: { query }, signal })),
    ...pageByPage,
    ...options,
  })
  return { ...answer, data: data === undefined ? undefined : itemsOf(data) }
}

/** Has a task that was just submitted be there at once, first in a list that `useTasks` reads. */
export function useAddTask(queryKey: readonly unknown[]): (task: Task) => void {
  const queries = useQueryClient()
  return task => {
    queries.setQueryData(keys.task(task.id), task)
    queries.setQueryData<InfiniteData<TaskPage>>(queryKey, data => {
      const [first, ...rest] = data?.pages ?? []
      if (first === undefined || first.items.some(({ id }) => id === task.id)) return data
      return {
        pageParams: data?.pageParams ?? [],
        pages: [{ ...first, items: [task, ...first.items] }, ...rest],
      }
    })
  }
}

/** Returns the sub-tasks of a task, those that did not complete first, one page at a time. */
export function useChildren(taskId: string, { status, type }: ChildFilter = {}) {
  const filter = {
    failedFirst: 'true' as const,
    pageSize: perPage,
    ...defined({ status: status && [...status], taskType: type }),
  }
  return useInfiniteQuery({
    queryKey: keys.childList(taskId, filter),
    queryFn: ({ pageParam }): Promise<TaskPage> =>
      dataOf(
        api.GET('/v1/tasks/{taskId}/children', {
          params: {
            path: { taskId },
            query: { ...filter, ...pageAt(pageParam) },
          },
        }),
      ),
    ...pageByPage,
    // A long list is shown as it was: reading it again would take a request per page.
    refetchOnMount: ({ state }) => !isLongList(state.data),
  })
}

async function readAttempts(taskId: string) {
  const { items } = await dataOf(api.GET('/v1/tasks/{taskId}/attempts', { params: { path: { taskId } } }))
  return items
}

/** Returns the attempts of a task that ended without completing it. */
export function useAttempts(taskId: string) {
  return useQuery({ queryKey: keys.attempts(taskId), queryFn: () => readAttempts(taskId) })
}

/** What an operator looks at of a task: stacks, calls of models, finished steps. */
export type Trace = Awaited<ReturnType<typeof readTrace>>

function readTrace(taskId: string) {
  return dataOf(api.GET('/v1/tasks/{taskId}/trace', { params: { path: { taskId } } }))
}

/** Returns what the attempts of a task did; read again with its attempts. */
export function useTrace(taskId: string) {
  return useQuery({ queryKey: [...keys.attempts(taskId), 'trace'], queryFn: () => readTrace(taskId) })
}

function readUsage(taskId: string, tree: 'true' | 'false') {
  return dataOf(api.GET('/v1/tasks/{taskId}/usage', { params: { path: { taskId }, query: { tree } } }))
}

/** Returns what the calls of models of a task, or of its whole tree, used. */
export function useTaskUsage(taskId: string, tree: 'true' | 'false') {
  return useQuery({
    queryKey: [...keys.taskUsage(taskId), tree],
    queryFn: () => readUsage(taskId, tree),
  })
}

/** Returns what the tree of a task may spend, and has spent. */
export function useBudget(taskId: string) {
  return useQuery({
    queryKey: keys.budget(taskId),
    queryFn: () => dataOf(api.GET('/v1/tasks/{taskId}/budget', { params: { path: { taskId } } })),
  })
}

/** Sets what the tree of a task may spend. */
export function useSetBudget(rootTaskId: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { tokens?: number; cost?: number }) =>
      dataOf(api.PUT('/v1/tasks/{taskId}/budget', { params: { path: { taskId: rootTaskId } }, body })),
    onSuccess(use) {
      queries.setQueryData(keys.budget(rootTaskId), use)
      // Tasks of the tree that waited for the budget go on.
      for (const queryKey of [['tasks', 'budget'], ['tasks', 'one'], keys.taskLists])
        void queries.invalidateQueries({ queryKey })
    },
  })
}

/** Submits a task. Sent again with the same key, the request finds the task of the first time. */
export function submitTask(body: components['schemas']['TaskSubmission'], key: string): Promise<Task> {
  return dataOf(api.POST('/v1/tasks', { params: { header: { 'idempotency-key': key } }, body }))
}

/** Submits a task and opens its page. The same one, sent once more because no answer came, is the task of the first time. */
export function useSubmitAndOpen(
  planned: components['schemas']['TaskSubmission'],
  { to }: { to?: NavigateOptions } = {},
) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const key = useRequestKey()
  return useMutation({
    mutationFn: () => submitTask(planned, key.of(planned)),
    onSuccess({ id: taskId }) {
      void queries.invalidateQueries({ queryKey: keys.taskLists })
      // Where something is typed and not saved, the page may stay. Its keys go when it is left; until then the same submission is this task, paid for once.
      void navigate(to ?? { to: '/tasks/$taskId', params: { taskId } })
    },
  })
}

/** Cancels a task and everything below it. `ifMatch`: only if it still has this version. */
export function cancelTask(taskId: string, ifMatch?: string): Promise<Task> {
  const params = { path: { taskId }, header: defined({ 'if-match': ifMatch }) }
  return dataOf(api.POST('/v1/tasks/{taskId}:cancel', { params }))
}

/** With which parameters a task runs again instead of its own, or which finished steps it runs again. */
export type RetryWith = { parameters: unknown } | { repeatSteps: string[] }

/** Runs a task again, and below it what did not complete. `how`: with its own parameters and no finished step, if absent. */
export function retryTask(taskId: string, ifMatch?: string, how?: RetryWith) {
  const params = { path: { taskId }, header: defined({ 'if-match': ifMatch }) }
  return dataOf(api.POST('/v1/tasks/{taskId}:retry', { params, body: how ?? {} }))
}

/** Has a task run now that waits for a time. */
export function runTaskNow(taskId: string): Promise<Task> {
  return dataOf(api.POST('/v1/tasks/{taskId}:runNow', { params: { path: { taskId } } }))
}

/** Has a waiting task wait in another lane. */
export function moveTask(taskId: string, lane: string): Promise<Task> {
  return dataOf(api.POST('/v1/tasks/{taskId}:move', { params: { path: { taskId } }, body: { lane } }))
}

/** Adds tags to a task, and removes tags from it: at least one in all. */
export function tagTask(taskId: string, add: string[], remove: string[]): Promise<Task> {
  const body = { ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) }
  return dataOf(api.POST('/v1/tasks/{taskId}:tag', { params: { path: { taskId } }, body }))
}

/** Tells a task what it waits for. Sent again with the same key, the request changes nothing. */
export function signalTask(
  taskId: string,
  body: { name: string; payload?: unknown },
  key: string,
): Promise<Task> {
  const params = { path: { taskId }, header: { 'idempotency-key': key } }
  return dataOf(api.POST('/v1/tasks/{taskId}:signal', { params, body }))
}

/** Runs an ended task anew. Sent again with the same key, the request finds the task of the first time. */
export function rerunTask(taskId: string, key: string): Promise<Task> {
  const params = { path: { taskId }, header: { 'idempotency-key': key } }
  return dataOf(api.POST('/v1/tasks/{taskId}:rerun', { params, body: {} }))
}

/** Gives the scenes the texts back that they had before a tree of tasks. */
export function undoTexts(taskId: string) {
  return dataOf(api.POST('/v1/tasks/{taskId}:undoTexts', { params: { path: { taskId } } }))
}

/** How many tasks there are. Zero everywhere until the server answers. */
interface TaskCounts {
  readonly counts: Partial<Record<Task['status'], number>>
  readonly total: number
  /** Those that have not ended; `isMoreLive`: there are more than were counted. */
  readonly live: number
  readonly isMoreLive: boolean
  /** Statuses that have more tasks than were counted. */
  readonly atLeast: readonly Task['status'][]
  /** Whether the server answered. */
  readonly isKnown: boolean
}

/** Counts the tasks of the server by status, and keeps the counts up to date. */
export function useTaskCounts(): TaskCounts {
  const { data } = useQuery({ queryKey: keys.taskCounts, queryFn: () => dataOf(api.GET('/v1/tasks/counts')) })
  const counts = data?.counts ?? {}
  const live = liveStatuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  const atLeast = data?.atLeast ?? []
  const isMoreLive = liveStatuses.some(status => atLeast.includes(status))
  return { counts, total: data?.total ?? 0, live, isMoreLive, atLeast, isKnown: data !== undefined }
}
