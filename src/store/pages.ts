import { createHash } from 'node:crypto'
import { QuillworkError } from '../task/errors.ts'
import type { Page } from './store.ts'

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
