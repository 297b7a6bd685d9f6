import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { errorCatalogue } from 'quillwork'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenApi, Operation } from './api.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let document: OpenApi
const routes = new Set<string>()

beforeAll(async () => {
  api = await serveNovels()
  document = (await api.ask<OpenApi>('/v1/openapi.json')).body
  for (const line of routesOf(api.app.printRoutes({ commonPrefix: false }))) routes.add(line)
})
afterAll(() => api[Symbol.asyncDispose]())

/** `METHOD /path` of every line of the router's own list. */
function routesOf(tree: string): string[] {
  const found: string[] = []
  const above: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^((?:[│ ] {3})*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (match === null) continue
    const [, indent = '', part = '', methods] = match
    above.length = indent.length / 4
    above.push(part)
    const path = above
      .join('')
      .replace(/\/:(\w+)(\((\[\^:\]|\.)\+\))?/g, '/{$1}')
      .replace('::', ':')
    for (const method of methods?.split(', ') ?? []) if (method !== 'HEAD') found.push(`${method} ${path}`)
  }
  return found
}

function operations(): [name: string, operation: Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
}

describe('the document', () => {
  test('names every route, and no other', () => {
    expect(routes.size).toBeGreaterThan(35)
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...routes].sort())
  })

  test('is OpenAPI 3.1: every reference leads somewhere, and every part is there', () => {
    expect(document.openapi).toBe('3.1.0')
    const text = JSON.stringify(document)
    const named = new Set(Object.keys(document.components.schemas))
    const used = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(match => match[1] ?? '')
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter(name => !named.has(name))).toEqual([])
    for (const name of named) expect(name).toMatch(/^[\w.-]+$/)
    for (const [name, operation] of operations()) {
      expect(operation.summary, name).toMatch(/./)
      expect(operation.tags, name).toHaveLength(1)
      const wanted = [...name.matchAll(/\{(\w+)\}/g)].map(match => match[1])
      const given = operation.parameters?.filter(parameter => parameter.in === 'path') ?? []
      expect(
        given.map(parameter => parameter.name),
        name,
      ).toEqual(wanted)
      expect(
        given.every(parameter => parameter.required === true),
        name,
      ).toBe(true)
    }
  })

  test('every error is a problem, and its description names codes of its status', () => {
    for (const [name, { responses }] of operations()) {
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description, name).toMatch(/./)
        if (Number(status) < 400) continue
        expect(content?.['application/problem+json']?.schema, name).toEqual({
          $ref: '#/components/schemas/Problem',
        })
        for (const code of description.split(', ')) {
          expect(errorCatalogue).toHaveProperty(code)
          expect(errorCatalogue[code as keyof typeof errorCatalogue].status).toBe(Number(status))
        }
      }
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['401', '403', '500', '503']))
    }
  })

  test('every route with a body tells what it refuses', () => {
    const withBody = operations().filter(([, operation]) => operation.requestBody !== undefined)
    expect(withBody.length).toBeGreaterThan(4)
    for (const [name, { responses }] of withBody)
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['400', '413', '415']))
  })

  test('every route that may write tells that the disk may be full', () => {
    const writing = operations().filter(([name]) => !name.startsWith('GET '))
    expect(writing.length).toBeGreaterThan(20)
    for (const [name, { responses }] of writing)
      expect(responses['507']?.description, name).toContain('STORE_FULL')
  })

  test('no route with a query takes a parameter that it does not know', async () => {
    for (const [name, { parameters = [] }] of operations()) {
      const [method, path = ''] = name.split(' ')
      if (method !== 'GET' || !parameters.some(each => each.in === 'query')) continue
      const place = path.replaceAll(/\{\w+\}/g, 'nothing')
      expect(await api.ask(`${place}?nobodyKnows=1`), name).toMatchObject({ status: 400 })
    }
  })

  test('holds the schemas of the task types, as the capabilities do', async () => {
    const { schemas } = document.components
    expect(schemas['ImportNovel.parameters']).toMatchObject({ type: 'object', required: ['uploadId'] })
    expect(schemas['BatchGenerateSummary.progress']).toMatchObject({ type: 'object' })
    const { body } = await api.ask<{ taskTypes: { type: string; parameters: object }[] }>('/v1/capabilities')
    expect(body).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      composition: { store: 'sqlite', distributed: false },
      authentication: 'none',
      lanes: expect.arrayContaining([{ lane: 'default', slots: 10 }]),
      models: [{ id: 'extractive', uses: ['summary'], defaultFor: ['summary'], method: 'extractive' }],
      off: expect.arrayContaining([
        expect.objectContaining({ capability: 'prose', reason: expect.any(String) }),
      ]),
    })
    for (const { type, parameters } of body.taskTypes)
      expect(schemas[`${type}.parameters`]).toMatchObject(parameters)
  })

  test('says what things mean', () => {
    const { Task } = document.components.schemas as {
      Task: { properties: Record<string, { description?: string }> }
    }
    expect(Task.properties['done']?.description).toBe('Whether the task has ended')
    const parameters = document.paths['/v1/tasks']?.['post']?.parameters
    expect(parameters).toContainEqual(
      expect.objectContaining({ name: 'idempotency-key', description: expect.stringMatching(/255/) }),
    )
    for (const [name, { responses }] of operations())
      for (const { description } of Object.values(responses))
        expect(description, name).not.toBe('Default Response')
    expect(document.paths['/v1/tasks/{taskId}:retry']?.['post']?.requestBody).toMatchObject({
      required: false,
    })
    expect(document.paths['/v1/tasks']?.['post']?.requestBody).toMatchObject({ required: true })
  })

  test('each operation has a name of its own, which clients are made from', () => {
    const ids = operations().map(([, { operationId = '' }]) => operationId)
    expect(ids.filter(id => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([])
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    expect(ids).toEqual(
      expect.arrayContaining(['submitTask', 'getTask', 'listTasks', 'cancelTask', 'watchTask']),
    )
    const described = new Set(document.tags?.map(({ name }) => name))
    for (const [name, { tags = [] }] of operations()) expect(described, name).toContain(tags[0])
  })

  test('names the headers that an answer carries', () => {
    const headersOf = (place: string, status: string) => {
      const [method = '', path = ''] = place.split(' ')
      return Object.keys(document.paths[path]?.[method.toLowerCase()]?.responses[status]?.headers ?? {})
    }
    expect(headersOf('POST /v1/tasks', '202')).toEqual(
      expect.arrayContaining(['Location', 'ETag', 'Retry-After', 'Link', 'Idempotency-Replayed']),
    )
    expect(headersOf('POST /v1/tasks', '429')).toContain('Retry-After')
    expect(headersOf('GET /v1/exports/{exportId}/file', '206')).toContain('Content-Range')
    expect(headersOf('GET /v1/scenes/{sceneId}', '200')).toContain('ETag')
    expect(headersOf('GET /v1/lanes', '200')).toEqual(['traceparent'])
  })

  test('examples are what their schemas say', () => {
    const ajv = new Ajv2020({ strict: false })
    addFormats.default(ajv)
    ajv.addSchema({ $id: 'https://quillwork.example/api', components: document.components })
    let checked = 0
    for (const [name, { requestBody, responses }] of operations())
      for (const { content = {} } of [...Object.values(responses), requestBody ?? {}])
        for (const { schema, example } of Object.values(content)) {
          if (example === undefined) continue
          const text = JSON.stringify(schema).replaceAll(
            '"#/components',
            '"https://quillwork.example/api#/components',
          )
          expect(ajv.validate(JSON.parse(text), example), `${name}: ${ajv.errorsText()}`).toBe(true)
          checked += 1
        }
    expect(checked).toBeGreaterThan(15)
  })

  test('names the events of each stream, and the bodies that are files', () => {
    const streams = operations().flatMap(([name, { responses }]) => {
      const media = responses['200']?.content?.['text/event-stream']
      return media === undefined ? [] : [[name, Object.keys(media['x-events'] ?? {})] as const]
    })
    expect(Object.fromEntries(streams)).toEqual({
      'GET /v1/events': expect.arrayContaining(['task.created', 'task.progress', 'reset']),
      'GET /v1/tasks/{taskId}/events': expect.arrayContaining(['task.completed', 'reset']),
      'GET /v1/tasks/{taskId}/output': ['text', 'reset', 'end'],
    })
    const media = document.paths['/v1/events']?.['get']?.responses['200']?.content?.['text/event-stream']
    expect(Object.keys(media?.['x-cloud-events'] ?? {}).toSorted()).toEqual(
      Object.keys(media?.['x-events'] ?? {}).toSorted(),
    )
    const { content = {} } = document.paths['/v1/uploads']?.['post']?.requestBody ?? {}
    expect(content['application/epub+zip']?.schema).toMatchObject({ type: 'string', format: 'binary' })
  })

  test('does not grow names for schemas that are only taken', () => {
    expect(Object.keys(document.components.schemas).filter(name => name.endsWith('Input'))).toEqual([])
  })
})

