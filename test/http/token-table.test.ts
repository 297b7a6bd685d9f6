/** Every route with no token, a wrong one and the right one. The routes are those that the app itself adds, so a new one is in the table at once. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { METHODS, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createApp, createHealthListener } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { type NovelEngine, novelEngine } from '../novel/tasks/novel-engine.ts'
import type { OpenApi } from './api.ts'

const token = 'a-long-and-random-token-0123456789'
const right = { authorization: `Bearer ${token}` }
const wrongTokens: Record<string, string>[] = [
  { authorization: 'Bearer' },
  { authorization: `Bearer ${token.slice(0, -1)}` },
  { authorization: `Bearer ${token}x` },
  { authorization: `Basic ${token}` },
  { authorization: token },
  { 'x-http-method-override': 'GET', authorization: 'Bearer null' },
]
const [, , wrong = {}] = wrongTokens

/** What is answered without a token, and why. A route that is not here has to be closed. */
const openRoutes = new Map([
  ['/healthz', 'a probe has no token, and learns only that the process answers'],
  ['/readyz', 'a balancer has no token, and learns what works: no task, no user, no text'],
  ['/v1/proof', 'a command learns whether the server knows the token, before it sends it'],
  ['/v1/sign-in', 'the pages learn by whom people sign in, which the sign-in itself shows to everybody'],
])

/** The open routes of the health port. */
const probes = ['/healthz', '/readyz']

/** Methods that are asked at each address, whether a route takes them or not. */
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
}

/** Asks until the headers of the answer are there: a stream does not end. */
function ask(url: string, method: string, headers: Record<string, string> = {}): Promise<Reply> {
  const { hostname, port, pathname, search } = new URL(url)
  return answerTo({ hostname, port, path: pathname + search, method, headers })
}

