import { z } from 'zod'

/** The schemas that have a name in the OpenAPI document. One of our own: a user's schemas may have the same names. */
export const namedSchemas = z.registry<{ id: string }>()

/** Gives a schema its name in the OpenAPI document. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  namedSchemas.add(schema, { id })
  return schema
}
