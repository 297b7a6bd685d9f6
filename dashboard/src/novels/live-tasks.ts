import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { liveStatuses } from '../api/statuses.ts'
import type { Task } from '../api/task.ts'

/** Tasks that are told of; the list of tasks has all. */
const shown = 100

/** The tag of every task that is about a novel. */
export const novelTag = (novelId: string): string => `novel:${novelId}`

/**
 * Asks for the tasks without a parent that work on a novel and have not ended: a batch or an import has as many below it as the novel has
 * scenes, and each stands for all of its own.
 */
function useLiveTasksQuery(novelId: string) {
  return useInfiniteQuery({
    queryKey: [...keys.taskLists, { ofNovel: novelId }],
    initialPageParam: undefined,
    queryFn: ({ signal }) => {
      const query = {
        tag: novelTag(novelId),
        status: [...liveStatuses],
        rootsOnly: 'true' as const,
        pageSize: shown,
      }
      return dataOf(api.GET('/v1/tasks', { params: { query }, signal }))
    },
    getNextPageParam: () => undefined,
  })
}

/** The tasks without a parent that work on a novel now, newest first. Kept in date by the live stream. */
export function useLiveTasks(novelId: string): readonly Task[] {
  const { data } = useLiveTasksQuery(novelId)
  return (data?.pages.flatMap(page => page.items) ?? []).filter(({ done }) => !done)
}

/** The task that summarises one scene. */
export const summaryType = 'GenerateSummary'

/** Summaries in the making that are told of: those that were asked for first, which are made first. */
const summariesShown = 200

/** What summarises a scene of the novel and has not ended, also for a batch or an import. One question for all scenes of a page. */
export function useLiveSummaries(novelId: string): readonly Task[] {
  const { data } = useInfiniteQuery({
    queryKey: [...keys.taskLists, { summariesOf: novelId }],
    initialPageParam: undefined,
    queryFn: ({ signal }) => {
      const query = {
        tag: novelTag(novelId),
        taskType: [summaryType],
        status: [...liveStatuses],
        order: 'oldest' as const,
        pageSize: summariesShown,
      }
      return dataOf(api.GET('/v1/tasks', { params: { query }, signal }))
    },
    getNextPageParam: () => undefined,
  })
  return (data?.pages.flatMap(page => page.items) ?? []).filter(({ done }) => !done)
}

/** Milliseconds between two readings of a novel that is being worked on: its outline may be long. */
const readAgainAfter = 2_000

/**
 * Keeps what is shown of a novel in date while tasks work on it. The live stream tells of tasks alone, so the novel is read again when
 * those that work on it were, at most every two seconds: one that was quick began and ended between two readings of the list.
 */
export function useFollowNovel(novelId: string): void {
  const queries = useQueryClient()
  const { dataUpdatedAt: readAt } = useLiveTasksQuery(novelId)
  const seen = useRef(readAt)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    if (readAt === seen.current) return
    const isFirst = seen.current === 0
    seen.current = readAt
    if (isFirst) return
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void queries.invalidateQueries({ predicate: ({ queryKey }) => isOfNovel(queryKey, novelId) })
    }, readAgainAfter)
  }, [readAt, queries, novelId])
  useEffect(() => () => clearTimeout(timer.current), [])
}

/** The outline, the chapters and the searches of a novel. */
function isOfNovel([resource, kind, id]: readonly unknown[], novelId: string): boolean {
  return resource === 'novels' && kind !== 'list' && id === novelId
}
