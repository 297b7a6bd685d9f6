/** Whose data each identity sees and changes: two authors, a support desk and an operator on one server. */
import { createApp } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Identity } from '../../src/http/identity.ts'
import { createRequestRate } from '../../src/http/request-rate.ts'
import { type Answer, type Api, type Ask, askingOf, serve } from './api.ts'
import { EventClient } from './event-client.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

const token = 'a-long-and-random-token-0123456789'
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
const root = bearer(token)

/** Asks with the headers of somebody. */
const asking =
  (api: Pick<Api, 'ask'>, headers: Record<string, string>) =>
  <T = Record<string, unknown>>(path: string, json?: unknown, more: Ask = {}): Promise<Answer<T>> =>
    api.ask<T>(path, { ...(json === undefined ? {} : { method: 'POST', json }), ...more, headers })

interface MadeKey {
  id: string
  secret: string
}

async function makeKey(api: Pick<Api, 'ask'>, key: object): Promise<MadeKey> {
  const { status, body } = await asking(api, root)<MadeKey & Record<string, unknown>>('/v1/api-keys', key)
  expect(status).toBe(201)
  return body
}

type Asking = ReturnType<typeof asking>

interface Items {
  items: { id: string; userId: string; key: string; sampleTaskId: string }[]
}

describe('tasks', () => {
  let api: Api
  let ann: Asking
  let bob: Asking
  let desk: Asking
  let operator: Asking
  let bobKey: MadeKey
  let ofAnn: string[]
  let ofBob: string[]

  beforeAll(async () => {
    api = await serve({ token, heartbeatMs: 50 })
    const make = async (name: string, key: object) =>
      asking(api, bearer((await makeKey(api, { name, ...key })).secret))
    ann = await make('ann', { role: 'author', userId: 'ann' })
    bobKey = await makeKey(api, { name: 'bob', role: 'author', userId: 'bob' })
    bob = asking(api, bearer(bobKey.secret))
    desk = await make('desk', { role: 'viewer', userId: 'desk', sees: 'all' })
    operator = await make('operator', { role: 'operator', userId: 'oz' })
    const failing = { taskType: 'Scripted', parameters: { orders: [{ do: 'failForGood' }] } }
    const using = [{ do: 'use', model: 'small', inputTokens: 12, outputTokens: 3 }]
    const paid = { taskType: 'Scripted', parameters: { orders: using } }
    const submit = async (ask: Asking, body: object) => (await ask<{ id: string }>('/v1/tasks', body)).body.id
    ofAnn = [await submit(ann, failing), await submit(ann, paid)]
    ofBob = [await submit(bob, failing), await submit(bob, paid)]
    await api.engine.clock.settle()
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test('an author lists, counts and sums up own tasks; desk and operator those of all', async () => {
    const ids = async (ask: Asking, path: string) =>
      (await ask<Items>(path)).body.items.map(({ id }) => id).toSorted()
    expect(await ids(ann, '/v1/tasks')).toEqual(ofAnn.toSorted())
    expect(await ids(bob, '/v1/tasks?taskType=Scripted')).toEqual(ofBob.toSorted())
    for (const all of [desk, operator])
      expect(await ids(all, '/v1/tasks')).toEqual([...ofAnn, ...ofBob].toSorted())
    expect(await ids(ann, '/v1/dead-letters')).toEqual([ofAnn[0]])
    expect((await ids(desk, '/v1/dead-letters')).length).toBe(2)
    const groups = (await ann<Items>('/v1/dead-letters/groups')).body.items
    expect(groups).toMatchObject([{ count: 1, sampleTaskId: ofAnn[0] }])
    expect(await ann('/v1/tasks/counts')).toMatchObject({
      body: { total: 2, counts: { COMPLETED: 1, FAILED: 1 } },
    })
    expect(await desk('/v1/tasks/counts')).toMatchObject({ body: { total: 4 } })
    const usage = async (ask: Asking, query: string) =>
      (await ask<Items>(`/v1/usage?${query}`)).body.items.map(({ key }) => key)
    expect(await usage(ann, 'by=user')).toEqual(['ann'])
    expect(await usage(ann, `by=task&taskId=${ofBob[1]}`)).toEqual([])
    expect(await usage(operator, 'by=user')).toEqual(['ann', 'bob'])
  })

  test('another user may not be named, but by who sees all', async () => {
    for (const path of [
      '/v1/tasks',
      '/v1/dead-letters',
      '/v1/dead-letters/groups',
      '/v1/usage',
      '/v1/events',
    ]) {
      expect(await ann(`${path}?userId=bob`), path).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      })
      if (path !== '/v1/events') expect((await desk(`${path}?userId=bob`)).status, path).toBe(200)
    }
    const task = { taskType: 'Scripted', parameters: { orders: [] } }
    for (const ask of [ann, operator])
      expect(await ask('/v1/tasks', { ...task, userId: 'bob' })).toMatchObject({ status: 403 })
    expect(await ann('/v1/tasks', { ...task, userId: 'ann' })).toMatchObject({
      status: 202,
      body: { userId: 'ann' },
    })
    const byToken = asking(api, root)
    expect(await byToken('/v1/tasks', { ...task, userId: 'carl' })).toMatchObject({
      body: { userId: 'carl' },
    })
    expect(await byToken('/v1/tasks', task)).toMatchObject({ body: { userId: 'local' } })
  })

  test('the desk reads the tasks of others and acts on none; an operator does', async () => {
    const [failed = ''] = ofBob
    expect(await desk(`/v1/tasks/${failed}`)).toMatchObject({ status: 200, body: { userId: 'bob' } })
    const wide = await makeKey(api, { name: 'editor', role: 'author', userId: 'ed', sees: 'all' })
    const editor = asking(api, bearer(wide.secret))
    for (const verb of ['retry', 'rerun'])
      expect(await editor(`/v1/tasks/${failed}:${verb}`, {})).toMatchObject({
        status: 403,
        body: { detail: expect.stringContaining('operator') },
      })
    expect(await editor('/v1/dead-letters:purge', { filter: {} })).toMatchObject({ body: { done: 0 } })
    expect(await editor('/v1/dead-letters:purge', { filter: { userId: 'bob' } })).toMatchObject({
      status: 403,
    })
    expect(await ann('/v1/dead-letters:retry', { filter: {} })).toMatchObject({ body: { done: 1 } })
    await api.engine.clock.settle()
    expect((await desk<Items>('/v1/dead-letters')).body.items).toHaveLength(2)
    expect(await operator(`/v1/dead-letters/${failed}:purge`, {})).toMatchObject({ status: 200 })
  })

  test('a bulk action on all users, submitted for the user of an author, is not run again by the author', async () => {
    const asAnn = asking(
      api,
      bearer((await makeKey(api, { name: 'boss', role: 'admin', userId: 'ann' })).secret),
    )
    const held = { taskType: 'Scripted', parameters: { orders: [] }, delay: '1h', userId: 'carl' }
    const all = { action: 'cancel', filter: { tag: 'held' } }
    const ended = (await asAnn<{ id: string }>('/v1/bulk-actions', all)).body.id
    await api.engine.clock.settle()
    const { body: waiting } = await asking(api, root)<{ id: string }>('/v1/tasks', {
      ...held,
      tags: ['held'],
    })
    const stopped = { taskType: 'BulkAction', parameters: all, delay: '1h' }
    const cancelled = (await asAnn<{ id: string }>('/v1/tasks', stopped)).body.id
    expect((await asAnn(`/v1/tasks/${cancelled}:cancel`, {})).status).toBe(200)
    const forbidden = { status: 403, body: { code: 'FORBIDDEN' } }
    expect(await ann(`/v1/tasks/${ended}:rerun`, {})).toMatchObject(forbidden)
    expect(await ann(`/v1/tasks/${cancelled}:retry`, {})).toMatchObject(forbidden)
    const named = { action: 'retry', filter: { taskIds: [cancelled] } }
    expect(await ann('/v1/bulk-actions:preview', named)).toMatchObject({ body: { count: 0 } })
    // With parameters of its own it is narrowed, as a new one is.
    const own = await ann(`/v1/tasks/${ended}:rerun`, { parameters: all })
    expect(own).toMatchObject({ status: 202, body: { parameters: { filter: { userId: 'ann' } } } })
    await api.engine.clock.settle()
    expect(await operator(`/v1/tasks/${waiting.id}`)).toMatchObject({ body: { status: 'QUEUED' } })
    expect((await operator(`/v1/tasks/${cancelled}:retry`, {})).status).toBe(202)
    await api.engine.clock.settle()
    expect(await operator(`/v1/tasks/${waiting.id}`)).toMatchObject({ body: { status: 'CANCELLED' } })
  })

  test('workers and metrics are those of all, so they are for who sees all', async () => {
    const narrow = await makeKey(api, { name: 'narrow', role: 'operator', userId: 'ann', sees: 'own' })
    const ask = asking(api, bearer(narrow.secret))
    for (const path of ['/v1/workers', '/metrics']) {
      expect(await ask(path), path).toMatchObject({ status: 403 })
      expect((await operator(path)).status).toBe(200)
    }
    expect((await ask('/v1/lanes/default:resume', {})).status).toBe(200)
    expect((await ann('/v1/lanes')).status).toBe(200)
  })

  test('a stream has the events of its user alone, and ends once its key is revoked', async () => {
    const own = new EventClient(`${api.url}/v1/events`)
    const all = new EventClient(`${api.url}/v1/events`)
    expect(await own.connect({ headers: bearer(bobKey.secret) })).toBe(200)
    expect(await all.connect({ headers: root })).toBe(200)
    const task = { taskType: 'Scripted', parameters: { orders: [] } }
    for (const ask of [ann, bob, ann, bob]) await ask('/v1/tasks', task)
    await api.engine.clock.settle()
    const ended = (client: EventClient) => client.events.filter(({ event }) => event === 'task.completed')
    await expect.poll(() => ended(all)).toHaveLength(4)
    await expect.poll(() => ended(own)).toHaveLength(2)
    expect(new Set(own.events.map(({ data }) => data['userId']))).toEqual(new Set(['bob']))
    expect((await asking(api, root)(`/v1/api-keys/${bobKey.id}:revoke`, {})).status).toBe(200)
    await expect.poll(() => own.isClosed).toBe(true)
    expect(all.isClosed).toBe(false)
    expect(await bob('/v1/tasks')).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('revoked') },
    })
    all.cut()
  })

  test('a file that is being sent breaks off, and a wait ends, once their key is revoked', async () => {
    const key = await makeKey(api, { name: 'ann', role: 'author', userId: 'ann' })
    const headers = bearer(key.secret)
    const held = { taskType: 'Scripted', parameters: { orders: [{ do: 'succeed' }] }, delay: '1h' }
    const { body } = await ann<{ id: string }>('/v1/tasks', held)
    const { list } = api.engine.tasks
    const endless = vi.spyOn(api.engine.tasks, 'list').mockImplementation(async (filter, page) => {
      await new Promise(resolve => setImmediate(resolve))
      const { items } = await list(filter, { pageSize: page.pageSize })
      return { items, nextPageToken: 'next' }
    })
    const file = await fetch(`${api.url}/v1/tasks:export?format=csv`, {
      headers,
      signal: AbortSignal.timeout(4_000),
    })
    const broken = expect(file.text()).rejects.toThrow('terminated')
    const waiting = asking(api, { ...headers, prefer: 'wait=20' })(`/v1/tasks/${body.id}`)
    await asking(api, root)(`/v1/api-keys/${key.id}:revoke`, {})
    await broken
    endless.mockRestore()
    expect(await waiting).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })
})

