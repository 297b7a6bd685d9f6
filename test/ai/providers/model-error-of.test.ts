import { describe, expect, it } from 'vitest'
import { ModelError } from '../../../src/ai/model-error.ts'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { modelErrorOf } from '../../../src/ai/providers/model-error-of.ts'
import { classifyError } from '../../../src/task/classify.ts'
import { chunk, configFor, events, type Outcome, outcomeOf, secret, serving } from './kit.ts'

const call = { model: 'prose', answered: false, now: 1_000_000 }

interface Refusal {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** What a refusal by a real server comes to. */
async function refusedWith({ status, headers = {}, body = '' }: Refusal): Promise<Outcome> {
  await using server = await serving((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  return await outcomeOf(createLanguageModel('prose', configFor(server.url), { key: secret }))
}

const openai = (code: string | null, message: string, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
})
const anthropic = (type: string, message: string) => ({ type: 'error', error: { type, message } })
const google = (code: number, status: string, message: string, details: unknown[] = []) => ({
  error: { code, status, message, details },
})

const refusals: readonly [string, Refusal, string][] = [
  ['OpenAI: rate', { status: 429, body: openai('rate_limit_exceeded', 'Slow down') }, 'MODEL_RATE_LIMITED'],
  ['OpenAI: quota', { status: 429, body: openai('insufficient_quota', 'Pay') }, 'MODEL_QUOTA_EXHAUSTED'],
  ['OpenAI: key', { status: 401, body: openai('invalid_api_key', `Bad ${secret}`) }, 'MODEL_KEY_REJECTED'],
  ['OpenAI: no access', { status: 403, body: openai('model_not_found', 'No access') }, 'MODEL_UNKNOWN'],
  ['OpenAI: no such', { status: 404, body: openai('model_not_found', 'None') }, 'MODEL_UNKNOWN'],
  ['OpenAI: filter', { status: 400, body: openai('content_filter', 'No') }, 'MODEL_ANSWER_FILTERED'],
  ['OpenAI: other', { status: 400, body: openai(null, 'Unknown parameter') }, 'MODEL_REQUEST_REFUSED'],
  ['Anthropic: rate', { status: 429, body: anthropic('rate_limit_error', 'Slow') }, 'MODEL_RATE_LIMITED'],
  [
    'Anthropic: overloaded',
    { status: 529, body: anthropic('overloaded_error', 'Busy') },
    'MODEL_UNAVAILABLE',
  ],
  [
    'Anthropic: credit',
    { status: 400, body: anthropic('invalid_request_error', 'Your credit balance is too low to access') },
    'MODEL_QUOTA_EXHAUSTED',
  ],
  ['Anthropic: key', { status: 401, body: anthropic('authentication_error', 'Bad') }, 'MODEL_KEY_REJECTED'],
  ['Anthropic: unknown', { status: 404, body: anthropic('not_found_error', 'm') }, 'MODEL_UNKNOWN'],
  ['Anthropic: large', { status: 413, body: anthropic('request_too_large', 'm') }, 'MODEL_CONTEXT_EXCEEDED'],
  ['Google: rate', { status: 429, body: google(429, 'RESOURCE_EXHAUSTED', 'q') }, 'MODEL_RATE_LIMITED'],
  [
    'Google: key',
    { status: 400, body: google(400, 'INVALID_ARGUMENT', 'k', [{ reason: 'API_KEY_INVALID' }]) },
    'MODEL_KEY_REJECTED',
  ],
  ['Google: busy', { status: 503, body: google(503, 'UNAVAILABLE', 'Overloaded') }, 'MODEL_UNAVAILABLE'],
  [
    'Google: in a list',
    { status: 429, body: [google(429, 'RESOURCE_EXHAUSTED', 'q')] },
    'MODEL_RATE_LIMITED',
  ],
  ['DeepSeek: balance', { status: 402, body: openai(null, 'Insufficient Balance') }, 'MODEL_QUOTA_EXHAUSTED'],
  ['Ollama: no model', { status: 404, body: { error: 'model "x" not found' } }, 'MODEL_UNKNOWN'],
  [
    'llama.cpp: context',
    { status: 400, body: { error: { code: 400, type: 'exceed_context_size_error', message: 'm' } } },
    'MODEL_CONTEXT_EXCEEDED',
  ],
  ['nothing said', { status: 400 }, 'MODEL_REQUEST_REFUSED'],
  ['a page', { status: 502, body: '<html>Bad gateway</html>' }, 'MODEL_UNAVAILABLE'],
  ['a timeout', { status: 408 }, 'MODEL_UNAVAILABLE'],
  ['an endless refusal', { status: 500, body: 'x'.repeat(5_000_000) }, 'MODEL_UNAVAILABLE'],
  ['a refusal in the wrong words', { status: 500, body: openai(null, 'oops') }, 'MODEL_UNAVAILABLE'],
]

describe('a refusal', () => {
  it.each(refusals)('%s', async (_, refusal, code) => {
    const { error, partial } = await refusedWith(refusal)
    expect(error).toBeInstanceOf(ModelError)
    expect(error).toMatchObject({ code, details: { model: 'prose', status: refusal.status } })
    // Nothing is paid for it.
    expect(partial).toEqual([])
  })

  it.each([
    [
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
      9_000,
      8_192,
    ],
    [
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages).",
      5_000,
      4_096,
    ],
    ['prompt is too long: 210000 tokens > 200000 maximum', 210_000, 200_000],
    [
      'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease',
      210_000,
      200_000,
    ],
    [
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      1_200_000,
      1_048_576,
    ],
    [
      'the request (3000 tokens) exceeds the available context size (2048 tokens), try increasing it',
      3_000,
      2_048,
    ],
  ])('tells the numbers of: %s', async (message, asked, limit) => {
    const { error } = await refusedWith({ status: 400, body: openai(null, message) })
    expect(error).toMatchObject({ code: 'MODEL_CONTEXT_EXCEEDED', details: { asked, limit } })
    expect(String(error)).toContain(`It takes at most ${limit} tokens and was given ${asked}.`)
  })
})

describe('the wait that a provider asks for', () => {
  const now = 1_790_000_000_000
  const waits: readonly [string, Record<string, string>, unknown, number | undefined][] = [
    ['seconds', { 'retry-after': '2' }, undefined, 2_000],
    ['parts of a second', { 'retry-after': '0.25' }, undefined, 250],
    ['a date', { 'retry-after': new Date(now + 90_000).toUTCString() }, undefined, 90_000],
    ['a date that is over', { 'retry-after': new Date(now - 90_000).toUTCString() }, undefined, 0],
    ['milliseconds before seconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, undefined, 1_500],
    ['Google, in the body', {}, { error: { details: [{}, { retryDelay: '7s' }] } }, 7_000],
    ['Google, in parts of a second', {}, { error: { details: [{ retryDelay: '37.5s' }] } }, 37_500],
    [
      'OpenAI, what is used up',
      {
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-requests': '5',
        'x-ratelimit-reset-tokens': '6m0s',
        'x-ratelimit-remaining-tokens': '0',
      },
      undefined,
      360_000,
    ],
    [
      'OpenAI, where nothing is said to be used up',
      { 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '3s' },
      undefined,
      3_000,
    ],
    [
      'Anthropic, as a time',
      {
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': new Date(now + 12_000).toISOString(),
        'anthropic-ratelimit-requests-reset': new Date(now + 50_000).toISOString(),
        'anthropic-ratelimit-requests-remaining': '3',
      },
      undefined,
      12_000,
    ],
    ['OpenRouter, as epoch milliseconds', { 'x-ratelimit-reset': String(now + 5_000) }, undefined, 5_000],
    ['others, as epoch seconds', { 'x-ratelimit-reset': String(now / 1_000 + 5) }, undefined, 5_000],
    ['a year', { 'retry-after': '31536000' }, undefined, 86_400_000],
    ['nothing', {}, undefined, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined, undefined],
  ]
  it.each(waits)('%s', (_, responseHeaders, body, retryAfterMs) => {
    const refusal = Object.assign(new Error('x'), {
      statusCode: 429,
      responseHeaders,
      responseBody: JSON.stringify(body),
    })
    const error = modelErrorOf(refusal, { ...call, now })
    expect(error.code).toBe('MODEL_RATE_LIMITED')
    expect(error.retryAfterMs).toBe(retryAfterMs)
  })

  it('parks the key of the model in the engine', async () => {
    const { error } = await refusedWith({ status: 429, headers: { 'retry-after': '20' } })
    expect(classifyError(error, 5_000)).toMatchObject({
      errorClass: 'rate-limited',
      notBefore: 25_000,
      refusedByProvider: true,
    })
    expect(String(error)).toContain('It asks to wait 20 s.')
  })

  it('comes with an overloaded provider too, and parks nothing', async () => {
    const { error } = await refusedWith({ status: 529, headers: { 'retry-after': '4' } })
    expect(classifyError(error, 5_000)).toMatchObject({ errorClass: 'retryable', notBefore: 9_000 })
    expect(classifyError(error, 5_000).refusedByProvider).toBeUndefined()
  })
})

describe('an error within a stream', () => {
  const within: readonly [string, object, string][] = [
    ['overloaded', { error: { type: 'overloaded_error', message: 'Busy' } }, 'MODEL_UNAVAILABLE'],
    ['rate', { error: { type: 'rate_limit_error', message: 'Slow' } }, 'MODEL_RATE_LIMITED'],
    ['a number', { error: { code: 429, message: 'Slow' } }, 'MODEL_RATE_LIMITED'],
    ['quota', { error: { code: 'insufficient_quota', message: 'Pay' } }, 'MODEL_QUOTA_EXHAUSTED'],
    ['request', { error: { type: 'invalid_request_error', message: 'No' } }, 'MODEL_REQUEST_REFUSED'],
  ]
  it.each(within)('%s', async (_, event, code) => {
    await using server = await serving((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(events(chunk({ content: 'The ferry' }), event, '[DONE]'))
    })
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const { error, text, partial } = await outcomeOf(model)
    expect(error).toMatchObject({ code })
    expect(text).toBe('The ferry')
    // What came until then is paid.
    expect(partial).toHaveLength(1)
    expect(partial[0]?.outputTokens).toBeGreaterThan(0)
  })
})

describe('the network', () => {
  it('is not there', async () => {
    const server = await serving(() => undefined)
    await server[Symbol.asyncDispose]()
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const { error, partial } = await outcomeOf(model)
    expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { providerCode: 'ECONNREFUSED' } })
    expect(partial).toEqual([])
  })

  it('breaks before an answer', async () => {
    await using server = await serving(request => request.socket.destroy())
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    expect((await outcomeOf(model)).error).toMatchObject({ code: 'MODEL_ANSWER_CUT' })
  })

  it.each([
    ['ENOTFOUND', 'MODEL_UNAVAILABLE'],
    ['UND_ERR_CONNECT_TIMEOUT', 'MODEL_UNAVAILABLE'],
    ['CERT_HAS_EXPIRED', 'MODEL_UNAVAILABLE'],
    ['ECONNRESET', 'MODEL_ANSWER_CUT'],
    ['HPE_INVALID_CONSTANT', 'MODEL_ANSWER_MALFORMED'],
  ])('says %s', (code, expected) => {
    const cause = Object.assign(new Error('from the network'), { code })
    const error = modelErrorOf(new Error('Cannot connect to API', { cause }), call)
    expect(error).toMatchObject({ code: expected, details: { providerCode: code } })
  })
})

