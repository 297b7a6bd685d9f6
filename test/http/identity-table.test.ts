/** Every route for every identity. The routes are those that the app itself adds, with what they declare, so a new one is in the table at once. */
import { request } from 'node:http'
import { createApp } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { type Need, needOf, needs, type Role, roles } from '../../src/http/identity.ts'
import { type NovelEngine, novelEngine } from '../novel/tasks/novel-engine.ts'
import type { OpenApi } from './api.ts'

const token = 'a-long-and-random-token-0123456789'
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

/** What the method alone would not say. A route that is not here needs `read` for GET and HEAD, else `write`. */
const declared: Record<string, Need> = {
  'POST /v1/novels/:novelId([^:]+)::places': 'read',
  'POST /v1/novels/:novelId/codex/:entryId([^:]+)::places': 'read',
  'POST /v1/scenes/:sceneId([^:]+)::preview': 'read',
  'POST /v1/estimates': 'read',
  'GET /v1/workers': 'operate',
  'GET /metrics': 'operate',
  'POST /v1/lanes/:lane([^:]+)::pause': 'operate',
  'PATCH /v1/lanes/:lane': 'operate',
  'POST /v1/schedules': 'operate',
  'POST /v1/schedules::preview': 'operate',
  'PATCH /v1/schedules/:schedule(.+)': 'operate',
  'DELETE /v1/schedules/:schedule(.+)': 'operate',
  'POST /v1/schedules/:schedule(.+)::pause': 'operate',
  'POST /v1/schedules/:schedule(.+)::resume': 'operate',
  'POST /v1/schedules/:schedule(.+)::run': 'operate',
  'GET /v1/webhooks': 'administer',
  'POST /v1/webhooks': 'administer',
  'GET /v1/webhooks/:webhookId': 'administer',
  'PATCH /v1/webhooks/:webhookId': 'administer',
  'DELETE /v1/webhooks/:webhookId': 'administer',
  'POST /v1/webhooks/:webhookId([^:]+)::rotate': 'administer',
  'POST /v1/webhooks/:webhookId([^:]+)::test': 'administer',
  'POST /v1/lanes/:lane([^:]+)::resume': 'operate',
  'PATCH /v1/limits/:key': 'operate',
  'POST /v1/limits::reset': 'operate',
  'GET /v1/models': 'administer',
  'PUT /v1/models/:modelId': 'administer',
  'DELETE /v1/models/:modelId': 'administer',
  'POST /v1/models/:modelId([^:]+)::prefer': 'administer',
  'POST /v1/models/:modelId([^:]+)::test': 'administer',
  'GET /v1/api-keys': 'administer',
  'GET /v1/audit': 'administer',
  'GET /v1/audit::export': 'administer',
  'GET /v1/backup': 'administer',
  'POST /v1/api-keys': 'administer',
  'POST /v1/api-keys/:keyId([^:]+)::revoke': 'administer',
}

interface Route {
  method: string
  template: string
  need: Need
}

interface Row {
  who: string
  headers: Record<string, string>
  /** Undefined: it is let in nowhere. */
  role?: Role
  userId?: string
}

let novels: NovelEngine
let app: ReturnType<typeof createApp>
let rows: Row[]
const routes: Route[] = []

async function makeKey(key: object): Promise<{ id: string; secret: string }> {
  const made = await app.inject({ method: 'POST', url: '/v1/api-keys', headers: bearer(token), payload: key })
  expect(made.statusCode).toBe(201)
  return made.json()
}

beforeAll(async () => {
  const models = createModelCatalogue({ summary: [extractiveModel()] })
  novels = await novelEngine({ models })
  const { t: engine, services } = novels
  app = createApp({ engine, novels: services, models, config: { token }, asyncApi: {} })
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.open === true) return
    for (const each of [method].flat())
      routes.push({ method: each, template: url, need: config?.needs ?? needOf(each) })
  })
  await app.ready()
  const end = { name: 'end', role: 'admin', userId: 'ann' }
  const revoked = await makeKey(end)
  const expired = await makeKey({
    ...end,
    expiresAt: new Date(engine.store.tasks.now() + 1_000).toISOString(),
  })
  const url = `/v1/api-keys/${revoked.id}:revoke`
  expect((await app.inject({ method: 'POST', url, headers: bearer(token) })).statusCode).toBe(200)
  await engine.clock.advance('2s')
  const keyOf = async (role: Role, userId: string, sees?: string) =>
    bearer((await makeKey({ name: `${userId}, ${role}`, role, userId, ...(sees && { sees }) })).secret)
  rows = [
    { who: 'nobody', headers: {} },
    { who: 'a revoked key', headers: bearer(revoked.secret) },
    { who: 'an expired key', headers: bearer(expired.secret) },
    { who: 'a key with another end', headers: bearer(`${revoked.secret.slice(0, -1)}-`) },
    { who: 'the viewer ann', headers: await keyOf('viewer', 'ann'), role: 'viewer', userId: 'ann' },
    { who: 'the author ann', headers: await keyOf('author', 'ann'), role: 'author', userId: 'ann' },
    { who: 'the author bob', headers: await keyOf('author', 'bob'), role: 'author', userId: 'bob' },
    { who: 'an operator', headers: await keyOf('operator', 'oz'), role: 'operator', userId: 'oz' },
    { who: 'an admin', headers: await keyOf('admin', 'root'), role: 'admin', userId: 'root' },
    { who: 'the token', headers: bearer(token), role: 'admin', userId: 'local' },
  ]
})
afterAll(async () => {
  await app.close()
  await novels[Symbol.asyncDispose]()
})

