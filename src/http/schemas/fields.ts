import { z } from 'zod'
import type { PageRequest } from '../../store/store.ts'

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

/** What is known of a schema beside itself. */
type Meta = { id?: string; description?: string; [key: string]: unknown }

/**
 * What `describe` says is kept by zod in its global registry. Only the description is taken from there: a user's schemas are in it too,
 * and may have the same names as ours.
 */
class WithDescriptions extends WeakMap<z.core.$ZodType, Meta> {
  override get(schema: z.core.$ZodType): Meta | undefined {
    const own = super.get(schema)
    const description = z.globalRegistry.get(schema)?.description
    return description === undefined ? own : { description, ...own }
  }

  override has(schema: z.core.$ZodType): boolean {
    return this.get(schema) !== undefined
  }
}

/** The schemas that have a name in the OpenAPI document. */
export const namedSchemas = z.registry<Meta>()
namedSchemas._map = new WithDescriptions()

/** Gives a schema its name in the OpenAPI document. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  namedSchemas.add(schema, { id } as z.core.$replace<Meta, S>)
  return schema
}

/** The page that a query asks for. */
export function pageRequest(query: { pageSize: number; pageToken?: string | undefined }): PageRequest {
  const { pageSize, pageToken } = query
  return pageToken === undefined ? { pageSize } : { pageSize, pageToken }
}

/** A listing without filters. */
export const pageQuery = z.strictObject(paging)

/** An epoch time as RFC 3339 text in UTC; undefined stays undefined. */
export function timeText(at: number): string
export function timeText(at: number | undefined): string | undefined
export function timeText(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(Math.min(Math.max(at, -lastTime), lastTime)).toISOString()
}

/** The last time that a Date holds (ECMAScript, "Time Values and Time Range"). */
const lastTime = 8.64e15
