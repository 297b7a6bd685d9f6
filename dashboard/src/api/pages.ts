/** A page of a list of the API. */
interface Page<T> {
  items: T[]
  nextPageToken?: string
}

/** How an infinite query reads a list page by page; the first page has no token. */
export const pageByPage = {
  initialPageParam: '',
  getNextPageParam: ({ nextPageToken }: Page<unknown>) => nextPageToken,
}

/** Returns the query parameter that asks for a page. */
export function pageAt(token: string | undefined): { pageToken?: string } {
  return token === undefined || token === '' ? {} : { pageToken: token }
}

/** Returns the items of all pages that were read. */
export function itemsOf<T>(data: { pages: readonly Page<T>[] } | undefined): T[] {
  return data?.pages.flatMap(({ items }) => items) ?? []
}