describe('novels', () => {
  let api: NovelApi
  beforeAll(async () => {
    api = await serveNovels({ token })
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test('no task writes into that of another user, whatever its parameters name', async () => {
    const keys = ['ann', 'bob'].map(userId => makeKey(api, { name: userId, role: 'author', userId }))
    const [annHeaders, bobHeaders] = (await Promise.all(keys)).map(({ secret }) => bearer(secret))
    const novel = { title: 'A novel of hers alone' }
    const made = await asking(api, annHeaders ?? {})<{ id: string; title: string }>('/v1/novels', novel)
    const upload = await fetch(`${api.url}/v1/uploads?fileName=his.txt`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...bobHeaders },
      body: 'Chapter 1\n\nA text of his own.',
    })
    const { id: uploadId } = (await upload.json()) as { id: string }
    const ask = asking(api, bobHeaders ?? {})
    const parameters = { uploadId, novelId: made.body.id }
    const task = await ask<{ id: string }>('/v1/tasks', { taskType: 'ParseFile', parameters })
    expect(task.status).toBe(202)
    await api.novels.t.clock.settle()
    const ended = await ask(`/v1/tasks/${task.body.id}`)
    expect(ended.body).toMatchObject({ status: 'FAILED', errorInfo: { code: 'NOVEL_NOT_FOUND' } })
    expect(ended.text).not.toContain(novel.title)
    expect((await asking(api, annHeaders ?? {})(`/v1/novels/${made.body.id}`)).body).toMatchObject(novel)
    await asking(api, annHeaders ?? {})(`/v1/novels/${made.body.id}`, undefined, { method: 'DELETE' })
  })

  test('are those of the user of the key', async () => {
    const [ann, bob] = await Promise.all(
      ['ann', 'bob'].map(async userId =>
        asking(api, bearer((await makeKey(api, { name: userId, role: 'author', userId })).secret)),
      ),
    )
    if (ann === undefined || bob === undefined) throw new Error('Two keys were made.')
    const made = await ann<{ id: string }>('/v1/novels', { title: 'Hers' })
    expect(made.status).toBe(201)
    const path = `/v1/novels/${made.body.id}`
    expect((await ann(path)).status).toBe(200)
    expect(await bob(path)).toMatchObject({ status: 404, body: { code: 'NOVEL_NOT_FOUND' } })
    expect((await bob(path, undefined, { method: 'PATCH', json: { title: 'His' } })).status).toBe(404)
    expect((await bob(path, undefined, { method: 'DELETE' })).status).toBe(404)
    expect(await bob<Items>('/v1/novels')).toMatchObject({ body: { items: [] } })
    expect((await ann<Items>('/v1/novels')).body.items).toHaveLength(1)
    // Nor are her data deleted or taken along, by any way that there is.
    expect((await bob('/v1/users/ann:erase', undefined, { method: 'POST' })).status).toBe(403)
    const erasing = { taskType: 'EraseUser', parameters: { userId: 'ann' } }
    expect((await bob('/v1/tasks', erasing)).status).toBe(403)
    expect((await bob('/v1/estimates', erasing)).status).toBe(403)
    const own = await bob<{ id: string }>('/v1/users/bob:erase', undefined, { method: 'POST' })
    expect(own.status).toBe(202)
    await api.novels.t.clock.settle()
    expect((await bob(`/v1/tasks/${own.body.id}:retry`, { parameters: { userId: 'ann' } })).status).toBe(403)
    expect((await ann<Items>('/v1/novels')).body.items).toHaveLength(1)
    expect((await bob('/v1/exports/abc?userId=ann')).status).toBe(403)
    expect((await ann('/v1/exports/abc?userId=ann')).status).toBe(404)
  })
})

