import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { QuillworkError } from 'quillwork'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { timeoutsFor } from '../../src/ai/providers/config.ts'
import { resolveConfig, shownValue } from '../../src/server/config.ts'
import { providerVariables } from '../../src/server/key-source.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'quillwork-models-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

type Environment = Record<string, string>

function resolve(models: unknown, env: Environment = {}) {
  return resolveConfig({ env: { QUILLWORK_MODELS: JSON.stringify(models), ...env }, cwd })
}

function refusal(env: Environment): string {
  try {
    resolveConfig({ env, cwd })
  } catch (error) {
    expect(error).toBeInstanceOf(QuillworkError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return (error as QuillworkError).message
  }
  return expect.fail('it was taken')
}

const refusalOf = (models: unknown) => refusal({ QUILLWORK_MODELS: JSON.stringify(models) })

const local = {
  provider: 'openai-compatible',
  baseUrl: 'http://127.0.0.1:11434/v1',
  model: 'qwen3:8b',
  privateNetwork: true,
}
const gpt = { provider: 'openai', model: 'gpt-5-mini' }
const embedder = { ...local, model: 'e5', uses: ['embedding'], dimensions: 384 }
const usd = (input: number) => ({ input, output: input, currency: 'USD' })

describe('the models of a configuration', () => {
  test('are there with every default', () => {
    const { models } = resolve({ local, gpt, claude: { provider: 'anthropic', model: 'c' } }).config
    expect(models['local']).toEqual({
      ...local,
      uses: ['prose', 'summary'],
      account: '127.0.0.1:11434',
      contextTokens: 8_192,
      assumesWindow: true,
      maxOutputTokens: 4_096,
      fallbacks: [],
      timeouts: {
        first: 60_000,
        idle: 60_000,
        total: 600_000,
        growth: { first: 60_000, total: 60_000 },
      },
    })
    expect(models['gpt']).toMatchObject({
      account: 'default',
      privateNetwork: false,
      contextTokens: 128_000,
      maxOutputTokens: 4_096,
      key: 'env:OPENAI_API_KEY',
    })
    expect(models['claude']).toMatchObject({ contextTokens: 200_000, key: 'env:ANTHROPIC_API_KEY' })
    expect(Object.keys(models), 'the order is that of preference').toEqual(['local', 'gpt', 'claude'])
    expect(Object.isFrozen(models['local']?.timeouts)).toBe(true)
  })

  test('wait longer for a long prompt, unless the configuration says how long', () => {
    const waits = (timeouts: object, tokens: number) => {
      const { model } = resolve({ model: { ...local, timeouts } }).config.models
      return model && timeoutsFor(model.timeouts, tokens)
    }
    expect(waits({}, 4_000)).toEqual({ first: 300_000, idle: 60_000, total: 840_000 })
    expect(waits({ idle: '5s' }, 500)).toEqual({ first: 90_000, idle: 5_000, total: 630_000 })
    expect(waits({ first: '10s' }, 4_000)).toEqual({ first: 10_000, idle: 60_000, total: 840_000 })
    expect(waits({ first: '20m' }, 4_000)).toEqual({ first: 1_200_000, idle: 60_000, total: 1_980_000 })
    expect(waits({ first: '2m', total: '4m' }, 4_000)).toEqual({
      ...{ first: 120_000, idle: 60_000, total: 240_000 },
    })
    expect(waits({ total: '4m' }, 4_000)).toEqual({ first: 300_000, idle: 60_000, total: 240_000 })
  })

  test('may be said not to think', () => {
    const { models } = resolve({ local: { ...local, thinkingTokens: 0 } }).config
    expect(models['local']?.thinkingTokens).toBe(0)
  })

  test('take all that can be said', () => {
    const whole = {
      ...local,
      uses: ['summary'],
      key: 'stored:main',
      account: 'main',
      contextTokens: 32_768,
      maxOutputTokens: 2_048,
      temperature: 0.8,
      price: { input: 0.15, output: 0.6, currency: 'USD' },
      limits: { requestsPerMinute: 60, tokensPerMinute: 90_000, concurrency: 4 },
      fallbacks: [{ model: 'gpt', on: ['MODEL_UNAVAILABLE', 'MODEL_ANSWER_FILTERED'] }],
      timeouts: { first: '30s', idle: '10s', total: '5m' },
    }
    expect(resolve({ whole, gpt }).config.models['whole']).toEqual({
      ...whole,
      timeouts: { first: 30_000, idle: 10_000, total: 300_000 },
    })
    expect(
      resolve({ embedder: { ...embedder, price: { input: 1, currency: 'EUR' } } }).config.models,
    ).toMatchObject({
      embedder: { dimensions: 384, price: { input: 1, output: 0, currency: 'EUR' } },
    })
    const slow = { ...local, limits: { tokensPerMinute: 6_000 } }
    expect(resolve({ slow }).config.models).toMatchObject({
      slow: { contextTokens: 6_000, maxOutputTokens: 3_000 },
    })
    const told = {
      ...embedder,
      passage: { prefix: 'passage: ' },
      query: { model: 'e5-query', prefix: 'query: ' },
    }
    expect(resolve({ told }).config.models).toMatchObject({ told })
  })

  test('come from the file as well', () => {
    mkdirSync(path.join(cwd, '.quillwork'))
    writeFileSync(path.join(cwd, '.quillwork', 'quillwork.json'), JSON.stringify({ models: { gpt } }))
    const resolved = resolveConfig({ env: { QUILLWORK_DATA: '.quillwork' }, cwd })
    expect(resolved).toMatchObject({ origins: { models: 'file' }, config: { models: { gpt } } })
  })

  test('a small window leaves half of it to the prompt', () => {
    expect(resolve({ local: { ...local, contextTokens: 4_000 } }).config.models['local']).toMatchObject({
      maxOutputTokens: 2_000,
    })
  })

  test('two models of one account may share their limits, said once or twice', () => {
    const limits = { requestsPerMinute: 5, concurrency: 1 }
    const twice = {
      a: { ...gpt, limits },
      b: { ...gpt, limits: { concurrency: 1, requestsPerMinute: 5 } },
      c: gpt,
    }
    expect(Object.keys(resolve(twice).config.models)).toEqual(['a', 'b', 'c'])
  })
})

describe('one model in short', () => {
  test.each([
    ['openai:gpt-5-mini', { provider: 'openai', model: 'gpt-5-mini', key: 'env:OPENAI_API_KEY' }],
    ['anthropic:claude-x', { provider: 'anthropic', model: 'claude-x', key: 'env:ANTHROPIC_API_KEY' }],
    ['google:gemini-x', { provider: 'google', key: 'env:GOOGLE_GENERATIVE_AI_API_KEY' }],
    ['qwen3:8b@http://127.0.0.1:11434/v1', { ...local, account: '127.0.0.1:11434' }],
    [
      'org/m@2@https://api.example/v1',
      { model: 'org/m@2', baseUrl: 'https://api.example/v1', privateNetwork: false },
    ],
  ])('%s', (model, expected) => {
    const resolved = resolveConfig({ env: { QUILLWORK_MODEL: model }, cwd })
    expect(resolved.config.models).toMatchObject({ default: { ...expected, uses: ['prose', 'summary'] } })
    expect(resolved.origins.models).toBe('environment')
    expect(shownValue(resolved, 'model')).toBe(model)
  })

  test('a server that wants a key has it in a variable of its own', () => {
    const env = { QUILLWORK_MODEL: 'm@https://api.example/v1' }
    expect(resolveConfig({ env, cwd }).config.models['default']).not.toHaveProperty('key')
    const { config, warnings } = resolveConfig({ env: { ...env, QUILLWORK_MODEL_KEY: 'sk-short' }, cwd })
    expect(config.models['default']?.key).toBe('env:QUILLWORK_MODEL_KEY')
    expect(config.environmentKeys.read('QUILLWORK_MODEL_KEY')).toBe('sk-short')
    expect(warnings).toEqual([])
  })

  test.each([
    'gpt-5-mini',
    'mistral:x',
    '@http://x/v1',
    'm@ftp://x/v1',
    'm@http://ann:s3cret@x/v1',
    'm@http://8.8.8.8/v1',
    'openai:',
  ])('%s is refused, and not repeated', model => {
    const message = refusal({ QUILLWORK_MODEL: model })
    expect(message).toMatch(/^QUILLWORK_MODEL: Give openai:NAME/)
    expect(message).not.toContain('s3cret')
  })

  test('together with the long form is refused', () => {
    const models = JSON.stringify({ gpt })
    expect(refusal({ QUILLWORK_MODEL: 'openai:x', QUILLWORK_MODELS: models })).toMatch(/both set/)
  })
})

describe('models that cannot be used', () => {
  const filtered = ['MODEL_ANSWER_FILTERED']
  test.each<[string, unknown, RegExp]>([
    ['no provider', { a: { model: 'x' } }, /a\.provider: Give one of openai-compatible, openai/],
    ['an unknown one', { a: { provider: 'acme', model: 'x' } }, /a\.provider: Give one of/],
    ['no model', { a: { provider: 'openai' } }, /a\.model/],
    ['no address', { a: { provider: 'openai-compatible', model: 'x' } }, /a\.baseUrl: Give the base URL/],
    [
      'an address of another kind',
      { a: { ...local, baseUrl: 'file:///etc/passwd' } },
      /a\.baseUrl: Give the base URL/,
    ],
    [
      'an address with a password',
      { a: { ...local, baseUrl: 'http://ann:s3cret@x/v1' } },
      /Leave user and password out/,
    ],
    ['an address with a query', { a: { ...local, baseUrl: 'https://x/v1?key=s3cret' } }, /"key"/],
    [
      'an open line abroad',
      { a: { ...local, baseUrl: 'http://8.8.8.8/v1' } },
      /a\.baseUrl: http:\/\/ .* private addresses alone/,
    ],
    [
      'an open line to a cloud',
      { a: { ...local, baseUrl: 'http://169.254.169.254/v1' } },
      /private addresses alone/,
    ],
    [
      'an open line, to a number',
      { a: { ...local, baseUrl: 'http://134744072/v1' } },
      /private addresses alone/,
    ],
    [
      'an open line, to IPv6',
      { a: { ...local, baseUrl: 'http://[2606:4700::1111]/v1' } },
      /private addresses alone/,
    ],
    ['an open line', { a: { ...local, privateNetwork: false } }, /a\.baseUrl: http:\/\/ sends the key/],
    [
      'a key for somebody else',
      { a: { ...gpt, baseUrl: 'https://proxy.example/v1' } },
      /a\.key: Give the key for that address/,
    ],
    [
      'a use that is not there',
      { a: { ...local, uses: ['poetry'] } },
      /Give some of prose, summary, embedding/,
    ],
    ['no use', { a: { ...local, uses: [] } }, /Give some of prose/],
    [
      'vectors and prose',
      { a: { ...embedder, uses: ['embedding', 'prose'] } },
      /embedding model writes no text/,
    ],
    ['vectors of no length', { a: { ...embedder, dimensions: undefined } }, /a\.dimensions: Give the length/],
    [
      'vectors of Anthropic',
      { a: { ...embedder, provider: 'anthropic', key: 'env:QUILLWORK_KEY_A' } },
      /no embedding models/,
    ],
    ['dimensions of prose', { a: { ...local, dimensions: 3 } }, /Only models with the use "embedding"/],
    ['queries of prose', { a: { ...local, query: { model: 'q' } } }, /Only models with the use "embedding"/],
    ['an empty prefix', { a: { ...embedder, passage: { prefix: '' } } }, /a\.passage\.prefix: Give a text/],
    ['a name for passages', { a: { ...embedder, passage: { model: 'p' } } }, /a\.passage: .*model/],
    [
      'a task type of another provider',
      { a: { ...embedder, query: { taskType: 'RETRIEVAL_QUERY' } } },
      /a\.query: Only Google has task types/,
    ],
    [
      'no tokens for the prompt',
      { a: { ...local, contextTokens: 100, maxOutputTokens: 100 } },
      /no tokens for the prompt/,
    ],
    ['no room beside thoughts', { a: { ...local, thinkingTokens: 4_096 } }, /no tokens for the answer/],
    [
      'a few words beside thoughts',
      { a: { ...local, contextTokens: 16_384, maxOutputTokens: 12_000, thinkingTokens: 8_192 } },
      /half of contextTokens/,
    ],
    ['a few words of the answer', { a: { ...local, thinkingTokens: 4_000 } }, /no tokens for the answer/],
    ['less than no thoughts', { a: { ...local, thinkingTokens: -1 } }, /Give 0 or more/],
    ['vectors of a thinker', { a: { ...embedder, thinkingTokens: 10 } }, /no effect on vectors/],
    [
      'too few tokens a minute',
      { a: { ...embedder, limits: { tokensPerMinute: 1_000 } } },
      /a\.limits: A passage/,
    ],
    [
      'a prompt that no minute has room for',
      { a: { ...local, limits: { tokensPerMinute: 3_000 }, maxOutputTokens: 3_000 } },
      /no tokens for the prompt/,
    ],
    ['a hot head', { a: { ...local, temperature: 3 } }, /Give at most 2/],
    ['half a price', { a: { ...local, price: { input: 1, currency: 'USD' } } }, /a\.price: Give the price/],
    [
      'a price of cached input above that of input',
      { a: { ...local, price: { ...usd(1), cachedInput: 1.5 } } },
      /a\.price\.cachedInput: Give at most the price of input/,
    ],
    [
      'a price of cached input of vectors',
      { a: { ...embedder, price: { ...usd(1), cachedInput: 0.5 } } },
      /a\.price: A call for vectors has no cached input/,
    ],
    ['a price below nothing', { a: { ...local, price: usd(-1) } }, /a\.price\.input: Give at least 0/],
    ['money of no country', { a: { ...local, price: { ...usd(1), currency: '$' } } }, /three letters/],
    [
      'two currencies',
      { a: { ...local, price: usd(1) }, b: { ...gpt, price: { ...usd(1), currency: 'EUR' } } },
      /b\.price\.currency: It is EUR, and that of "a" is USD/,
    ],
    [
      'limits that differ',
      { a: { ...gpt, limits: { concurrency: 1 } }, b: { ...gpt, limits: { concurrency: 2 } } },
      /b\.limits: It is the same model of the same account as "a"/,
    ],
    ['a limit of nothing', { a: { ...gpt, limits: { concurrency: 0 } } }, /Give at least 1/],
    [
      'a fallback that is not there',
      { a: { ...gpt, fallbacks: [{ model: 'b', on: filtered }] } },
      /There is no model "b"/,
    ],
    [
      'a fallback on nothing',
      { a: { ...gpt, fallbacks: [{ model: 'b', on: [] }] }, b: gpt },
      /at least one code/,
    ],
    [
      'a fallback on another error',
      { a: { ...gpt, fallbacks: [{ model: 'b', on: ['STORE_FULL'] }] }, b: gpt },
      /Give codes of calls that failed: MODEL_/,
    ],
    [
      'a fallback to itself',
      { a: { ...gpt, fallbacks: [{ model: 'a', on: filtered }] } },
      /form a circle: a -> a/,
    ],
    [
      'fallbacks in a circle',
      {
        a: { ...gpt, fallbacks: [{ model: 'b', on: filtered }] },
        b: { ...gpt, fallbacks: [{ model: 'c', on: filtered }] },
        c: { ...gpt, fallbacks: [{ model: 'a', on: filtered }] },
      },
      /form a circle: a -> b -> c -> a/,
    ],
    [
      'a fallback for less',
      { a: { ...gpt, fallbacks: [{ model: 'b', on: filtered }] }, b: { ...gpt, uses: ['prose'] } },
      /"b" is not for summary/,
    ],
    [
      'a fallback of vectors',
      { a: { ...embedder, fallbacks: [{ model: 'b', on: filtered }] }, b: embedder },
      /cannot be compared/,
    ],
    [
      'a first wait beyond the whole',
      { a: { ...gpt, timeouts: { first: '5m', total: '4m' } } },
      /at most total/,
    ],
    ['a time of nothing', { a: { ...gpt, timeouts: { idle: 0 } } }, /Give a time above 0/],
    ['a field that is not there', { a: { ...gpt, temprature: 1 } }, /Did you mean "temperature"\?/],
    ['a list', [gpt], /QUILLWORK_MODELS: /],
    ['a model that is no object', { a: 'gpt' }, /a: Give an object/],
    ['the id of the built-in model', { extractive: gpt }, /built-in model that quotes/],
    ['an id that begins with a digit', { '4o': gpt }, /begin with a letter/],
  ])('%s', (_what, models, message) => {
    const said = refusalOf(models)
    expect(said).toMatch(message)
    expect(said).toMatch(/^QUILLWORK_MODELS: /)
    expect(said).not.toContain('s3cret')
  })

  test('limits of one key in both places are refused', () => {
    const limits = JSON.stringify({ 'openai:default:gpt-5-mini': { concurrency: 1 } })
    const models = (own: object) => JSON.stringify({ a: { ...gpt, ...own } })
    const both = { QUILLWORK_LIMITS: limits, QUILLWORK_MODELS: models({ limits: { concurrency: 2 } }) }
    expect(refusal(both)).toMatch(/models\.a\.limits set the same limit/)
    const one = { QUILLWORK_LIMITS: limits, QUILLWORK_MODELS: models({}) }
    expect(resolveConfig({ env: one, cwd }).config.limits).toHaveProperty('openai:default:gpt-5-mini')
  })
})

describe('a key', () => {
  const secret = 'sk-proj-s3cret-0123456789'

  test.each([
    ['as the key', { a: { ...gpt, key: secret } }, /Give the place of the key/],
    ['as a key in a variable', { a: { ...gpt, key: `env:${secret}` } }, /Give the place of the key/],
    ['in a field of its own', { a: { ...gpt, apiKey: secret } }, /Never write a key here/],
    [
      'in the address',
      { a: { ...local, baseUrl: `https://x:${secret}@y/v1` } },
      /Leave user and password out/,
    ],
  ])('written into the configuration %s is refused and not repeated', (_where, models, message) => {
    const said = refusalOf(models)
    expect(said).toMatch(message)
    expect(said).not.toContain('s3cret')
  })

  test('in a text that is not JSON is not repeated', () => {
    const said = refusal({ QUILLWORK_MODELS: `{"a": {"key": ${secret}"}}` })
    expect(said).toMatch(/^QUILLWORK_MODELS is not JSON: Unexpected token/)
    expect(said).not.toContain('s3cret')
    mkdirSync(path.join(cwd, '.quillwork'))
    writeFileSync(path.join(cwd, '.quillwork', 'quillwork.json'), `{"models": {"a": {"key": ${secret}}}}`)
    expect(refusal({})).not.toContain('s3cret')
  })

  test('of the environment is in no dump, no copy and no shown value', () => {
    const resolved = resolve({ gpt }, { OPENAI_API_KEY: secret, QUILLWORK_SECRET: `${secret}-too` })
    expect(resolved.config.environmentKeys.read('OPENAI_API_KEY')).toBe(secret)
    const shown = (['models', 'secret', 'model'] as const).map(name => shownValue(resolved, name))
    const { secret: _secret, ...rest } = resolved.config
    const dumps = [
      JSON.stringify(rest),
      inspect(rest, { depth: 20, showHidden: true }),
      JSON.stringify(shown),
    ]
    for (const dump of dumps) expect(dump).not.toContain('s3cret')
    expect(JSON.stringify(structuredClone({ ...rest, environmentKeys: undefined }))).not.toContain('s3cret')
  })

  test.each([
    'AWS_SECRET_ACCESS_KEY',
    'GITHUB_TOKEN',
    'HOME',
    'QUILLWORK_TOKEN',
    'QUILLWORK_SECRET',
    'QUILLWORK_KEY_',
    secret.replaceAll('-', '_'),
  ])('is not read from %s, which no configuration can send anywhere', variable => {
    const env = {
      [variable]: 'the-value-of-the-variable',
      QUILLWORK_MODELS: JSON.stringify({ a: { ...local, key: `env:${variable}` } }),
    }
    const said = refusal(env)
    expect(said).toMatch(/a\.key: Keys are read from .*"env:QUILLWORK_KEY_MAIN"/)
    expect(said).not.toMatch(/the-value|s3cret/)
  })

  test('is read from variables of its own, which are no mistyped settings', () => {
    const models = { a: { ...local, key: 'env:QUILLWORK_KEY_TOKEN' } }
    const { config, warnings } = resolve(models, { QUILLWORK_KEY_TOKEN: secret, QUILLWORK_KEY_PORT: 'x' })
    expect(config.environmentKeys.read('QUILLWORK_KEY_TOKEN')).toBe(secret)
    expect(warnings).toEqual([])
  })

  test.each([...providerVariables])('in %s goes to %j alone', (variable, [host = '']) => {
    const at = (baseUrl: string) => ({ a: { ...local, baseUrl, key: `env:${variable}` } })
    const { config } = resolve(at(`https://${host}/v1`), { [variable]: secret })
    expect(config.environmentKeys.read(variable)).toBe(secret)
    expect(() => resolve(at(`https://eu.${host}/v1`))).not.toThrow()
    for (const other of [
      `http://${host}`,
      `https://evil${host}`,
      `https://${host}.evil.example`,
      'http://127.0.0.1',
    ])
      expect(refusalOf(at(`${other}/v1`)), other).toContain(`${variable} is for https://${host}`)
  })

  test('of one provider goes to no other', () => {
    expect(refusalOf({ a: { provider: 'anthropic', model: 'c', key: 'env:OPENAI_API_KEY' } })).toMatch(
      /a\.key: OPENAI_API_KEY is for https:\/\/api\.openai\.com alone\. .*"env:QUILLWORK_KEY_MAIN"/,
    )
  })

  test('is read from the file that a variable names', () => {
    const file = path.join(cwd, 'key')
    writeFileSync(file, `${secret}\n`)
    const { config } = resolve({ gpt }, { OPENAI_API_KEY_FILE: file })
    expect(config.environmentKeys.read('OPENAI_API_KEY')).toBe(secret)
  })

  test('only variables that a model names are read', () => {
    const { environmentKeys } = resolve({ gpt }, { ANTHROPIC_API_KEY: secret }).config
    expect(environmentKeys.read('ANTHROPIC_API_KEY')).toBeUndefined()
    expect(environmentKeys.read('OPENAI_API_KEY')).toBeUndefined()
  })

  test('is not shown with an address that may hold one in its path', () => {
    const models = { a: { ...local, privateNetwork: false, baseUrl: `https://gateway.example/${secret}/v1` } }
    const shown = JSON.stringify(shownValue(resolve(models), 'models'))
    expect(shown).toContain('https://gateway.example')
    expect(shown).not.toContain('s3cret')
  })

  test('the secret of the stored keys is not taken from the file that lies beside them', () => {
    mkdirSync(path.join(cwd, '.quillwork'))
    writeFileSync(path.join(cwd, '.quillwork', 'quillwork.json'), '{"secret": "a-long-random-secret"}')
    expect(refusal({})).toMatch(/cannot set secret; use the variable QUILLWORK_SECRET\./)
    expect(refusal({ QUILLWORK_SECRET: 'hunter2' })).not.toContain('hunter2')
  })
})
