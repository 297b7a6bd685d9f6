import { z } from 'zod'
import type { Schema } from '../task/definition.ts'

/** The JSON Schema (2020-12) of a schema, if it is one of zod and can be told as one; undefined otherwise. */
export function jsonSchemaOf(
  schema: Schema | undefined,
  io: 'input' | 'output',
): Record<string, unknown> | undefined {
  if (schema === undefined || !('_zod' in schema)) return undefined
  try {
    const made = z.toJSONSchema(schema as unknown as z.ZodType, {
      io,
      unrepresentable: 'any',
      override: asSent,
    })
    const { $schema: _dialect, '~standard': _standard, ...rest } = made
    return rest
  } catch {
    return undefined
  }
}

/** A date travels as text. */
function asSent({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: object }): void {
  if (zodSchema._zod.def.type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
}
