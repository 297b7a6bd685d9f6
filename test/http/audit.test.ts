/** The audit trail: which requests have a line, what is in it and what is never in it, and how it is read. */
import { createApp } from 'quillwork/http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { KeptModelList, ModelSettings } from '../../src/ai/model-settings.ts'
import { shownBody, shownQuery } from '../../src/http/audit/shown.ts'
import type { AuditRecord } from '../../src/store/store.ts'
import { type NovelEngine, novelEngine } from '../novel/tasks/novel-engine.ts'

const token = 'a-long-and-random-token-0123456789'
const secret = 'sk-a-secret-that-no-line-may-have'
const prose = 'It was a dark and stormy night; the rain fell in torrents.'
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** Routes that change nothing, by a method that most often does. */
const withoutLine = new Map([
  ['POST /v1/novels/{novelId}:places', 'finds places of a text'],
  ['POST /v1/novels/{novelId}/codex/{entryId}:places', 'finds places of an entry'],
  ['POST /v1/scenes/{sceneId}:preview', 'previews a text'],
  ['POST /v1/estimates', 'estimates what a task would cost'],
])

interface Route {
  method: string
  template: string
  action: string
}

let novels: NovelEngine
let app: ReturnType<typeof createApp>
const routes: Route[] = []
let viewer: string

/** Keeps models as the server does, without a model to ask. */
function keptModels(): ModelSettings {
  let list: KeptModelList = { version: 1, items: [] }
  const keep = (items: KeptModelList['items']) => {
    list = { version: list.version + 1, items }
    return Promise.resolve(list)
  }
  return {
    unavailable: undefined,
    list: async () => list,
    save: (id, { fields }) =>
      keep([
        { id, fields, isOverruled: false, key: { lastCharacters: '', origin: 'https://models.example' } },
      ]),
    remove: () => keep([]),
    prefer: () => keep(list.items),
    test: async id => ({ id, ok: true, ms: 1 }),
  }
}

beforeAll(async () => {
  const models = createModelCatalogue({ summary: [extractiveModel()] })
  novels = await novelEngine({ models })
  const { t: engine, services } = novels
  const config = { token, trustedProxies: ['127.0.0.1'] }
  const parts = { novels: services, models, modelSettings: keptModels(), config, log: engine.log }
  app = createApp({ engine, ...parts, asyncApi: {} })
  app.addHook('onRoute', ({ url, method }) => {
    const path = url.replace(/::|:(\w+)(\([^)]*\))?/g, (part, name) => (part === '::' ? ':' : `{${name}}`))
    for (const each of [method].flat())
      if (each !== 'GET' && each !== 'HEAD')
        routes.push({ method: each, template: url, action: `${each} ${path}` })
  })
  await app.ready()
  const made = await ask('POST', '/v1/api-keys', { name: 'Vi', role: 'viewer', userId: 'vi' })
  viewer = made.json().secret
})
afterAll(async () => {
  await app.close()
  await novels[Symbol.asyncDispose]()
})

function ask(method: string, url: string, json?: unknown, headers: Record<string, string> = {}) {
  const payload = json === undefined ? {} : { payload: json as object }
  return app.inject({ method: method as 'GET', url, headers: { ...bearer(token), ...headers }, ...payload })
}

/** The lines that were written meanwhile, the oldest first. */
async function linesOf(work: () => Promise<unknown>): Promise<AuditRecord[]> {
  const { audit } = novels.t.store
  const [last] = (await audit.list({}, { pageSize: 1 })).items
  await work()
  const lines = (await audit.list({}, { pageSize: 200 })).items
  const known = lines.findIndex(({ id }) => id === last?.id)
  return lines.slice(0, known === -1 ? undefined : known).reverse()
}

const addressOf = ({ template }: Route) =>
  template.replace(/::|:(\w+)(\([^)]*\))?/g, part => (part === '::' ? ':' : 'abc'))

const hasLine = (status: number) => status < 400 || status >= 500 || [401, 403, 409, 412].includes(status)

test('every changing route: who may not has exactly one line with the route, but for routes that change nothing', async () => {
  expect(routes.length).toBeGreaterThan(60)
  const silent: string[] = []
  for (const route of routes) {
    const answers: number[] = []
    const lines = await linesOf(async () =>
      answers.push((await ask(route.method, addressOf(route), undefined, bearer(viewer))).statusCode),
    )
    if (answers[0] !== 403) silent.push(route.action)
    else
      expect(lines, route.action).toMatchObject([
        { action: route.action, status: 403, code: 'FORBIDDEN', name: 'Vi' },
      ])
    if (answers[0] !== 403) expect(lines, route.action).toEqual([])
  }
  expect(silent.sort()).toEqual([...withoutLine.keys()].sort())
})

