/** Page tokens: the listing, its filter and the sort keys of the last item, as text that clients hand back unread. */
import type { Page, PageRequest } from './paging.ts'
import { notTaken, pageTokenInvalid } from './refusal.ts'

/** The sort keys of an item, in the order in which the listing compares them. */
export type SortKeys = readonly number[]

/** A listing with its filter. */
export interface Listing {
  name: string
  /** What the filter says; a token of another filter is refused. */
  filter: readonly (string | undefined)[]
  /** How many sort keys an item has. */
  keys: number
}

/** Items that one page has at most. */
const largestPage = 1_000

/** What a page is made from: how many rows to look for, and after which keys. */
export interface PageStart {
  size: number
  after: SortKeys | undefined
}

/** Reads a request. Throws PAGE_TOKEN_INVALID for a token of another listing, OPTION_INVALID for a wrong size. */
export function pageStart(listing: Listing, page: PageRequest): PageStart {
  if (!Number.isInteger(page.pageSize) || page.pageSize < 1) {
    throw notTaken(`pageSize is ${page.pageSize}; give a whole number of at least 1.`)
  }
  return {
    size: Math.min(page.pageSize, largestPage),
    after: page.pageToken === undefined ? undefined : readToken(listing, page.pageToken),
  }
}

/** A page of the first `size` items; a token follows when `more` says that there are others. */
export function pageOf<T>(
  listing: Listing,
  items: readonly T[],
  more: boolean,
  keysOf: (item: T) => SortKeys,
): Page<T> {
  const last = items.at(-1)
  return more && last !== undefined ? { items, nextPageToken: writeToken(listing, keysOf(last)) } : { items }
}

function writeToken(listing: Listing, keys: SortKeys): string {
  return Buffer.from(JSON.stringify([head(listing), ...keys])).toString('base64url')
}

function readToken(listing: Listing, token: string): SortKeys {
  const [name, ...keys] = parsed(token)
  if (name !== head(listing) || keys.length !== listing.keys || !keys.every(Number.isSafeInteger)) {
    throw pageTokenInvalid(listing.name)
  }
  return keys.map(Number)
}

function parsed(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

function head(listing: Listing): string {
  return [listing.name, ...listing.filter.map(part => part ?? '')].join(' ')
}
