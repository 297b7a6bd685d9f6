import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { assertSafeToListen, createApp, isLoopback, resolveHttpSettings } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkHost } from '../../src/http/auth.ts'
import { type Api, serve } from './api.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

const token = 'a-long-and-random-token-0123456789'

/** A request as a program makes it that may lie about its host; fetch may not. */
function raw(url: string, options: { method?: string; headers?: Record<string, string> }): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent: false }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('with a token', () => {
  let api: NovelApi
  beforeAll(async () => {
    api = await serveNovels({ token })
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test.each([
    ['GET', '/v1/tasks/'],
    ['GET', '//v1/tasks'],
    ['GET', '/V1/TASKS'],
    ['GET', '/v1/%74asks'],
    ['GET', '/v1/../v1/tasks'],
    ['HEAD', '/v1/tasks'],
    ['OPTIONS', '/v1/tasks'],
    ['GET', `/v1/tasks?token=${token}`],
    ['GET', '/healthz/../v1/tasks'],
  ])('%s %s is no way around it', async (method, path) => {
    expect(await raw(api.url + path, { method })).toBe(401)
  })

  test('an upgrade to a web socket is no way around it', async () => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-version': '13',
    }
    expect(await raw(`${api.url}/v1/tasks`, { headers })).toBe(401)
  })

  test('the right one opens', async () => {
    const headers = { authorization: `Bearer ${token}` }
    expect(await api.ask('/v1/tasks', { headers })).toMatchObject({ status: 200 })
    expect(await api.ask('/v1/capabilities', { headers })).toMatchObject({
      status: 200,
      body: { authentication: 'bearer' },
    })
    expect(await api.ask('/v1/tasks', { headers: { authorization: `bearer  ${token}` } })).toMatchObject({
      status: 200,
    })
  })

  test('one of two is enough, so that one can replace the other; both are long', async () => {
    const next = 'the-next-long-and-random-token'
    await using rotating = await serve({ token: [token, next] })
    const statusWith = async (sent: string) =>
      (await rotating.ask('/v1/tasks', { headers: { authorization: `Bearer ${sent}` } })).status
    expect(await Promise.all([token, next, `${token},${next}`, ''].map(statusWith))).toEqual([
      200, 200, 401, 401,
    ])
    expect((await rotating.ask('/v1/tasks')).status).toBe(401)
    await expect(serve({ token: [token, 'short'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('the token is compared in constant time', () => {
    const folder = new URL('../../src/http/', import.meta.url)
    const sources = readdirSync(folder).filter(name => name.endsWith('.ts'))
    const using = sources.filter(name =>
      /[!=]==? *(settings\.)?token\b(?! *===? *undefined)/.test(readFileSync(new URL(name, folder), 'utf8')),
    )
    expect(using).toEqual([])
    expect(readFileSync(new URL('auth.ts', folder), 'utf8')).toContain('timingSafeEqual')
  })
})

describe('where it may listen', () => {
  test.each(['127.0.0.1', 'localhost', '::1', '127.9.9.9'])('%s needs no token', host => {
    expect(isLoopback(host)).toBe(true)
    expect(() => assertSafeToListen({ host })).not.toThrow()
  })

  test.each(['0.0.0.0', '::', '', '192.168.1.5', 'studio.example', '127.0.0.1.evil.example', '127.evil'])(
    '%j needs one',
    host => {
      expect(() => assertSafeToListen({ host })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
      expect(() => assertSafeToListen({ host, token: '' })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      )
      expect(() => assertSafeToListen({ host, token })).not.toThrow()
    },
  )

  test('an app for such an address is not even made, nor one with a token that can be guessed', async () => {
    await using api = await serve()
    const { engine } = api
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID' })
    expect(() => createApp({ engine, config: { host: '0.0.0.0' } })).toThrow(refused)
    expect(() => createApp({ engine, config: { token: 'short' } })).toThrow(refused)
    expect(() => resolveHttpSettings({ bodyLimit: -1 })).toThrow(refused)
    for (const requestsPerMinute of [0, 0.5])
      expect(() => resolveHttpSettings({ requestsPerMinute })).toThrow(refused)
  })
})

describe('pages of other sites', () => {
  let api: Api
  beforeAll(async () => {
    api = await serve({ allowedOrigins: ['https://studio.example'] })
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test.each([
    ['an origin of another site', { origin: 'https://evil.example' }, 403],
    ['an opaque origin', { origin: 'null' }, 403],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['what the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['what the browser calls same-site', { 'sec-fetch-site': 'same-site' }, 403],
    ['an origin that is allowed', { origin: 'https://studio.example', 'sec-fetch-site': 'cross-site' }, 202],
    ['a program', {}, 202],
    ['the address bar', { 'sec-fetch-site': 'none' }, 202],
  ])('%s', async (_who, headers, status) => {
    const body = JSON.stringify({ taskType: 'Scripted', parameters: { orders: [] } })
    const answer = await new Promise<number>((resolve, reject) => {
      const sent = request(
        `${api.url}/v1/tasks`,
        { method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } },
        response => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
    expect(answer).toBe(status)
  })

  test('an origin that is allowed is told that it may, and nobody else', async () => {
    const token = 'a-token-of-the-studio'
    const allowedOrigins = ['https://studio.example', 'https://other.example']
    await using own = await serve({ allowedOrigins, token })
    const ask = (path: string, method: string, headers: Record<string, string>) =>
      fetch(own.url + path, { method, headers })
    const origin = 'https://studio.example'
    const asked = { origin, 'access-control-request-method': 'PATCH', 'sec-fetch-site': 'cross-site' }
    const preflight = await ask('/v1/tasks/some', 'OPTIONS', asked)
    expect([preflight.status, await preflight.text()]).toEqual([204, ''])
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': expect.stringMatching(/POST.*PATCH.*DELETE/),
      'access-control-allow-headers': expect.stringMatching(/authorization.*content-type.*if-match/),
      vary: 'origin',
    })
    for (const [authorization, status] of [
      [`Bearer ${token}`, 200],
      ['Bearer wrong', 401],
    ] as const) {
      const answer = await ask('/v1/tasks', 'GET', { origin, 'sec-fetch-site': 'cross-site', authorization })
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, origin])
      expect(answer.headers.get('access-control-expose-headers')).toContain('etag')
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    }
    const evil = 'https://evil.example'
    expect((await ask('/v1/tasks', 'OPTIONS', { ...asked, origin: evil })).status).toBe(403)
    const refused = await ask('/v1/tasks', 'GET', { origin: evil, authorization: `Bearer ${token}` })
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect(refused.headers.get('vary')).toBe('origin')
  })

  test.each([
    ...['https://studio.example/', 'studio.example', '*', 'null', 'https://studio.example:443'],
    ...['tauri://localhost/', 'tauri://localhost#', 'tauri://me@localhost', 'Tauri://localhost', 'tauri://'],
    ...['file://', 'data:,a', 'blob:https://studio.example'],
  ])('%j is no origin', origin => {
    expect(() => resolveHttpSettings({ allowedOrigins: [origin] })).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })

  test('extensions and desktop programs have origins of their own', async () => {
    const allowedOrigins = ['chrome-extension://abcdefghij', 'tauri://localhost', 'capacitor://localhost']
    await using own = await serve({ allowedOrigins })
    const answer = (origin: string) => fetch(`${own.url}/v1/tasks`, { headers: { origin } })
    for (const origin of allowedOrigins)
      expect((await answer(origin)).headers.get('access-control-allow-origin')).toBe(origin)
    for (const origin of ['chrome-extension://abcdefghik', 'tauri://localhost:1', 'ionic://localhost'])
      expect((await answer(origin)).headers.get('access-control-allow-origin')).toBeNull()
  })

  test('they may not load anything in the background, such as streams; a link may be followed', async () => {
    const site = { 'sec-fetch-site': 'cross-site' }
    for (const path of ['/v1/events', '/v1/tasks', '/metrics']) {
      expect(await raw(api.url + path, { headers: { ...site, 'sec-fetch-mode': 'cors' } })).toBe(403)
      expect(await raw(api.url + path, { headers: { ...site, 'sec-fetch-mode': 'no-cors' } })).toBe(403)
      expect(await raw(api.url + path, { headers: { ...site, 'sec-fetch-mode': 'navigate' } })).toBe(200)
    }
  })

  test('our own page may change things', async () => {
    const headers = { origin: api.url, 'sec-fetch-site': 'same-origin' }
    expect(await raw(`${api.url}/v1/lanes/default:resume`, { method: 'POST', headers })).toBe(200)
  })

  test('a form cannot: its media types are not taken', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(
        await api.ask('/v1/tasks', {
          method: 'POST',
          raw: '{"taskType":"Scripted"}',
          headers: { 'content-type': type },
        }),
      ).toMatchObject({ status: 415, body: { code: 'MEDIA_TYPE_UNSUPPORTED' } })
  })

  test.each([
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:80', 403],
    ['localhost', 200],
    ['LOCALHOST:9', 200],
    ['[::1]:80', 200],
  ])('a request that names the host %j answers %i', async (host, status) => {
    expect(await raw(`${api.url}/v1/tasks`, { headers: { host } })).toBe(status)
  })

  test('hosts that are configured are answered', async () => {
    await using named = await serve({ allowedHosts: ['Studio.example', '[fd00::1]'] })
    expect(await raw(`${named.url}/v1/tasks`, { headers: { host: '[FD00::1]:8080' } })).toBe(200)
    expect(await raw(`${named.url}/v1/tasks`, { headers: { host: 'studio.example:8080' } })).toBe(200)
    expect(await raw(`${named.url}/v1/tasks`, { headers: { host: 'other.example' } })).toBe(403)
  })

  test.each(['fd00::1', '[fd00::1]'])('the address %s that is listened on is answered beside them', host => {
    const settings = resolveHttpSettings({ host, token, allowedHosts: ['studio.example'] })
    expect(() => checkHost(settings, { host: '[fd00::1]:7420' })).not.toThrow()
    expect(() => checkHost(settings, { host: '[fd00::2]:7420' })).toThrow()
  })

  test.each(['studio.example:8080', 'https://studio.example', '*.example', 'fd00::1', ''])(
    '%j is no name of a host',
    host => {
      expect(() => resolveHttpSettings({ allowedHosts: [host] })).toThrowError(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      )
    },
  )

  test('a proxy, trusted or not, cannot name another host than the request does', async () => {
    for (const trustedProxies of [[], ['127.0.0.1']]) {
      await using proxied = await serve({ trustedProxies })
      const path = `${proxied.url}/v1/tasks`
      const lie = { 'x-forwarded-host': 'localhost', 'x-forwarded-for': '127.0.0.1' }
      expect(await raw(path, { headers: { ...lie, host: 'evil.example' } })).toBe(403)
      const origin = 'https://evil.example'
      const forged = { ...lie, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', origin }
      expect(await raw(path, { method: 'POST', headers: forged })).toBe(403)
    }
  })

  test.each(['proxy.example', '10.0.0.0/33', '0.0.0.0/0', '::/0', ''])('%j is no proxy to trust', proxy => {
    expect(() => resolveHttpSettings({ trustedProxies: [proxy] })).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
