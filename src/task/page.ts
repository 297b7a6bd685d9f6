/** A page of a listing; only the absence of `nextPageToken` says that it is the last one. */
export interface Page<T> {
  items: readonly T[]
  nextPageToken?: string
}

/** Which page of a listing. */
export interface PageRequest {
  /** Items wanted, from 1; a listing may return fewer, never more. */
  pageSize: number
  /** `nextPageToken` of the page before, of the same listing with the same filter. Throws PAGE_TOKEN_INVALID otherwise. */
  pageToken?: string
}

/** Returns the pages of a listing, one at a time: the next one is read when it is asked for. */
export async function* everyPage<T>(
  pageSize: number,
  list: (request: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<readonly T[], void, undefined> {
  for (let request: PageRequest | undefined = { pageSize }; request !== undefined; ) {
    const { items, nextPageToken }: Page<T> = await list(request)
    yield items
    request = nextPageToken === undefined ? undefined : { pageSize, pageToken: nextPageToken }
  }
}

/** Returns the items of a listing, at most one page in memory. */
export async function* everyItem<T>(
  pageSize: number,
  list: (request: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  for await (const items of everyPage(pageSize, list)) yield* items
}
