import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'

/** The header of requests that may be sent again. */
export const idempotencyKeyHeader = {
  'idempotency-key': z.string().optional().describe('1 to 255 printable ASCII characters, bare or in quotes'),
}

/** The key of an Idempotency-Key header: a bare value, or a string of structured fields (RFC 9651, section 3.3.3). */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(header.trim())?.[1]
  const key = quoted?.replace(/\\(["\\])/g, '$1') ?? header.trim()
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw new QuillworkError('REQUEST_INVALID', 'Idempotency-Key takes 1 to 255 printable ASCII characters.')
}
