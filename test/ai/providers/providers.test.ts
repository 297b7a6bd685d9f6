import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ModelConfig, ProviderKind } from '../../../src/ai/providers/config.ts'
import { createEmbeddingModel } from '../../../src/ai/providers/embedding-model.ts'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { chunk, configFor, events, outcomeOf, secret, serving } from './kit.ts'

/** How each provider speaks: as its documentation shows it. */
interface Dialect {
  readonly path: string
  readonly key: (request: IncomingMessage) => unknown
  /** A stream of two stretches that ends as asked, with 11 tokens in, 4 of them cached, and 7 out. */
  readonly stream: (end: 'done' | 'length' | 'filtered') => string
  readonly rateLimited: { readonly headers?: Record<string, string>; readonly body: unknown }
  readonly overloaded: { readonly status: number; readonly body: unknown }
}

const named = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

const dialects: Readonly<Record<Exclude<ProviderKind, 'openai-compatible'>, Dialect>> = {
  openai: {
    path: '/v1/chat/completions',
    key: request => request.headers.authorization?.replace('Bearer ', ''),
    stream: end =>
      events(
        chunk({ role: 'assistant', content: 'The ferry' }),
        chunk({ content: ' came in.' }),
        chunk({}, { done: 'stop', length: 'length', filtered: 'content_filter' }[end]),
        {
          ...chunk({}),
          choices: [],
          usage: {
            prompt_tokens: 11,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens: 7,
            total_tokens: 18,
          },
        },
        '[DONE]',
      ),
    rateLimited: {
      headers: { 'retry-after': '7' },
      body: { error: { message: 'm', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
    },
    overloaded: {
      status: 503,
      body: { error: { message: 'm', type: 'server_error', param: null, code: null } },
    },
  },
  anthropic: {
    path: '/v1/messages',
    key: request => request.headers['x-api-key'],
    stream: end =>
      [
        named('message_start', {
          message: {
            id: 'msg_1',
            type: 'message',
            role: 'assistant',
            model: 'scripted-2026',
            content: [],
            stop_reason: null,
            usage: { input_tokens: 7, cache_read_input_tokens: 4, output_tokens: 1 },
          },
        }),
        named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
        named('ping', {}),
        named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'The ferry' } }),
        named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: ' came in.' } }),
        named('content_block_stop', { index: 0 }),
        named('message_delta', {
          delta: {
            stop_reason: { done: 'end_turn', length: 'max_tokens', filtered: 'refusal' }[end],
            stop_sequence: null,
          },
          usage: { output_tokens: 7 },
        }),
        named('message_stop', {}),
      ].join(''),
    rateLimited: {
      headers: { 'retry-after': '7' },
      body: { type: 'error', error: { type: 'rate_limit_error', message: 'm' } },
    },
    overloaded: { status: 529, body: { type: 'error', error: { type: 'overloaded_error', message: 'm' } } },
  },
  google: {
    path: '/v1/models/scripted:streamGenerateContent',
    key: request => request.headers['x-goog-api-key'],
    stream: end =>
      events(
        { candidates: [{ content: { parts: [{ text: 'The ferry' }], role: 'model' }, index: 0 }] },
        {
          candidates: [
            {
              content: { parts: [{ text: ' came in.' }], role: 'model' },
              finishReason: { done: 'STOP', length: 'MAX_TOKENS', filtered: 'SAFETY' }[end],
              index: 0,
            },
          ],
          usageMetadata: {
            promptTokenCount: 11,
            cachedContentTokenCount: 4,
            candidatesTokenCount: 7,
            totalTokenCount: 18,
          },
          modelVersion: 'scripted-2026',
        },
      ),
    rateLimited: {
      body: {
        error: {
          code: 429,
          message: 'Quota exceeded',
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
        },
      },
    },
    overloaded: { status: 503, body: { error: { code: 503, message: 'm', status: 'UNAVAILABLE' } } },
  },
}

const kinds = Object.entries(dialects) as [keyof typeof dialects, Dialect][]