describe('keys', () => {
  let api: Api
  beforeAll(async () => {
    api = await serve({ token })
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test('the secret is in the answer that made the key, and nowhere else', async () => {
    const { id, secret } = await makeKey(api, { name: 'bot', role: 'viewer', userId: 'ann' })
    expect(secret).toMatch(new RegExp(`^qwk_${id}_[\\w-]{43}$`))
    const { text, body } = await asking(api, root)<Items>('/v1/api-keys')
    expect(text).not.toContain(secret.slice(-20))
    expect(text).not.toContain('digest')
    expect(body.items).toMatchObject([{ id, name: 'bot', role: 'viewer', userId: 'ann', sees: 'own' }])
    const kept = await api.engine.store.apiKeys.get(id)
    expect(JSON.stringify(kept)).not.toContain(secret.slice(-20))
  })

  test('its last use is kept, once a minute', async () => {
    const { id, secret } = await makeKey(api, { name: 'bot', role: 'viewer', userId: 'ann' })
    const used = vi.spyOn(api.engine.store.apiKeys, 'used')
    const ask = asking(api, bearer(secret))
    for (const _ of [1, 2, 3]) await ask('/v1/me')
    await expect.poll(async () => (await api.engine.store.apiKeys.get(id))?.lastUsedAt).toBeDefined()
    expect(used).toHaveBeenCalledTimes(1)
    used.mockRestore()
  })

  test('one that is revoked is refused by another process of the store within five seconds', async () => {
    const { id, secret } = await makeKey(api, { name: 'bot', role: 'viewer', userId: 'ann' })
    const other = await askingOf(createApp({ engine: api.engine, config: { token } }))
    try {
      expect((await asking(other, bearer(secret))('/v1/me')).status).toBe(200)
      await asking(api, root)(`/v1/api-keys/${id}:revoke`, {})
      expect((await asking(api, bearer(secret))('/v1/me')).status).toBe(401)
      const now = performance.now.bind(performance)
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 5_000)
      expect((await asking(other, bearer(secret))('/v1/me')).status).toBe(401)
      clock.mockRestore()
    } finally {
      await other.app.close()
    }
  })

  test.each([
    [{ role: 'admin', sees: 'own' }, 'OPTION_INVALID'],
    [{ expiresAt: '2001-01-01T00:00:00Z' }, 'OPTION_INVALID'],
    [{ role: 'king' }, 'REQUEST_INVALID'],
    [{ userId: '' }, 'REQUEST_INVALID'],
    [{ name: ' ' }, 'REQUEST_INVALID'],
  ])('%j is refused', async (key, code) => {
    const answer = await asking(api, root)('/v1/api-keys', { name: 'bot', role: 'author', ...key })
    expect(answer).toMatchObject({ status: 400, body: { code } })
  })

  test('a key narrows also where no token is needed, and a wrong one is no admin', async () => {
    await using open = await serve()
    const me = (headers: Record<string, string>) => asking(open, headers)('/v1/me')
    expect(await me({})).toMatchObject({ body: { id: 'local', role: 'admin', sees: 'all' } })
    expect(await me({ authorization: 'Bearer of-another-start' })).toMatchObject({ body: { id: 'local' } })
    const key = { name: 'bot', role: 'viewer', userId: 'ann' }
    const { body } = await asking(open, {})<MadeKey & Record<string, unknown>>('/v1/api-keys', key)
    expect(await me(bearer(body.secret))).toMatchObject({ body: { role: 'viewer', userId: 'ann' } })
    for (const wrong of [`${body.secret.slice(0, -3)}abc`, body.secret.slice(0, -1)])
      expect((await me(bearer(wrong))).status).toBe(401)
  })
})

test('wrong credentials of an address are throttled; the same one again, and the right one, are not', async () => {
  await using api = await serve({ token })
  const tries = (secret: string) => asking(api, bearer(secret))('/v1/me')
  for (let i = 0; i < 10; i++) expect((await tries(`wrong-${i}`)).status).toBe(401)
  const eleventh = await tries('wrong-10')
  expect(eleventh).toMatchObject({ status: 429, body: { code: 'CREDENTIALS_THROTTLED', retryable: true } })
  expect(Number(eleventh.headers.get('retry-after'))).toBeGreaterThan(50)
  expect((await tries('wrong-3')).status).toBe(401)
  expect((await api.ask('/v1/me')).status).toBe(401)
  expect((await tries(token)).status).toBe(200)
})

describe('the requests of an identity', () => {
  test('are as many as fit into a bucket that fills evenly', () => {
    let now = 0
    const rate = createRequestRate(60, () => now)
    const take = (at: number, id = 'ann') => {
      now = at
      const { requests, retryAfter } = rate.take(id)
      return retryAfter === undefined ? requests : -retryAfter
    }
    const steps: [at: number, left: number][] = [
      ...Array.from({ length: 60 }, (_, sent): [number, number] => [0, 59 - sent]),
      ...([
        [0, -1],
        [999, -1],
        [1_000, 0],
        [1_000, -1],
      ] as [number, number][]),
      ...([
        [31_000, 29],
        [31_500, 28],
        [3_600_000, 59],
      ] as [number, number][]),
    ]
    for (const [at, left] of steps) expect(take(at), `at ${at}`).toBe(left)
    const slow = createRequestRate(1, () => now)
    expect(slow.take('ann')).toEqual({ requests: 0, resetSeconds: 60 })
    expect(slow.take('ann')).toEqual({ requests: 0, resetSeconds: 60, retryAfter: 60 })
    expect(slow.take('bob')).toEqual({ requests: 0, resetSeconds: 60 })
  })

  test('are remembered for ten thousand identities, those that asked last', () => {
    const rate = createRequestRate(1, () => 0)
    for (let i = 0; i < 10_000; i++) rate.take(`id-${i}`)
    expect(rate.take('id-0')).toHaveProperty('retryAfter')
    rate.take('one-more')
    expect(rate.take('id-0')).not.toHaveProperty('retryAfter')
    expect(rate.take('id-9999')).toHaveProperty('retryAfter')
  })

  test('have a limit over all routes but streams, which those who run the server have not', async () => {
    await using api = await serve({ token, requestsPerMinute: 1 })
    const asBot = async (name: string) =>
      bearer((await makeKey(api, { name, role: 'author', userId: 'ann' })).secret)
    const counted: [path: string, json: object | undefined, status: number][] = [
      ['/v1/tasks', undefined, 200],
      ['/v1/lanes/default:pause', {}, 403],
      ['/v1/nothing', undefined, 404],
    ]
    for (const [path, json, status] of counted) {
      const headers = await asBot(path)
      const stream = new EventClient(`${api.url}/v1/events`)
      expect(await stream.connect({ headers })).toBe(200)
      stream.cut()
      const first = await asking(api, headers)(path, json)
      expect(first.status).toBe(status)
      expect(first.headers.get('ratelimit')).toBe('"identity";r=0;t=60')
      const second = await asking(api, headers)('/v1/tasks')
      expect(second).toMatchObject({ status: 429, body: { code: 'REQUESTS_THROTTLED', retryable: true } })
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(second.headers.get('ratelimit-policy')).toBe('"identity";q=1;w=60')
      expect(second.headers.get('ratelimit')).toMatch(/^"identity";r=0;t=\d+$/)
    }
    const byToken = asking(api, root)
    for (let i = 0; i < 5; i++) expect((await byToken('/v1/me')).status).toBe(200)
    expect((await byToken('/v1/me')).headers.get('ratelimit')).toBeNull()
  })
})

describe('people whom an identity provider knows', () => {
  let issuer: Issuer
  let api: Api
  const secondsOf = () => api.engine.store.tasks.now() / 1_000
  const tokenOf = (claims: object) =>
    issuer.sign({ aud: 'quillwork', exp: secondsOf() + 300, roles: ['author'], ...claims })
  beforeAll(async () => {
    issuer = await startIssuer()
    const oidc = { issuer: issuer.url, audience: 'quillwork', clientId: 'pages' }
    api = await serve({ token, oidc, heartbeatMs: 50 })
  })
  afterAll(async () => {
    await api[Symbol.asyncDispose]()
    await issuer[Symbol.asyncDispose]()
  })

  test('act for their own user, by their role, beside the token and the keys', async () => {
    const ann = asking(api, bearer(await tokenOf({ name: 'Ann' })))
    const boss = asking(api, bearer(await tokenOf({ sub: 'boss', roles: ['admin'] })))
    const may = ['read', 'write']
    const me = { id: 'oidc:ann', name: 'Ann', role: 'author', userId: 'ann', sees: 'own', may }
    expect((await ann('/v1/me')).body).toEqual(me)
    const task = { taskType: 'Scripted', parameters: { orders: [] } }
    const { body } = await boss<{ id: string }>('/v1/tasks', task)
    expect(await ann(`/v1/tasks/${body.id}`)).toMatchObject({ status: 404 })
    expect(await ann('/v1/tasks', task)).toMatchObject({ status: 202, body: { userId: 'ann' } })
    expect((await ann('/v1/lanes/default:pause', {})).status).toBe(403)
    const key = await makeKey(api, { name: 'bot', role: 'viewer', userId: 'ann' })
    expect(await asking(api, bearer(key.secret))('/v1/me')).toMatchObject({ body: { id: key.id } })
    const { items } = (await boss<{ items: object[] }>('/v1/audit?identity=oidc:ann')).body
    expect(items).toMatchObject([{ action: 'POST /v1/lanes/{lane}:pause', name: 'Ann', code: 'FORBIDDEN' }])
  })

  test('a stream ends at the heartbeat after the token has expired, and the token is refused as that', async () => {
    const headers = bearer(await tokenOf({}))
    const stream = new EventClient(`${api.url}/v1/events`)
    expect(await stream.connect({ headers })).toBe(200)
    await api.engine.clock.advance('6m')
    await expect.poll(() => stream.isClosed).toBe(true)
    expect(await asking(api, headers)('/v1/me')).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED', ended: 'expired' },
    })
  })

  test('anybody may read how to sign in; where the issuer is away, that is said, and not that a token is wrong', async () => {
    const { url } = issuer
    expect((await api.ask('/v1/sign-in')).body).toEqual({
      provider: {
        ...{ issuer: url, clientId: 'pages', scope: 'openid profile', sends: 'access_token' },
        ...{ authorizationEndpoint: `${url}/authorize`, tokenEndpoint: `${url}/token` },
      },
    })
    // Known by a provider alone, an app may listen beyond the loopback.
    const config = {
      host: '0.0.0.0',
      allowedHosts: ['127.0.0.1'],
      oidc: { issuer: url, audience: 'quillwork' },
    }
    const lines: string[] = []
    const note = (_fields: object, message: string) => void lines.push(message)
    const log = { info: note, warn: note, error: note }
    const other = await askingOf(createApp({ engine: api.engine, config, log }))
    try {
      expect((await other.ask('/v1/sign-in')).body).toEqual({})
      expect((await other.ask('/v1/me')).status).toBe(401)
      issuer.behaviour = 'fails'
      const answer = await asking(other, bearer(await tokenOf({})))('/v1/me')
      expect(answer).toMatchObject({ status: 503, body: { code: 'IDENTITY_PROVIDER_UNAVAILABLE' } })
      expect(answer.headers.get('retry-after')).toBe('5')
      expect(lines).toContain('identity provider not read; will retry')
      expect(lines, 'anybody could fill the log').not.toContain('request failed')
      expect((await asking(api, bearer(await tokenOf({})))('/v1/me')).status).toBe(200)
    } finally {
      issuer.behaviour = 'well'
      await other.app.close()
    }
  })

  test('wrong tokens of an address are throttled as wrong keys are', async () => {
    const statusOf = async (claims: object) =>
      (await asking(api, bearer(await tokenOf(claims)))('/v1/me')).status
    const statuses = new Set<number>()
    for (let i = 0; i < 11; i++) statuses.add(await statusOf({ aud: `other-${i}` }))
    expect(statuses).toEqual(new Set([401, 429]))
    expect(await statusOf({})).toBe(200)
  })
})

