import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limitKeyOf } from '../../src/ai/providers/config.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { storeKey } from '../../src/server/key-file.ts'
import { createModels, findKeys, limitsOf } from '../../src/server/models.ts'
import { startModelServer } from '../models/server.ts'

const key = 'sk-s3cret-0123456789'
const secret = 'a-long-random-secret'
let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'quillwork-models-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function configOf(models: unknown, env: Record<string, string> = {}) {
  return resolveConfig({ env: { QUILLWORK_MODELS: JSON.stringify(models), ...env }, cwd }).config
}

const data = () => path.join(cwd, '.quillwork')
const local = {
  provider: 'openai-compatible',
  model: 'm',
  privateNetwork: true,
  baseUrl: 'http://127.0.0.1:9/v1',
}

describe('the models of a server', () => {
  test('are called at their address with their key', async () => {
    await using server = await startModelServer({ keys: [key, `${key}-stored`], dimensions: 8 })
    storeKey(data(), secret, { name: 'main', key: `${key}-stored`, origins: [new URL(server.url).origin] })
    const at = { ...local, baseUrl: server.url }
    const models = {
      writer: {
        ...at,
        uses: ['prose'],
        key: 'env:QUILLWORK_KEY_WRITER',
        price: { input: 1, output: 2, currency: 'EUR' },
      },
      summarizer: { ...at, uses: ['summary'], key: 'stored:main' },
      vectors: { ...at, uses: ['embedding'], dimensions: 8, key: 'env:QUILLWORK_KEY_WRITER' },
    }
    const catalogue = createModels(configOf(models, { QUILLWORK_KEY_WRITER: key, QUILLWORK_SECRET: secret }))
    const request = { prompt: 'A lantern', maxOutputTokens: 100 }
    const answer = await catalogue.languageModel('prose').write(request)
    expect(answer.text).not.toBe('')
    expect(answer.usage.cost).toBe((answer.usage.inputTokens + 2 * answer.usage.outputTokens) / 1e6)
    const summarizer = catalogue.summarizer()
    if (summarizer.kind === 'generative') await summarizer.model.write(request)
    expect((await catalogue.embeddingModel().embed(['a', 'b'])).vectors).toHaveLength(2)
    expect(server.ledger.calls.map(call => [call.route, call.key])).toEqual([
      ['chat', key],
      ['chat', `${key}-stored`],
      ['embeddings', key],
    ])
  })

  test('without a key are called without one', async () => {
    await using server = await startModelServer()
    const models = createModels(configOf({ local: { ...local, baseUrl: server.url } }))
    await models.languageModel('prose').write({ prompt: 'x', maxOutputTokens: 10 })
    expect(server.ledger.calls.map(call => call.key)).toEqual([''])
  })

  test('whose key is missing are there, and say what to do', () => {
    storeKey(data(), secret, { name: 'main', key, origins: ['http://127.0.0.1:9'] })
    const models = {
      unset: { provider: 'openai', model: 'gpt' },
      blank: { provider: 'openai', model: 'gpt', key: 'env:QUILLWORK_KEY_BLANK' },
      absent: { ...local, key: 'stored:other' },
      moved: { ...local, baseUrl: 'https://evil.example/v1', key: 'stored:main' },
      present: { ...local, key: 'stored:main' },
      free: local,
    }
    const config = configOf(models, { QUILLWORK_KEY_BLANK: `${key} ${key}`, QUILLWORK_SECRET: secret })
    const problems = new Map(
      createModels(config)
        .models()
        .map(({ id, problem }) => [id, problem]),
    )
    const told = (message: RegExp) => expect.stringMatching(message)
    expect(problems.get('unset')).toEqual({
      cause: 'KEY_NOT_SET',
      key: 'env:OPENAI_API_KEY',
      message: told(/^The model "unset" cannot be used: .*variable OPENAI_API_KEY is not set\. Set it/),
    })
    expect(problems.get('blank')).toEqual({
      cause: 'KEY_MALFORMED',
      key: 'env:QUILLWORK_KEY_BLANK',
      message: told(/QUILLWORK_KEY_BLANK\) has blanks/),
    })
    expect(problems.get('absent')).toEqual({
      cause: 'KEY_NOT_STORED',
      key: 'stored:other',
      message: told(/none is stored as other\. Store it with quillwork models key set other/),
    })
    expect(problems.get('moved')).toEqual({
      cause: 'KEY_FOR_OTHER_ADDRESS',
      key: 'stored:main',
      message: told(
        /stored as main, was stored for http:\/\/127\.0\.0\.1:9, and not for https:\/\/evil\.example\..* models key set main/,
      ),
    })
    expect([problems.get('present'), problems.get('free')]).toEqual([undefined, undefined])
    expect(() => createModels(config).languageModel('prose')).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_NOT_CONFIGURED',
        message: expect.stringContaining('OPENAI_API_KEY'),
      }),
    )
  })

  test.each([
    [{}, /QUILLWORK_SECRET is not set/],
    [{ QUILLWORK_SECRET: 'another-long-secret' }, /QUILLWORK_SECRET does not decrypt/],
  ])('whose stored key does not open with %j are told of; the others go on', (env, message) => {
    storeKey(data(), secret, { name: 'main', key, origins: ['http://127.0.0.1:9'] })
    const keys = findKeys(configOf({ stored: { ...local, key: 'stored:main' }, free: local }, env))
    expect(keys.get('stored')?.problem).toMatchObject({
      cause: 'KEYS_UNREADABLE',
      message: expect.stringMatching(message),
    })
    expect(keys.get('free')).toEqual({})
  })

  test('show no key: not in what is told of them, nor in an error, nor in the objects themselves', async () => {
    await using server = await startModelServer({ keys: ['another'] })
    const config = configOf(
      { writer: { ...local, baseUrl: server.url, key: 'env:QUILLWORK_KEY_WRITER' } },
      { QUILLWORK_KEY_WRITER: key },
    )
    const catalogue = createModels(config)
    const model = catalogue.languageModel('prose')
    const error = await model.write({ prompt: 'x', maxOutputTokens: 10 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'MODEL_KEY_REJECTED' })
    const told = [catalogue.models(), catalogue.capabilities(), config, model, error]
    expect(JSON.stringify(told)).not.toContain('s3cret')
    expect(inspect(told, { depth: 20, showHidden: true })).not.toContain('s3cret')
    expect(server.ledger.calls[0]?.key).toBe(key)
  })
})

