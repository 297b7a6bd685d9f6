import { useThrottledValue } from '@mantine/hooks'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTaskCounts } from '../api/task-counts.ts'
import { attentionKey, groupsQuery } from './letter-queries.ts'

/** Milliseconds between two countings: the server goes through all dead letters for each. */
const countAgainAfter = 5_000
/** Milliseconds until they are counted again where nothing told to: taking one off the list is no event of a task. */
const countAgainEvery = 60_000

/**
 * How many tasks need a person. A task comes to need one by ending FAILED or DEAD_LETTER, so it is asked when the number of those
 * changed, seldom otherwise, and never where there are none.
 */
export function useAttentionCount(): number {
  const queries = useQueryClient()
  const { counts } = useTaskCounts()
  const { FAILED: failed = 0, DEAD_LETTER: givenUp = 0 } = counts
  const ended = useThrottledValue(`${failed} ${givenUp}`, countAgainAfter)
  const { data } = useQuery({
    queryKey: [...attentionKey, ended],
    // A page that shows the groups has just read them, or does so now.
    queryFn: () => queries.fetchQuery({ ...groupsQuery({}), staleTime: 1_000 }),
    select: ({ items }) => items.reduce((sum, { count }) => sum + count, 0),
    refetchInterval: countAgainEvery,
    // The first counts reach the throttled text a moment later.
    enabled: failed + givenUp > 0 && ended !== '0 0',
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  })
  return failed + givenUp > 0 ? (data ?? 0) : 0
}