/** Asks a model of that provider on a server that answers in its way. */
async function asked(
  provider: ProviderKind,
  answer: (response: ServerResponse) => void,
  changes: Partial<ModelConfig> = {},
) {
  const requests: { url: string | undefined; request: IncomingMessage }[] = []
  await using server = await serving((request, response) => {
    requests.push({ url: request.url, request })
    answer(response)
  })
  const config = configFor(server.url, { provider, ...changes })
  const outcome = await outcomeOf(createLanguageModel('prose', config, { key: secret }))
  return { ...outcome, requests }
}

const stream = (text: string) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(text)
}

const refusing =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }

afterEach(() => {
  vi.unstubAllEnvs()
})

describe.each(kinds)('%s', (provider, dialect) => {
  it('streams an answer', async () => {
    const { error, answer, text, requests } = await asked(provider, stream(dialect.stream('done')))
    expect(error).toBeUndefined()
    expect(text).toBe('The ferry came in.')
    expect(answer).toMatchObject({
      text: 'The ferry came in.',
      usage: { model: 'prose', inputTokens: 11, cachedInputTokens: 4, outputTokens: 7 },
    })
    expect(answer?.parameters.maxOutputTokens).toBe(1_000)
    const [first] = requests
    expect(first?.url).toMatch(new RegExp(`^${dialect.path}`, 'u'))
    expect(first === undefined ? undefined : dialect.key(first.request)).toBe(secret)
  })

  it('tells of an answer that is too long for its bound', async () => {
    const { error, partial } = await asked(provider, stream(dialect.stream('length')))
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_TRUNCATED' })
    expect(partial).toEqual([{ model: 'prose', inputTokens: 11, cachedInputTokens: 4, outputTokens: 7 }])
  })

  it('tells of an answer that is withheld or declined', async () => {
    const { error } = await asked(provider, stream(dialect.stream('filtered')))
    expect(error).toMatchObject({
      code: provider === 'anthropic' ? 'MODEL_ANSWER_REFUSED' : 'MODEL_ANSWER_FILTERED',
    })
  })

  it('asks to wait', async () => {
    const { headers, body } = dialect.rateLimited
    const { error, partial } = await asked(provider, refusing(429, body, headers))
    expect(error).toMatchObject({ code: 'MODEL_RATE_LIMITED', retryAfterMs: 7_000 })
    expect(partial).toEqual([])
  })

  it('is overloaded', async () => {
    const { status, body } = dialect.overloaded
    const { error } = await asked(provider, refusing(status, body))
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { status } })
  })

  it('breaks off', async () => {
    const half = dialect.stream('done')
    const { error, partial } = await asked(provider, response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(half.slice(0, half.indexOf(' came in.') + 20), () => response.destroy())
    })
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_CUT' })
    expect(partial).toHaveLength(1)
  })

  it('ends without saying why', async () => {
    const half = dialect.stream('done')
    const at = half.lastIndexOf('\n\n', half.indexOf(' came in.'))
    const { error } = await asked(provider, stream(half.slice(0, at + 2)))
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_CUT' })
  })

  it('needs a key', () => {
    const config = configFor('http://127.0.0.1:9', { provider })
    expect(() => createLanguageModel('prose', config, { key: undefined })).toThrow(
      expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }),
    )
  })

  it('takes neither a key nor an address from the environment', async () => {
    for (const name of ['OPENAI', 'ANTHROPIC', 'GOOGLE', 'GOOGLE_GENERATIVE_AI']) {
      vi.stubEnv(`${name}_BASE_URL`, 'http://127.0.0.1:9/v1')
      vi.stubEnv(`${name}_API_KEY`, 'sk-of-somebody-else')
    }
    const { error, requests } = await asked(provider, stream(dialect.stream('done')))
    expect(error).toBeUndefined()
    expect(requests.map(({ request }) => dialect.key(request))).toEqual([secret])
  })

  it('has an address of its own', async () => {
    const { baseUrl: _, ...config } = configFor('', { provider })
    const urls: string[] = []
    const fetch = async (input: string | URL | Request) => {
      urls.push(String(input))
      return new Response(dialect.stream('done'), { headers: { 'content-type': 'text/event-stream' } })
    }
    expect(
      (await outcomeOf(createLanguageModel('prose', config, { key: secret, fetch }))).error,
    ).toBeUndefined()
    expect(urls).toEqual([expect.stringMatching(/^https:\/\/(?:api|generativelanguage)\./u)])
  })
})

