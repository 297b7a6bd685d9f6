import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../models/server.ts'
import {
  call,
  type Ended,
  lastError,
  lastJson,
  requireBuilt,
  serve,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000
const key = 'sk-s3cret-0123456789'
const secret = { QUILLWORK_SECRET: 'a-long-random-secret' }

let folder: ReturnType<typeof temporaryFolder>
let data: string
let models: ModelServer
beforeAll(requireBuilt, patience)
beforeEach(async () => {
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  models = await startModelServer({ keys: [key] })
})
afterEach(async () => {
  await models.close()
  folder[Symbol.dispose]()
})

function configure(configured: object): void {
  mkdirSync(data, { recursive: true })
  writeFileSync(path.join(data, 'quillwork.json'), JSON.stringify({ models: configured }))
}

const writer = () => ({
  provider: 'openai-compatible',
  baseUrl: models.url,
  model: 'scripted',
  privateNetwork: true,
  key: 'env:QUILLWORK_KEY_WRITER',
  price: { input: 1_000, output: 2_000, currency: 'EUR' },
  limits: { requestsPerMinute: 60, concurrency: 4 },
})

/** Runs a command on the data directory. Whatever it prints, no key is in it. */
async function on(args: readonly string[], options: Parameters<typeof call>[1] = {}): Promise<Ended> {
  const ended = await call([...args, '--data', data], options)
  expect(ended.stdout + ended.stderr).not.toContain('s3cret')
  return ended
}

interface Trial {
  id: string
  ok: boolean
  ms: number
  outputTokens?: number
  cost?: number
  currency?: string
  error?: { code: string; message: string }
}
const trials = (ended: Ended) => lastJson<{ items: Trial[] }>(ended).items

describe('quillwork models', { timeout: patience }, () => {
  test('list shows each with uses, limits, price and whether its key is there', async () => {
    configure({
      writer: writer(),
      vectors: { ...writer(), uses: ['embedding'], dimensions: 64, key: 'stored:main' },
    })
    const { code, stdout } = await on(['models', 'list'], { env: { QUILLWORK_KEY_WRITER: key } })
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^ID +PROVIDER +MODEL +USES +LIMITS +PRICE +KEY$/)
    expect(lines[1]).toMatch(/^extractive +built-in +extractive +summary +none +not set +none$/)
    expect(lines[2]).toMatch(
      /^writer +openai-compatible +scripted +prose\*, summary\* +60 calls\/min, 4 at once +1000 \/ 2000 EUR +env:QUILLWORK_KEY_WRITER present$/,
    )
    expect(lines[3]).toMatch(/^vectors +.* embedding\* .* stored:main MISSING$/)
    expect(stdout).toMatch(/The model "vectors" cannot be used: .*quillwork models key set main/)
    const { items } = lastJson<{ items: Record<string, unknown>[] }>(await on(['models', 'list', '--json']))
    expect(items[1]).toMatchObject({ id: 'writer', key: 'env:QUILLWORK_KEY_WRITER', keyFound: false })
    expect(JSON.stringify(items)).not.toContain('http://')
  })

  test('list without any says what that means', async () => {
    const { code, stdout } = await on(['models', 'list'])
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/extractive .* summary\* [\s\S]*No model is configured/),
    ])
  })

  test('test asks each for one word, and tells time, tokens and cost', async () => {
    configure({ writer: writer() })
    const ended = await on(['models', 'test'], { env: { QUILLWORK_KEY_WRITER: key } })
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(/^ok {5}writer {2}answered in \d+ ms, \d+ tokens in, \d+ out, [\d.]+ EUR\n$/)
    const [trial] = trials(
      await on(['models', 'test', 'writer', '--json'], { env: { QUILLWORK_KEY_WRITER: key } }),
    )
    expect(trial).toEqual({
      id: 'writer',
      ok: true,
      ms: expect.any(Number),
      says: expect.any(String),
      inputTokens: expect.any(Number),
      outputTokens: expect.any(Number),
      cost: expect.any(Number),
      currency: 'EUR',
    })
    expect(models.ledger.calls).toHaveLength(2)
  })

  test('test asks a model that makes vectors for both kinds, and finds a name that only queries have', async () => {
    const vectors = { ...writer(), uses: ['embedding'], dimensions: 64, query: { model: 'queries' } }
    configure({ vectors })
    const asked = () => on(['models', 'test', '--json'], { env: { QUILLWORK_KEY_WRITER: key } })
    expect(trials(await asked())).toMatchObject([{ id: 'vectors', ok: true, outputTokens: 0 }])
    expect(models.ledger.calls.map(({ model }) => model)).toEqual(['scripted', 'queries'])
    models.script.add({ model: 'queries', answer: { is: 'unknown-model' } })
    expect(trials(await asked())).toMatchObject([{ ok: false, error: { code: 'MODEL_UNKNOWN' } }])
  })

  test('test tells what is wrong, by its code and with what to do; the others are asked all the same', async () => {
    configure({
      rejected: writer(),
      unset: { ...writer(), key: 'env:QUILLWORK_KEY_UNSET' },
      away: { ...writer(), baseUrl: 'http://127.0.0.1:9/v1', limits: undefined },
      fine: { ...writer(), key: 'env:QUILLWORK_KEY_RIGHT', limits: undefined },
    })
    const env = { QUILLWORK_KEY_WRITER: `${key}-wrong`, QUILLWORK_KEY_RIGHT: key }
    const ended = await on(['models', 'test', '--json'], { env })
    expect(ended.code).toBe(1)
    expect(trials(ended).map(({ id, error }) => [id, error?.code])).toEqual([
      ['rejected', 'MODEL_KEY_REJECTED'],
      ['unset', 'PROVIDER_NOT_CONFIGURED'],
      ['away', 'MODEL_UNAVAILABLE'],
      ['fine', undefined],
    ])
    const plain = await on(['models', 'test', 'unset'], { env })
    expect(plain.stdout).toMatch(
      /^wrong {2}unset {2}PROVIDER_NOT_CONFIGURED: .*QUILLWORK_KEY_UNSET is not set/,
    )
    const nobody = await on(['models', 'test', 'gpt', '--json'], { env })
    expect([nobody.code, lastError(nobody)]).toEqual([
      2,
      expect.objectContaining({
        code: 'USAGE_INVALID',
        message: expect.stringContaining('rejected, unset, away, fine'),
      }),
    ])
  })
})

