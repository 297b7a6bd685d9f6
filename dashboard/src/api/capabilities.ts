import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from './client.ts'
import { keys } from './keys.ts'

/** Returns what the server is made of and can do: models, task types, bounds. It changes when the server is started again, and when models are set up. */
export function useCapabilities() {
  return useQuery({
    queryKey: keys.capabilities,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/capabilities', { signal })),
    staleTime: 300_000,
  })
}

/** What a server can do, as the API returns it. */
export type Capabilities = NonNullable<ReturnType<typeof useCapabilities>['data']>
/** A model, as the API returns it. */
export type Model = Capabilities['models'][number]
/** Why a model cannot be used, as the API returns it. */
export type ModelProblem = NonNullable<Model['problem']>
/** Why a kind of task is off, as the API returns it. */
export type Off = NonNullable<Capabilities['taskTypes'][number]['off']>

/** Returns the model that summarises where none is named; undefined until the server answers, or where there is none. */
export function useSummaryModel(): Model | undefined {
  const { data } = useCapabilities()
  return data?.models.find(({ defaultFor }) => defaultFor.includes('summary'))
}

/** Models that can write prose now. */
export function proseModels(capabilities: Capabilities | undefined): Model[] {
  return (capabilities?.models ?? []).filter(
    ({ uses, problem }) => uses.includes('prose') && problem === undefined,
  )
}

/** Models that can write summaries now; the one that quotes is none of them. */
export function summaryModels(capabilities: Capabilities): Model[] {
  return capabilities.models.filter(
    ({ id, uses, problem }) => uses.includes('summary') && problem === undefined && id !== 'extractive',
  )
}

/** Returns why a kind of task is off, or undefined. */
export function whyOff(capabilities: Capabilities | undefined, taskType: string): Off | undefined {
  return capabilities?.taskTypes.find(({ type }) => type === taskType)?.off
}

/** Returns the one currency of the price list; undefined while it is not known, or where prices have several. */
export function currencyOf(capabilities: Capabilities | undefined): string | undefined {
  const currencies = new Set((capabilities?.models ?? []).flatMap(({ price }) => price?.currency ?? []))
  return currencies.size === 1 ? [...currencies][0] : undefined
}

/** Returns the one currency of the price list, for pages that need nothing else of the server. */
export function useCurrency(): string | undefined {
  return currencyOf(useCapabilities().data)
}