describe('anthropic', () => {
  it('is overloaded within a stream', async () => {
    const started = dialects.anthropic.stream('done').split('event: content_block_stop')[0]
    const overloaded = named('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    const { error, text } = await asked('anthropic', stream(`${started}${overloaded}`))
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    expect(text).toBe('The ferry came in.')
  })

  it('is overloaded at the beginning of a stream', async () => {
    const overloaded = named('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    const { error } = await asked('anthropic', stream(overloaded))
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
  })

  it('is asked to keep what is the same in the requests that follow, and charges more for what it writes there', async () => {
    const bodies: { system: unknown; messages: unknown }[] = []
    const written = dialects.anthropic
      .stream('done')
      .replace('"cache_read_input_tokens":4', '"cache_read_input_tokens":4,"cache_creation_input_tokens":100')
    await using server = await serving((_, response, body) => {
      bodies.push(JSON.parse(body))
      stream(written)(response)
    })
    const price = { input: 4, cachedInput: 1, output: 0, currency: 'USD' }
    const config = configFor(server.url, { provider: 'anthropic', price })
    const model = createLanguageModel('prose', config, { key: secret })
    const request = { system: 'You write.', prompt: 'Style.\n\nCodex.\n\nScene.', maxOutputTokens: 100 }
    const { usage } = await model.write({ ...request, stableEnds: [0, 8, 16] })
    await model.write(request)
    const kept = { cache_control: { type: 'ephemeral' } }
    expect(bodies[0]).toMatchObject({ system: [{ type: 'text', text: 'You write.' }] })
    expect(bodies[0]?.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Style.\n\n', ...kept },
          { type: 'text', text: 'Codex.\n\n', ...kept },
          { type: 'text', text: 'Scene.' },
        ],
      },
    ])
    expect(bodies[1]?.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: request.prompt }] }])
    expect(usage).toMatchObject({ inputTokens: 111, cachedInputTokens: 4 })
    expect(usage.cost).toBeCloseTo((7 * 4 + 4 * 1 + 100 * 5) / 1_000_000, 12)
    expect(model.costOf({ inputTokens: 100, cacheWriteTokens: 40, outputTokens: 0 })).toBeCloseTo(
      (60 * 4 + 40 * 5) / 1_000_000,
      12,
    )
  })

  it('has no embedding models', () => {
    const config = configFor('http://127.0.0.1:9', { provider: 'anthropic', dimensions: 3 })
    expect(() => createEmbeddingModel('vectors', config, { key: secret })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

describe('google', () => {
  it('refuses a prompt', async () => {
    const { error } = await asked('google', stream(events({ promptFeedback: { blockReason: 'SAFETY' } })))
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_FILTERED' })
  })
})

describe('an openai-compatible server', () => {
  it('may need no key, and gets none', async () => {
    let authorization: string | undefined = 'none'
    await using server = await serving((request, response) => {
      authorization = request.headers.authorization
      stream(dialects.openai.stream('done'))(response)
    })
    const model = createLanguageModel('prose', configFor(server.url), { key: undefined })
    expect((await outcomeOf(model)).error).toBeUndefined()
    expect(authorization).toBeUndefined()
  })

  it('needs an address', () => {
    const { baseUrl: _, ...config } = configFor('')
    expect(() => createLanguageModel('prose', config, { key: secret })).toThrow(
      expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }),
    )
  })
})

describe('a key', () => {
  it.each(['', 'a b', 'a\nb', 'schlüssel', '键'])('%j is refused and not repeated', key => {
    const config = configFor('http://127.0.0.1:9')
    const create = () => createLanguageModel('prose', config, { key })
    expect(create).toThrow(expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }))
    if (key !== '') expect(create).not.toThrow(key)
  })
})
