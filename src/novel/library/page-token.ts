/** Pages of listings. A token is the listing, its filter and the sort keys of the last item, as text that clients hand back unread. */
import type { Identified, Kind, Query, Records, Stored, Value } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { notTaken, pageTokenInvalid } from './refusal.ts'

/** The records of a query, in the order of their ids or of fields that are numbers: these are the sort keys. */
export interface Listing<R extends Identified> {
  name: string
  /** What the filter says; a token of another filter is refused. */
  filter: readonly (string | undefined)[]
  query: Query<R> & { order: readonly (keyof R & string)[] }
}

/** Items that one page has at most. */
const largestPage = 1_000

/**
 * Returns a page of records, made into items. Throws PAGE_TOKEN_INVALID for a token of another listing, OPTION_INVALID for a wrong size.
 */
export async function readPage<R extends Identified, T, Without extends keyof R = never>(
  records: Records,
  kind: Kind<R>,
  { listing, page, without }: { listing: Listing<R>; page: PageRequest; without?: readonly Without[] },
  itemsOf: (found: readonly Stored<R, Without>[]) => readonly T[] | Promise<readonly T[]>,
): Promise<Page<T>> {
  const { size, after } = pageStart(listing, page)
  const found = await records.find(kind, { ...listing.query, after, limit: size + 1 }, without)
  const shown = found.slice(0, size)
  const next = found.length > size ? shown.at(-1) : undefined
  return { items: await itemsOf(shown), ...defined({ nextPageToken: next && tokenAfter(listing, next) }) }
}

/** Returns how many records a page has at most, and after which sort keys they come. Throws as `readPage` does. */
export function pageStart<R extends Identified>(
  listing: Listing<R>,
  { pageSize, pageToken }: PageRequest,
): { size: number; after: readonly Value[] | undefined } {
  if (!Number.isInteger(pageSize) || pageSize < 1)
    throw notTaken(`pageSize is ${pageSize}; give a whole number of at least 1.`)
  const after = pageToken === undefined ? listing.query.after : readToken(listing, pageToken)
  return { size: Math.min(pageSize, largestPage), after }
}

/** Returns the token of the page after a record. */
export function tokenAfter<R extends Identified>(listing: Listing<R>, last: object): string {
  return Buffer.from(JSON.stringify([head(listing), ...keysOf(listing, last)])).toString('base64url')
}

/** Returns the sort keys of a record. */
export function keysOf<R extends Identified>({ query }: Listing<R>, record: object): Value[] {
  return query.order.map(field => Reflect.get(record, field))
}

function readToken<R extends Identified>(listing: Listing<R>, token: string): readonly Value[] {
  const [name, ...keys] = parsed(token)
  const { order } = listing.query
  const isOurs = name === head(listing) && keys.length === order.length
  if (!isOurs || !keys.every((key, at): key is Value => isKeyOf(order[at], key)))
    throw pageTokenInvalid(listing.name)
  return keys
}

function isKeyOf(field: string | undefined, key: unknown): boolean {
  return field === 'id' ? typeof key === 'string' : Number.isSafeInteger(key)
}

function parsed(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

function head({ name, filter }: { name: string; filter: Listing<Identified>['filter'] }): string {
  return [name, ...filter.map(part => part ?? '')].join(' ')
}
