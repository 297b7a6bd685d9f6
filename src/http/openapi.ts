import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { importPart } from '../runtime/installed.ts'
import { version } from '../runtime/version.ts'
import { cloudEventComponents, streamCloudEvents, webhooksSection } from './cloud-events-document.ts'
import { examples } from './examples.ts'
import { jsonSchemaOf } from './json-values.ts'
import { type Json, type Operation, operationsOf } from './openapi-document.ts'
import { operationIdOf } from './operation-ids.ts'
import { describeHeaders, headerComponents } from './response-headers.ts'
import type { ApiContext, EventSchemas } from './route.ts'
import { addRoutes } from './routes/routes.ts'
import { namedSchemas } from './schemas/fields.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the OpenAPI document of the API, made once. */
    describe(): Promise<Json>
  }
}

/**
 * Has the app describe itself: by its routes, and with the schemas of the registered task types. The document is made when somebody asks,
 * of the same routes in an app that serves nothing (`createBare`): who never asks does not load what makes it.
 */
export function describeApi(
  app: FastifyInstance,
  context: ApiContext,
  createBare: () => FastifyInstance,
): void {
  let document: Promise<Json> | undefined
  app.decorate('describe', () => {
    document ??= describe(createBare(), context)
    return document
  })
}

async function describe(app: FastifyInstance, context: ApiContext): Promise<Json> {
  const { engine, authenticator } = context
  const making = { schemaRegistry: namedSchemas, zodToJsonConfig: { override: describeOpen } }
  const named = createJsonSchemaTransformObject(making)
  const transform = createJsonSchemaTransform(making)
  const streams = new Map<string, EventSchemas>()
  const { default: swagger } = await importPart(
    'The document of the API',
    ['@fastify/swagger'],
    () => import('@fastify/swagger'),
  )
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Quillwork',
        version,
        description: 'Durable background tasks for AI writing products.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags,
      ...(authenticator.isClosed
        ? {
            components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
            security: [{ token: [] }],
          }
        : {}),
    },
    transform: options => {
      const { schema, url } = transform(options as Parameters<typeof transform>[0])
      const { open, needs } = options.route.config ?? {}
      const events = eventsIn(options.schema?.response)
      if (events !== undefined) streams.set(url, events)
      if (open !== true) return { schema: { ...schema, 'x-quillwork-needs': needs }, url }
      return { schema: authenticator.isClosed ? { ...schema, security: [] } : schema, url }
    },
    transformObject: given => {
      const document = named(given) as unknown as Json
      describeEvents(document, streams)
      return finished(withCloudEvents(withTaskTypes(withoutUnused(document), engine))) as never
    },
  })
  addRoutes(app, context)
  await app.ready()
  return app.swagger() as unknown as Json
}

/**
 * Leaves objects of answers open, where zod would say that they have no other field: a later version may add one. What is refused in requests stays
 * refused. The rest is what the package does by itself: no empty variants, and what has no content is null.
 */
function describeOpen(made: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { def } = made.zodSchema._zod
  const { jsonSchema } = made
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
  const variants = jsonSchema.anyOf?.filter(each => Object.keys(each).length > 0)
  if (def.type === 'union' && variants !== undefined) jsonSchema.anyOf = variants
  if (def.type === 'undefined') jsonSchema.type = 'null'
}

const tags = [
  { name: 'tasks', description: 'Submit tasks, watch them, cancel and retry them.' },
  { name: 'events', description: 'Changes of tasks as they happen: server-sent events.' },
  { name: 'dead letters', description: 'Tasks that need a person.' },
  { name: 'bulk actions', description: 'What is done to all tasks that match, as a task.' },
  { name: 'overview', description: 'How the server does.' },
  { name: 'lanes', description: 'The named work queues.' },
  { name: 'schedules', description: 'What is submitted at the ticks of a clock.' },
  { name: 'models', description: 'Set up the models that write, and choose between them.' },
  { name: 'limits', description: 'How fast models and other services may be called.' },
  { name: 'workers', description: 'The processes that share the store.' },
  { name: 'webhooks', description: 'Addresses that get a signed request when a task ends.' },
  { name: 'usage', description: 'What the calls of models cost, before and after.' },
  { name: 'novels', description: 'Import novels, read and search them.' },
  { name: 'users', description: 'Export and delete what a user has.' },
  { name: 'identities', description: 'Who sends requests, what they may do, API keys, and the audit trail.' },
  { name: 'server', description: 'What this server can do, and its health.' },
]

/** Returns the document without named schemas that nothing refers to: each is made once as input and once as output. */
function withoutUnused(document: Json): Json {
  const components = document['components'] as Json
  let schemas = components['schemas'] as Json
  for (;;) {
    const text = JSON.stringify({ ...document, components: { ...components, schemas } })
    const used = Object.entries(schemas).filter(([name]) => text.includes(`"#/components/schemas/${name}"`))
    if (used.length === Object.keys(schemas).length) break
    schemas = Object.fromEntries(used)
  }
  return inputsByName({ ...document, components: { ...components, schemas } }, schemas)
}

