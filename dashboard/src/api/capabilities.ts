import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from './client.ts'
import { keys } from './keys.ts'

/** What the server is made of and can do: models, task types, bounds. It changes only when the server is started again. */
export function useCapabilities() {
  return useQuery({
    queryKey: keys.capabilities,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/capabilities', { signal })),
  })
}

/** The model that summarises where none is named; undefined until the server has said, or where there is none. */
export function useSummaryModel() {
  const { data } = useCapabilities()
  return data?.models.find(({ defaultFor }) => defaultFor.includes('summary'))
}
