/**
 * How the values of a task type stand in JSON, which has no dates and no bigints: the JSON Schema that is published, and the reading of
 * parameters by it. Only zod says what its schemas are made of; parameters of another library are taken as they are sent.
 */
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import type { Schema } from '../task/definition.ts'
import { pointerOf, refusedBy, type SchemaIssue } from '../task/schema.ts'

type ZodSchema = z.core.$ZodTypes
type Io = 'input' | 'output'

/** Returns the JSON Schema (2020-12) of a zod schema; undefined for other schemas, and for one that JSON Schema cannot express. */
export function jsonSchemaOf(schema: Schema | undefined, io: Io): Record<string, unknown> | undefined {
  if (!isZod(schema)) return undefined
  try {
    const made = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => describeAsSent(zodSchema, jsonSchema, io),
    })
    const { $schema: _dialect, '~standard': _standard, ...rest } = made
    return rest
  } catch {
    return undefined
  }
}

function isZod(schema: unknown): schema is ZodSchema {
  return typeof schema === 'object' && schema !== null && '_zod' in schema
}

/** Describes dates and bigints as they are sent. A client may also send a bigint as an integer that no reader of JSON rounds. */
function describeAsSent({ _zod: { def } }: ZodSchema, described: object, io: Io): void {
  if (def.type === 'date') Object.assign(described, { type: 'string', format: 'date-time' })
  if (def.type === 'bigint')
    Object.assign(described, {
      type: io === 'input' ? ['string', 'integer'] : 'string',
      pattern: '^-?[0-9]+$',
    })
  if (def.type !== 'literal' || !def.values.some(value => typeof value === 'bigint')) return
  for (const key of ['type', 'const']) Reflect.deleteProperty(described, key)
  Object.assign(described, {
    enum: def.values.flatMap(value => {
      if (typeof value !== 'bigint') return value === undefined ? [] : [value]
      return io === 'input' && isSafe(Number(value)) ? [`${value}`, Number(value)] : [`${value}`]
    }),
  })
}

/**
 * Returns parameters that came as JSON as the schema of their type takes them: dates and bigints in place of their texts. What the schema
 * does not describe stays as it is, for the validation to refuse. Throws PARAMETERS_INVALID for a text that is no date or no integer.
 */
export async function readParameters(engine: Engine, taskType: string, json: unknown): Promise<unknown> {
  const schema = engine.types.find(({ type }) => type === taskType)?.parameters
  if (!isZod(schema) || !isPublished(schema)) return json
  const issues: SchemaIssue[] = []
  const value = await read(schema, json, { path: [], issues })
  if (issues.length === 0) return value
  throw refusedBy(issues, 'PARAMETERS_INVALID', `The parameters of ${taskType} are not valid`)
}

const published = new WeakMap<ZodSchema, boolean>()

/** Whether the schema has a JSON Schema. One without may have no end, as one that makes itself anew in each `z.lazy`. */
function isPublished(schema: ZodSchema): boolean {
  const known = published.get(schema) ?? jsonSchemaOf(schema, 'input') !== undefined
  published.set(schema, known)
  return known
}

/** Where a value stands, and the issues that were found so far. */
interface Place {
  readonly path: readonly PropertyKey[]
  readonly issues: SchemaIssue[]
}

async function read(schema: z.core.$ZodType, json: unknown, place: Place): Promise<unknown> {
  if (!hasTexts(schema)) return json
  const { def } = (schema as ZodSchema)._zod
  switch (def.type) {
    case 'date':
      return readText(json, place, dateOf)
    case 'bigint':
      return readText(json, place, bigintOf)
    case 'literal':
      return def.values.find(value => typeof value === 'bigint' && bigintOf(json)?.value === value) ?? json
    case 'union':
      return readUnion(schema, def.options, json, place)
    case 'intersection':
      return read(def.right, await read(def.left, json, place), place)
    case 'pipe':
      // Where no input is described, the output of a preprocessor is: it may take the text itself.
      if (!isTransform(def.in)) return read(def.in, json, place)
      return (await accepts(schema, json)) ? json : read(def.out, json, { ...place, issues: [] })
    case 'catch':
      return read(def.innerType, json, { ...place, issues: [] })
    case 'array':
    case 'tuple':
    case 'object':
    case 'record':
      return readItems(def, json, place)
    default: {
      const [inner] = partsOf(schema)
      return inner === undefined ? json : read(inner, json, place)
    }
  }
}

type Container = z.core.$ZodArrayDef | z.core.$ZodTupleDef | z.core.$ZodObjectDef | z.core.$ZodRecordDef

