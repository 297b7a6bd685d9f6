import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import type { OverviewSearch } from '../queries/search.ts'

/** What is shown of a time, and of right now. */
export type Overview = components['schemas']['Overview']

/** Sums of a time. */
export type Sums = Overview['total']

/** What is wrong. */
export type Problem = components['schemas']['OverviewProblem']

/** Milliseconds: no event tells of sums. */
const readAgainMs = 10_000

/** Returns what was done in a time, read again while it is looked at. What was shown stays until there is something newer. */
export function useOverview({ range, lane, type: taskType }: OverviewSearch) {
  const query = { range: range ?? ('hour' as const), ...defined({ lane, taskType }) }
  return useQuery({
    queryKey: keys.overview(query),
    queryFn: () => dataOf(api.GET('/v1/overview', { params: { query } })),
    placeholderData: keepPreviousData,
    staleTime: readAgainMs,
    refetchInterval: readAgainMs,
  })
}
