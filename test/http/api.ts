import type { FastifyInstance } from 'fastify'
import { bulkAction } from 'quillwork'
import { createApp, type HttpOptions, type Problem } from 'quillwork/http'
import {
  type ScriptedTasks,
  scriptedTasks,
  type TestEngine,
  type TestEngineOptions,
  testEngine,
} from 'quillwork/testing'
import { expect } from 'vitest'

/** An answer of the API, read to its end. */
export interface Answer<T = Record<string, unknown>> {
  status: number
  headers: Headers
  text: string
  body: T
}

/** How a request is made. */
export interface Ask {
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is, as JSON unless the headers say otherwise. */
  raw?: string
}

/** An API that listens, on an engine with scripted tasks. */
export interface Api extends AsyncDisposable {
  readonly url: string
  readonly app: FastifyInstance
  readonly engine: TestEngine
  readonly tasks: ScriptedTasks
  /** Asks, and checks that the answer is one that the OpenAPI document names. */
  ask<T = Record<string, unknown>>(path: string, ask?: Ask): Promise<Answer<T>>
  post<T = Record<string, unknown>>(
    path: string,
    json?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>
  /** Submits a scripted task. Answers its id. */
  submit(orders: readonly object[], fields?: object): Promise<string>
}

/** The part of an OpenAPI document that the tests read. */
export interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown>; securitySchemes?: Record<string, unknown> }
  security?: object[]
  tags?: { name: string }[]
}

/** One operation of the document. */
export interface Operation {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<
    string,
    { description: string; headers?: Record<string, object>; content?: Record<string, Media> }
  >
}

/** A body in one media type. */
interface Media {
  schema: object
  example?: unknown
  'x-events'?: Record<string, { $ref: string }>
  'x-cloud-events'?: Record<string, { $ref: string }>
}

/** Starts an API on a free port of the loopback. */
export async function serve(
  config: HttpOptions = {},
  options: Partial<Omit<TestEngineOptions<[]>, 'tasks' | 'services'>> = {},
): Promise<Api> {
  const tasks = scriptedTasks()
  const engine = await testEngine({ ...options, tasks: [tasks.scripted, tasks.parent, bulkAction] })
  const asking = await askingOf(createApp({ engine, config, log: engine.log }))
  return {
    ...asking,
    engine,
    tasks,
    async submit(orders, fields = {}) {
      const body = { taskType: 'Scripted', parameters: { orders }, ...fields }
      const answer = await asking.post<{ id: string }>('/v1/tasks', body)
      expect(answer.status).toBe(202)
      return answer.body.id
    },
    async [Symbol.asyncDispose]() {
      await asking.app.close()
      await engine[Symbol.asyncDispose]()
    },
  }
}

/** The documents of apps with and without novels, made once in a process: that takes three times as long as an app. */
const documents = new Map<boolean, Promise<OpenApi>>()

function documentOf(app: FastifyInstance): Promise<OpenApi> {
  const hasNovels = app.hasRoute({ method: 'GET', url: '/v1/novels' })
  const document = documents.get(hasNovels) ?? (app.describe() as Promise<unknown> as Promise<OpenApi>)
  documents.set(hasNovels, document)
  return document
}

/** Has an app listen, and answers how to ask it. */
export async function askingOf(app: FastifyInstance): Promise<Pick<Api, 'url' | 'app' | 'ask' | 'post'>> {
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const document = await documentOf(app)
  const ask = async <T>(
    path: string,
    { method = 'GET', headers = {}, json, raw }: Ask = {},
  ): Promise<Answer<T>> => {
    const body = raw ?? (json === undefined ? undefined : JSON.stringify(json))
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(url + path, {
      method,
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    const answer = { status: response.status, headers: response.headers, text, body: parsed(text) as T }
    if (answer.status >= 400) expectProblem(answer as Answer, path)
    if (answer.status !== 405) expectDeclared(document, { method, path }, answer as Answer)
    return answer
  }
  const post: Api['post'] = (path, json, headers = {}) => ask(path, { method: 'POST', json, headers })
  return { url, app, ask, post }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whatever went wrong is told in the same shape. */
export function expectProblem(answer: Answer, path?: string): Problem {
  expect(answer.headers.get('content-type'), path).toMatch(/^application\/problem\+json/)
  const problem = answer.body as unknown as Problem
  expect(problem).toMatchObject({
    type: `urn:quillwork:error:${problem.code}`,
    status: answer.status,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    code: expect.stringMatching(/^[A-Z_]+$/),
    retryable: expect.any(Boolean),
    traceId: expect.stringMatching(/^([\da-f]{32})?$/),
  })
  for (const issue of problem.errors ?? []) {
    expect(issue.pointer).toMatch(/^(\/.*)?$/s)
    expect(issue.detail).toMatch(/./)
  }
  return problem
}

/** The operation of the document that answers a request; undefined for an address that does not exist. */
function operationOf(document: OpenApi, method: string, path: string): Operation | undefined {
  const bare = path.split('?', 1)[0] ?? ''
  const fits = (template: string) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/:]+')}$`).test(bare)
  const exact = document.paths[bare]
  const found = exact ?? Object.entries(document.paths).find(([template]) => fits(template))?.[1]
  return found?.[method.toLowerCase()]
}

/** Headers that the document names wherever they are sent. */
const namedHeaders = [
  ...['location', 'etag', 'retry-after', 'link', 'idempotency-replayed', 'preference-applied'],
  ...['content-disposition', 'content-range', 'accept-ranges', 'www-authenticate', 'traceparent'],
]

/** The status of the answer, the code of a problem, its media type and its headers stand in the document. */
function expectDeclared(document: OpenApi, asked: { method: string; path: string }, answer: Answer): void {
  const { method, path } = asked
  const operation = operationOf(document, method === 'HEAD' ? 'GET' : method, path)
  if (operation === undefined) return
  const at = `${method} ${path}`
  expect(Object.keys(operation.responses), at).toContain(`${answer.status}`)
  const { description = '', headers = {}, content = {} } = operation.responses[answer.status] ?? {}
  // What breaks in the server may have any code; a path with dots leads elsewhere.
  const code = answer.body?.['code']
  const isOfRoute = answer.status < 500 && code !== 'ROUTE_NOT_FOUND'
  if (answer.status >= 400 && isOfRoute) expect(description.split(', '), at).toContain(code)
  else if (answer.status < 400 && answer.text !== '')
    expect(Object.keys(content), at).toContain(answer.headers.get('content-type')?.replace(/;.*/, ''))
  const sent = namedHeaders.filter(name => answer.headers.has(name))
  const named = Object.keys(headers).map(name => name.toLowerCase())
  expect(named, `headers of ${at}`).toEqual(expect.arrayContaining(sent))
}