/** An address of a route, with a name in the place of each parameter. */
const addressOf = (template: string, names: Record<string, string> = {}) =>
  template.replace(/::|:(\w+)(\([^)]*\))?/g, (part, name) => (part === '::' ? ':' : (names[name] ?? 'abc')))

interface Answer {
  status: number
  code: string | undefined
  detail: string
}

async function ask(
  { method, template }: Route,
  headers: Record<string, string>,
  names = {},
): Promise<Answer> {
  const url = addressOf(template, names)
  const answer = await app.inject({ method: method as 'GET', url, headers })
  const isProblem = `${answer.headers['content-type']}`.startsWith('application/problem+json')
  const { code, detail = '' } = isProblem && method !== 'HEAD' ? answer.json() : {}
  return { status: answer.statusCode, code, detail }
}

/** A stream does not end, so it is asked by itself. */
const isStream = ({ template }: Route) => template === '/v1/events'

/** HEAD has what GET declares, and the token is the subject of token-table.test.ts. */
const isAsked = ({ who }: Row, { method }: Route) =>
  who !== 'the token' && (method !== 'HEAD' || who === 'nobody' || who === 'the viewer ann')

const actsAs = /^\/v1\/users\//

/** Shown whole or not at all, to who sees all users. */
const isOfAll = ({ template }: Route) => template === '/v1/overview'
const seesOwn = ({ role }: Row) => role === 'viewer' || role === 'author'

test('each route needs what its method says, or what the list says', async () => {
  expect(routes.length).toBeGreaterThan(120)
  const other = routes.filter(({ method, need }) => method !== 'HEAD' && need !== needOf(method))
  const named = Object.fromEntries(other.map(({ method, template, need }) => [`${method} ${template}`, need]))
  expect(named).toEqual(declared)
  // The document says the same.
  const { paths } = (await app.describe()) as unknown as OpenApi
  for (const { method, template, need } of routes) {
    if (method === 'HEAD') continue
    const path = template.replace(/::|:(\w+)(\([^)]*\))?/g, (part, name) =>
      part === '::' ? ':' : `{${name}}`,
    )
    const operation = paths[path]?.[method.toLowerCase()] as unknown as Record<string, unknown>
    expect(operation?.['x-quillwork-needs'], `${method} ${path}`).toBe(need)
  }
})

test('every route, every identity: who is not let in gets 401, whose role is too small 403', async () => {
  for (const route of routes.filter(each => !isStream(each)))
    for (const row of rows.filter(each => isAsked(each, route))) {
      const { who, headers, role, userId } = row
      const name = `${who}: ${route.method} ${route.template}`
      const { status, detail } = await ask(route, headers, { userId: 'ann' })
      if (role === undefined) expect(status, name).toBe(401)
      else if (needs.indexOf(route.need) > roles.indexOf(role)) {
        expect(status, name).toBe(403)
        if (route.method !== 'HEAD') expect(detail, name).toContain(roles[needs.indexOf(route.need)])
      } else if (isOfAll(route) && seesOwn(row)) expect(status, name).toBe(403)
      else if (actsAs.test(route.template) && role !== 'admin' && userId !== 'ann')
        expect(status, name).toBe(403)
      else {
        expect([401, 403], `${name}: ${status}`).not.toContain(status)
        expect(status, name).toBeLessThan(500)
      }
    }
})

test('every route that names a task: that of another user is not there', async () => {
  const { record } = await novels.t.tasks.submit('ExportUser', {}, { userId: 'ann', delay: '1h' })
  const taskId = record.id
  const ofTask = routes.filter(({ template }) => template.includes(':taskId'))
  expect(ofTask.length).toBeGreaterThan(15)
  const [, , , , viewer, author, bob, operator] = rows.map(({ headers }) => headers)
  for (const route of ofTask) {
    const name = `${route.method} ${route.template}`
    const missing = await ask(route, bob ?? {}, { taskId: 'nothing' })
    const hidden = await ask(route, bob ?? {}, { taskId })
    // What the body must be is said before; else both answers are the same.
    expect(hidden.status, name).toBe(missing.status)
    expect(hidden.code, name).toBe(missing.code)
    expect(hidden.detail, name).toBe(missing.detail.replaceAll('nothing', taskId))
    if (hidden.status === 400 || route.template.includes('/events')) continue
    expect(hidden.status, name).toBe(404)
    const isRead = route.need === 'read'
    for (const headers of isRead ? [viewer, author, operator] : [])
      if (!route.template.includes('dead-letters'))
        expect((await ask(route, headers ?? {}, { taskId })).status, name).toBe(200)
  }
})

test('the stream of events is for all who may read', async () => {
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/events`
  for (const { who, headers, role } of rows) {
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(url, { headers, agent: false }, response => {
        resolve(response.statusCode ?? 0)
        response.destroy()
      })
      sent.on('error', reject)
      sent.end()
    })
    expect(status, who).toBe(role === undefined ? 401 : 200)
  }
})

describe('who one is', () => {
  test('GET /v1/me says it, with what one may do', async () => {
    const bodies = await Promise.all(
      rows
        .filter(({ role }) => role !== undefined)
        .map(async ({ headers }) => (await app.inject({ url: '/v1/me', headers })).json()),
    )
    expect(bodies).toMatchObject([
      { role: 'viewer', userId: 'ann', sees: 'own', may: ['read'] },
      { name: 'ann, author', role: 'author', userId: 'ann', sees: 'own', may: ['read', 'write'] },
      { role: 'author', userId: 'bob', sees: 'own' },
      { role: 'operator', userId: 'oz', sees: 'all', may: ['read', 'write', 'operate'] },
      { role: 'admin', userId: 'root', sees: 'all', may: ['read', 'write', 'operate', 'administer'] },
      { id: 'token', name: 'token', role: 'admin', userId: 'local', sees: 'all' },
    ])
  })
})