test('every changing route: with the token there is one line where something was done, none where the request was wrong', async () => {
  for (const route of routes) {
    const answers: number[] = []
    const lines = await linesOf(async () =>
      answers.push((await ask(route.method, addressOf(route), {})).statusCode),
    )
    const [status = 0] = answers
    const name = `${route.action}: ${status}`
    if (withoutLine.has(route.action) || !hasLine(status)) expect(lines, name).toEqual([])
    else expect(lines, name).toMatchObject([{ action: route.action, status, identity: 'token' }])
  }
})

test('nothing is written for what is only read, or is nowhere', async () => {
  const asked = [
    'GET /v1/tasks',
    'HEAD /v1/tasks',
    'OPTIONS /v1/tasks',
    'POST /v1/nothing',
    'POST /tasks',
    'GET /v1/audit',
  ]
  const lines = await linesOf(async () => {
    for (const each of asked) await ask(...(each.split(' ') as [string, string]))
    await ask('POST', '/v1/lanes/default:pause', undefined, bearer('wrong'))
    await ask('GET', '/v1/models', undefined, bearer(viewer))
  })
  expect(lines).toEqual([])
})

test('the download of a backup has a line: the file has every text', async () => {
  const lines = await linesOf(async () => {
    await ask('GET', '/v1/backup', undefined, bearer(viewer))
    await ask('GET', '/v1/backup')
  })
  const action = 'GET /v1/backup'
  expect(lines).toMatchObject([
    { action, name: 'Vi', status: 403, code: 'FORBIDDEN' },
    // This store is in memory, and has no file to copy.
    { action, identity: 'token', status: 409, code: 'BACKUP_UNSUPPORTED' },
  ])
})

test('a line says who, what, from where, and how it ended', async () => {
  const headers = {
    'x-forwarded-for': '203.0.113.7',
    'user-agent': 'x'.repeat(500),
    traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
  }
  const [line, ...more] = await linesOf(() => ask('POST', '/v1/lanes/default:pause', undefined, headers))
  expect(more).toEqual([])
  expect(line).toEqual({
    id: line?.id,
    at: novels.t.store.tasks.now(),
    ...{ action: 'POST /v1/lanes/{lane}:pause', target: 'default', ids: { lane: 'default' } },
    ...{ identity: 'token', name: 'token', role: 'admin', userId: 'local' },
    ...{ before: { paused: false }, after: { paused: true } },
    ...{ status: 200, from: '203.0.113.7', userAgent: 'x'.repeat(200), traceId: 'ab'.repeat(16) },
  })
  const [resumed] = await linesOf(() => ask('POST', '/v1/lanes/default:resume'))
  expect(resumed).toMatchObject({ before: { paused: true }, after: { paused: false } })
})

test('acts on tasks and keys: what was made, and what changed', async () => {
  let target = ''
  const lines = await linesOf(async () => {
    const body = { taskType: 'ExportUser', parameters: {}, userId: 'ann', startAt: '2027-01-01T00:00:00Z' }
    target = (await ask('POST', '/v1/tasks', body)).json().id
    await ask('POST', `/v1/tasks/${target}:cancel`)
    await ask('POST', `/v1/tasks/${target}:retry`, {}, { 'if-match': '"1"' })
    await ask('POST', `/v1/tasks/${target}:retry`)
    await ask('POST', `/v1/tasks/${target}:rerun`)
    const key = (await ask('POST', '/v1/api-keys', { name: 'Bo', role: 'author', userId: 'bo' })).json()
    await ask('POST', `/v1/api-keys/${key.id}:revoke`)
    await ask('POST', '/v1/novels', { title: prose }, bearer(key.secret))
    await ask('GET', '/v1/novels', undefined, bearer(key.secret))
  })
  const keyId = lines.at(-1)?.identity
  expect(lines).toMatchObject([
    { target, before: { status: 'QUEUED' }, after: { status: 'CANCELLED' }, status: 200 },
    { target, before: { status: 'CANCELLED' }, code: 'TASK_CHANGED', status: 412 },
    { target, before: { status: 'CANCELLED' }, after: { retried: 1 }, status: 202 },
    { target, action: 'POST /v1/tasks/{taskId}:rerun' },
    {
      action: 'POST /v1/api-keys',
      target: keyId,
      after: { name: 'Bo', role: 'author', userId: 'bo' },
      status: 201,
    },
    { target: keyId, after: { name: 'Bo', revokedAt: expect.any(String) }, status: 200 },
    // The key is known, and holds no more.
    { name: 'Bo', role: 'author', userId: 'bo', code: 'UNAUTHENTICATED', status: 401 },
  ])
  expect(lines).toHaveLength(7)
  expect(lines[1]?.after).toBeUndefined()
})

