import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { type RunningServer, startServer } from '../../src/server/server.ts'
import { isSigned, type Received, type Receiver, startReceiver } from './receiver.ts'

/** Returns how a delivery differs from what the `webhooks` of the OpenAPI document say of it. */
function unlike(document: AnySchemaObject, event: string, sent: Received | undefined): unknown[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'https://quillwork.example/api', components: document['components'] })
  const { parameters, requestBody, responses } = document['webhooks'][event].post
  expect(Object.keys(responses)).toEqual(['410', '429', '2XX', '3XX', '4XX', '5XX'])
  const check = (schema: object, value: unknown) => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"https://quillwork.example/api#/')
    return ajv.validate(JSON.parse(text), value) ? [] : (ajv.errors ?? [])
  }
  const ofHeaders = parameters.flatMap(({ name, schema }: { name: string; schema: object }) =>
    check(schema, sent?.headers[name]),
  )
  return [
    ...ofHeaders,
    ...check(requestBody.content['application/cloudevents+json'].schema, JSON.parse(sent?.body ?? '')),
  ]
}

describe('webhooks over HTTP', () => {
  let data: string
  let server: RunningServer
  let receiver: Receiver
  const logged: string[] = []

  beforeAll(async () => {
    data = mkdtempSync(path.join(tmpdir(), 'quillwork-http-webhooks-'))
    receiver = await startReceiver()
    const flags = { data, port: '0', noToken: 'true' }
    const { config } = resolveConfig({ flags, env: { QUILLWORK_WEBHOOK_HOSTS: '127.0.0.1' } })
    const logTo = { write: (line: string) => void logged.push(line) }
    server = await startServer({ config, works: true, command: 'test', logTo })
  })
  afterAll(async () => {
    await server.stop({ grace: 0 })
    await receiver[Symbol.asyncDispose]()
    rmSync(data, { recursive: true })
  })

  async function ask(method: string, address: string, json?: unknown) {
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    const headers: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(server.url + address, { method, headers, ...body })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: text && JSON.parse(text) }
  }

  test('are added, changed, rotated, tested, told of ends, and removed', async () => {
    const {
      status,
      headers,
      body: made,
    } = await ask('POST', '/v1/webhooks', {
      url: receiver.url,
      description: 'Billing',
      taskType: 'Vectorize',
    })
    expect(status).toBe(201)
    const { secret, ...webhook } = made
    expect(secret).toMatch(/^whsec_/)
    const address = `/v1/webhooks/${made.id}`
    expect(headers.get('location')).toBe(address)
    expect((await ask('GET', address)).body).toEqual(webhook)
    expect((await ask('GET', '/v1/webhooks')).body).toEqual({ items: [webhook] })

    // At rest it is encrypted.
    for (const file of ['quillwork.db', 'quillwork.db-wal'])
      expect(readFileSync(path.join(data, file)).includes(secret)).toBe(false)

    const { status: accepted, body: tested } = await ask('POST', `${address}:test`)
    expect(accepted).toBe(202)
    await expect.poll(() => receiver.received.length).toBe(1)
    expect(isSigned(receiver.received[0] ?? { headers: {}, body: '' }, secret)).toBe(true)
    await expect
      .poll(async () => (await ask('GET', `/v1/tasks/${tested.taskId}`)).body.status)
      .toBe('COMPLETED')

    const { body: rotated } = await ask('POST', `${address}:rotate`)
    expect(rotated).toMatchObject({ id: made.id, secret: expect.stringMatching(/^whsec_/) })
    expect(rotated.secret).not.toBe(secret)

    const parameters = { novelId: 'nowhere' }
    const { body: task } = await ask('POST', '/v1/tasks', { taskType: 'Vectorize', parameters })
    await expect.poll(() => receiver.received.length).toBe(2)
    const [, told = { headers: {}, body: '' }] = receiver.received
    expect(JSON.parse(told.body)).toMatchObject({
      subject: task.id,
      data: { errorInfo: { code: 'NOVEL_NOT_FOUND' } },
    })
    expect([isSigned(told, secret), isSigned(told, rotated.secret)]).toEqual([true, true])
    const { body: document } = await ask('GET', '/v1/openapi.json')
    for (const [sent, named] of [
      [receiver.received[0], 'webhook.test'],
      [told, 'task.failed'],
    ] as const)
      expect(unlike(document, named, sent)).toEqual([])
    const altered = { ...told, body: told.body.replace('"1.0"', '"2.0"') }
    expect(unlike(document, 'task.failed', altered)).not.toEqual([])
    const deliveries = await ask('GET', `/v1/tasks?tag=webhook:${made.id}`)
    expect(deliveries.body.items).toHaveLength(2)

    const change = { description: null, taskType: null, events: ['task.failed'], isDisabled: true }
    expect((await ask('PATCH', address, change)).body).toEqual({
      ...{ id: made.id, url: receiver.url, events: ['task.failed'], createdAt: made.createdAt },
      ...{ lastDeliveryAt: expect.any(String), lastStatus: 204, secrets: expect.any(Array) },
      ...{ disabledAt: expect.any(String), disabledBecause: 'person' },
    })
    expect((await ask('DELETE', address)).status).toBe(204)
    for (const [method, gone] of [
      ['GET', address],
      ['DELETE', address],
      ['POST', `${address}:test`],
      ['POST', `${address}:rotate`],
    ] as const)
      expect((await ask(method, gone)).body.code).toBe('WEBHOOK_NOT_FOUND')
    const all = [deliveries.text, ...logged].join('\n')
    for (const each of [secret, rotated.secret]) expect(all).not.toContain(each)
  })

  test.each([
    [{ url: 'https://169.254.169.254/' }, 403, 'WEBHOOK_ADDRESS_FORBIDDEN'],
    [{ url: 'http://hooks.example/' }, 403, 'WEBHOOK_ADDRESS_FORBIDDEN'],
    [{ url: 'no address' }, 403, 'WEBHOOK_ADDRESS_FORBIDDEN'],
    [{}, 400, 'REQUEST_INVALID'],
    [{ url: 'https://hooks.example/', events: [] }, 400, 'REQUEST_INVALID'],
    [{ url: 'https://hooks.example/', events: ['task.progress'] }, 400, 'REQUEST_INVALID'],
    [{ url: 'https://hooks.example/', secret: 'whsec_own' }, 400, 'REQUEST_INVALID'],
  ])('%j is refused', async (json, status, code) => {
    expect(await ask('POST', '/v1/webhooks', json)).toMatchObject({ status, body: { code } })
  })

  /** Runs `quillwork webhooks ARGS` in this process. */
  async function run(...args: string[]) {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const place = ['--data', path.join(data, 'cli'), '--url', server.url ?? '']
    const code = await main(['webhooks', ...args, ...place], { stdin, stdout, stderr })
    return { code, out: String(stdout.read() ?? ''), said: String(stderr.read() ?? '') }
  }

  test('are added, listed, tested, disabled and removed by command', async () => {
    expect((await run('list')).out).toContain('There is no webhook.')
    const added = await run(
      'add',
      receiver.url,
      '--event',
      'task.failed',
      '--event',
      'task.cancelled',
      '--lane',
      'batch',
    )
    const [, id = '', secret = ''] = /The webhook (\S+) is added[\s\S]*(whsec_\S+)/.exec(added.out) ?? []
    const before = receiver.received.length
    expect((await run('test', id)).out).toMatch(/: \S.* tasks show [0-9a-f-]{36} /)
    await expect.poll(() => receiver.received.length).toBe(before + 1)
    expect(isSigned(receiver.received.at(-1) ?? { headers: {}, body: '' }, secret)).toBe(true)
    await expect.poll(async () => (await run('list')).out).toContain('HTTP 204 at ')
    const { out } = await run('list')
    expect(out).toContain('task.failed, task.cancelled, lane batch')
    expect(out).not.toContain('whsec_')
    const { secret: rotated } = JSON.parse((await run('rotate', id, '--json')).out)
    expect(rotated).toMatch(/^whsec_/)
    expect((await run('disable', id)).out).toBe('disabled\n')
    expect((await run('enable', id)).out).toBe('enabled\n')
    expect((await run('remove', id)).out).toBe('The webhook is removed.\n')
    const { code, said } = await run('test', id)
    expect([code, said]).toEqual([expect.any(Number), expect.stringContaining('WEBHOOK_NOT_FOUND')])
    expect((await run('add', 'https://10.0.0.1/')).said).toContain('WEBHOOK_ADDRESS_FORBIDDEN')
  })

  test('are at most 50', async () => {
    const url = 'https://hooks.example/'
    const made = await Promise.all(Array.from({ length: 49 }, () => ask('POST', '/v1/webhooks', { url })))
    await ask('POST', '/v1/webhooks', { url })
    expect((await ask('POST', '/v1/webhooks', { url })).body.code).toBe('WEBHOOKS_FULL')
    expect(made.every(({ status }) => status === 201)).toBe(true)
  })
})