/** Reads what a list or an object holds. */
async function readItems(def: Container, json: unknown, place: Place): Promise<unknown> {
  const isList = def.type === 'array' || def.type === 'tuple'
  if (typeof json !== 'object' || json === null || Array.isArray(json) !== isList) return json
  const items: [string, unknown][] = []
  for (const [key, item] of Object.entries(json)) {
    const schema = itemOf(def, key)
    const path = [...place.path, key]
    items.push([key, schema === undefined ? item : await read(schema, item, { ...place, path })])
  }
  return isList ? items.map(([, item]) => item) : Object.fromEntries(items)
}

function itemOf(def: Container, key: string): z.core.$ZodType | undefined {
  if (def.type === 'array') return def.element
  if (def.type === 'tuple') return def.items[Number(key)] ?? def.rest ?? undefined
  if (def.type === 'record') return def.valueType
  return Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall
}

/** Reads a value by the option that its discriminator names; where none does, by the first that takes it. */
async function readUnion(
  schema: z.core.$ZodType,
  options: readonly z.core.$ZodType[],
  json: unknown,
  place: Place,
): Promise<unknown> {
  const named = options.find(option => isNamed(schema, option, json))
  if (named !== undefined) return read(named, json, place)
  for (const option of options) {
    const issues: SchemaIssue[] = []
    const value = await read(option, json, { ...place, issues })
    if (issues.length === 0 && (await accepts(option, value))) return value
  }
  return json
}

/** Whether a discriminated union takes the value for this option. */
function isNamed({ _zod: { def } }: z.core.$ZodType, option: z.core.$ZodType, json: unknown): boolean {
  if (!('discriminator' in def) || typeof json !== 'object' || json === null) return false
  const key = String(def.discriminator)
  const value = Object.hasOwn(json, key) ? (json as Record<string, z.core.util.Primitive>)[key] : undefined
  return option._zod.propValues?.[key]?.has(value) === true
}

async function accepts(schema: z.core.$ZodType, value: unknown): Promise<boolean> {
  return (await (schema as unknown as Schema)['~standard'].validate(value)).issues === undefined
}

function isTransform(schema: z.core.$ZodType): boolean {
  return schema._zod.def.type === 'transform'
}

/** A value that was read, or why the text is none. */
type Reading = { value: Date | bigint; detail?: undefined } | { value?: undefined; detail: string }

/** Reads a text. What is no text for a value of this kind stays as it is. */
function readText(json: unknown, place: Place, readingOf: (json: unknown) => Reading | undefined): unknown {
  const reading = readingOf(json)
  if (reading?.detail !== undefined)
    place.issues.push({ pointer: pointerOf(place.path), detail: reading.detail })
  return reading?.value ?? json
}

const dateTime = z.iso.datetime({ offset: true })

function dateOf(json: unknown): Reading | undefined {
  if (typeof json !== 'string') return undefined
  if (dateTime.safeParse(json).success) return { value: new Date(json) }
  return { detail: 'Give a date and time, such as 2026-01-31T12:00:00Z' }
}

function bigintOf(json: unknown): Reading | undefined {
  if (typeof json === 'string' ? /^-?\d+$/.test(json) : isSafe(json)) return { value: BigInt(json as string) }
  if (typeof json !== 'string' && !Number.isInteger(json)) return undefined
  return { detail: 'Give an integer as text, such as "12345678901234567890"' }
}

function isSafe(json: unknown): boolean {
  return Number.isSafeInteger(json)
}

/** Whether any part of a schema is written as text in JSON, and is not made of text by the schema itself. */
function hasTexts(schema: z.core.$ZodType): boolean {
  const known = schemasWithTexts.get(schema)
  if (known !== undefined) return known
  const reached = new Set([schema])
  // A set grows while it is walked.
  for (const each of reached) for (const part of partsOf(each)) reached.add(part)
  const found = [...reached].some(isText)
  schemasWithTexts.set(schema, found)
  return found
}

const schemasWithTexts = new WeakMap<z.core.$ZodType, boolean>()

function isText(schema: z.core.$ZodType): boolean {
  const { def } = (schema as ZodSchema)._zod
  if (def.type === 'date' || def.type === 'bigint') return !('coerce' in def && def.coerce === true)
  return def.type === 'literal' && def.values.some(value => typeof value === 'bigint')
}

/** Returns the schemas that a schema is made of, as far as they describe its input. */
function partsOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const { def } = (schema as ZodSchema)._zod
  switch (def.type) {
    case 'array':
      return [def.element]
    case 'tuple':
      return def.rest === null ? def.items : [...def.items, def.rest]
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall === undefined ? [] : [def.catchall])]
    case 'record':
      return [def.valueType]
    case 'union':
      return def.options
    case 'intersection':
      return [def.left, def.right]
    case 'pipe':
      return [isTransform(def.in) ? def.out : def.in]
    case 'lazy':
      return [(schema as z.core.$ZodLazy)._zod.innerType]
    default:
      return 'innerType' in def ? [def.innerType] : []
  }
}
