import { useThrottledValue } from '@mantine/hooks'
import {
  type InfiniteData,
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { defined } from '../../../src/task/defined.ts'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { pageAt, pageByPage } from '../api/pages.ts'
import type { components, paths } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { isLongList, type TaskPage } from '../live/apply.ts'
import { useTaskCounts } from '../queries/task-queries.ts'

type Groups = paths['/v1/dead-letters/groups']['get']['responses'][200]['content']['application/json']

/** Equal failures as one. */
export type LetterGroup = Groups['items'][number]
/** Which dead letters an action on many is about. */
export type LetterFilter = components['schemas']['DeadLetterSelection']['filter']
/** What became of an action on many: how many it was done to, and the first of those that it could not be done to. */
export type BulkAnswer =
  paths['/v1/dead-letters:retry']['post']['responses'][200]['content']['application/json']

/** Milliseconds after which the list is read again without an event: taking a task off the list causes none. */
const readLettersEvery = 10_000

/** The key of how many tasks need a person. */
const attentionKey = ['attention'] as const

/** The most groups that the API returns. */
export const mostGroups = 200

/** Returns the groups of equal failures, the most frequent first. */
export function useGroups({ type, fingerprint }: { type?: string; fingerprint?: string }) {
  const filter = defined({ taskType: type === undefined ? undefined : [type], fingerprint })
  return useQuery({ ...groupsQuery(filter), refetchInterval: readLettersEvery })
}

/** Returns how the groups are read. */
function groupsQuery(filter: { taskType?: string[]; fingerprint?: string }) {
  return queryOptions({
    queryKey: keys.deadLetterGroups(filter),
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/dead-letters/groups', { params: { query: filter }, signal })),
  })
}

/** Returns the tasks of a group, the most recently submitted first, page by page. */
export function useLetters(fingerprint: string) {
  return useInfiniteQuery({
    queryKey: keys.deadLetterList({ fingerprint }),
    queryFn: ({ pageParam, signal }): Promise<TaskPage> =>
      dataOf(
        api.GET('/v1/dead-letters', {
          params: { query: { fingerprint, ...pageAt(pageParam) } },
          signal,
        }),
      ),
    ...pageByPage,
    // A long list would be read again as a whole, once a second while anything happens.
    staleTime: ({ state }) => (isLongList(state.data) ? 'static' : 60_000),
  })
}

/** Returns a task that needs a person, whole. Fails with DEAD_LETTER_NOT_FOUND when it does not any more. */
export function useLetter(taskId: string) {
  return useQuery({
    queryKey: keys.deadLetter(taskId),
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/dead-letters/{taskId}', { params: { path: { taskId } }, signal })),
  })
}

/** Runs a task again, with other parameters where some are given, and only if nobody changed it since. */
export function retryLetter(
  { id, version }: Pick<Task, 'id' | 'version'>,
  edited?: { parameters: unknown },
): Promise<{ retried: number; task: Task }> {
  const params = { path: { taskId: id }, header: { 'if-match': `"${version}"` } }
  return dataOf(api.POST('/v1/dead-letters/{taskId}:retry', { params, body: edited ?? {} }))
}

/** Takes a task out of the list, only if nobody changed it since. */
export function purgeLetter({ id, version }: Pick<Task, 'id' | 'version'>): Promise<Task> {
  const params = { path: { taskId: id }, header: { 'if-match': `"${version}"` } }
  return dataOf(api.POST('/v1/dead-letters/{taskId}:purge', { params }))
}

/** Runs all that match again, or takes them out of the list. */
export function actOnLetters(action: 'retry' | 'purge', filter: LetterFilter): Promise<BulkAnswer> {
  const path = action === 'retry' ? '/v1/dead-letters:retry' : '/v1/dead-letters:purge'
  return dataOf(api.POST(path, { body: { filter } }))
}

/** Returns the tasks of a group that there were when it was last read: none that failed since. */
export function filterOfGroup({ fingerprint, lastAt }: LetterGroup): LetterFilter {
  return { fingerprint, openedBefore: shifted(lastAt, 1) }
}

function shifted(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}

/**
 * Has everything about dead letters read again, once something was done to one, or to many. `error`: why it was not. A long list is not read
 * again as a whole: a task that is not on it any more is taken out, and after another change it begins again.
 */
export function useReadLettersAgain(): (one?: Pick<Task, 'id'>, error?: unknown) => void {
  const queries = useQueryClient()
  return (one, error = null) => {
    const lists = { queryKey: keys.deadLetterLists }
    if (one !== undefined && (error === null || codeOf(error) === 'DEAD_LETTER_NOT_FOUND'))
      queries.setQueriesData<InfiniteData<TaskPage>>(lists, data => data && without(data, one))
    else if (error === null || codeOf(error) === 'TASK_CHANGED')
      void queries.resetQueries({ ...lists, predicate: ({ state }) => isLongList(state.data) })
    void queries.invalidateQueries({ queryKey: keys.deadLetters })
    void queries.invalidateQueries({ queryKey: attentionKey })
  }
}

function without(data: InfiniteData<TaskPage>, { id }: Pick<Task, 'id'>): InfiniteData<TaskPage> {
  return {
    ...data,
    pages: data.pages.map(page => ({ ...page, items: page.items.filter(task => task.id !== id) })),
  }
}

/** Milliseconds between two countings: the server goes through all dead letters for each. */
const countAgainAfter = 5_000
/** Milliseconds until they are counted again without an event: taking one off the list causes none. */
const countAgainEvery = 60_000

/**
 * How many tasks need a person; `isMore`: there are groups that were not counted. A task comes to need one by ending FAILED or DEAD_LETTER, so
 * it is asked when the number of those changed, seldom otherwise, and never where there are none.
 */
export function useAttentionCount(): { count: number; isMore: boolean } {
  const queries = useQueryClient()
  const { counts } = useTaskCounts()
  const { FAILED: failed = 0, DEAD_LETTER: givenUp = 0 } = counts
  const ended = useThrottledValue(`${failed} ${givenUp}`, countAgainAfter)
  const { data } = useQuery({
    queryKey: [...attentionKey, ended],
    // A page that shows the groups has just read them, or does so now.
    queryFn: () => queries.fetchQuery({ ...groupsQuery({}), staleTime: 1_000 }),
    select: ({ items }) => ({ count: countOf(items), isMore: items.length >= mostGroups }),
    refetchInterval: countAgainEvery,
    // The first counts reach the throttled text a moment later.
    enabled: failed + givenUp > 0 && ended !== '0 0',
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  })
  return failed + givenUp > 0 && data !== undefined ? data : { count: 0, isMore: false }
}

/** Returns how many tasks groups have together. */
export function countOf(groups: readonly LetterGroup[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0)
}

/** What is to be done to which tasks. */
export interface AskedBulk {
  action: 'retry' | 'purge'
  filter: LetterFilter
  count: number
  /** What they are and how they failed. */
  subject: string
}

/** What can be asked for on the page: it is done in a dialog. */
export interface LetterActions {
  onBulk: (asked: AskedBulk) => void
  onEdit: (task: Task) => void
  onPurge: (task: Task) => void
  /** Opens the details of a task. */
  onInspect: (taskId: string) => void
}
