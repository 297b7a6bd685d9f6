import { request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sizeOf } from '../size.ts'
import { hostile } from '../task/hostile.ts'
import { type Api, expectProblem, serve } from './api.ts'

let api: Api
beforeAll(async () => {
  api = await serve({ bodyLimit: 100_000 })
})
afterAll(() => api[Symbol.asyncDispose]())

const submit = (raw: string, headers?: Record<string, string>) =>
  api.ask('/v1/tasks', { method: 'POST', raw, ...(headers === undefined ? {} : { headers }) })
const nested = (depth: number) =>
  `{"taskType":"Scripted","parameters":${'['.repeat(depth)}${']'.repeat(depth)}}`

describe('queries', () => {
  test.each([
    'status[$ne]=FAILED',
    'status[]=FAILED',
    'status=$ne',
    'userId[$gt]=',
    'userId=a&userId=b',
    'lane={"$where":"1"}&lane=x',
    'sort=-createdAt',
    '__proto__=1',
    'constructor[prototype][x]=1',
    'createdAfter=yesterday',
    'rootsOnly=perhaps',
    'parentTaskId=../../etc',
    'userId=%00',
    'pageToken=%7B%22%24gt%22%3A%22%22%7D',
  ])('%s is refused as a problem', async query => {
    const answer = await api.ask(`/v1/tasks?${query}`)
    expect(answer.status).toBe(400)
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('a page token that is made up never reaches the store', async () => {
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { body } = await api.ask<{ items: object[] }>('/v1/tasks?pageSize=1')
    expect(body.items.length).toBeLessThanOrEqual(1)
    const { createHash } = await import('node:crypto')
    const digest = createHash('sha256').update('{}').digest('base64url').slice(0, 12)
    for (const key of [{}, [], null, true, { $gt: '' }, "1' OR 1=1 --"]) {
      const answer = await api.ask(`/v1/tasks?pageToken=${made([digest, key])}`)
      expect(answer.status, JSON.stringify(key)).toBeLessThan(500)
    }
  })

  test('any query and any id is answered as declared, never with 500', async () => {
    const ids = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '%00', '$where', "' OR 1=1 --", '__proto__'),
    )
    const names = fc.constantFrom(
      'status',
      'taskType',
      'userId',
      'lane',
      'tag',
      'pageSize',
      'pageToken',
      'createdAfter',
      '$where',
      '__proto__',
    )
    const listings = fc.constantFrom('/v1/tasks', '/v1/dead-letters', '/v1/dead-letters/groups')
    const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString())
    await fc.assert(
      fc.asyncProperty(
        listings,
        names,
        fc.string({ unit: 'binary' }),
        ids,
        async (listing, name, value, id) => {
          expect((await api.ask(`${listing}?${name}=${encoded(value)}`)).status).toBeOneOf([200, 400])
          expect((await api.ask(`/v1/tasks/${encoded(id)}`)).status).toBeOneOf([200, 400, 404])
        },
      ),
      { numRuns: sizeOf(50, 150) },
    )
  }, 90_000)
})