describe('the code that is shown', () => {
  const texts = ['the_ferry_sank_at_dawn', 'ECHOED']
  it.each(texts)('is none of the free choice of a provider: %s', async text => {
    const body = { error: { message: text, type: text, code: text, status: text } }
    const { error } = await refusedWith({ status: 400, body })
    expect(error).toMatchObject({ code: 'MODEL_REQUEST_REFUSED', details: { status: 400 } })
    const streamed = modelErrorOf({ code: text, type: text, message: text }, { ...call, answered: true })
    for (const shown of [error, streamed])
      expect(`${String(shown)} ${JSON.stringify(shown)}`.toLowerCase()).not.toContain(text.toLowerCase())
  })

  it('is the one that is known, whatever stands beside it', async () => {
    const { error } = await refusedWith({
      status: 429,
      body: openai('insufficient_quota', 'Pay', 'the_ferry'),
    })
    expect(error).toMatchObject({ details: { providerCode: 'insufficient_quota' } })
  })
})

describe('what cannot be read at all', () => {
  it.each([undefined, null, 'x', 42, {}, [], new Error(''), Object.create(null)])('%s', value => {
    expect(modelErrorOf(value, call)).toBeInstanceOf(ModelError)
  })

  it('does not run in circles', () => {
    const error: Error & { cause?: unknown } = new Error('x')
    error.cause = error
    expect(modelErrorOf(error, call).code).toBe('MODEL_UNAVAILABLE')
  })
})
