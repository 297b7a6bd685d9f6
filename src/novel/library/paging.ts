/** A page of a listing; the absence of `nextPageToken` is the only sign of the end. */
export interface Page<T> {
  items: readonly T[]
  nextPageToken?: string
}

/** Which page. */
export interface PageRequest {
  /** Items wanted, from 1; a listing may answer fewer, never more. */
  pageSize: number
  /** `nextPageToken` of the page before, of the same listing with the same filter. Throws PAGE_TOKEN_INVALID otherwise. */
  pageToken?: string
}

/** All items of a listing, page after page, at most one page in memory. */
export async function* everyItem<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  pageSize = 100,
): AsyncGenerator<T> {
  let page = await list({ pageSize })
  while (true) {
    yield* page.items
    if (page.nextPageToken === undefined) return
    page = await list({ pageSize, pageToken: page.nextPageToken })
  }
}