describe('quillwork models key', { timeout: patience }, () => {
  test('set keeps a key that models then have; list and remove know it by name', async () => {
    configure({ writer: { ...writer(), key: 'stored:main' } })
    const set = await on(['models', 'key', 'set', 'main'], { env: secret, input: `${key}\n` })
    expect([set.code, set.stdout]).toEqual([0, expect.stringContaining('"stored:main"')])
    expect(set.stdout).toContain(`Stored for ${new URL(models.url).origin}.`)
    const file = path.join(data, 'keys.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('s3cret')

    expect((await on(['models', 'test', 'writer'], { env: secret })).code).toBe(0)
    expect(models.ledger.calls.map(call => call.key)).toEqual([key])
    expect((await on(['models', 'key', 'list'])).stdout).toMatch(
      /^NAME +STORED +FOR +MODELS\nmain +\S+ ago +http:\/\/127\.0\.0\.1:\d+ +writer\n$/,
    )

    const wrong = await on(['models', 'test', 'writer'], { env: { QUILLWORK_SECRET: 'another-long-secret' } })
    expect([wrong.code, wrong.stdout]).toEqual([
      1,
      expect.stringContaining('QUILLWORK_SECRET does not decrypt'),
    ])

    expect((await on(['models', 'key', 'remove', 'main'])).stdout).toMatch(
      /^Removed\. Without it, 1 model .* cannot be used/,
    )
    expect((await on(['models', 'key', 'remove', 'main'])).code).toBe(1)
    expect((await on(['models', 'key', 'list'])).stdout).toBe('No key is stored.\n')
  })

  test('a stored key goes to no other address: a model that moves there needs it again', async () => {
    configure({ writer: { ...writer(), key: 'stored:main' } })
    await on(['models', 'key', 'set', 'main'], { env: secret, input: key })
    await using other = await startModelServer({ keys: [key] })
    configure({ writer: { ...writer(), baseUrl: other.url, key: 'stored:main' } })
    const moved = await on(['models', 'test', 'writer'], { env: secret })
    expect([moved.code, moved.stdout]).toEqual([
      1,
      expect.stringMatching(/was stored for http.* and not for http/),
    ])
    expect(other.ledger.calls).toEqual([])
    await on(['models', 'key', 'set', 'main'], { env: secret, input: key })
    expect((await on(['models', 'test', 'writer'], { env: secret })).code).toBe(0)
    expect(other.ledger.calls.map(call => call.key)).toEqual([key])
  })

  test('set takes addresses where no model has the key yet, and says where it is to go', async () => {
    const nowhere = await on(['models', 'key', 'set', 'main', '--json'], { env: secret, input: key })
    expect([nowhere.code, lastError(nowhere).message]).toEqual([
      2,
      expect.stringMatching(/Say it, such as --for https:/),
    ])
    const wrong = ['models', 'key', 'set', 'main', '--json', '--for', 'api.example']
    expect(lastError(await on(wrong, { env: secret, input: key })).message).toMatch(/--for takes addresses/)
    const set = ['models', 'key', 'set', 'main', '--json', '--for', `${models.url}, https://api.example/v1`]
    expect(lastJson(await on(set, { env: secret, input: key }))).toEqual({
      name: 'main',
      source: 'stored:main',
      origins: [new URL(models.url).origin, 'https://api.example'],
    })
    configure({ writer: { ...writer(), key: 'stored:main' } })
    expect((await on(['models', 'test', 'writer'], { env: secret })).code).toBe(0)
  })

  test.each([
    ['without a secret', { env: {}, input: key }, 'CONFIG_INVALID', /QUILLWORK_SECRET is not set/],
    ['with nothing piped in', { env: secret, input: '' }, 'USAGE_INVALID', /no key on standard input/],
    ['with more than a key', { env: secret, input: `${key} ${key}` }, 'USAGE_INVALID', /the key alone/],
  ])('set %s is refused', async (_how, options, code, message) => {
    const ended = await on(['models', 'key', 'set', 'main', '--json', '--for', models.url], options)
    expect([ended.code, lastError(ended)]).toEqual([2, { code, message: expect.stringMatching(message) }])
  })

  test('set does not take the key itself for a name, nor as an argument', async () => {
    const asName = await on(['models', 'key', 'set', key, '--json'], { env: secret, input: key })
    expect([asName.code, lastError(asName).message]).toEqual([
      2,
      expect.stringMatching(/not a name for a key/),
    ])
    const asArgument = await on(['models', 'key', 'set', 'main', key], { env: secret, input: key })
    expect(asArgument.code).toBe(2)
  })
})

describe('a server whose model has no key', { timeout: patience }, () => {
  test('starts, says so in the API and to the doctor, and shows no key of the others', async () => {
    configure({
      unset: { ...writer(), key: 'env:QUILLWORK_KEY_UNSET' },
      fine: { ...writer(), limits: undefined },
    })
    await using server = await serve(data, [], { QUILLWORK_KEY_WRITER: key })
    await server.says(/The model \\?"unset\\?" cannot be used/)
    const answer = await (await fetch(`${server.url}/v1/capabilities`)).text()
    expect(answer).toContain('the variable QUILLWORK_KEY_UNSET is not set')
    expect(answer).not.toContain('s3cret')
    const { code, stdout } = await on(['doctor', '--call-models'], { env: { QUILLWORK_KEY_WRITER: key } })
    expect(code).toBe(1)
    expect(stdout).toMatch(/wrong {2}models +The model "unset" cannot be used/)
    expect(stdout).toMatch(/ok {5}models +prose, summary: fine/)
    expect(stdout).toMatch(/ok {5}model calls +fine: answered in/)
    expect(stdout).toMatch(/^ +models +unset \(openai-compatible scripted\), fine/m)
    expect(models.ledger.calls).toHaveLength(1)
  })

  test('doctor looks at models and keys before the first start too, and calls nobody', async () => {
    configure({ unset: { ...writer(), key: 'stored:main' }, fine: { ...writer(), limits: undefined } })
    await on(['models', 'key', 'set', 'other', '--for', models.url], { env: secret, input: key })
    chmodSync(path.join(data, 'keys.json'), 0o644)
    const ended = await on(['doctor', '--json'], { env: { ...secret, QUILLWORK_KEY_WRITER: key } })
    const report = lastJson<{ ok: boolean; findings: { check: string; state: string; detail: string }[] }>(
      ended,
    )
    expect(report.ok).toBe(false)
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        check: 'models',
        state: 'wrong',
        detail: expect.stringContaining('none is stored as main'),
      }),
    )
    expect(statSync(path.join(data, 'keys.json')).mode & 0o777).toBe(0o600)
    expect(models.ledger.calls).toEqual([])
  })
})

