import { createHash } from 'node:crypto'
import { QuillworkError } from '../task/errors.ts'
import type { Page } from '../task/page.ts'

/**
 * Page tokens: the key after which the next page starts, bound to the filter of the listing, so that a token that was altered,
 * or is used with another filter, is refused instead of answered wrongly.
 */

type KeyKind = 'number' | 'string'
type KeyOf<Kinds extends readonly KeyKind[]> = {
  [I in keyof Kinds]: Kinds[I] extends 'number' ? number : string
}

/** The token of the page after `key`. `filter` names the listing too. */
export function pageToken(filter: unknown, key: readonly (number | string)[]): string {
  return Buffer.from(JSON.stringify([digest(filter, key), ...key])).toString('base64url')
}

/** The key of a token, whose parts are of these kinds; undefined without one. Throws PAGE_TOKEN_INVALID. */
export function pageKey<const Kinds extends readonly KeyKind[]>(
  filter: unknown,
  token: string | undefined,
  kinds: Kinds,
): KeyOf<Kinds> | undefined {
  if (token === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(parsed) && parsed.length === kinds.length + 1) {
      const [sum, ...key]: unknown[] = parsed
      const isOurs = sum === digest(filter, key) && kinds.every((kind, index) => isOfKind(key[index], kind))
      if (isOurs) return key as KeyOf<Kinds>
    }
  } catch {
    // Answered below, as any other token that is not one of ours.
  }
  throw new QuillworkError(
    'PAGE_TOKEN_INVALID',
    'The page token does not belong to this listing; start from the first page.',
  )
}

function isOfKind(part: unknown, kind: KeyKind): boolean {
  return kind === 'number' ? Number.isSafeInteger(part) : typeof part === 'string'
}

function digest(filter: unknown, key: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([filter, key]))
    .digest('base64url')
    .slice(0, 12)
}

/** A page of rows of which one more than asked for was read. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  size: number,
  make: { item(row: Row): Item; token(row: Row): string },
): Page<Item> {
  const shown = rows.slice(0, size)
  const last = shown.at(-1)
  const items = shown.map(row => make.item(row))
  return rows.length > size && last !== undefined ? { items, nextPageToken: make.token(last) } : { items }
}

/**
 * Returns a walk over several lists at once, a step of each per call, until it has come to the end of all; then it begins anew. `step` goes
 * on from where the last one of its list ended, or from the beginning, and returns the place that it came to: undefined at the end of the
 * list. The walk returns whether there is more.
 */
export function createWalk<List, Place, Args extends unknown[]>(
  lists: readonly List[],
  step: (list: List, place: Place | undefined, ...args: Args) => Promise<Place | undefined>,
): (...args: Args) => Promise<boolean> {
  const places = new Map<List, Place>()
  let left = lists
  return async (...args) => {
    const stepOf = async (list: List) => {
      const place = await step(list, places.get(list), ...args)
      if (place === undefined) places.delete(list)
      else places.set(list, place)
    }
    await Promise.all(left.map(stepOf))
    left = left.filter(list => places.has(list))
    if (left.length > 0) return true
    left = lists
    return false
  }
}
