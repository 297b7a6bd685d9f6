import { useCapabilities } from './task-query.ts'

/** The one currency of the price list; undefined while it is not known, or where prices have several. */
export function useCurrency(): string | undefined {
  const { data } = useCapabilities()
  const currencies = new Set((data?.models ?? []).flatMap(({ price }) => price?.currency ?? []))
  return currencies.size === 1 ? [...currencies][0] : undefined
}