test('a submission is kept as its task alone, unless it was refused or deletes what a user has', async () => {
  const submit = (taskType: string, parameters: object, userId: string, headers = {}) =>
    ask('POST', '/v1/tasks', { taskType, parameters, userId, startAt: '2027-01-01T00:00:00Z' }, headers)
  const author = (await ask('POST', '/v1/api-keys', { name: 'Al', role: 'author', userId: 'al' })).json()
    .secret
  const lines = await linesOf(async () => {
    const key = { 'idempotency-key': 'once' }
    expect((await submit('ExportUser', {}, 'cy', key)).statusCode).toBe(202)
    expect((await submit('ExportUser', {}, 'cy', { ...key, ...bearer(author) })).statusCode).toBe(403)
    expect((await submit('EraseUser', { userId: 'cy' }, 'local')).statusCode).toBe(202)
  })
  expect(lines).toMatchObject([
    { name: 'Al', status: 403, body: { taskType: 'ExportUser', userId: 'cy' } },
    {
      name: 'token',
      status: 202,
      body: { taskType: 'EraseUser', parameters: { userId: 'cy' } },
      target: expect.any(String),
    },
  ])
})

test('what changes a novel has a line with the novel, and none has a text or a secret', async () => {
  const id = { novel: '', chapter: '' }
  let upload: AuditRecord[] = []
  const lines = await linesOf(async () => {
    id.novel = (await ask('POST', '/v1/novels', { title: prose })).json().id
    const { version } = (await ask('GET', `/v1/novels/${id.novel}`)).json()
    await ask('PATCH', `/v1/novels/${id.novel}`, { title: `${prose} Anew` }, { 'if-match': `"${version}"` })
    const chapter = await ask('POST', `/v1/novels/${id.novel}/chapters`, { title: prose })
    id.chapter = chapter.json().id
    await ask('DELETE', `/v1/novels/${id.novel}/chapters/${id.chapter}`)
    upload = await linesOf(() =>
      app.inject({
        method: 'POST',
        url: `/v1/uploads?fileName=${encodeURIComponent(prose)}`,
        headers: { ...bearer(token), 'content-type': 'text/plain' },
        payload: prose.repeat(500),
      }),
    )
    const fields = {
      provider: 'openai',
      model: 'gpt',
      uses: ['prose'],
      baseUrl: `https://x:${secret}@models.example`,
    }
    const version1 = { 'if-match': '"1"' }
    await ask('PUT', '/v1/models/writer', { fields, key: secret }, version1)
    await ask('DELETE', '/v1/models/writer', undefined, version1)
    await ask('POST', '/v1/tasks', {
      taskType: 'ExportUser',
      parameters: { key: secret, text: prose },
      tags: [secret],
    })
    await ask('POST', '/v1/tasks', {
      taskType: 'ExportUser',
      parameters: {},
      userId: 'ann',
      tags: ['y'.repeat(3_000)],
    })
  })
  const text = JSON.stringify(lines)
  for (const hidden of [secret, 'stormy', token, 'yyy']) expect(text).not.toContain(hidden)
  expect(upload).toMatchObject([
    { action: 'POST /v1/uploads', status: 201, query: { fileName: `[${prose.length} characters]` } },
  ])
  expect(upload[0]?.body).toBeUndefined()
  const ofNovel = (await novels.t.store.audit.list({ target: id.novel }, { pageSize: 9 })).items.toReversed()
  expect(ofNovel).toMatchObject([
    { action: 'POST /v1/novels', status: 201, body: { title: `[${prose.length} characters]` } },
    { action: 'PATCH /v1/novels/{novelId}', status: 200 },
    { action: 'POST /v1/novels/{novelId}/chapters', made: id.chapter },
    { action: 'DELETE /v1/novels/{novelId}/chapters/{chapterId}', target: id.chapter, within: id.novel },
  ])
  expect(lines.find(({ action }) => action === 'PUT /v1/models/{modelId}')).toMatchObject({
    target: 'writer',
    body: { fields: { provider: 'openai', uses: ['prose'] }, key: `[${secret.length} characters]` },
    before: { version: 1, models: [] },
    after: { version: 2, models: ['writer, with a key'] },
  })
})

