import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'

/** Returns the entity tag of a version: the version of a task or scene in quotes. */
export function etagOf(version: number): string {
  return `"${version}"`
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
