import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'

/** Titles of the novels on the shelf, by id. Those of novels that are gone are not known. */
export function useNovelTitles(): ReadonlyMap<string, string> {
  const { data } = useQuery({
    queryKey: [...keys.novels, 'titles'],
    queryFn: () => dataOf(api.GET('/v1/novels', { params: { query: { pageSize: 200 } } })),
  })
  return new Map(data?.items.map(({ id, title }) => [id, title]))
}
