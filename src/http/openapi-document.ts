/** The parts of an OpenAPI document that are changed while it is made. */

/** Any object of the document. */
export type Json = Record<string, unknown>

/** A JSON Schema of the document. */
export interface Schema extends Json {
  properties?: Record<string, Schema>
  anyOf?: Schema[]
}

/** What a request or a response holds in one media type. */
export interface Media extends Json {
  schema: Schema
  example?: unknown
}

/** A response to an operation. */
export interface Response extends Json {
  description: string
  headers?: Json
  content?: Record<string, Media>
}

/** One operation. */
export interface Operation extends Json {
  operationId?: string
  parameters?: { in: string; name: string; schema?: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, Media> }
  responses: Record<string, Response>
}

/** Returns the operations with their method and path, such as `POST /v1/tasks/{taskId}:cancel`. */
export function operationsOf(document: Json): [place: string, operation: Operation][] {
  const paths = document['paths'] as Record<string, Record<string, Operation>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
}

/** Returns the schema, or the one of the components that it refers to. */
export function componentOf(document: Json, schema: Json | undefined): Schema {
  const name = /^#\/components\/schemas\/(.*)$/.exec(String(schema?.['$ref'] ?? ''))?.[1]
  if (name === undefined) return schema ?? {}
  const { schemas } = document['components'] as { schemas: Record<string, Schema> }
  return schemas[name] ?? {}
}
