import { z } from 'zod'

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
