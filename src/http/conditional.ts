import { QuillworkError } from '../task/errors.ts'

/** Entity tags: the version of a task or scene in quotes. */

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/**
 * The version that an If-Match header asks for; undefined without one, and for `*`. Throws IF_MATCH_INVALID for anything but one
 * strong tag of a version.
 */
export function ifMatchVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1]
  if (version !== undefined) return Number(version)
  throw new QuillworkError('IF_MATCH_INVALID', 'If-Match takes one version in quotes, such as "7".')
}

/** Whether an If-None-Match header names the version; weak tags count (RFC 9110 section 13.1.2). */
export function noneMatchNames(header: string | undefined, version: number): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map(tag => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etagOf(version))
}