test('bodies: ids and choices are shown, other texts by their length, large ones by their size', () => {
  const table: [body: unknown, shown: unknown, bytes?: number][] = [
    [undefined, undefined],
    [null, undefined],
    [{}, {}],
    [
      { novelId: 'n1', words: 7, isDraft: true, text: null },
      { novelId: 'n1', words: 7, isDraft: true, text: null },
    ],
    [{ title: 'Emma' }, { title: '[4 characters]' }],
    // A text in the place of an id is a text.
    [{ novelId: prose }, { novelId: `[${prose.length} characters]` }],
    [
      { key: secret, password: 'x', token: secret },
      { key: '[33 characters]', password: '[1 characters]', token: '[33 characters]' },
    ],
    [
      { parameters: { novelId: 'n', Emma: { Knightley: 1 } } },
      { parameters: { novelId: 'n', Emma: '[object with 1 fields]' } },
    ],
    [{ payload: [['Emma']] }, { payload: ['[list of 1]'] }],
    [Array.from({ length: 22 }, () => 1), [...Array.from({ length: 20 }, () => 1), '[2 more]']],
    [{ a: { b: { c: { d: { e: 1 } } } } }, { a: { b: { c: { d: '[object with 1 fields]' } } } }],
    [{ a: 1 }, '[2001 bytes]', 2_001],
    [prose, `[${prose.length} characters]`],
  ]
  for (const [body, shown, bytes] of table)
    expect(shownBody(body, bytes), JSON.stringify(body)).toEqual(shown)
  const wide = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [`f${at}`, { g: Array(20).fill('x') }]),
  )
  expect(shownBody(wide, undefined)).toMatch(/^\[\d+ bytes\]$/)
  expect(shownQuery({ userId: 'ann', fileName: 'Emma.txt' })).toEqual({
    userId: 'ann',
    fileName: '[8 characters]',
  })
  expect(shownQuery({})).toBeUndefined()
})

test('GET /v1/audit: filtered, paged, for an admin; its export has the same lines', async () => {
  const all = async (filter: string) => {
    const found: Record<string, unknown>[] = []
    for (let page = ''; ; ) {
      const answer = await ask('GET', `/v1/audit?pageSize=50${filter}${page}`)
      expect(answer.statusCode).toBe(200)
      const { items, nextPageToken } = answer.json()
      found.push(...items)
      if (nextPageToken === undefined) return found
      page = `&pageToken=${nextPageToken}`
    }
  }
  const lines = await all('')
  expect(lines.length).toBeGreaterThan(50)
  expect(lines.map(({ id }) => id)).toEqual(
    lines
      .map(({ id }) => id as string)
      .sort()
      .reverse(),
  )
  const action = 'POST /v1/lanes/{lane}:pause'
  const named = await all(`&action=${encodeURIComponent(action)}`)
  expect(named).toEqual(lines.filter(line => line['action'] === action))
  expect(named.length).toBeGreaterThan(1)
  expect((await all('&target=default')).length).toBeGreaterThan(1)
  const endedAs = (status: number) => (status < 400 ? 'done' : status < 500 ? 'refused' : 'failed')
  for (const outcome of ['done', 'refused', 'failed'])
    expect(await all(`&outcome=${outcome}`), outcome).toEqual(
      lines.filter(({ status }) => endedAs(status as number) === outcome),
    )
  expect(await all('&after=2200-01-01T00:00:00Z')).toEqual([])
  const exported = await ask('GET', '/v1/audit:export')
  expect(exported.headers['content-type']).toBe('application/x-ndjson')
  expect(
    exported.body
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual(lines)
  expect((await ask('GET', '/v1/audit:export?identity=nobody')).body).toBe('')
  const csv = await ask('GET', '/v1/audit:export?format=csv&outcome=refused')
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
  const [titles, newest] = csv.body.split('\r\n')
  expect(titles).toMatch(/^at,name,role,/)
  expect(newest).toContain(lines.find(({ status }) => endedAs(status as number) === 'refused')?.['traceId'])
  const both = await ask('GET', '/v1/audit?identity=token&target=default')
  expect(both.statusCode).toBe(400)
  expect(both.json().detail).toContain('Give one of identity, action, target and outcome.')
  for (const path of ['/v1/audit', '/v1/audit:export'])
    expect((await ask('GET', path, undefined, bearer(viewer))).statusCode).toBe(403)
})

test('a change that was made is answered as such where its line cannot be stored', async () => {
  const { audit } = novels.t.store
  const { add } = audit
  audit.add = () => Promise.reject(new Error('no line today'))
  try {
    expect((await ask('POST', '/v1/lanes/default:pause')).statusCode).toBe(200)
  } finally {
    audit.add = add
  }
  await ask('POST', '/v1/lanes/default:resume')
  const lines = novels.t.log.lines.filter(({ message }) => message === 'line of the audit trail not stored')
  expect(lines).toHaveLength(1)
})
