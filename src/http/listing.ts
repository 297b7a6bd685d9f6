/** Pages of a listing: presented and written out a few items at a time, so that a long page does not hold the event loop. */
import type { FastifyInstance } from 'fastify'
import { ResponseSerializationError } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { cooperate, mapped, type Steps } from '../runtime/cooperate.ts'

/** Items that are presented, or written out, between two questions whether the event loop is due. */
const itemsPerStep = 10

/** Returns the items as the API shows them. Yields to the event loop in between. */
export function presentAll<Item, Shown>(
  items: readonly Item[],
  present: (item: Item) => Shown,
): Promise<Shown[]> {
  return cooperate(mapped(items, present, itemsPerStep))
}

/** A page that is JSON already. */
export class WrittenPage {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Has pages written out in steps, after all that is added to them. Other responses are written by their schema, at once. */
export function writePages(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, reply, page) => {
    const { method, routeOptions } = request
    const schemas = routeOptions.schema?.response as Record<number, unknown> | undefined
    const schema = schemas?.[reply.statusCode]
    if (!isPageSchema(schema)) return page
    const route = { method, url: routeOptions.url ?? request.url }
    const steps = pageSteps(schema, page as z.output<typeof schema>, route)
    return new WrittenPage(await cooperate(steps, request.signal))
  })
}

type PageSchema = z.ZodObject<{ items: z.ZodArray }>

/** Whether the responses of a schema are an object with a list of items. */
function isPageSchema(schema: unknown): schema is PageSchema {
  return schema instanceof z.ZodObject && schema.shape['items'] instanceof z.ZodArray
}

/** Writes a page as JSON, as its schema says. Throws ResponseSerializationError for a page that the schema does not take. */
export function* pageSteps(
  schema: PageSchema,
  page: { readonly items: readonly unknown[] },
  route: { method: string; url: string },
): Steps<string> {
  const written: string[] = []
  for (let from = 0; from < page.items.length; from += itemsPerStep) {
    if (from > 0) yield
    const some = page.items.slice(from, from + itemsPerStep)
    written.push(JSON.stringify(checked(schema.shape.items, some, route)).slice(1, -1))
  }
  const around = checked(schema, { ...page, items: [] }, route) as object
  const members = Object.entries(around).filter(([, value]) => value !== undefined)
  const textOf = (name: string, value: unknown) =>
    name === 'items' ? `[${written.join()}]` : JSON.stringify(value)
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${textOf(name, value)}`).join()}}`
}

/** Returns what a schema makes of a value that is sent. Throws ResponseSerializationError. */
export function checked(
  schema: z.ZodType,
  value: unknown,
  { method, url }: { method: string; url: string },
): unknown {
  const { data, error } = schema.safeParse(value)
  if (error !== undefined) throw new ResponseSerializationError(method, url, { cause: error })
  return data
}
