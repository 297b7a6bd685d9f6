import { z } from 'zod'
import { hasControls } from '../../task/controls.ts'

/** A time of a response: epoch milliseconds, sent as RFC 3339 in UTC with milliseconds. */
export const time = z.number().transform(timeText).pipe(z.iso.datetime()).describe('RFC 3339, UTC')

/** A time that a client gives, as epoch milliseconds. */
export const givenTime = z.iso
  .datetime({ offset: true, error: 'Give a time such as 2026-01-31T12:00:00Z.' })
  .transform(text => Date.parse(text))

/** Returns the schema of text that is stored in columns of its own: without NUL and half surrogate pairs. */
export function plainText(longest: number) {
  return z
    .string()
    .max(longest)
    .refine(text => !/[\0\p{Surrogate}]/u.test(text), 'Text must not hold NUL or half of a surrogate pair.')
}

/** Returns the schema of a name, a title or a tag: plain text on one line, without controls, and without the white space around it. */
export function plainLine(longest: number) {
  return plainText(longest)
    .trim()
    .refine(
      text => !hasControls(text),
      'Text of one line must not hold line ends or other control characters.',
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

/** The parameters of a listing beside its filters. */
export const paging = {
  pageSize: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .transform(size => Math.min(size, 200))
    .describe('1 to 200; more counts as 200'),
  pageToken: z
    .string()
    .max(2_000)
    .optional()
    .describe('`nextPageToken` of the page before, with the same filters'),
}

/** Returns the schema of a page. Only the last page has no `nextPageToken`. */
export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), nextPageToken: z.string().optional() })
}

/** The name and the description of a schema. */
type Meta = { id?: string; description?: string; [key: string]: unknown }

/** Adds the descriptions that zod keeps in its global registry. Nothing else is read there: it also holds the schemas of users, with any names. */
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

/** Returns the schema with a name in the OpenAPI document. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  namedSchemas.add(schema, { id } as z.core.$replace<Meta, S>)
  return schema
}

/** The query of a listing without filters. */
export const pageQuery = z.strictObject(paging)

/** Returns an epoch time as RFC 3339 text in UTC. */
export function timeText(at: number): string {
  return new Date(Math.min(Math.max(at, -lastTime), lastTime)).toISOString()
}

/** The last time that a Date holds (ECMAScript, "Time Values and Time Range"). */
const lastTime = 8.64e15

/** A value that is sent as a `T`; it may be shared, so it is not changed. */
export type Sent<T> = T extends readonly (infer U)[]
  ? readonly Sent<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Sent<T[K]> }
    : T

/** A place in a text. */
export const span = z.object({ start: z.int(), end: z.int() }).describe('UTF-16 code units')
