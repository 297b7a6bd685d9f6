import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'

const none: ReadonlyMap<string, string> = new Map()

/** Titles of the newest 200 novels on the shelf, by id; empty until they are known. Those of novels that are gone are not known. */
export function useNovelTitles({ enabled = true } = {}): ReadonlyMap<string, string> {
  const { data = none } = useQuery({
    queryKey: keys.novelTitles,
    queryFn: async ({ signal }) => {
      const page = await dataOf(api.GET('/v1/novels', { params: { query: { pageSize: 200 } }, signal }))
      return new Map(page.items.map(({ id, title }) => [id, title]))
    },
    enabled,
  })
  return data
}
