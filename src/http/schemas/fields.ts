import { z } from 'zod'

/** RFC 3339 in UTC with milliseconds. */
export const time = z.iso.datetime().describe('RFC 3339, UTC')

/** A time that a client gives, as epoch milliseconds. */
export const givenTime = z.iso
  .datetime({ offset: true, error: 'Give a time such as 2026-01-31T12:00:00Z.' })
  .transform(text => Date.parse(text))

/** Text of a client that is stored in columns of its own: no NUL, no half characters. */
export function plainText(longest: number) {
  return z
    .string()
    .max(longest)
    .refine(
      text => !/[\0\p{Surrogate}]/u.test(text),
      'Text with NUL or half of a surrogate pair is not taken.',
    )
}

/** An id of the product: of tasks, novels, uploads and the like. */
export const id = z.string().regex(/^[\w-]{1,100}$/, 'This is not an id.')

/** `true` or `false` in a query. */
export const flag = z.enum(['true', 'false']).transform(text => text === 'true')

/** A version as an entity tag: `"7"`. */
export const ifMatch = {
  'if-match': z.string().max(200).optional().describe('Only if the version is still this one: `"7"`'),
}

/** What a listing takes beside its filters. */
export const paging = {
  pageSize: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .transform(size => Math.min(size, 200))
    .describe('1 to 200; more is taken as 200'),
  pageToken: z
    .string()
    .max(2_000)
    .optional()
    .describe('`nextPageToken` of the page before, with the same filters'),
}

/** A page of a listing; no `nextPageToken` is the only sign of the end. */
export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), nextPageToken: z.string().optional() })
}
