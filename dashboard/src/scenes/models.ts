import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'

/** What the server is made of and can do. */
export function useCapabilities() {
  return useQuery({
    queryKey: keys.capabilities,
    queryFn: () => dataOf(api.GET('/v1/capabilities')),
    staleTime: 300_000,
  })
}

/** What a server can do, as the API tells it. */
export type Capabilities = NonNullable<ReturnType<typeof useCapabilities>['data']>
/** A model, as the API tells it. */
export type Model = Capabilities['models'][number]

/** Models that can write prose now. */
export function proseModels(capabilities: Capabilities | undefined): Model[] {
  return (capabilities?.models ?? []).filter(
    ({ uses, problem }) => uses.includes('prose') && problem === undefined,
  )
}

/** Why a kind of task is off, or undefined. */
export function whyOff(capabilities: Capabilities | undefined, taskType: string) {
  return capabilities?.taskTypes.find(({ type }) => type === taskType)?.off
}

/** The one currency in which this server counts, if it knows prices. */
export function currencyOf(capabilities: Capabilities | undefined): string | undefined {
  return capabilities?.models.find(({ price }) => price !== undefined)?.price?.currency
}
