import { createHash } from 'node:crypto'
import { QuillworkError } from '../../task/errors.ts'
import type { Page } from '../store.ts'

/**
 * Page tokens: the key after which the next page starts, bound to the filter of the listing, so that a token used with another
 * filter is refused instead of answered wrongly.
 */

/** The token of the page after `key`. `filter` names the listing too. */
export function pageToken(filter: unknown, key: readonly number[]): string {
  return Buffer.from(JSON.stringify([digest(filter), ...key])).toString('base64url')
}

/** The key of a token; undefined without one. Throws PAGE_TOKEN_INVALID. */
export function pageKey(filter: unknown, token: string | undefined, length: number): number[] | undefined {
  if (token === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(parsed) && parsed.length === length + 1 && parsed[0] === digest(filter)) {
      const key: unknown[] = parsed.slice(1)
      if (key.every(part => Number.isSafeInteger(part))) return key as number[]
    }
  } catch {
    // Answered below, as any other token that is not one of ours.
  }
  throw new QuillworkError(
    'PAGE_TOKEN_INVALID',
    'The page token does not belong to this listing; start from the first page.',
  )
}

function digest(filter: unknown): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 12)
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
