import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'

/** A novel on the shelf. */
export type Novel = components['schemas']['Novel']

const perPage = 24

/** The novels, newest first, as many pages of them as were asked for. */
export function useShelf() {
  return useInfiniteQuery({
    queryKey: keys.novels,
    initialPageParam: undefined as string | undefined,
    queryFn({ pageParam, signal }) {
      const query = { pageSize: perPage, ...(pageParam === undefined ? {} : { pageToken: pageParam }) }
      return dataOf(api.GET('/v1/novels', { params: { query }, signal }))
    },
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
    refetchOnMount: 'always',
  })
}

/**
 * Events tell of tasks and not of novels, so the shelf is read again when something that works on a novel got on: it was submitted,
 * entered another stage, or is not there any more since it ended.
 */
export function useShelfFollowing(working: readonly Task[] | undefined): void {
  const queries = useQueryClient()
  const state = working?.map(task => `${task.id} ${stateOf(task)}`).join('\n')
  const followed = useRef(state)
  useEffect(() => {
    const wasKnown = followed.current !== undefined
    followed.current = state
    if (!wasKnown) return
    void queries.invalidateQueries({ queryKey: keys.novels })
    void queries.invalidateQueries({ queryKey: keys.uploads })
  }, [queries, state])
}

function stateOf({ status, progress }: Task): string {
  const stage =
    typeof progress === 'object' && progress !== null && 'stage' in progress ? progress.stage : undefined
  return `${status} ${String(stage)}`
}
