import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { createApp, type HttpOptions } from 'quillwork/http'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(path.join(tmpdir(), 'pages-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const token = 'a-long-and-random-token-0123456789'
const script = `document.title = ${JSON.stringify('quill '.repeat(200))}\n`
const scriptPath = '/assets/index-4f2a9c1b.js'
const html =
  '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><style nonce="__CSP_NONCE__"></style><div id="root"></div>'

/** A small dashboard as a build makes it, beside a secret; answers its folder. */
function buildPages(): string {
  const built = path.join(folder, 'dashboard')
  mkdirSync(path.join(built, 'assets'), { recursive: true })
  mkdirSync(path.join(built, '.vite'))
  const files: Record<string, string | Buffer> = {
    'index.html': html,
    'index.html.gz': gzipSync('an index without a nonce'),
    'favicon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    [scriptPath]: script,
    [`${scriptPath}.br`]: brotliCompressSync(script),
    [`${scriptPath}.gz`]: gzipSync(script),
    'assets/index-9d8e7f6a.css': 'body { margin: 0 }',
    'assets/data-11112222.gz': 'no other file, compressed',
    '.vite/manifest.json': '{}',
    '../package.json': '{"secret": "canary"}',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(built, name), content)
  symlinkSync('../package.json', path.join(built, 'link.json'))
  symlinkSync('../..', path.join(built, 'assets', 'up'))
  return built
}

interface Reply {
  status: number
  headers: Record<string, string | undefined>
  body: Buffer
}

/** Asks as a program does that sends an address as it stands: fetch would tidy it up. */
function askRaw(url: string, target: string, options: { method?: string; headers?: object } = {}) {
  const { hostname, port } = new URL(url)
  const headers = { ...options.headers } as Record<string, string>
  return new Promise<Reply>((resolve, reject) => {
    const { method = 'GET' } = options
    const sent = request({ hostname, port, path: target, method, headers, agent: false }, response => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Reply['headers'],
          body: Buffer.concat(pieces),
        }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

interface Site extends AsyncDisposable {
  url: string
  engine: TestEngine
  get(target: string, headers?: object, method?: string): Promise<Reply>
}

async function site(pages: URL | string | undefined, config: HttpOptions = {}): Promise<Site> {
  const engine = await testEngine({ tasks: [] })
  const app: FastifyInstance = createApp({ engine, config, pages })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    url,
    engine,
    get: (target, headers = {}, method = 'GET') => askRaw(url, target, { method, headers }),
    async [Symbol.asyncDispose]() {
      await app.close()
      await engine[Symbol.asyncDispose]()
    },
  }
}

let built: string
let open: Site
let closed: Site
beforeAll(async () => {
  built = buildPages()
  open = await site(built)
  closed = await site(built, { token })
})
afterAll(async () => {
  await open[Symbol.asyncDispose]()
  await closed[Symbol.asyncDispose]()
})

const codeOf = ({ body }: Reply) => (JSON.parse(body.toString()) as { code: string }).code
const nonceOf = ({ headers }: Reply) => /'nonce-([\w-]+)'/.exec(headers['content-security-policy'] ?? '')?.[1]

describe('a page', () => {
  test.each([
    '/',
    '/index.html',
    '/tasks',
    '/tasks/',
    '/tasks/0193-abc?tab=logs&x=%2F',
    '/novels/abc/chapters/def',
    '/dead-letters/Vectorize%20NOVEL_NOT_FOUND%20http%3A%2F%2Fx%2F..%2Fy',
    '/lanes/%E4%B8%AD%E6%96%87',
    '/v1x',
  ])('%s is index.html, with or without a token', async target => {
    for (const at of [open, closed]) {
      const reply = await at.get(target)
      expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      expect(reply.body.toString()).toBe(html.replaceAll('__CSP_NONCE__', nonceOf(reply) ?? ''))
    }
  })

  test('has a nonce of its own with each answer, and nothing that would let an old text come with a new one', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => open.get('/tasks')))
    expect(new Set(replies.map(nonceOf)).size).toBe(20)
    for (const { headers } of replies) {
      expect(headers).toMatchObject({ 'cache-control': 'no-cache' })
      expect([headers['etag'], headers['last-modified']]).toEqual([undefined, undefined])
    }
    expect(
      await open.get('/', { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() }),
    ).toMatchObject({
      status: 200,
    })
  })

  test('may run and show only what came with it', async () => {
    const { headers } = await open.get('/')
    const policy = headers['content-security-policy']?.split('; ') ?? []
    expect(policy.map(each => each.replace(/nonce-[\w-]{22}/, 'nonce'))).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self' 'nonce'",
      "img-src 'self' data: blob:",
      "font-src 'self'",
      "connect-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    })
  })

  test('may ask the identity provider for tokens, where it has a client for the pages, and nobody else', async () => {
    const oidc = { issuer: 'https://id.example:8443/realms/studio', audience: 'api' }
    const connecting = async (more: object) => {
      const app = createApp({
        engine: open.engine,
        pages: built,
        config: { token, oidc: { ...oidc, ...more } },
      })
      const answers = await Promise.all(['/', '/favicon.svg'].map(url => app.inject(url)))
      await app.close()
      const policies = answers.map(({ headers }) => String(headers['content-security-policy']))
      return policies.map(each => /connect-src [^;]*/.exec(each)?.[0])
    }
    expect(await connecting({})).toEqual(["connect-src 'self'", "connect-src 'self'"])
    const own = "connect-src 'self' https://id.example:8443"
    expect(await connecting({ clientId: 'pages' })).toEqual([own, own])
  })

  test.each<[string, number]>([
    ['*/*', 200],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 200],
    ['text/*', 200],
    ['application/json', 404],
    ['text/event-stream', 404],
    ['*/*;q=0', 404],
  ])('for whoever accepts %s: %i', async (accept, status) => {
    expect((await open.get('/tasks/1', { accept })).status).toBe(status)
  })

  test('is told of by HEAD, and takes no other method', async () => {
    const head = await open.get('/tasks', {}, 'HEAD')
    const { body, headers } = await open.get('/tasks')
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([
      200,
      0,
      `${body.length}`,
    ])
    expect(headers['content-length']).toBe(`${body.length}`)
    for (const target of ['/', '/tasks', scriptPath])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const refused = await open.get(target, {}, method)
        expect([refused.status, refused.headers['allow']], `${method} ${target}`).toEqual([405, 'GET, HEAD'])
        expect(codeOf(refused)).toBe('METHOD_NOT_ALLOWED')
      }
  })
})

