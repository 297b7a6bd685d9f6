import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'
import { hashedId } from '../task/id.ts'

/** Returns the entity tag of a version: the version of a task or scene in quotes. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/** Returns what is sent, and names its version in the entity tag of the answer. */
export function tagged<T extends { readonly version: number }>(
  reply: { header(name: string, value: string): unknown },
  sent: T,
): T {
  reply.header('etag', etagOf(sent.version))
  return sent
}

/**
 * Returns the version that an If-Match header requires; undefined without one, and for `*`. Throws IF_MATCH_INVALID for anything but one
 * strong tag of a version.
 */
export function ifMatchVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1]
  if (version !== undefined) return Number(version)
  throw new QuillworkError('IF_MATCH_INVALID', 'If-Match takes one version in quotes, such as "7".')
}

/** Returns the version that an If-Match header requires. Throws IF_MATCH_REQUIRED without one, IF_MATCH_INVALID. */
export function requiredVersion(header: string | undefined, what: string): number {
  const version = ifMatchVersion(header)
  if (version !== undefined) return version
  throw new QuillworkError(
    'IF_MATCH_REQUIRED',
    `Send the version of the ${what} that you have read in the header If-Match.`,
  )
}

/** Returns whether an If-None-Match header names the entity tag. Weak tags count (RFC 9110 section 13.1.2). */
export function noneMatchNames(header: string | undefined, tag: string): boolean {
  const tags = (header ?? '').split(',').map(text => text.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(tag)
}

/** The header of requests that may be sent again. */
export const idempotencyKeyHeader = {
  'idempotency-key': z.string().optional().describe('1 to 255 printable ASCII characters, bare or in quotes'),
}

/** Returns the key of an Idempotency-Key header: a bare value, or a string of structured fields (RFC 9651, section 3.3.3). Throws REQUEST_INVALID. */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(header.trim())?.[1]
  const key = quoted?.replace(/\\(["\\])/g, '$1') ?? header.trim()
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw new QuillworkError('REQUEST_INVALID', 'Idempotency-Key takes 1 to 255 printable ASCII characters.')
}

/** Returns the id of what a request creates: with an Idempotency-Key the same for a repeated request, of the same kind and owner. Throws REQUEST_INVALID. */
export function createdIdOf(headers: { 'idempotency-key'?: string | undefined }, ...of: string[]): string {
  const key = idempotencyKeyOf(headers['idempotency-key'])
  return key === undefined ? randomUUID() : hashedId([...of, key].join('\n'))
}