function answerTo(options: RequestOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, agent: false }, response => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
      response.destroy()
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('the table of routes and tokens', () => {
  let novels: NovelEngine
  let app: ReturnType<typeof createApp>
  let url: string
  const folder = mkdtempSync(path.join(tmpdir(), 'token-table-'))
  /** The methods of each address, and whether it declares itself open. */
  const routes = new Map<string, { methods: Set<string>; isOpen: boolean }>()

  beforeAll(async () => {
    writeFileSync(path.join(folder, 'index.html'), '<!doctype html><div id="root"></div>')
    writeFileSync(path.join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    const models = createModelCatalogue({ summary: [extractiveModel()] })
    novels = await novelEngine({ models })
    const { t: engine, services } = novels
    const config = { token, allowedOrigins: ['https://studio.example'] }
    app = createApp({ engine, novels: services, models, config, pages: folder, asyncApi: {} })
    app.addHook('onRoute', ({ url: template, method, config: declared }) => {
      const known = routes.get(template) ?? { methods: new Set(), isOpen: false }
      for (const each of [method].flat()) known.methods.add(each)
      routes.set(template, { ...known, isOpen: known.isOpen || declared?.open === true })
    })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await app.close()
    await novels[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** An address of a route, with a name in the place of each parameter. */
  const addressOf = (template: string) =>
    url + template.replace(/::|:\w+(\(\[\^:\]\+\))?/g, part => (part === '::' ? ':' : 'abc'))

  /** Asks for an address as it is written: a URL would be tidied up. */
  function askAs(at: string): Promise<Reply> {
    const { hostname, port } = new URL(url)
    return answerTo({ hostname, port, path: at })
  }

  async function expectClosed(at: string, method: string, headers: Record<string, string>) {
    const name = `${method} ${at} ${JSON.stringify(headers)}`
    const reply = await ask(at, method, headers)
    expect(reply.status, name).toBe(401)
    expect(reply.headers['www-authenticate'], name).toMatch(/^Bearer/)
  }

  test('has every route, and the routes that declare themselves open are those of the list', async () => {
    expect(routes.size).toBeGreaterThan(35)
    for (const part of ['/v1/tasks', '/v1/events', '/v1/uploads', '/v1/limits::reset', '/v1/asyncapi.json'])
      expect([...routes.keys()]).toContain(part)
    const open = [...routes].filter(([, { isOpen }]) => isOpen).map(([template]) => template)
    expect(open.sort()).toEqual([...openRoutes.keys()].sort())
    // The document says the same.
    const document = (await app.describe()) as unknown as OpenApi
    expect(document.security).toEqual([{ token: [] }])
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } })
    const documented = Object.entries(document.paths).filter(([, methods]) =>
      Object.values(methods).some(({ security }) => security?.length === 0),
    )
    expect(documented.map(([name]) => name).sort()).toEqual(open)
  })

  test('no token, and a wrong one: every route is closed, by each of its methods, but the open ones', async () => {
    for (const [template, { methods }] of routes) {
      for (const method of methods) {
        for (const headers of [{}, ...wrongTokens])
          if (openRoutes.has(template))
            expect((await ask(addressOf(template), method, headers)).status, template).not.toBe(401)
          else await expectClosed(addressOf(template), method, headers)
      }
    }
  })

  test('no token, and a wrong one: a method that no route takes tells nothing either', async () => {
    for (const [template, { methods }] of routes)
      for (const method of everyMethod.filter(each => !methods.has(each)))
        for (const headers of [{}, wrong]) await expectClosed(addressOf(template), method, headers)
    for (const method of METHODS.filter(each => each !== 'CONNECT'))
      await expectClosed(`${url}/v1/tasks`, method, {})
  })

  test('no token: no route is open by another way to write its address', async () => {
    const disguises = [
      (at: string) => `${at}/`,
      (at: string) => at.replace('/v1/', '//v1//'),
      (at: string) => at.replace('/v1/', '/V1/'),
      (at: string) => at.replace('/v1/', '/%761/'),
      (at: string) => at.replace('/v1/', '/v1/./'),
      (at: string) => at.replace('/v1/', '/pages/..%2fv1/'),
      (at: string) => `${at}?x=/healthz`,
      (at: string) => `${at}%2f..%2f..%2fhealthz`,
    ]
    const closed = [...routes.keys()].filter(each => each.startsWith('/v1/') && !openRoutes.has(each))
    expect(closed.length).toBeGreaterThan(35)
    for (const [index, template] of closed.entries()) {
      // Each route by some of the disguises, each disguise for many routes.
      for (const disguise of [0, 1, 2].map(turn => disguises[(index + 3 * turn) % disguises.length])) {
        const at = disguise?.(addressOf(template).slice(url.length)) ?? ''
        const { status, headers } = await askAs(at)
        const isPage = status === 200 && /^text\/html/.test(String(headers['content-type']))
        expect(status === 401 || status === 400 || isPage, `${at}: ${status}`).toBe(true)
      }
    }
  })

  test('the right token: no route refuses it', async () => {
    for (const [template, { methods }] of routes)
      for (const method of new Set([...methods, ...everyMethod])) {
        const { status } = await ask(addressOf(template), method, right)
        expect([401, 403], `${method} ${template}: ${status}`).not.toContain(status)
        expect(status, `${method} ${template}`).toBeLessThan(500)
        if (method === 'OPTIONS') expect(status, template).toBe(204)
        else if (!methods.has(method)) expect(status, `${method} ${template}`).toBeGreaterThanOrEqual(400)
      }
  })

  test('the files of the pages hold no data, and are the same for all three', async () => {
    for (const target of ['/', '/index.html', '/tasks/abc', '/favicon.svg'])
      for (const method of everyMethod)
        for (const headers of [{}, wrong, right]) {
          const { status } = await ask(url + target, method, headers)
          expect(status, `${method} ${target}`).toBe(method === 'GET' || method === 'HEAD' ? 200 : 405)
        }
    for (const headers of [{}, wrong]) {
      await expectClosed(`${url}/v1`, 'GET', headers)
      await expectClosed(`${url}/v1/nothing`, 'GET', headers)
      await expectClosed(`${url}/missing.js`, 'GET', headers)
    }
  })

  test('the question of a browser whether an allowed origin may ask opens nothing', async () => {
    const preflight = { origin: 'https://studio.example', 'access-control-request-method': 'GET' }
    expect((await ask(`${url}/v1/tasks`, 'OPTIONS', preflight)).status).toBe(204)
    await expectClosed(`${url}/v1/tasks`, 'GET', { origin: 'https://studio.example' })
    await expectClosed(`${url}/v1/tasks`, 'GET', { ...preflight })
    await expectClosed(`${url}/v1/tasks`, 'OPTIONS', { origin: 'https://studio.example' })
  })

  test('the health port answers probes and, with the token, the metrics', async () => {
    const listener = createHealthListener(app).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const health = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
    const statuses = (at: string, method: string) =>
      Promise.all([{}, wrong, right].map(async headers => (await ask(at, method, headers)).status))
    for (const method of ['GET', 'HEAD']) {
      for (const target of probes)
        expect(await statuses(health + target, method), target).toEqual([200, 200, 200])
      expect(await statuses(`${health}/metrics`, method)).toEqual([401, 401, 200])
    }
    expect(await statuses(`${health}/metrics`, 'OPTIONS')).toEqual([401, 401, 204])
    for (const method of ['POST', 'DELETE'])
      expect(await statuses(`${health}/metrics`, method)).toEqual([401, 401, 405])
    for (const template of [...routes.keys(), '/', '/favicon.svg']) {
      if (probes.includes(template) || template === '/metrics') continue
      const at = addressOf(template).replace(url, health)
      for (const method of ['GET', 'POST'])
        expect(await statuses(at, method), `${method} ${at}`).toEqual([404, 404, 404])
    }
    listener.close()
    listener.closeAllConnections()
    await once(listener, 'close')
  })
})