describe('the API beside the pages', () => {
  test.each([
    '/v1/nothing',
    '/v1',
    '/v1/',
    '/V1/TASKS',
    '/%761/nothing',
    '/v1%2Ftasks',
    '//v1/tasks',
    '/x/../v1/tasks',
    '/healthz/x',
    '/metrics/',
  ])('%s is no page, and asks for the token as before', async target => {
    const reply = await open.get(target)
    expect([reply.status, codeOf(reply)]).toEqual([404, 'ROUTE_NOT_FOUND'])
    const refused = await closed.get(target)
    expect([refused.status, codeOf(refused)]).toEqual([401, 'UNAUTHENTICATED'])
  })

  test('keeps its own headers', async () => {
    const { headers } = await open.get('/v1/tasks')
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    })
  })

  test('a page that asks what it needs is told in JSON that it needs a token', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const reply = await closed.get('/v1/capabilities', headers)
      expect(reply.status).toBe(401)
      expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(JSON.parse(reply.body.toString())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
    }
    const known = await closed.get('/v1/capabilities', { authorization: `Bearer ${token}` })
    expect(JSON.parse(known.body.toString())).toMatchObject({ authentication: 'bearer' })
    const free = await open.get('/v1/capabilities')
    expect(JSON.parse(free.body.toString())).toMatchObject({ authentication: 'none' })
  })
})