describe('what no route is', () => {
  test.each([
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/tasks/', 400],
    ['GET', '//v1/tasks', 404],
    ['GET', '/V1/tasks', 404],
    ['POST', '/v1/tasks/abc:explode', 404],
    ['POST', '/v1/tasks/abc', 405],
    ['DELETE', '/v1/tasks/abc', 405],
    ['PUT', '/v1/tasks', 405],
    ['GET', '/v1/dead-letters:purge', 405],
    ['GET', '/v1/tasks/abc:cancel', 405],
    ['DELETE', '/v1/scenes/abc/candidates/def:accept', 405],
    ['GET', '/v1/tasks/a:b:cancel', 400],
    ['POST', `/v1/users/${'u'.repeat(600)}:erase`, 400],
    ['OPTIONS', '/v1/nothing', 404],
    ['PATCH', '/metrics', 405],
    ['QUERY', '/v1/tasks', 405],
  ])('%s %s answers %i', async (method, path, status) => {
    const answer = await api.ask(path, { method })
    expect(answer.status).toBe(status)
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/^[A-Z, ]+$/)
  })

  test('HEAD answers as GET does, without a body; not for streams', async () => {
    expect(await api.ask('/v1/tasks', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    const stream = await fetch(`${api.url}/v1/events`, { method: 'HEAD' })
    expect(stream.status).toBe(405)
  })
})