describe('a program that knows who asks', () => {
  const ann: Identity = { id: 'u1', name: 'Ann', role: 'author', userId: 'ann', sees: 'own' }
  let api: Api
  let other: Awaited<ReturnType<typeof askingOf>>
  const asked: object[] = []
  beforeAll(async () => {
    api = await serve()
    const app = createApp({
      engine: api.engine,
      config: { host: '0.0.0.0', allowedHosts: ['127.0.0.1'] },
      authenticate({ headers }) {
        if (headers['x-user'] === 'broken') return { ...ann, role: 'king' } as unknown as Identity
        if (headers['x-user'] === 'away') throw new Error('The directory does not answer.')
        return headers['x-user'] === 'ann' ? ann : undefined
      },
      async authorize(identity, action) {
        asked.push({ id: identity.id, ...action })
        return action.route !== '/v1/tasks/:taskId([^:]+)::cancel'
      },
    })
    other = await askingOf(app)
  })
  afterAll(async () => {
    await other.app.close()
    await api[Symbol.asyncDispose]()
  })

  test('lets in whom it knows, as who they are, and nobody else', async () => {
    const ask = (user: string, path = '/v1/me') => other.ask(path, { headers: { 'x-user': user } })
    expect(await ask('ann')).toMatchObject({ status: 200, body: { name: 'Ann', userId: 'ann' } })
    expect(await ask('ann', '/v1/capabilities')).toMatchObject({ body: { authentication: 'bearer' } })
    expect((await ask('eve')).status).toBe(401)
    expect((await other.ask('/v1/me')).status).toBe(401)
    expect((await ask('away')).status).toBe(500)
    expect((await ask('broken')).status).toBe(500)
  })

  test('allows less than the role does, and never more', async () => {
    const headers = { 'x-user': 'ann' }
    const made = await other.post<{ id: string }>(
      '/v1/tasks',
      { taskType: 'Scripted', parameters: { orders: [] } },
      headers,
    )
    expect(made.status).toBe(202)
    expect(await other.post(`/v1/tasks/${made.body.id}:cancel`, undefined, headers)).toMatchObject({
      status: 403,
    })
    expect(asked.at(-1)).toEqual({
      ...{ id: 'u1', action: 'write', method: 'POST', route: '/v1/tasks/:taskId([^:]+)::cancel' },
      params: { taskId: made.body.id },
    })
    expect((await other.post('/v1/lanes/default:pause', undefined, headers)).status).toBe(403)
  })
})