describe('bodies', () => {
  test.each([
    ['{"taskType":"Scripted","__proto__":{"polluted":1}}', 400],
    ['{"taskType":"Scripted","parameters":{"orders":[],"__proto__":{"polluted":1}}}', 400],
    ['{"taskType":"Scripted","parameters":{"orders":[],"constructor":{"prototype":{"polluted":1}}}}', 400],
    ['{"taskType":{"$gt":""}}', 400],
    ['{"taskType":"Scripted","userId":{"$ne":1}}', 400],
    ['{"taskType":"Scripted","parameters":{"orders":[]},"tags":["\\ud800"]}', 400],
    ['{"taskType":"Scripted","parameters":{"orders":[]},"userId":"a\\u0000b"}', 400],
    [`{"taskType":"Scripted","parameters":{"orders":[]},"tags":["${'x'.repeat(101)}"]}`, 400],
    [`{"taskType":"Scripted","parameters":{"orders":[]},"tags":["${'x'.repeat(90_000)}"]}`, 400],
    [`{"taskType":"Scripted","parameters":{${Array.from({ length: 9_000 }, (_, i) => `"k${i}":0`)}}}`, 400],
    [`{"taskType":"Scripted",${Array.from({ length: 9_000 }, (_, i) => `"k${i}":0`)}}`, 400],
    ['{"taskType":"Scripted","parameters":{"orders":[{"do":"succeed","value":1e400}]}}', 400],
    ['{"taskType":"Scripted","parameters":{"orders":[{"do":"succeed","value":9007199254740993}]}}', 400],
    ['not json', 400],
    ['{"taskType":"Scripted"', 400],
    ['\u0000', 400],
    ['null', 400],
    ['"text"', 400],
    ['3', 400],
  ])('%s answers %i', async (raw, status) => {
    const answer = await submit(raw)
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('node_modules')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('text of any kind comes back as it went in', async () => {
    const notes = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '<img src=x onerror=alert(1)>',
        '</script>',
        '\u202e\u001b[31m',
        'javascript:alert(1)',
        '{"$gt":""}',
        '\ud800',
        '\0',
      ),
    )
    await fc.assert(
      fc.asyncProperty(notes, async note => {
        const answer = await api.post<{ parameters: { note: string } }>('/v1/tasks', {
          taskType: 'Scripted',
          parameters: { orders: [], note },
        })
        expect(answer.status).toBe(202)
        expect(answer.body.parameters.note).toBe(note)
        expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
        expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      }),
      { numRuns: sizeOf(40, 100) },
    )
  })

  test('keys that are operators elsewhere are data', async () => {
    const value = { $where: '1', $gt: '', 'a.b': { $set: { status: 'FAILED' } }, 'nul\0': 1 }
    const { body } = await api.post<{ id: string }>('/v1/tasks', {
      ...{ taskType: 'Scripted', parameters: { orders: [{ do: 'succeed', value }] } },
    })
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${body.id}`)).body).toMatchObject({
      ...{ status: 'COMPLETED', result: value },
    })
  })

  test('nesting is bounded, long before any stack is', async () => {
    expect(await submit(nested(99))).toMatchObject({ status: 400, body: { code: 'PARAMETERS_INVALID' } })
    for (const depth of [101, 10_000, 45_000])
      expect(await submit(nested(depth))).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect(
      await submit(`{"taskType":"Scripted","parameters":{"note":"${'['.repeat(10_000)}","orders":[]}}`),
    ).toMatchObject({ status: 202 })
  })

  test('a body above the limit is refused, with its length and without', async () => {
    const large = `{"taskType":"Scripted","parameters":{"note":"${'x'.repeat(200_000)}"}}`
    expect(await submit(large)).toMatchObject({ status: 413, body: { code: 'REQUEST_TOO_LARGE' } })
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(`${api.url}/v1/tasks`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json' },
      })
      sent.on('response', response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.on('error', reject)
      for (let at = 0; at < large.length; at += 10_000) sent.write(large.slice(at, at + 10_000))
      sent.end()
    })
    expect(status).toBe(413)
  })

  test('a compressed body is refused before it is read', async () => {
    for (const encoding of ['gzip', 'br', 'deflate'])
      expect(await submit('x', { 'content-encoding': encoding })).toMatchObject({
        status: 415,
        body: { code: 'MEDIA_TYPE_UNSUPPORTED' },
      })
  })

  test('no body at all says what is missing', async () => {
    expect(await api.ask('/v1/tasks', { method: 'POST' })).toMatchObject({ status: 400 })
    expect(await submit('')).toMatchObject({ status: 400 })
  })
})

describe('headers', () => {
  test('what is sent never comes back in a header or as an unescaped line of the log', async () => {
    const answer = await api.ask('/v1/tasks/x%0d%0aset-cookie:%20a=b')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('set-cookie')).toBeNull()
    const traced = await api.ask('/v1/nothing', { headers: { traceparent: '"},{"x":"' } })
    expect(expectProblem(traced).traceId).toMatch(/^[\da-f]{32}$/)
  })

  test('a problem never repeats the query, where a secret may be', async () => {
    const answer = await api.ask('/v1/nothing?token=canary-1234')
    expect(answer.text).not.toContain('canary')
  })

  test('every answer is data that nothing may run, frame or keep', async () => {
    for (const path of ['/v1/tasks', '/v1/nothing', '/healthz', '/metrics', '/v1/openapi.json']) {
      const { headers } = await api.ask(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(headers.get('cache-control')).toMatch(/no-store|no-cache/)
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('what the handler throws stays out of the answer', async () => {
    const broken = await serve()
    broken.engine.engine.tasks.counts = () => Promise.reject(new TypeError('canary at /secret/path'))
    const answer = await broken.ask('/v1/tasks/counts')
    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } })
    expect(answer.text).not.toMatch(/canary|secret/)
    await broken[Symbol.asyncDispose]()
  })

  test('whatever was thrown is a problem', async () => {
    const broken = await serve()
    await fc.assert(
      fc.asyncProperty(hostile, async make => {
        broken.engine.engine.tasks.counts = async () => {
          throw make()
        }
        expect(expectProblem(await broken.ask('/v1/tasks/counts')).status).toBeGreaterThanOrEqual(400)
      }),
      { numRuns: 150 },
    )
    await broken[Symbol.asyncDispose]()
  })
})
