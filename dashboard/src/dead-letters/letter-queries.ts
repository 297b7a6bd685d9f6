import { queryOptions, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components, paths } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { isLongList, type TaskPage } from '../live/apply.ts'

type Groups = paths['/v1/dead-letters/groups']['get']['responses'][200]['content']['application/json']

/** Equal failures as one. */
export type LetterGroup = Groups['items'][number]
/** Which dead letters an action on many is about. */
export type LetterFilter = components['schemas']['DeadLetterSelection']['filter']
/** What became of an action on many: how many it was done to, and the first of those that it could not be done to. */
export type BulkAnswer =
  paths['/v1/dead-letters:retry']['post']['responses'][200]['content']['application/json']

/** Milliseconds after which the list is read again where nothing told to: taking a task off the list is no event of it. */
const readLettersEvery = 10_000

/** The key of how many tasks need a person. */
export const attentionKey = ['attention'] as const

/** The groups of equal failures, the most frequent first. */
export function useGroups({ type, fingerprint }: { type?: string; fingerprint?: string }) {
  const filter = {
    ...(type === undefined ? {} : { taskType: [type] }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  }
  return useQuery({ ...groupsQuery(filter), refetchInterval: readLettersEvery })
}

/** How the groups are read. */
export function groupsQuery(filter: { taskType?: string[]; fingerprint?: string }) {
  return queryOptions({
    queryKey: keys.deadLetterGroups(filter),
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/dead-letters/groups', { params: { query: filter }, signal })),
  })
}

/** The tasks of a group, newest first, page by page. */
export function useLetters(fingerprint: string) {
  return useInfiniteQuery({
    queryKey: keys.deadLetterList({ fingerprint }),
    queryFn: ({ pageParam, signal }): Promise<TaskPage> =>
      dataOf(
        api.GET('/v1/dead-letters', {
          params: { query: { fingerprint, ...(pageParam === '' ? {} : { pageToken: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: page => page.nextPageToken,
    // A long list would be read again as a whole, once a second while anything happens.
    staleTime: ({ state }) => (isLongList(state.data) ? 'static' : 60_000),
  })
}

/** A task that needs a person, whole. Fails with DEAD_LETTER_NOT_FOUND when it does not any more. */
export function useLetter(taskId: string) {
  return useQuery({
    queryKey: [...keys.deadLetters, 'one', taskId],
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

/** The tasks of a group that there were when it was last read: none that failed since. */
export function filterOfGroup({ fingerprint, lastAt }: LetterGroup): LetterFilter {
  return { fingerprint, openedBefore: shifted(lastAt, 1) }
}

function shifted(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}

/** Has everything about dead letters read again, once something was done to some. */
export function useReadLettersAgain(): () => void {
  const queries = useQueryClient()
  return () => {
    void queries.invalidateQueries({ queryKey: keys.deadLetters })
    void queries.invalidateQueries({ queryKey: attentionKey })
  }
}