describe('a file', () => {
  test('of assets may be kept for ever', async () => {
    const reply = await open.get(scriptPath)
    expect(reply).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        vary: 'accept-encoding',
      },
    })
    expect(reply.body.toString()).toBe(script)
    expect((await closed.get(scriptPath)).status).toBe(200)
  })

  test('beside index.html is asked for again, by its entity tag', async () => {
    const first = await open.get('/favicon.svg')
    expect(first.headers).toMatchObject({ 'content-type': 'image/svg+xml', 'cache-control': 'no-cache' })
    expect(first.headers['vary']).toBeUndefined()
    const tag = first.headers['etag'] ?? ''
    for (const names of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await open.get('/favicon.svg', { 'if-none-match': names })
      expect([again.status, again.body.length, again.headers['etag']], names).toEqual([304, 0, tag])
    }
    expect((await open.get('/favicon.svg', { 'if-none-match': '"other"' })).status).toBe(200)
  })

  test.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP;q=1.0, br;q=0.5', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['*', 'br'],
    ['*;q=0.3, br;q=0', 'gzip'],
    ['identity, br;q=0.5', undefined],
    ['br;q=2', undefined],
    ['br;q=', undefined],
    ['gzip;q=0, br;q=0, identity;q=0', undefined],
    [',;,;q=1', undefined],
  ])('for Accept-Encoding %j comes as %j', async (accepted, encoding) => {
    const reply = await open.get(scriptPath, accepted === undefined ? {} : { 'accept-encoding': accepted })
    expect([reply.status, reply.headers['content-encoding']]).toEqual([200, encoding])
    expect(reply.headers).toMatchObject({
      vary: 'accept-encoding',
      'content-length': `${reply.body.length}`,
      'content-type': 'text/javascript; charset=utf-8',
    })
    if (encoding === undefined) expect(reply.body.toString()).toBe(script)
    else expect(reply.body.length).toBeLessThan(script.length)
    if (encoding === 'gzip') expect(gunzipSync(reply.body).toString()).toBe(script)
  })

  test('has another entity tag in another encoding', async () => {
    const tags = await Promise.all(
      ['identity', 'gzip', 'br'].map(
        async accepted => (await open.get(scriptPath, { 'accept-encoding': accepted })).headers['etag'] ?? '',
      ),
    )
    expect(new Set(tags).size).toBe(3)
    const [plain = '', gzip = ''] = tags
    const ask = (accepted: string, names: string) =>
      open.get(scriptPath, { 'accept-encoding': accepted, 'if-none-match': names })
    expect(await ask('gzip', gzip)).toMatchObject({ status: 304, headers: { vary: 'accept-encoding' } })
    expect((await ask('gzip', plain)).status).toBe(200)
  })

  test('comes whole, whatever range is asked for', async () => {
    for (const range of ['bytes=0-9', 'bytes=-5', 'bytes=9999999-', 'bytes=0-1,3-4', 'lines=1']) {
      const reply = await open.get(scriptPath, { range })
      expect([reply.status, reply.body.length, reply.headers['content-range']], range).toEqual([
        200,
        script.length,
        undefined,
      ])
    }
  })

  test('is told of by HEAD, in the encoding that is asked for', async () => {
    const head = await open.get(scriptPath, { 'accept-encoding': 'br' }, 'HEAD')
    const got = await open.get(scriptPath, { 'accept-encoding': 'br' })
    expect(head).toMatchObject({ status: 200, headers: { 'content-encoding': 'br' } })
    expect([head.body.length, head.headers['content-length']]).toEqual([0, `${got.body.length}`])
  })

  test('two hundred at once come whole', async () => {
    const encoded = (at: number) => ({ 'accept-encoding': at % 2 === 0 ? 'gzip' : 'identity' })
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, at) => open.get(at % 5 === 0 ? '/tasks' : scriptPath, encoded(at))),
    )
    replies.forEach((reply, at) => {
      expect(reply.status).toBe(200)
      if (at % 5 !== 0) expect((at % 2 === 0 ? gunzipSync(reply.body) : reply.body).toString()).toBe(script)
    })
  })
})