test('models that are kept are set up, tried, preferred and removed while the server runs; no key is printed', {
  timeout: patience,
}, async () => {
  await using _server = await serve(data)
  const short = `scripted@${models.url}`
  expect((await on(['models', 'kept', 'set', 'house', short, '--key'], { input: `${key}\n` })).code).toBe(0)
  expect(await on(['models', 'kept', 'test', 'house'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('answered in'),
  })
  const json = JSON.stringify({
    provider: 'openai-compatible',
    model: 'other',
    baseUrl: models.url,
    privateNetwork: true,
  })
  await on(['models', 'kept', 'set', 'bare', json])
  expect(await on(['models', 'kept', 'test', 'bare'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('MODEL_KEY_REJECTED'),
  })
  const preferred = await on(['models', 'kept', 'prefer', 'bare', '--json'])
  expect(lastJson<{ items: { id: string }[] }>(preferred).items.map(({ id }) => id)).toEqual([
    'bare',
    'house',
  ])
  const listed = await on(['models', 'kept', 'list'])
  expect(listed.stdout).toMatch(/^house +openai-compatible +scripted +\S+ +…6789$/m)
  expect((await on(['models', 'kept', 'set', 'house', 'no such thing'])).code).toBe(2)
  expect((await on(['models', 'kept', 'remove', 'house'])).stdout).not.toContain('house')
})
