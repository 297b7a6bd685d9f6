import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'

/** What an import will ask of models. */
export type Estimate = components['schemas']['Estimate']

/** An import as it would be submitted. */
export interface PlannedImport {
  uploadId: string
  summarise: boolean
  chapters?: number[]
  encoding?: string
}

/** Somebody who chooses chapters goes on choosing. */
const restMs = 500

/** What the import as it is chosen will ask of models, a moment after the last change. What was known before stays until then. */
export function useImportEstimate(planned: PlannedImport) {
  const [parameters] = useDebouncedValue(planned, restMs)
  const body = { taskType: 'ImportNovel', parameters }
  return useQuery({
    queryKey: keys.estimate(body),
    queryFn: ({ signal }) => dataOf(api.POST('/v1/estimates', { body, signal })),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  })
}