/** Returns the document with the plain names for schemas that are only requests and never responses, or the same in both. */
function inputsByName(document: Json, schemas: Json): Json {
  let text = JSON.stringify(document)
  for (const name of Object.keys(schemas)) {
    const plain = name.replace(/Input$/, '')
    if (plain === name || !isDeepStrictEqual(schemas[plain] ?? schemas[name], schemas[name])) continue
    text = text
      .replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${plain}"`)
      .replace(`"${name}":`, `"${plain}":`)
  }
  return JSON.parse(text) as Json
}

/** Returns the document with the schemas of the task types: `<type>.parameters`, `<type>.progress` and `<type>.result`. */
function withTaskTypes(document: Json, { types }: Engine): Json {
  const schemas = types.flatMap(task =>
    (['parameters', 'progress', 'result'] as const).flatMap((part): [string, unknown][] => {
      const schema = jsonSchemaOf(task[part], part === 'parameters' ? 'input' : 'output')
      if (schema === undefined) return []
      const name = `${task.type}.${part}`
      return [[name, { $id: `urn:quillwork:task-type:${name}`, ...schema }]]
    }),
  )
  const components = document['components'] as Json
  return {
    ...document,
    components: {
      ...components,
      schemas: { ...(components['schemas'] as Json), ...Object.fromEntries(schemas) },
    },
  }
}

/** Returns the document with the CloudEvents of streams and of webhooks, and with what webhooks are sent. */
function withCloudEvents(document: Json): Json {
  const components = document['components'] as Json
  const schemas = { ...(components['schemas'] as Json), ...cloudEventComponents() }
  return { ...document, webhooks: webhooksSection(), components: { ...components, schemas } }
}

/** Returns the events of a route that streams. */
function eventsIn(response: unknown): EventSchemas | undefined {
  const { 200: answer } = (response ?? {}) as Record<
    number,
    { content?: Record<string, { events?: EventSchemas }> }
  >
  return answer?.content?.[streamType]?.events
}

const streamType = 'text/event-stream'

/**
 * Names the schema of the data of each event of a stream. OpenAPI 3.1 has no place for it: they are in `x-events`, by the name of the event; in
 * `x-cloud-events` where a client may ask for CloudEvents instead.
 */
function describeEvents(document: Json, streams: ReadonlyMap<string, EventSchemas>): void {
  for (const [path, events] of streams) {
    const place = path.replace(/:(\w+)/g, '{$1}')
    const operation = operationsOf(document).find(([name]) => name === `GET ${place}`)?.[1]
    const media = operation?.responses['200']?.content?.[streamType]
    if (media === undefined) continue
    const refs = Object.entries(events).map(([name, schema]) => [
      name,
      { $ref: `#/components/schemas/${namedSchemas.get(schema)?.id}` },
    ])
    media['x-events'] = Object.fromEntries(refs)
    if (operation?.parameters?.some(({ name }) => name === 'format') === true)
      media['x-cloud-events'] = streamCloudEvents()
  }
}

/** Returns the document with what the routes do not say one by one: ids of operations, headers, examples, a description of each status. */
function finished(document: Json): Json {
  const components = document['components'] as Json
  components['headers'] = headerComponents()
  for (const [place, operation] of operationsOf(document)) {
    const [method = '', path = ''] = place.split(' ')
    operation.operationId = operationIdOf(method, path)
    for (const [status, response] of Object.entries(operation.responses))
      if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
    describeBody(operation)
    describeParameters(operation)
    describeHeaders(document, operation, place)
    addExamples(operation)
  }
  return document
}

/** What the values of headers look like that are refused with codes of their own. */
const headerForms: Readonly<Record<string, string>> = {
  'if-match': '^\\s*("\\d{1,15}"|\\*)\\s*$',
  'idempotency-key': '^[ -~]{1,255}$',
}

function describeParameters({ parameters = [] }: Operation): void {
  for (const { name, schema } of parameters)
    if (schema !== undefined && headerForms[name] !== undefined) schema['pattern'] = headerForms[name]
}

/** Marks an optional body as optional, and a body that is no JSON as the bytes that it is. */
function describeBody({ requestBody }: Operation): void {
  for (const [type, media] of Object.entries(requestBody?.content ?? {})) {
    if (requestBody !== undefined && type !== 'application/json') {
      requestBody.required = true
      media.schema = { type: 'string', format: 'binary', description: 'The file, as it is' }
    }
    const [schema, ...others] = media.schema.anyOf?.filter(each => each['type'] !== 'null') ?? []
    if (requestBody === undefined || schema === undefined || others.length > 0) continue
    requestBody.required = false
    media.schema = schema
  }
}

function addExamples({ operationId = '', requestBody, responses }: Operation): void {
  const { takes, sends = {} } = examples[operationId] ?? {}
  const taken = requestBody?.content['application/json']
  if (taken !== undefined && takes !== undefined) taken.example = takes
  for (const [status, example] of Object.entries(sends))
    for (const [type, media] of Object.entries(responses[status]?.content ?? {}))
      if (/json/.test(type)) media.example = example
}
