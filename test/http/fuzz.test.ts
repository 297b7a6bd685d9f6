import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ann } from '../novel/tasks/novel-engine.ts'
import { sizeOf } from '../size.ts'
import type { OpenApi, Operation } from './api.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let document: OpenApi
/** Ids that are there, by the name of the parameter. */
const real: Record<string, string[]> = { lane: ['default', 'batch'] }

beforeAll(async () => {
  api = await serveNovels()
  document = (await api.app.describe()) as unknown as OpenApi
  const text = [
    'Chapter 1',
    'Mira went down to the river and waited there.',
    'Chapter 2',
    'Tomas came late.',
  ].join('\n\n')
  const { body: upload } = await api.upload(text)
  const { body: other } = await api.upload(text)
  await api.ask(`/v1/uploads/${upload.id}`)
  const { body: ids } = await api.post<{ taskId: string; novelId: string }>(
    `/v1/uploads/${upload.id}:confirm`,
  )
  await api.novels.t.drain()
  const scenes = await api.novels.library.shelf.scenes(ann, { novelId: ids.novelId }, { pageSize: 10 })
  const tasks = await api.novels.t.tasks.list({}, { pageSize: 10 })
  real['uploadId'] = [upload.id, other.id]
  real['taskId'] = tasks.items.map(task => task.id)
  real['novelId'] = [ids.novelId]
  const entry = { kind: 'person', name: 'Mira', text: 'She waits.' }
  const { body: made } = await api.post<{ id: string }>(`/v1/novels/${ids.novelId}/codex`, entry)
  real['entryId'] = [made.id]
  const asNew = { method: 'PUT', json: { title: 'The wait' }, headers: { 'if-match': '"0"' } }
  await api.ask(`/v1/novels/${ids.novelId}/threads/wait`, asNew)
  real['threadId'] = ['wait']
  real['chapterId'] = scenes.items.map(scene => scene.chapterId)
  real['sceneId'] = scenes.items.map(scene => scene.id)
})
afterAll(() => api[Symbol.asyncDispose]())

type Schema = {
  $ref?: string
  properties?: Record<string, Schema>
  type?: string
  enum?: unknown[]
  items?: Schema
  anyOf?: Schema[]
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '$ne',
    '{"$gt":""}',
    "' OR 1=1 --",
    '../../etc/passwd',
    '%00',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    '1e400',
    '-1',
    '9'.repeat(400),
  ),
)
const anything = fc.oneof(
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: hostile },
)

/** What a schema takes, and what it does not. */
function valueFor(schema: Schema | undefined, depth = 0): fc.Arbitrary<unknown> {
  const meant =
    schema?.$ref === undefined
      ? schema
      : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema)
  if (meant === undefined || depth > 3) return anything
  if (meant.enum !== undefined) return fc.oneof(fc.constantFrom(...meant.enum), anything)
  if (meant.anyOf !== undefined) return fc.oneof(...meant.anyOf.map(each => valueFor(each, depth + 1)))
  if (meant.type === 'array')
    return fc.oneof(fc.array(valueFor(meant.items, depth + 1), { maxLength: 3 }), anything)
  if (meant.type === 'integer' || meant.type === 'number')
    return fc.oneof(fc.integer(), fc.double(), anything)
  if (meant.type === 'boolean') return fc.oneof(fc.boolean(), anything)
  if (meant.properties === undefined) return anything
  const fields = Object.fromEntries(
    Object.entries(meant.properties).map(([name, each]) => [name, valueFor(each, depth + 1)]),
  )
  return fc.oneof(
    { weight: 5, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.record(fields, { requiredKeys: [] }), hostile, anything)
        .map(([body, key, value]) => ({ ...body, [key]: value })),
    },
    { weight: 1, arbitrary: anything },
  )
}

function requestFor(
  operation: Operation,
): fc.Arbitrary<{ ids: string[]; query: [string, string][]; headers: string[]; body: string | undefined }> {
  const places = (operation.parameters ?? []).filter(each => each.in === 'path')
  const names = (operation.parameters ?? []).filter(each => each.in === 'query').map(each => each.name)
  const name =
    names.length === 0
      ? hostile
      : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: hostile })
  const media = operation.requestBody?.content['application/json'] as { schema: Schema } | undefined
  const texts = fc.oneof(
    hostile,
    fc.constantFrom('1', 'true', 'QUEUED', '2026-01-01T00:00:00Z', 'Scripted', 'local'),
  )
  return fc.record({
    ids: fc.tuple(
      ...places.map(each =>
        fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...(real[each.name] ?? [''])) }, hostile, fc.uuid()),
      ),
    ),
    query: fc.array(fc.tuple(name, texts), { maxLength: 4 }),
    headers: fc.array(fc.constantFrom('"1"', '"2"', '*', 'W/"1"', '""', 'x'), { minLength: 3, maxLength: 3 }),
    body:
      media === undefined
        ? fc.constant(undefined)
        : fc.oneof(
            { weight: 6, arbitrary: valueFor(media.schema).map(value => JSON.stringify(value) ?? 'null') },
            { weight: 1, arbitrary: hostile },
          ),
  })
}

const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString())

test('every route answers whatever is sent as the document declares, and never with 500', async () => {
  let asked = 0
  const statuses = new Set<number>()
  for (const [template, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      // A stream does not end, and an upload takes anything.
      if (template.endsWith('/events') || (template === '/v1/uploads' && method === 'post')) continue
      const requests = requestFor(operation)
      await fc.assert(
        fc.asyncProperty(requests, async ({ ids, query, headers, body }) => {
          let place = 0
          const path = template.replace(/\{\w+\}/g, () => encoded(ids[place++] ?? '') || 'x')
          const search = query.map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join('&')
          const [match = '', none = '', resumed = ''] = headers
          const answer = await api.ask(search === '' ? path : `${path}?${search}`, {
            method: method.toUpperCase(),
            headers: { 'if-match': match, 'if-none-match': none, 'last-event-id': resumed },
            ...(body === undefined ? {} : { raw: body }),
          })
          asked += 1
          statuses.add(answer.status)
          expect(answer.status, `${method} ${path} ${body}`).toBeLessThan(500)
        }),
        { numRuns: sizeOf(10, 30) },
      )
    }
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  expect(asked).toBeGreaterThan(sizeOf(450, 1_000))
  // Which others come is chance.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404]))
}, 120_000)