describe('the limits of an engine', () => {
  test('are those of the configuration and those of its models', () => {
    const limits = { requestsPerMinute: 60, concurrency: 4 }
    const models = {
      a: { provider: 'openai', model: 'gpt', limits },
      b: { provider: 'openai', model: 'gpt' },
      c: local,
    }
    const config = configOf(models, { QUILLWORK_LIMITS: '{"mine":{"concurrency":1}}' })
    const key = limitKeyOf(config.models['c'] ?? expect.fail())
    // A model without limits is known by its key.
    expect(limitsOf(config)).toEqual({ mine: { concurrency: 1 }, 'openai:default:gpt': limits, [key]: {} })
    const given = configOf(models, { QUILLWORK_LIMITS: JSON.stringify({ [key]: { concurrency: 2 } }) })
    expect(limitsOf(given)).toMatchObject({ [key]: { concurrency: 2 } })
    const [first] = createModels(config)
      .models()
      .filter(({ id }) => id === 'a')
    expect(first?.limit).toBe('openai:default:gpt')
  })

  test('bound the windows of all models that share them', () => {
    const gpt = { provider: 'openai', model: 'gpt', key: 'env:QUILLWORK_KEY_GPT' }
    const keys = { QUILLWORK_KEY_GPT: key }
    const models = { writer: { ...gpt, limits: { tokensPerMinute: 30_000 } }, short: gpt }
    const shared = createModels(configOf(models, keys))
    for (const id of ['writer', 'short'])
      expect(shared.languageModel('summary', id).contextTokens).toBe(30_000)
    const limits = { 'openai:default:gpt': { tokensPerMinute: 6_000 } }
    const vectors = { ...gpt, uses: ['embedding'], dimensions: 8 }
    const env = { ...keys, QUILLWORK_LIMITS: JSON.stringify(limits) }
    const apart = createModels(configOf({ short: gpt, vectors }, env))
    expect(apart.languageModel('summary').contextTokens).toBe(6_000)
    expect(apart.embeddingModel().maxTokens).toBe(6_000)
  })
})