describe('what is not there', () => {
  test.each([
    '/assets/index-00000000.js',
    '/assets/',
    '/assets/deep/er.js',
    '/robots.txt',
    '/favicon.ico',
    '/index.html.gz',
    `${scriptPath}.br`,
    `${scriptPath}.gz`,
    '/.vite/manifest.json',
    '/.env',
    '/.git/config',
    '/link.json',
    '/assets/up/package.json',
    '/package.json',
    '/../package.json',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%252f..%252fpackage.json',
    '/assets/..%5c..%5cpackage.json',
    '/assets\\..\\..\\package.json',
    '/..%5cpackage.json',
    '/%2e%2e%2fpackage.json',
    '/..;/package.json',
    '/assets/..%c0%af..%c0%afpackage.json',
    `/assets/index-4f2a9c1b.js%00.css`,
    '/assets/%00',
    '/%00',
    '/tasks%0d%0aset-cookie:%20a=b',
    '/%',
    '/%e0%a4%a',
    '//etc/passwd',
    '/assets//index-4f2a9c1b.js',
    '/ASSETS/../index.html',
    `/assets/${'a/'.repeat(3_000)}x.js`,
    `/assets/${'%2e%2e%2f'.repeat(1_000)}package.json`,
  ])('%s answers a problem', async target => {
    const reply = await open.get(target)
    expect(reply.status).toBeOneOf([400, 404])
    expect(codeOf(reply)).toBeOneOf(['ROUTE_NOT_FOUND', 'REQUEST_INVALID'])
    expect(reply.headers['content-security-policy'] ?? "default-src 'none'").toMatch(/^default-src 'none'/)
    expect(reply.body.toString()).not.toMatch(/canary|__CSP_NONCE__/)
    expect(reply.headers['set-cookie']).toBeUndefined()
  })

  test('a file whose name merely looks compressed is a file', async () => {
    const reply = await open.get('/assets/data-11112222.gz')
    expect([reply.status, reply.headers['content-encoding']]).toEqual([200, undefined])
  })

  test('a long address is a page like any other, up to what a request may hold', async () => {
    expect((await open.get(`/novels/${'x'.repeat(8_000)}`)).status).toBe(200)
    expect((await open.get(`/novels/${'x'.repeat(20_000)}`)).status).toBe(431)
  })
})

describe('who may see the pages', () => {
  test.each(['evil.example', '127.0.0.1.evil.example'])('not whoever names the host %s', async host => {
    for (const target of ['/', '/tasks', scriptPath])
      expect((await open.get(target, { host })).status, target).toBe(403)
  })

  test('a page of another site may link to them, and load nothing of them', async () => {
    const foreign = { 'sec-fetch-site': 'cross-site' }
    for (const target of ['/tasks/1', scriptPath]) {
      expect((await open.get(target, { ...foreign, 'sec-fetch-mode': 'no-cors' })).status).toBe(403)
      expect((await open.get(target, { ...foreign, 'sec-fetch-mode': 'navigate' })).status).toBe(200)
    }
  })
})

describe('pages that were not built', () => {
  test('are told of where they would be, and the API works', async () => {
    for (const config of [{}, { token }]) {
      await using none = await site(path.join(folder, 'nowhere'), config)
      for (const target of ['/', '/tasks/1']) {
        const reply = await none.get(target)
        expect([reply.status, codeOf(reply)]).toEqual([404, 'ROUTE_NOT_FOUND'])
        expect(reply.body.toString()).toContain('npm run build')
      }
      expect((await none.get('/healthz')).status).toBe(200)
    }
  })

  test('an index.html is what they begin with', async () => {
    const partial = path.join(folder, 'partial')
    mkdirSync(path.join(partial, 'assets'), { recursive: true })
    writeFileSync(path.join(partial, 'assets', 'x.js'), '')
    await using none = await site(new URL(`file://${partial}/`))
    expect((await none.get('/')).body.toString()).toContain('npm run build')
    expect((await none.get('/assets/x.js')).status).toBe(404)
  })

  test('an app without the option has the API alone', async () => {
    await using none = await site(undefined)
    const reply = await none.get('/')
    expect([reply.status, codeOf(reply)]).toEqual([404, 'ROUTE_NOT_FOUND'])
    expect(reply.body.toString()).not.toContain('npm run build')
  })

  test('a folder that cannot be the pages is refused', () => {
    const heap = path.join(folder, 'heap')
    mkdirSync(heap)
    for (let at = 0; at <= 2_000; at++) writeFileSync(path.join(heap, `${at}`), '')
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID' })
    expect(() => createApp({ engine: open.engine, pages: heap })).toThrow(refused)
  })
})
