import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Engine } from '../engine/engine.ts'
import { version } from '../runtime/version.ts'
import { jsonSchemaOf } from './json-values.ts'
import type { ApiContext } from './route.ts'
import { addRoutes } from './routes/routes.ts'
import { namedSchemas } from './schemas/fields.ts'

type Json = Record<string, unknown>

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
  const { engine, settings } = context
  const named = createJsonSchemaTransformObject({ schemaRegistry: namedSchemas })
  const transform = createJsonSchemaTransform({ schemaRegistry: namedSchemas })
  const { default: swagger } = await import('@fastify/swagger')
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
      ...(settings.tokens.length === 0
        ? {}
        : {
            components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
            security: [{ token: [] }],
          }),
    },
    transform: options => {
      const { schema, url } = transform(options as Parameters<typeof transform>[0])
      const isOpen = options.route.config?.open === true && settings.tokens.length > 0
      return { schema: isOpen ? { ...schema, security: [] } : schema, url }
    },
    transformObject: document =>
      finished(withTaskTypes(withoutUnused(named(document) as unknown as Json), engine)) as never,
  })
  addRoutes(app, context)
  await app.ready()
  return app.swagger() as unknown as Json
}

const tags = [
  { name: 'tasks', description: 'Submit tasks, watch them, cancel and retry them.' },
  { name: 'events', description: 'Changes of tasks as they happen: server-sent events.' },
  { name: 'dead letters', description: 'Tasks that need a person.' },
  { name: 'lanes', description: 'The named work queues.' },
  { name: 'limits', description: 'How fast models and other services may be called.' },
  { name: 'workers', description: 'The processes that share the store.' },
  { name: 'novels', description: 'Import novels, read and search them.' },
  { name: 'users', description: 'Delete what a user has.' },
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

interface Operation {
  requestBody?: { required?: boolean; content: Record<string, { schema: { anyOf?: Json[] } }> }
  responses: Record<string, { description: string }>
}

/** Returns the document with a description of each status, and with optional bodies marked as optional. */
function finished(document: Json): Json {
  const paths = document['paths'] as Record<string, Record<string, Operation>>
  for (const operation of Object.values(paths).flatMap(path => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses))
      if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
    const { requestBody } = operation
    for (const media of Object.values(requestBody?.content ?? {})) {
      const [schema, ...others] = media.schema.anyOf?.filter(each => each['type'] !== 'null') ?? []
      if (requestBody === undefined || schema === undefined || others.length > 0) continue
      requestBody.required = false
      media.schema = schema
    }
  }
  return document
}
